"""`duluan import`: others' CSV, XLSX, JSON Lines → store, redacted, enriched, clustered."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duluan.cli.common import ProvinceDir, Quiet, StoreUrl, open_index, open_province
from duluan.cli.progress import counter

if TYPE_CHECKING:
    from flows.importing import Item

app = typer.Typer(add_completion=False)


@app.command()
def import_files(
    files: Annotated[list[Path], typer.Argument(help="Tệp .csv, .xlsx, .jsonl (kèm .xz, .gz).")],
    map_file: Annotated[
        Path | None, typer.Option("--map", help="Tệp TOML nói cột nào là gì (xem docs/huong-dan.md).")
    ] = None,
    province: ProvinceDir = None,
    store: StoreUrl = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Số tiến trình phân tích (mặc định: số lõi).")
    ] = None,
    keywords: Annotated[bool, typer.Option(help="Tách từ khóa (phần chậm nhất của việc phân tích).")] = True,
    quiet: Quiet = False,
) -> None:
    """Nhập CSV, XLSX, JSON Lines có sẵn vào kho: che thông tin cá nhân, phân tích, gom vấn đề."""
    from flows.importing import check_files, read_files, read_map
    from flows.ingest import Pipeline
    from flows.parallel import ParallelEnricher

    mapping = read_map(map_file) if map_file else None
    check_files(files, mapping)
    profile = open_province(province)
    index = open_index(store)
    try:
        with (
            counter("Nhập dữ liệu", quiet=quiet) as progress,
            ParallelEnricher(profile, workers=workers, keywords=keywords) as enrich,
        ):
            report = Pipeline(index, enrich, agency_of=profile.agency_id).ingest(
                _told(read_files(files, mapping)), progress=progress
            )
    finally:
        index.close()
    if not quiet:
        print(
            f"import: đọc {report.read}, ghi mới {report.written}, cập nhật {report.updated}, "
            f"đã có {report.known}, loại {report.rejections}",
            file=sys.stderr,
        )
    raise typer.Exit(3 if report.rejections else 0)


def _told(items: Iterator[Item]) -> Iterator[Item]:
    """Tells each bad record as it passes."""
    from duluan.model import Rejected

    for item in items:
        if isinstance(item, Rejected):
            print(f"rejected {item.where} {item.reason}: {item.detail}", file=sys.stderr)
        yield item
