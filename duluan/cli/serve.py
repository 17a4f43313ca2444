"""`duluan serve`: the schedules, by Prefect, in this process."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from duluan.cli.common import ProvinceDir, StoreUrl, open_index, open_province
from duluan.settings import state_folder, store_url

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    province: ProvinceDir = None,
    store: StoreUrl = None,
    state: Annotated[Path | None, typer.Option(help="Thư mục trạng thái thu thập (mặc định var/state).")] = None,
    every: Annotated[int, typer.Option(min=5, help="Số giây giữa hai vòng thu thập.")] = 600,
) -> None:
    """Chạy theo lịch: mười phút một vòng thu thập và cảnh báo, bản tin sáng thứ Sáu, dọn dữ liệu quá hạn lúc ba giờ."""
    profile = open_province(province)  # what is wrong stops here, not in the first scheduled run
    open_index(store).close()
    folder = str(state_folder(str(state) if state else None))
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")  # no calls home
    os.environ.setdefault("DO_NOT_TRACK", "1")
    signal.signal(signal.SIGTERM, _leave)
    from flows.prefect_server import local_server

    with local_server() as api:
        os.environ["PREFECT_API_URL"] = api  # read by Prefect when it is imported, below
        from flows.schedule import serve as run

        typer.echo(f"duluan đang chạy theo lịch, {every} giây một vòng; Ctrl-C để dừng.", err=True)
        asyncio.run(run(str(profile.folder), store_url(store), folder, every=every))


def _leave(number: int, frame: object) -> None:
    raise SystemExit(0)
