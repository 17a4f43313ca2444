"""`duluan sources check|record`: each source's health; a page and its expected record as a fixture."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from duluan.cli.common import ProvinceDir, StoreUrl, open_index, open_province
from duluan.cli.crawl import chosen
from duluan.clock import local, system_clock
from duluan.settings import loopback_allowed, state_folder

if TYPE_CHECKING:
    from flows.sources import SourceHealth

app = typer.Typer(add_completion=False, help="Kiểm tra nguồn, ghi trang mẫu.")

_ROBOTS = {"rules": "cho phép", "none": "không có", "refused": "cấm", "unreachable": "không đọc được", "": "–"}
_STAMPS = {
    "minute": "đến phút",
    "day": "chỉ có ngày",
    "missing": "thiếu",
    "differs": "khác danh sách",
    "future": "tương lai",
    "": "–",
}
_TRENDS = {
    "usual": "như thường",
    "silent": "im lặng",
    "few": "ít bất thường",
    "doubled": "tăng gấp đôi",
    "new": "chưa đủ dữ liệu",
}


@app.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Mã nguồn; bỏ trống: mọi nguồn.")
    ] = None,
    province: ProvinceDir = None,
    store: StoreUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="In ra JSON.")] = False,
) -> None:
    """Thử từng nguồn: có đọc được không, robots.txt, mục mới nhất, số mục mỗi ngày so với dự kiến và với chính nó, giờ đăng."""
    from flows.sources import check_health

    profile = open_province(province)
    index = open_index(store)
    try:
        health = check_health(
            index,
            profile,
            chosen(profile, names or []),
            state_dir=state_folder(),
            clock=system_clock,
            allow_loopback=loopback_allowed(),
        )
    finally:
        index.close()
    if as_json:
        print(json.dumps([_record(row) for row in health], ensure_ascii=False, indent=2))
    else:
        _show(health)
    failed = sum(not row.check.passed for row in health)
    print(
        f"sources check: {len(health)} nguồn, {len(health) - failed} dùng được, {failed} chưa dùng được",
        file=sys.stderr,
    )
    raise typer.Exit(3 if failed else 0)


@app.command()
def record(
    url: Annotated[str, typer.Argument(help="Địa chỉ trang bài.")],
    name: Annotated[str, typer.Option("--name", help="Tên cặp tệp mẫu.")],
    out: Annotated[Path, typer.Option("--out", help="Thư mục ghi.")] = Path("tests/fixtures/pages"),
    rules: Annotated[
        str | None, typer.Option("--rules", help="Tên quy tắc bóc tách (mặc định: theo tên miền).")
    ] = None,
    nukeviet: Annotated[bool, typer.Option("--nukeviet", help="Trang chạy NukeViet.")] = False,
    province: ProvinceDir = None,
) -> None:
    """Tải một trang và ghi kèm kết quả bóc tách để người rà soát, làm mẫu kiểm thử cho quy tắc của trang."""
    from flows.sources import record_page

    html, meta = record_page(
        url,
        name,
        out,
        profile=open_province(province),
        state_dir=state_folder(),
        clock=system_clock,
        allow_loopback=loopback_allowed(),
        rules=rules,
        nukeviet=nukeviet,
    )
    print(f"đã ghi {html} và {meta}; hãy rà soát, bỏ tên riêng của người dân rồi mới đưa vào kho mã", file=sys.stderr)


def _record(row: SourceHealth) -> dict[str, Any]:
    from crawlers.check import to_plain

    return to_plain(row.check) | {
        "name": row.source.name,
        "passed": row.check.passed,
        "expected_per_day": list(row.source.expected_per_day),
        "usual": row.usual,
        "yesterday": row.yesterday,
        "in_range": row.expected,
        "trend": row.trend,
    }


def _show(health: list[SourceHealth]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in (
        "Nguồn",
        "Đọc được",
        "robots.txt",
        "Mới nhất",
        "Mục/ngày",
        "Dự kiến",
        "So với chính nó",
        "Giờ đăng",
        "Ghi chú",
    ):
        table.add_column(title, overflow="fold")
    for row in health:
        per_day = row.usual if row.usual is not None else row.check.per_day
        low, high = row.source.expected_per_day
        mark = {True: "", False: " (lệch)", None: ""}[row.expected]
        table.add_row(
            row.source.id,
            "có" if row.check.reachable else "không",
            _ROBOTS.get(row.check.robots, row.check.robots),
            local(row.check.newest).strftime("%d/%m %H:%M") if row.check.newest else "–",
            "–" if per_day is None else f"{per_day:g}".replace(".", ",") + mark,
            f"{low:g}–{high:g}",
            _TRENDS.get(row.trend, "–"),
            _STAMPS[row.check.stamp],
            row.check.problem,
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)
