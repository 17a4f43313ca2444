"""`duluan brief`: the weekly briefing as Word, web page or PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duluan.cli.common import ProvinceDir, Quiet, StoreUrl, open_index, open_province
from duluan.clock import system_clock
from duluan.errors import InputError

app = typer.Typer(add_completion=False)

FORMATS = ("docx", "html", "pdf")


@app.command()
def brief(
    week: Annotated[str | None, typer.Option(help="Tuần báo cáo, ví dụ 2026-W12 (thứ Sáu đến thứ Năm).")] = None,
    first: Annotated[str | None, typer.Option("--from", help="Ngày đầu, ví dụ 2026-03-01.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Ngày cuối, tính cả ngày này.")] = None,
    formats: Annotated[str, typer.Option("--format", help="docx, html, pdf; cách nhau bằng dấu phẩy.")] = "docx,html",
    out: Annotated[Path, typer.Option(help="Thư mục ghi bản tin.")] = Path("out/ban-tin"),
    province: ProvinceDir = None,
    store: StoreUrl = None,
    quiet: Quiet = False,
) -> None:
    """Soạn bản tin tuần (--week) hoặc của một khoảng ngày (--from, --to)."""
    from flows.brief import Period
    from flows.briefing_files import write_briefing

    chosen = [name.strip() for name in formats.split(",") if name.strip()]
    if unknown := [name for name in chosen if name not in FORMATS]:
        raise InputError(f"--format: không có {unknown[0]!r}; cho phép: {', '.join(FORMATS)}")
    if bool(week) == bool(first and last):
        raise typer.BadParameter("chọn --week, hoặc cả --from và --to")
    period = Period.week(week) if week else Period.dates(first or "", last or "")
    profile = open_province(province)
    index = open_index(store)
    try:
        files = write_briefing(index, profile, period, chosen, out, clock=system_clock)
    finally:
        index.close()
    if not quiet:
        for path in files:
            typer.echo(str(path))
