"""The older weeks as files for `duluan import`: JSON Lines with fetch lines, and one outlet's archive as CSV with its own columns."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from duluan.records import Record, dumps, to_record
from flows.sample.outlets import SONG_TRA

if TYPE_CHECKING:
    from flows.sample.content import Item, Sample

ARCHIVE: Final = SONG_TRA.id  # this outlet's older weeks come as the CSV
MAP: Final = f"""# Ánh xạ cột của kho tin báo (mẫu): cột của tệp CSV → khóa của bản ghi.
[columns]
title = "tieu_de"
text = "noi_dung"
url = "lien_ket"
source = "nguon"
published = "dang_luc"
fetched = "lay_luc"
kind = "loai"

[defaults]
kind = "news"
zone = "Asia/Ho_Chi_Minh"
source = "{ARCHIVE}"

[values.source]
"{SONG_TRA.name}" = "{ARCHIVE}"

[values.kind]
"tin" = "news"
"""


@dataclass(frozen=True, slots=True)
class HistoryFiles:
    """`jsonl`: Documents of the contract and fetch lines, by time; `csv` + `map`: the archive of one newspaper."""

    jsonl: Path
    csv: Path
    map: Path
    documents: int
    fetches: int


def write_history(sample: Sample, folder: Path) -> HistoryFiles:
    """Write what lies before `sample.crawl_from`; the same sample gives the same bytes. `folder` is made where missing."""
    folder.mkdir(parents=True, exist_ok=True)
    files = HistoryFiles(
        jsonl=folder / "tuan-truoc.jsonl",
        csv=folder / "kho-tin-bao-song-tra.csv",
        map=folder / "kho-tin-bao-song-tra.toml",
        documents=len(sample.history),
        fetches=len(sample.fetches),
    )
    with files.jsonl.open("w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(dumps(record) + "\n" for _, record in sorted(_lines(sample), key=lambda pair: pair[0]))
    with files.csv.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("ma_so", "tieu_de", "noi_dung", "lien_ket", "nguon", "dang_luc", "lay_luc", "loai", "tac_gia"))
        writer.writerows(_row(item, fetched) for item, fetched in _fetched(sample) if item.outlet == ARCHIVE)
    files.map.write_text(MAP, encoding="utf-8")
    return files


def _lines(sample: Sample) -> Iterator[tuple[tuple[datetime, int, str], Record]]:
    """Records with their order: by fetch time, the fetch line before what it brought."""
    texts = {item.url: item.text for item in sample.items if item.kind == "post"}
    for fetch in sample.fetches:
        yield (fetch.at, 0, fetch.source), to_record(fetch)
    for item, fetched in _fetched(sample):
        if item.outlet != ARCHIVE:
            record = to_record(item.document(fetched, answered=texts.get(item.parent or "", "")))
            # An author as a careless exporter would leave it in: the import drops and counts keys outside the schema.
            yield (fetched, 1, item.url), {**record, "author": item.author}


def _fetched(sample: Sample) -> Iterator[tuple[Item, datetime]]:
    """Each older item with the first good try of its source that could see it; what none saw is left out."""
    tries: dict[str, list[datetime]] = {}
    for fetch in sample.fetches:
        if fetch.ok:
            tries.setdefault(fetch.source, []).append(fetch.at)
    for item in sample.history:
        times = tries[item.outlet]
        place = bisect_left(times, item.published)
        if place < len(times):
            yield item, times[place] + timedelta(seconds=1)


def _row(item: Item, fetched: datetime) -> tuple[str, ...]:
    """Local times without an offset: the map's zone says what they mean."""
    return (
        str(item.number),
        item.title,
        item.text,
        item.url,
        SONG_TRA.name,
        f"{item.published:%d/%m/%Y %H:%M}",
        f"{fetched:%Y-%m-%d %H:%M:%S}",
        "tin",
        item.author,
    )
