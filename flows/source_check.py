"""Is a source fit to be crawled from here? Reads a few of its pages through the real gate and says what came of it; stores no text.

A source that passes is remembered in the state folder, so that `duluan run` takes it on this installation (`flows.run.startable`).
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from crawlers.crawl import crawl
from crawlers.limits import Limits
from duluan.clock import Clock
from duluan.config import Profile, Source
from duluan.model import Document, Fetch, Rejected
from duluan.query import Filter
from flows.run import CHECKED, checked_sources
from index.base import Index

SAMPLED = Limits(source_pages=3, source_seconds=120.0)  # enough to see the site's markup, few enough to be polite
HISTORY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """What one check found. `passed` means: the list was read and at least one page or post came out right."""

    id: str
    name: str
    passed: bool
    reached: bool
    robots: str  # "cho phép", "từ chối", "không rõ"
    documents: int
    timed: int  # of them with a publication time
    last: datetime | None
    rejected: tuple[tuple[str, int], ...]
    per_day: float | None  # stored a day over the last week; None where the store has none of it
    expected: tuple[float, float]


def check_sources(
    profile: Profile,
    sources: Sequence[Source],
    store: Index,
    *,
    state_dir: Path,
    clock: Clock,
    allow_loopback: bool = False,
) -> list[SourceHealth]:
    """Check `sources` in their order and remember those that passed; one that fails is forgotten again."""
    documents: dict[str, list[Document]] = defaultdict(list)
    rejected: dict[str, Counter[str]] = defaultdict(Counter)
    reached: dict[str, bool] = {}
    with tempfile.TemporaryDirectory(prefix="duluan-check-") as folder:
        items = crawl(
            sources,
            state_dir=Path(folder),
            spool_dir=None,
            clock=clock,
            allow_loopback=allow_loopback,
            contact=profile.province.contact,
            limits=SAMPLED,
            force=True,
        )
        for item in items:
            if isinstance(item, Fetch):
                reached[item.source] = item.ok
            elif isinstance(item, Rejected):
                rejected[item.source][item.reason] += 1
            else:
                documents[item.source].append(item)
    rates = _rates(store, clock())
    found = [
        _health(source, documents[source.id], rejected[source.id], reached.get(source.id, False), rates.get(source.id))
        for source in sources
    ]
    _remember(state_dir, found)
    return found


def _health(
    source: Source, documents: Sequence[Document], rejected: Counter[str], reached: bool, per_day: float | None
) -> SourceHealth:
    times = [document.published for document in documents if document.published is not None]
    refused = "robots" in rejected
    return SourceHealth(
        id=source.id,
        name=source.name,
        passed=reached and bool(documents),
        reached=reached,
        robots="từ chối" if refused else "cho phép" if reached else "không rõ",
        documents=len(documents),
        timed=len(times),
        last=max(times, default=None),
        rejected=tuple(sorted(rejected.items())),
        per_day=per_day,
        expected=source.expected_per_day,
    )


def _rates(store: Index, now: datetime) -> dict[str, float]:
    rows = store.counts(Filter(since=now - HISTORY, until=now), ("source",))
    return {str(row.source): row.documents / HISTORY.days for row in rows}


def _remember(state_dir: Path, found: Sequence[SourceHealth]) -> None:
    passed = checked_sources(state_dir) - {health.id for health in found} | {
        health.id for health in found if health.passed
    }
    state_dir.mkdir(parents=True, exist_ok=True)
    part = state_dir / f"{CHECKED}.part"
    part.write_text(json.dumps(sorted(passed), ensure_ascii=False), encoding="utf-8")
    part.replace(state_dir / CHECKED)
