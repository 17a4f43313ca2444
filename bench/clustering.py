"""Yardstick for reprints and issues: B³ on AbMusu-2022, storms of one season apart, reprint recall under edits, speed.

    python bench/clustering.py [--documents N]

Gold: AbMusu's clusters, those of the same event merged (`SAME_EVENT`: pairs whose tf-idf centroids have a cosine above .22 were
read side by side; 24 of them tell of one event). Names number the clusters of train (t) and validation (v) in file order.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import random
import re
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from duluan.clock import LOCAL
from duluan.model import Document
from nlp.cluster import Clusterer
from nlp.reprints import ReprintIndex, sketch

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
START = datetime(2026, 1, 5, tzinfo=UTC)
SAME_EVENT = (
    "t87-t101 t36-t192 t39-t156 v68-v98 t186-t199 t94-t111 t181-v7 t164-t185 t25-t178 t104-t149 t104-t193 t15-t21 "
    "t17-t155 t75-t155 t80-t159 t1-t58 t0-t128 v64-v77 v33-v99 t18-t108 v12-v94 t3-t174 t44-t188 t29-v25"
)
FRAME = (
    "Mời quý độc giả theo dõi các chương trình đã phát trên kênh của chúng tôi và chia sẻ bài viết này với người thân. "
    "Bản quyền thuộc về tòa soạn, đề nghị ghi rõ nguồn khi phát hành lại thông tin từ trang này."
)


@dataclass(frozen=True, slots=True)
class Item:
    """One article of AbMusu and the event that it tells of."""

    event: str
    title: str
    lead: str
    body: str


def abmusu(part: str) -> list[Item]:
    """The articles of one part in file order, events merged."""
    root = _merged()
    found = []
    with lzma.open(DATA / "abmusu2022" / f"{part}.jsonl.xz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            event = root.get(f"{part[0]}{number}", f"{part[0]}{number}")
            for article in json.loads(line)["single_documents"]:
                found.append(Item(event, article["title"], article["anchor_text"], article["raw_text"]))
    return found


def _merged() -> dict[str, str]:
    root: dict[str, str] = {}
    for pair in SAME_EVENT.split():
        a, b = (_root(root, name) for name in pair.split("-"))
        root[b] = a
    return {name: _root(root, name) for name in root}


def _root(root: dict[str, str], name: str) -> str:
    while root.get(name, name) != name:
        name = root[name]
    return name


def b_cubed(gold: Sequence[str], found: Sequence[str]) -> tuple[float, float, float]:
    """F1, precision, recall (Bagga and Baldwin 1998)."""
    by_gold, by_found = defaultdict(set), defaultdict(set)
    for number, (a, b) in enumerate(zip(gold, found, strict=True)):
        by_gold[a].add(number)
        by_found[b].add(number)
    shared = [len(by_gold[a] & by_found[b]) for a, b in zip(gold, found, strict=True)]
    precision = sum(n / len(by_found[b]) for n, b in zip(shared, found, strict=True)) / len(gold)
    recall = sum(n / len(by_gold[a]) for n, a in zip(shared, gold, strict=True)) / len(gold)
    return 2 * precision * recall / (precision + recall), precision, recall


def clustered(items: Sequence[Item], *, lead_only: bool) -> list[str]:
    """Issue of each item, five minutes apart."""
    clusterer = Clusterer()
    documents = [_document(number, item, lead_only) for number, item in enumerate(items)]
    return [given.issue for given in clusterer.add(documents)]


def _document(number: int, item: Item, lead_only: bool) -> Document:
    return Document(
        id=f"{number:016x}",
        url=f"https://bao.example/{number}",
        source="bao",
        kind="news",
        title=item.title,
        text=item.lead if lead_only else _text(item),
        fetched=START + timedelta(minutes=5 * number),
    )


def report_issues() -> None:
    """B³ in file order and in two shuffles, whole articles and title + lead only."""
    for part in ("train", "validation"):
        for lead_only in (False, True):
            for seed in (0, 1, 2):
                items = abmusu(part)
                if seed:
                    random.Random(seed).shuffle(items)
                figures = b_cubed([item.event for item in items], clustered(items, lead_only=lead_only))
                name = f"{part}{' title+lead' if lead_only else ''} order {seed}"
                print(f"{name:30} B³ F1 {figures[0]:.3f}  precision {figures[1]:.3f}  recall {figures[2]:.3f}")


STORMS = [
    "mitag",
    "ragasa",
    "bualoi",
    "matmo",
    "fengshen",
    "kalmaegi",
    "fung-wong",
    "koto",
]  # autumn 2025, numbered from 8 on
WEATHER = re.compile("bão|lũ|mưa|sạt lở|áp thấp|ngập|lốc|thiên tai|sơ tán|thủy điện|hồ chứa|cầu ", re.IGNORECASE)
SEASON = (datetime(2025, 9, 14, tzinfo=LOCAL), datetime(2025, 11, 30, tzinfo=LOCAL))


def storm_of(document: Document) -> str | None:
    """The one storm that a text names, by its name or number; None where it names none or several."""
    text = f"{document.title} {document.text}".lower()
    named = {name for name in STORMS if name in text}
    for number in re.findall(r"bão số (\d+)\b", text):
        if 8 <= int(number) < 8 + len(STORMS):
            named.add(STORMS[int(number) - 8])
    return named.pop() if len(named) == 1 else None


def report_storms() -> None:
    """A real season of storms: B³ over the texts that name one, and large issues that run for more than two weeks."""
    every = short_documents(10**9)
    season = [d for n, d in enumerate(every) if SEASON[0] <= d.fetched < SEASON[1] and (n % 12 == 0 or _weather(d))]
    found = _settled(season)
    gold = {d.id: storm for d in season if (storm := storm_of(d))}
    figures = b_cubed(list(gold.values()), [found[id] for id in gold])
    when: dict[str, list[datetime]] = defaultdict(list)
    for document in season:
        when[found[document.id]].append(document.fetched)
    large = [times for times in when.values() if len(times) >= 20]
    lasting = sum(max(times) - min(times) > timedelta(days=14) for times in large)
    print(
        f"storms of one season, {len(gold)} of {len(season)} texts: precision {figures[1]:.3f}  recall {figures[2]:.3f}"
    )
    print(f"issues of 20 texts and more: {len(large)}, over more than two weeks: {lasting}")


def _weather(document: Document) -> bool:
    return WEATHER.search(f"{document.title} {document.text}") is not None


def _settled(documents: Sequence[Document]) -> dict[str, str]:
    """Document → issue as a store has them at the end."""
    clusterer, found = Clusterer(), {}
    for start in range(0, len(documents), 500):
        found |= {item.id: item.issue for item in clusterer.add(documents[start : start + 500])}
        changes = clusterer.take_changes()
        found |= {id: issue for id, issue in changes.moves.items() if id in found}
        for id, issue in found.items():
            while issue in changes.merges:
                issue = changes.merges[issue]
            found[id] = issue
    return found


def edits(words: Sequence[str]) -> dict[str, Callable[[Item, random.Random], str]]:
    """The ways in which outlets change what they take over."""
    return {
        "truncated to 40 %": lambda item, _: " ".join(
            _text(item).split()[: max(12, len(_text(item).split()) * 2 // 5)]
        ),
        "boilerplate around": lambda item, _: f"{FRAME} {_text(item)} {FRAME}",
        "30 % of sentences dropped": _dropped,
        "lead only": lambda item, _: item.lead or " ".join(_text(item).split()[:40]),
        "15 % of words edited": lambda item, chance: " ".join(
            word if chance.random() > 0.15 else chance.choice(words) for word in _text(item).split()
        ),
    }


def _dropped(item: Item, chance: random.Random) -> str:
    sentences = [part for part in re.split(r"(?<=[.!?])\s+", _text(item)) if part.strip()]
    return " ".join([part for part in sentences if chance.random() > 0.3] or sentences[:1])


def _text(item: Item) -> str:
    return f"{item.lead}\n{item.body}"


def report_reprints() -> None:
    """Recall of each edit and the share that went to another event."""
    items = abmusu("train") + abmusu("validation")
    words = " ".join(item.body for item in items[:60]).split()
    for name, edit in edits(words).items():
        chance, index = random.Random(5), ReprintIndex()
        own = [_origin(index, f"o{n}", item.title, _text(item)) for n, item in enumerate(items)]
        got = [_origin(index, f"p{n}", item.title, edit(item, chance)) for n, item in enumerate(items)]
        hit = sum(a == b for a, b in zip(own, got, strict=True)) / len(items)
        event = {f"{kind}{n}": item.event for n, item in enumerate(items) for kind in "op"}
        cross = sum(event[id] != item.event for id, item in zip(got, items, strict=True)) / len(items)
        print(f"{name:30} recall {hit:.3f}  cross-event {cross:.4f}")


def _origin(index: ReprintIndex, id: str, title: str, text: str) -> str:
    return index.origin_of(id, *sketch(title, text), own_words=False, day=1)


def short_documents(limit: int) -> Iterator[Document]:
    """Real titles and leads in order of fetching."""
    path = DATA / "rss_daily_2025_2026" / "articles.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle)):
            if number >= limit:
                return
            yield Document(
                id=f"{number:016x}",
                url=row["link"],
                source=row["source"],
                kind="news",
                title=row["title"],
                text=row["summary"],
                fetched=datetime.fromisoformat(row["first_seen"]).replace(tzinfo=LOCAL),
            )


def report_speed(limit: int) -> None:
    """Documents a second of processor time through reprints and issues, changes taken every 1,000; size of the state."""
    documents = list(short_documents(limit))
    clusterer, begun = Clusterer(), time.process_time()
    for start in range(0, len(documents), 1000):
        clusterer.add(documents[start : start + 1000])
        clusterer.take_changes()
    spent = time.process_time() - begun
    blob = clusterer.snapshot()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(documents)} short documents: {len(documents) / spent:.0f}/s of processor time, peak {peak:.0f} MB")
    print(f"live issues {len(clusterer.working.events)}, snapshot {len(blob) / 1e6:.1f} MB")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000, help="short documents for the speed test")
    asked = parser.parse_args()
    report_issues()
    report_storms()
    report_reprints()
    report_speed(asked.documents)


if __name__ == "__main__":
    main()
