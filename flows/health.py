"""Once a day: does the system still see what it should? What is wrong becomes a system alert, mailed to the administrators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from alerts import health
from duluan.clock import local
from duluan.config import Profile
from duluan.model import Alert
from duluan.query import Filter
from flows.outbox import given_up
from flows.source_days import daily_counts, trend
from index.base import CountRow, Index

HOUR: Final = 7  # local: yesterday is complete, and the office opens soon
_BEFORE: Final = 7  # days that a new model's day is set beside
_SAMPLE: Final = 200  # items of a morning whose model versions are read
_MORNING: Final = timedelta(hours=8)  # a version that rules it has ruled the whole day
_RULES: Final = 0.9  # of the items


@dataclass(frozen=True, slots=True)
class Ailment:
    """Something wrong, under a name by which it is known while it lasts."""

    names: tuple[str, ...]
    alert: Alert


def ailments(store: Index, profile: Profile, at: datetime, known: Collection[str] = ()) -> Iterator[Ailment]:
    """All that is wrong at `at`; what was `known` by name before is named as long as it lasts."""
    days = daily_counts(store, at)
    silent = sorted(
        source
        for source, counts in days.items()
        if trend(counts) == "silent" or (f"silent:{source}" in known and counts[-1] == 0)
    )
    if silent:
        named = profile.source_by_id
        shown = [named[source].name if source in named else source for source in silent]
        yield Ailment(tuple(f"silent:{source}" for source in silent), health.silent_sources(shown, at))
    yield from _models(store, at)
    stuck = given_up(store)
    if stuck:
        yield Ailment(tuple(f"stuck:{id}" for id in sorted(stuck)), health.stuck_messages(len(stuck), at))


def _models(store: Index, at: datetime) -> Iterator[Ailment]:
    """A model whose first whole day was yesterday, and whose day looks unlike the week before it."""
    midnight = local(at).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = midnight - timedelta(days=1)
    new = _ruling(store, yesterday) - _ruling(store, yesterday - timedelta(days=1))
    if not new:
        return
    moves = {}
    for kind, name in (("sentiment", "thái độ"), ("topic", "chủ đề")):
        mixes = _mixes(store, yesterday - timedelta(days=_BEFORE), midnight, kind)
        move = health.shifted([mix for day, mix in mixes.items() if day < yesterday], mixes.get(yesterday, {}))
        if move is not None:
            moves[name] = move
    if moves:
        yield Ailment(tuple(f"model:{version}" for version in sorted(new)), health.moved_models(sorted(new), moves, at))


def _ruling(store: Index, midnight: datetime) -> set[str]:
    """Model versions that answered for nearly all of that day's morning."""
    morning = list(islice(store.documents(Filter(since=midnight, until=midnight + _MORNING)), _SAMPLE))
    seen = Counter(version for document in morning for version in set(document.models.values()))
    return {version for version, count in seen.items() if count >= _RULES * len(morning)}


def _mixes(store: Index, since: datetime, until: datetime, kind: str) -> dict[datetime, dict[str, int]]:
    mixes: dict[datetime, dict[str, int]] = {}
    for row in store.counts(Filter(since=since, until=until, in_province=True), ("day", kind)):
        if row.day is not None:
            mixes.setdefault(row.day, {})[_class(row, kind)] = row.voices
    return mixes


def _class(row: CountRow, kind: str) -> str:
    return str(row.sentiment if kind == "sentiment" else row.topic)
