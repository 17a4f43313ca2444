"""Measures both stores on real items (../shared/data/rss_daily_2025_2026), enriched by chance but fixed numbers.

    python bench/stores.py [--items 117756] [--documents 500000] [--only sqlite|elasticsearch|kills] [--kills 30] [--write]

Prints one line a figure. Elasticsearch is the real server of ../shared, started here; ratios are against a bare
`helpers.bulk` of the same bodies in the same run. Texts never leave memory and the temporary store.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from elastic_node import serve_module
from sections import machine, write_section
from store_items import BATCH, SHARED, batches, items, many
from store_kills import kills_of_both

from duluan.model import Clustered
from duluan.query import Filter, parse_query
from index.base import Batch, Index
from index.elastic_index import ElasticIndex
from index.elastic_retain import settle
from index.elastic_source import source_of
from index.rows import prepare
from index.sqlite import SqliteIndex

QUERIES = [
    "sạt lở", '"quảng ngãi"', "bão lũ", "giá vàng", '"học sinh" trường', "bệnh viện OR trạm y tế", "tai nạn -xe",
    "cầu đường topic:giao_thong", "sat*", '"công an" sentiment:neg', "doanh nghiệp", "mưa lớn kind:news", "điện",
    "place:23500", "topic:thien_tai sentiment:neg", "người dân", "thành phố", "nước", '"biến đổi khí hậu"', "tuyển sinh",
]  # fmt: skip
# Milliseconds: search (95th percentile), board question.
TARGETS = {"SQLite": (60, 20), "Elasticsearch": (40, 60)}


def load(store: Index, documents: list[Clustered]) -> tuple[float, float]:
    """(seconds, seconds of this process's CPU) to write all, in the batches of the flow."""
    gc.collect()
    gc.disable()
    start, cpu = time.perf_counter(), time.process_time()
    for batch in batches(iter(documents)):
        store.write(Batch(documents=batch))
    took = time.perf_counter() - start, time.process_time() - cpu
    gc.enable()
    return took


def bare_bulk(url: str, documents: list[Clustered]) -> float:
    """Seconds for `helpers.bulk` of the same bodies, made up beforehand, into a plain index with the same mapping: one thread, one
    request at a time, as it is. The store makes up its bodies within its time, and sends two requests at a time."""
    import json

    from elasticsearch import Elasticsearch, helpers

    client = Elasticsearch(url, request_timeout=120)
    name = "duluan-news-9999.01-v1"
    client.options(ignore_status=404).indices.delete(index=name)
    client.indices.create(index=name)
    ready, _ = prepare(documents)
    bodies = [json.loads(source_of(item, n, None)) for n, item in enumerate(ready)]
    gc.collect()
    start = time.perf_counter()
    helpers.bulk(client, ({"_index": name, "_id": body["id"], "_source": body} for body in bodies), chunk_size=BATCH)
    took = time.perf_counter() - start
    client.indices.delete(index=name)
    client.close()
    return took


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of each run: on the clock, and of this process's CPU (all there is of SQLite, on a busy machine too)."""

    clock: tuple[float, ...]
    cpu: tuple[float, ...]

    def shown(self) -> dict[str, str]:
        """Median and 95th percentile of both."""
        return {
            "p50": f"{statistics.median(self.clock):.1f} ms",
            "p95": f"{p95(self.clock):.1f} ms",
            "cpu_p50": f"{statistics.median(self.cpu):.1f} ms",
            "cpu_p95": f"{p95(self.cpu):.1f} ms",
        }


def timed(run: Callable[[], object], times: int, before: Callable[[], object] | None = None) -> Times:
    """Run it so often."""
    clock, cpu = list[float](), list[float]()
    for _ in range(times):
        if before:
            before()
        start, used = time.perf_counter(), time.process_time()
        run()
        clock.append((time.perf_counter() - start) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    return Times(tuple(clock), tuple(cpu))


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


def search_times(store: Index, rounds: int = 5) -> dict[str, Times]:
    """Times by query, the first round left out (caches cold in both)."""
    for text in QUERIES:
        _newest(store, text)
    return {text: timed(partial(_newest, store, text), rounds) for text in QUERIES}


def _newest(store: Index, text: str) -> None:
    store.search(parse_query(text), limit=20)


def board(store: Index, end: datetime, before: Callable[[], object] | None = None) -> Times:
    """The board question: hour × topic × sentiment over 30 days; `before` runs before each, outside the time."""
    query = Filter(since=end - timedelta(days=30), until=end)
    store.counts(query, ["hour", "topic", "sentiment"])
    return timed(lambda: store.counts(query, ["hour", "topic", "sentiment"]), 15, before)


# Of docs/benchmarks.md.
_LINES: list[str] = []


def report(name: str, **figures: object) -> None:
    """One line."""
    _LINES.append(f"| {name} | {', '.join(f'{key} {value}' for key, value in figures.items())} |")
    print(name.ljust(44), "  ".join(f"{key}={value}" for key, value in figures.items()), flush=True)


def write_report(only: str | None, size: str = "") -> None:
    """The figures as a section of docs/benchmarks.md; one section a part, so that a part may be measured again alone."""
    title = {
        None: "Stores",
        "sqlite": "Stores: SQLite",
        "elasticsearch": "Stores: Elasticsearch",
        "kills": "Stores: kill -9",
    }
    command = f"python bench/stores.py{f' --only {only}' if only else ''}{size}"
    note = "cpu: of this process alone; all of the work with SQLite, only the client's with Elasticsearch."
    table = "\n".join(["| what | figures |", "|---|---|", *_LINES])
    write_section(title[only], f"Written by `{command}` {machine()}. {note}\n\n{table}")


def grow(store: Index, total: int) -> None:
    """Fill the store up to `total` documents."""
    for batch in batches(islice(many(total), store.count(Filter()), None), 2000):
        store.write(Batch(documents=batch))


def measure(store: Index, name: str, end: datetime) -> None:
    """Ask; milliseconds to reach: TARGETS."""
    search_ms, board_ms = TARGETS[name]
    report(f"{name} documents", n=store.count(Filter()))
    times = search_times(store)
    flat = Times(tuple(v for t in times.values() for v in t.clock), tuple(v for t in times.values() for v in t.cpu))
    report(f"{name} search top 20", **flat.shown(), target=f"p95 ≤ {search_ms} ms")
    slow = sorted(times, key=lambda text: -statistics.median(times[text].clock))[:3]
    report(f"{name} slowest queries", **{repr(text): f"{statistics.median(times[text].clock):.1f} ms" for text in slow})
    report(f"{name} hour × topic × sentiment, 30 days", **board(store, end).shown(), target=f"≤ {board_ms} ms")


def sqlite(documents: list[Clustered], total: int, folder: Path) -> None:
    """SQLite's figures."""
    store = SqliteIndex(folder / "kho.sqlite")
    store.setup()
    took, cpu = load(store, documents)
    count = len(documents)
    report(
        "SQLite load with rollups",
        per_second=f"{count / took:.0f}",
        per_cpu_second=f"{count / cpu:.0f}",
        target="≥ 12000 a second",
    )
    store.close()
    size = (folder / "kho.sqlite").stat().st_size
    report("SQLite size per 100k", MB=f"{size / len(documents) / 10:.0f}")
    report(
        "FTS5 plain (text stored in the index) per 100k", MB=f"{plain_fts(documents, folder) / len(documents) / 10:.0f}"
    )
    report("tantivy", **tantivy_size(documents, folder))
    end = documents[-1].fetched.replace(minute=0, second=0)
    grow(store, total)
    measure(store, "SQLite", end)
    query = "SELECT hour, topic, sentiment, sum(documents) FROM hourly WHERE place = '' AND hour >= ? GROUP BY 1, 2, 3"
    since = int((end - timedelta(days=30)).timestamp())
    with sqlite3.connect(folder / "kho.sqlite") as db:
        raw = timed(lambda: db.execute(query, (since,)).fetchall(), 15)
    db.close()
    report("SQLite the same by GROUP BY, fetched row by row", **raw.shown())
    report("SQLite self-check", found=store.check())
    store.close()


def plain_fts(documents: list[Clustered], folder: Path) -> int:
    """Bytes of a plain FTS5 table over the same title and text."""
    path = folder / "plain.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE VIRTUAL TABLE t USING fts5(title, text)")
        db.executemany("INSERT INTO t VALUES (?, ?)", ((d.title, d.text) for d in documents))
    db.close()
    return path.stat().st_size


def tantivy_size(documents: list[Clustered], folder: Path) -> dict[str, str]:
    """Size of a tantivy index over the same fields, where the package is installed."""
    if importlib.util.find_spec("tantivy") is None:
        return {"skipped": "not installed (pip install tantivy)"}
    import tantivy

    builder = tantivy.SchemaBuilder()
    for name in ("title", "text"):
        builder.add_text_field(name, stored=True)
    (folder / "tantivy").mkdir()
    index = tantivy.Index(builder.build(), path=str(folder / "tantivy"))
    writer = index.writer()
    for d in documents:
        writer.add_document(tantivy.Document(title=d.title, text=d.text))
    writer.commit()
    writer.wait_merging_threads()
    size = sum(path.stat().st_size for path in (folder / "tantivy").rglob("*") if path.is_file())
    return {"MB_per_100k": f"{size / len(documents) / 10:.0f}"}


@contextmanager
def node(**options: object) -> Iterator[str]:
    """The real server of ../shared."""
    with serve_module(SHARED).node(**options) as url:
        yield url


def warm(url: str, documents: list[Clustered]) -> None:
    """Both sides of the load once, ours with other addresses: a server compiles for minutes after its start, and each side has
    paths of its own. Closed, so that no count for Kibana is left for the measured load."""
    bare_bulk(url, documents)
    store = ElasticIndex(url)
    store.setup()
    load(store, list(islice(items(seed=2), len(documents))))
    store.close()


def elasticsearch(documents: list[Clustered], total: int) -> None:
    """Elasticsearch's figures, with the bare bulk of the same bodies before and after."""
    with node(heap="1g") as url:
        warm(url, documents)
        store = ElasticIndex(url)
        store.setup()
        before = bare_bulk(url, documents)
        took, _ = load(store, documents)
        bare = min(before, bare_bulk(url, documents))
        report(
            "Elasticsearch load",
            per_second=f"{len(documents) / took:.0f}",
            bare=f"{len(documents) / bare:.0f}",
            ratio=f"{bare / took:.2f}",
            target="ratio ≥ .6",
        )
        (recounted,) = timed(store.recount, 1).clock
        report("Elasticsearch counts for Kibana after it", seconds=f"{recounted / 1000:.1f}")
        end = documents[-1].fetched.replace(minute=0, second=0)
        grow(store, total)
        cold = partial(store._cluster.ask, "POST", "/duluan-*/_cache/clear", request="true")
        report(
            "Elasticsearch board before the night's upkeep, request cache emptied", **board(store, end, cold).shown()
        )
        settle(store._cluster, end)  # as `duluan retain` does every night
        measure(store, "Elasticsearch", end)
        report("Elasticsearch the same, request cache emptied", **board(store, end, cold).shown(), target="≤ 60 ms")
        sizes = store._cluster.ask("GET", "/duluan-news/_stats/store,docs")["_all"]["primaries"]
        report("Elasticsearch size per 100k", MB=f"{sizes['store']['size_in_bytes'] / sizes['docs']['count'] / 10:.0f}")
        store.close()


def main() -> None:
    """Run what the options name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=500_000)
    parser.add_argument("--items", type=int, default=117_756, help="real items of the load")
    parser.add_argument("--only", choices=["sqlite", "elasticsearch", "kills"])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--folder", help="where the stores lie meanwhile")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/benchmarks.md")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="duluan-stores-", dir=args.folder))
    report("machine", cpus=os.cpu_count(), load=f"{os.getloadavg()[0]:.1f}", sqlite=sqlite3.sqlite_version)
    try:
        documents = list(islice(items(), args.items)) if args.only != "kills" else []
        if args.only in {None, "sqlite"}:
            sqlite(documents, args.documents, folder)
        if args.only in {None, "elasticsearch"}:
            elasticsearch(documents, args.documents)
        if args.only in {None, "kills"}:
            kills_of_both(folder, args.kills, report)
        if args.write:
            sizes = ("items", "documents", "kills")
            size = "".join(f" --{n} {getattr(args, n)}" for n in sizes if getattr(args, n) != parser.get_default(n))
            write_report(args.only, size)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
