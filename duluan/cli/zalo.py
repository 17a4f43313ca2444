"""`duluan zalo serve|counts`: messages to the Official Account, counted by topic and hour; their words are never kept."""

from __future__ import annotations

import json
import signal
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from duluan.cli.common import ProvinceDir, open_province
from duluan.clock import format_time, local, system_clock
from duluan.settings import state_folder

app = typer.Typer(add_completion=False, help="Đếm tin nhắn gửi tới Zalo OA theo chủ đề và giờ; không lưu nội dung.")


@app.command()
def serve(
    source: Annotated[
        str | None, typer.Option("--source", help="Mã nguồn Zalo OA (mặc định: nguồn via = zalo duy nhất).")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Địa chỉ nghe; đặt sau máy chủ TLS của tỉnh.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Cổng nghe; 0: cổng trống bất kỳ.")] = 8788,
    province: ProvinceDir = None,
) -> None:
    """Nhận sự kiện của Zalo (webhook): kiểm chữ ký, phân loại trong bộ nhớ, chỉ giữ số đếm."""
    from crawlers.webhook_server import listening
    from flows.zalo import hook_of, zalo_account

    profile = open_province(province)
    open_hook = hook_of(profile, zalo_account(profile, source), state_folder(), clock=system_clock)
    signal.signal(signal.SIGTERM, _leave)
    with listening(host, port, open_hook) as server:
        typer.echo(f"đang nhận sự kiện Zalo tại http://{host}:{server.server_port}/; Ctrl-C để dừng", err=True)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            typer.echo("đã dừng", err=True)


@app.command()
def counts(
    as_json: Annotated[bool, typer.Option("--json", help="In ra JSON; số dưới 5 để trống (null).")] = False,
    province: ProvinceDir = None,
) -> None:
    """Số tin nhắn theo giờ và chủ đề; dưới 5 chỉ ghi là dưới 5."""
    from crawlers.state import State
    from crawlers.zalo_webhook import message_counts
    from duluan.privacy import MIN_CELL

    names = open_province(province).topic_names
    rows = message_counts(State(state_folder()), MIN_CELL)
    if as_json:
        for hour, topic, n in rows:
            print(json.dumps({"hour": format_time(local(hour)), "topic": topic, "messages": n}))
        return
    if not rows:
        print("chưa có tin nhắn nào được đếm; webhook chạy bằng: duluan zalo serve", file=sys.stderr)
        return
    table = Table(box=None, pad_edge=False)
    for title in ("Giờ", "Chủ đề", "Tin nhắn"):
        table.add_column(title, justify="right" if title == "Tin nhắn" else "left")
    for hour, topic, n in rows:
        shown = str(n) if n is not None else f"<{MIN_CELL}"
        table.add_row(local(hour).strftime("%d/%m/%Y %H:00"), names.get(topic, topic), shown)
    Console(width=None if sys.stdout.isatty() else 80).print(table)


def _leave(number: int, frame: object) -> None:
    raise KeyboardInterrupt
