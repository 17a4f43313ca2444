"""The real items of ../shared/data/rss_daily_2025_2026 as documents, enriched by chance but fixed numbers: what bench/stores.py
loads. Texts never leave memory and the temporary store."""

from __future__ import annotations

import csv
import lzma
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from duluan.clock import LOCAL
from duluan.model import Clustered, Place
from duluan.urls import document_id

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
_ITEMS = SHARED / "data" / "rss_daily_2025_2026" / "articles.csv.xz"
_CODES = "giao_thong dat_dai moi_truong thien_tai tai_nan an_ninh y_te giao_duc kinh_te an_sinh hanh_chinh khac"
_TOPICS = _CODES.split()
# Documents a batch, as the flow writes them.
BATCH = 500


def items(seed: int = 1) -> Iterator[Clustered]:
    """The real items in order, with made-up but fixed enrichment; every 12th reprints an earlier one."""
    chance = random.Random(seed)
    earlier: list[str] = []
    with lzma.open(_ITEMS, "rt", encoding="utf-8", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle)):
            yield _item(row, number, seed, chance, earlier)


def _item(row: dict[str, str], number: int, seed: int, chance: random.Random, earlier: list[str]) -> Clustered:
    url = f"{row['link']}?n={seed}"
    id_ = document_id(url)
    origin = chance.choice(earlier) if earlier and number % 12 == 0 else id_
    earlier.append(id_)
    del earlier[:-2000]
    fetched = datetime.fromisoformat(row["first_seen"]).replace(tzinfo=LOCAL)
    negative = round(chance.random(), 4)
    code = f"{chance.randrange(96) + 21000}"
    places = (
        (Place(code=code, era="now", level="commune", name="x", now=(code,), written="x"),) if number % 3 == 0 else ()
    )
    return Clustered(
        id=id_,
        url=url,
        source=row["source"],
        kind="news",
        title=row["title"],
        text=row["summary"],
        fetched=fetched,
        published=fetched - timedelta(minutes=chance.randrange(180)),
        lang="vi",
        topic=chance.choice(_TOPICS),
        topic_p=0.9,
        sentiment=chance.choice(("neg", "neu", "neu", "pos")),
        sentiment_p={"neg": negative, "neu": round(1 - negative, 4), "pos": 0.0},
        uncertain=False,
        feedback=False,
        feedback_p=0.1,
        toxic_p=0.0,
        places=places,
        in_province=True,
        agency="so_xay_dung",
        keywords=tuple(row["title"].lower().split()[:5]),
        models={"topic": "linear-1", "sentiment": "linear-1", "places": "1"},
        origin=origin,
        issue=f"i{number // 4}",
    )


def many(count: int) -> Iterator[Clustered]:
    """`count` documents: the real items again and again under other addresses."""
    made = 0
    seed = 1
    while made < count:
        for item in islice(items(seed), count - made):
            made += 1
            yield item
        seed += 1


def batches(stream: Iterator[Clustered], size: int = BATCH) -> Iterator[list[Clustered]]:
    """Lists of `size`."""
    while batch := list(islice(stream, size)):
        yield batch
