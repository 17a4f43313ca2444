"""`duluan sources check|record`: each source's health; a page and its expected record as a fixture."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from duluan.cli.common import ProvinceDir, StoreUrl, open_index, open_province
from duluan.cli.crawl import chosen, switched_on
from duluan.cli.progress import counter
from duluan.clock import local, system_clock
from duluan.settings import loopback_allowed, state_folder

if TYPE_CHECKING:
    from flows.sources import SourceHealth

app = typer.Typer(add_completion=False, help="Kiểm tra nguồn, ghi trang mẫu.")

# Short enough for the whole table to stand in 80 columns; --json tells the same in full.
_ROBOTS = {"rules": "được", "none": "được", "refused": "cấm", "unreachable": "lỗi", "": "–"}
_STAMPS = {"minute": "phút", "day": "ngày", "missing": "thiếu", "differs": "lệch", "future": "sai", "": "–"}
_TRENDS = {"usual": "như thường", "silent": "im lặng", "few": "ít hẳn", "doubled": "gấp đôi", "new": "chưa rõ"}
_FLAGGED = frozenset({"silent", "few", "doubled"})
_WIDTH = 80


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
    sources = chosen(profile, names) if names else switched_on(list(profile.sources))
    try:
        with counter("Kiểm tra nguồn", total=len(sources)) as progress:
            health = check_health(
                index,
                profile,
                sources,
                state_dir=state_folder(),
                clock=system_clock,
                allow_loopback=loopback_allowed(),
                progress=progress,
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
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", width=1)
    table.add_column("Nguồn", overflow="fold", max_width=24)
    table.add_column("robots", no_wrap=True)
    table.add_column("Mới nhất", no_wrap=True)
    table.add_column("Mục/ngày", no_wrap=True, justify="right")
    table.add_column("Dự kiến", no_wrap=True, justify="right")
    table.add_column("Nhịp", no_wrap=True)
    table.add_column("Giờ", no_wrap=True)
    for row in health:
        table.add_row(*_cells(row))
    console.print(table)
    _list(console, "Chưa dùng được", [(row.source.id, row.check.problem) for row in health if not row.check.passed])
    _list(
        console, "Cần xem", [(row.source.id, remark) for row in health if row.check.passed and (remark := _remark(row))]
    )


def _cells(row: SourceHealth) -> tuple[str, ...]:
    per_day = row.usual if row.usual is not None else row.check.per_day
    low, high = row.source.expected_per_day
    return (
        "✓" if row.check.passed else "✗",
        row.source.id,
        _ROBOTS.get(row.check.robots, row.check.robots),
        local(row.check.newest).strftime("%d/%m %H:%M") if row.check.newest else "–",
        "–" if per_day is None else _number(per_day),
        f"{low:g}–{high:g}",
        _TRENDS.get(row.trend, "–"),
        _STAMPS[row.check.stamp],
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".replace(".", ",").removesuffix(",0")


def _remark(row: SourceHealth) -> str:
    """What a person should look at in a source that works: its pace against its own past and the profile, its times."""
    said = [row.check.note]
    if row.trend in _FLAGGED and row.usual is not None:
        said.append(f"hôm qua {row.yesterday} mục, thường ngày {_number(row.usual)} ({_TRENDS[row.trend]})")
    if row.expected is False:
        low, high = row.source.expected_per_day
        said.append(f"số mục mỗi ngày ngoài khoảng dự kiến {low:g}–{high:g}")
    if row.check.stamp == "day":
        said.append("trang chỉ ghi ngày, không có giờ đăng")
    if row.check.stamp == "differs":
        said.append("giờ trong danh sách khác giờ trên trang; lấy giờ trên trang")
    return "; ".join(part for part in said if part)


def _list(console: Console, heading: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        console.print(f"\n{heading}:", markup=False)
    for name, text in rows:
        console.print(Padding(Text(f"{name}: {text}"), (0, 0, 0, 2)))
