"""`duluan label export|import`: a table of documents to check, and staff's answers back into the store."""

from __future__ import annotations

import sys
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from duluan.cli.common import ProvinceDir, Quiet, StoreUrl, open_index, open_province
from duluan.clock import LOCAL, format_time, system_clock
from duluan.errors import InputError
from duluan.query import Filter

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Xuất văn bản để cán bộ gắn nhãn, nhập nhãn trở lại."
)


class PickName(StrEnum):
    """Which documents come first."""

    doubtful = "doubtful"
    newest = "newest"
    random = "random"


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Tệp ra: .xlsx, .csv hoặc .jsonl.")],
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Nhiều nhất bao nhiêu văn bản.")] = 200,
    pick: Annotated[
        PickName, typer.Option(help="doubtful: mô hình ngờ nhất; newest: mới nhất; random: ngẫu nhiên.")
    ] = PickName.doubtful,
    labelled: Annotated[bool, typer.Option("--labelled", help="Xuất các văn bản đã có nhãn (để huấn luyện).")] = False,
    since: Annotated[str | None, typer.Option(help="Từ ngày, ví dụ 2026-03-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Đến hết ngày.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Mã chủ đề; nêu được nhiều lần.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="news, post, comment, report, survey.")] = None,
    province: ProvinceDir = None,
    store: StoreUrl = None,
) -> None:
    """Xuất một bảng để cán bộ sửa các cột «(đúng)»; không có tên người viết, không có đường dẫn."""
    from flows.label_files import write_rows
    from flows.labels import rows_labelled, rows_to_check

    profile = open_province(province)
    query = Filter(
        since=_midnight(since), until=_midnight(until, 1), topics=tuple(topic or ()), kinds=tuple(kind or ())
    )
    index = open_index(store)
    try:
        rows = rows_labelled(index, query) if labelled else rows_to_check(index, query, limit=limit, pick=pick.value)
        write_rows(file, rows, [topic.code for topic in profile.topics])
        index.audit({"at": format_time(system_clock()), "what": "label_export", "documents": len(rows)})
    finally:
        index.close()
    print(f"đã ghi {len(rows)} văn bản vào {file}; xóa tệp sau khi dùng xong (văn bản chỉ được lưu có hạn)")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Tệp đã gắn nhãn: .xlsx, .csv hoặc .jsonl.")],
    province: ProvinceDir = None,
    store: StoreUrl = None,
    quiet: Quiet = False,
) -> None:
    """Nhập nhãn của cán bộ: từ nay thắng câu trả lời của mô hình trên các văn bản ấy, cả khi phân tích lại."""
    from flows.labels import import_labels, read_labelled

    if not file.is_file():
        raise InputError(f"không có tệp {file}")
    profile = open_province(province)
    index = open_index(store)
    now = system_clock()
    try:
        report = import_labels(index, profile, read_labelled(file, profile, now), now)
    finally:
        index.close()
    for item in report.rejected:
        print(f"rejected {item.where} {item.reason}: {item.detail}", file=sys.stderr)
    if not quiet:
        print(
            f"label import: nhận {report.labels} nhãn, sửa {report.changed} văn bản, loại {len(report.rejected)}",
            file=sys.stderr,
        )
    raise typer.Exit(3 if report.rejected else 0)


def _midnight(day: str | None, later: int = 0) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.combine(datetime.fromisoformat(day).date() + timedelta(days=later), time(), LOCAL)
    except ValueError:
        raise InputError(f"{day!r} không phải ngày; viết như 2026-03-01") from None
