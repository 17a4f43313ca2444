"""`duluan run`: the whole way on the configured real sources."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duluan.cli.common import ProvinceDir, Quiet, StoreUrl, open_index, open_province
from duluan.cli.progress import counter
from duluan.clock import local, system_clock
from duluan.settings import loopback_allowed, state_folder

if TYPE_CHECKING:
    from flows.run import RoundReport

app = typer.Typer(add_completion=False)

_PAUSE = 600  # seconds between rounds


@app.command()
def run(
    once: Annotated[bool, typer.Option("--once", help="Chạy một vòng rồi dừng.")] = False,
    province: ProvinceDir = None,
    store: StoreUrl = None,
    state: Annotated[Path | None, typer.Option(help="Thư mục trạng thái thu thập (mặc định var/state).")] = None,
    quiet: Quiet = False,
) -> None:
    """Thu thập → phân tích → lưu → cảnh báo, trên các nguồn đã kiểm chứng; nguồn chưa kiểm chứng được nêu tên và bỏ qua."""
    from flows.outbox import outlets_from_environment
    from flows.run import run_round

    profile = open_province(province)
    outlets = outlets_from_environment()
    index = open_index(store)
    try:
        while True:
            with counter("Thu thập", quiet=quiet) as progress:
                report = run_round(
                    index,
                    profile,
                    clock=system_clock,
                    mailer=outlets.mailer,
                    webhook=outlets.webhook,
                    state_dir=state_folder(str(state) if state else None),
                    allow_loopback=loopback_allowed(),
                    progress=progress,
                )
            _tell(report, quiet=quiet)
            if once:
                raise typer.Exit(3 if report.crawled.rejections else 0)
            time.sleep(_PAUSE)
    finally:
        index.close()


def _tell(report: RoundReport, *, quiet: bool) -> None:
    by_reason: dict[str, list[str]] = {}
    for source, why in report.skipped:
        by_reason.setdefault(why, []).append(source.id)
    for why, names in by_reason.items():
        typer.echo(f"bỏ qua {len(names)} nguồn {why}: {', '.join(names)}", err=True)
    if not quiet:
        crawled, watched = report.crawled, report.watched
        typer.echo(
            f"{local(watched.until):%H:%M %d/%m/%Y}: đọc {crawled.read}, ghi mới {crawled.written}, "
            f"loại {crawled.rejections}, {len(watched.alerts)} cảnh báo, gửi {watched.sent} thư, còn chờ {watched.waiting}"
        )
    for error in report.watched.errors:
        typer.echo(f"duluan: {error}", err=True)
