"""`make bench`: items a second of every stage and of the whole import, and peak memory; writes docs/benchmarks.md.

    python bench/run.py [--items 12000] [--all]

The items are real RSS items of ../shared where it is, else the sample province's. `--all` also runs the other benches of this folder.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

# This folder last: its alerts.py would hide the package `alerts`. Worker processes read this file again.
sys.path.sort(key=str(Path(__file__).resolve().parent).__eq__)
from sections import machine, write_section

from duluan.config import load_province
from duluan.model import Clustered, Document, Enriched
from duluan.privacy import redact
from duluan.records import dumps, to_record
from flows.importing import read_files, read_map
from flows.ingest import clustered
from flows.parallel import ParallelEnricher
from flows.sample.content import DEMO_CLOCK, build
from flows.sample.history import write_history
from index import open_store
from index.base import Batch
from nlp.cluster import Clusterer
from nlp.enrich import Enricher

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "rss_daily_2025_2026" / "articles.csv.xz"
MAP = ROOT / "examples" / "import-maps" / "rss-daily.toml"
OTHERS = ("extraction.py", "polling.py", "clustering.py", "places.py", "redaction.py", "restorer.py", "alerts.py")
WARM = 4000  # documents before the clock starts: models load with the first ones, and a process's memory grows for some thousand
Row = tuple[str, float]


def documents(limit: int, folder: Path) -> tuple[list[Document], str]:
    """The first `limit` documents and what they are."""
    if REAL.is_file():
        found = (item for item in read_files([REAL], read_map(MAP)) if isinstance(item, Document))
        return list(itertools.islice(found, limit)), "real RSS items (title and lead)"
    files = write_history(build(DEMO_CLOCK), folder)
    found = (item for item in read_files([files.jsonl]) if isinstance(item, Document))
    return list(itertools.islice(found, limit)), "items of the sample province"


def timed(name: str, count: int, work: Callable[[], object]) -> Row:
    """One stage, once."""
    begun = time.perf_counter()
    work()
    rate = count / (time.perf_counter() - begun)
    print(f"{name:<44}{rate:>10,.0f} /s", flush=True)
    return name, rate


def stages(items: list[Document], folder: Path) -> list[Row]:
    """Each stage by itself, in this one process."""
    profile = load_province(ROOT / "province" / "quang_ngai")
    plain, full = Enricher(profile, keywords=False), Enricher(profile)
    for enricher in (plain, full):
        list(enricher.enrich(items[:WARM]))
    enriched: list[Enriched] = []
    placed: list[Clustered] = []
    clusterer = Clusterer()
    store = open_store(f"sqlite:///{folder / 'stages.sqlite'}")
    store.setup()

    def cluster() -> None:
        for start in range(0, len(enriched), 500):
            part = enriched[start : start + 500]
            placed.extend(clustered(e, a.origin, a.issue) for e, a in zip(part, clusterer.add(part), strict=True))

    def write() -> None:
        for start in range(0, len(placed), 500):
            store.write(Batch(documents=placed[start : start + 500]))

    def in_parallel() -> Row:
        with ParallelEnricher(profile, workers=2, keywords=False) as enrich:
            list(enrich(items[: 2 * WARM]))
            return timed("enrich, no keywords (two processes)", count, lambda: sum(1 for _ in enrich.stream(items)))

    count = len(items)
    rows = [
        timed("redact", count, lambda: [redact(d.text, d.kind) for d in items]),
        timed("enrich, no keywords (one process)", count, lambda: list(plain.enrich(items))),
        in_parallel(),
        timed(
            "enrich with keywords (one process)",
            count,
            lambda: enriched.extend(e for e in full.enrich(items) if isinstance(e, Enriched)),
        ),
        timed("reprints and clustering", count, cluster),
        timed("SQLite write with rollups", count, write),
    ]
    store.close()
    return rows


def whole(items: list[Document], folder: Path) -> list[Row]:
    """`duluan import` as a user runs it, in its own process with its workers."""
    rows = []
    for name, extra in (("import, whole, no keywords", ["--no-keywords"]), ("import, whole", [])):
        store = ["--store", f"sqlite:///{folder / f'whole{len(extra)}.sqlite'}"]
        rows.append(timed(name, len(items), partial(duluan, "import", _written(items, folder), *store, *extra)))
    return rows


def duluan(command: str, *arguments: str) -> None:
    """One command in a process of its own."""
    line = [sys.executable, "-m", "duluan", command, *arguments, "--quiet"]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)


def _written(items: list[Document], folder: Path) -> str:
    """Path of the items as JSON Lines."""
    source = folder / "in.jsonl"
    source.write_text("".join(dumps(to_record(d)) + "\n" for d in items), encoding="utf-8")
    return str(source)


def _peak(who: int) -> float:
    """MB: the most that one process has taken so far."""
    return resource.getrusage(who).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=12_000)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="duluan-bench-") as name:
        folder = Path(name)
        items, what = documents(args.items, folder)
        duluan("enrich", _written(items, folder))  # before any larger process, whose peak would hide its own
        enriching = _peak(resource.RUSAGE_CHILDREN)
        rows = [*stages(items, folder), *whole(items, folder)]
    memory = (
        f"peak memory: `duluan enrich` {enriching:.0f} MB, all stages in one process {_peak(resource.RUSAGE_SELF):.0f} MB, "
        f"largest import process {_peak(resource.RUSAGE_CHILDREN):.0f} MB"
    )
    print(memory)
    table = "".join(f"| {name} | {rate:,.0f} |\n" for name, rate in rows)
    write_section(
        "Stages and import",
        f"Written by `make bench` {machine()}: {len(items):,} {what}.\n\n| stage | items a second |\n|---|---|\n{table}\n"
        f"{memory[0].upper()}{memory[1:]}.",
    )
    for other in OTHERS if args.all else ():
        subprocess.run([sys.executable, str(ROOT / "bench" / other)], check=False)


if __name__ == "__main__":
    main()
