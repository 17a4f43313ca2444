"""How the detector's forecasts did on streams that nothing was fitted on: coverage and interval score beside the week before.

Part `forecasts` of `bench/alerts.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import numpy as np

from alerts.calibration import SIZES, Due, interval_score, size_class
from alerts.engine import Engine
from alerts.forecast import HORIZONS, Forecasts
from alerts.hours import Floats
from duluan.clock import parse_time
from duluan.model import Fetch, Voice
from duluan.records import fetch_from

_NAMES: Final = ("below 6", "6–20", "20–60", "60 and more")


@dataclass(frozen=True, slots=True)
class Told:
    """Forecasts that have come due: horizon, class, inside the 90 % band, scores ours and naive, whether a card would have shown them."""

    hours: Floats
    sizes: Floats
    inside: Floats
    ours: Floats
    naive: Floats
    shown: Floats

    @staticmethod
    def of(parts: Sequence[Told]) -> Told:
        """All of them as one."""
        names = ("hours", "sizes", "inside", "ours", "naive", "shown")
        return Told(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def row(self, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> str:
        """Markdown cells: number, coverage, scores, and the same of those shown."""
        shown = chosen & (self.shown > 0)
        return f"{chosen.sum()} | {self._scores(chosen)} | {shown.sum() / max(chosen.sum(), 1):.2f} | {self._scores(shown)}"

    def _scores(self, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> str:
        if not chosen.any():
            return "– | –"
        return f"{self.inside[chosen].mean():.3f} | {self.ours[chosen].mean():.2f} / {self.naive[chosen].mean():.2f}"


@dataclass(slots=True)
class Watched(Forecasts):
    """The detector's own forecasts, with a note of each that has come due."""

    told: list[Told] = field(default_factory=list)

    def learn(self, hours: int, due: Due) -> None:
        """Note how these did, and whether they would have been shown, before they teach."""
        classes = size_class(due.mean)
        wins = np.array([record.wins() for record in self.records[hours]])
        inside = (due.came >= due.ours[:, 0]) & (due.came <= due.ours[:, -1])
        scores = interval_score(due.came, due.ours), interval_score(due.came, due.naive)
        hour = np.full(len(due.came), float(hours))
        self.told.append(Told(hour, classes.astype(float), inside.astype(float), *scores, wins[classes].astype(float)))
        Forecasts.learn(self, hours, due)


def told(records: Sequence[Mapping[str, Any]]) -> Told:
    """All forecasts of the detector over one recorded stream, made daily by the hourly clock."""
    engine = Engine()
    forecasts = engine.memory.forecasts = Watched()
    items = [_item(record) for record in records]
    engine.observe_all(items)
    clock, last = _moment(items[0]), _moment(items[-1])
    while clock < last:
        clock += timedelta(hours=1)
        engine.step(clock)
    return Told.of(forecasts.told)


def table(results: Sequence[Told]) -> Iterator[str]:
    """Markdown: one row a horizon and size."""
    every = Told.of(results)
    yield "| horizon, expected voices | forecasts | 90 % band holds | score: ours / week before | shown | holds | ours / week before |"
    yield "|---|---|---|---|---|---|---|"
    for hours in HORIZONS:
        due = every.hours == hours
        yield f"| {hours} h, all | {every.row(due)} |"
        for position, name in enumerate(_NAMES[: len(SIZES) + 1]):
            chosen = due & (every.sizes == position)
            if chosen.any():
                yield f"| {hours} h, {name} | {every.row(chosen)} |"


def _moment(item: Voice | Fetch) -> Any:
    return item.at if isinstance(item, Fetch) else item.fetched


def _item(record: Mapping[str, Any]) -> Voice | Fetch:
    fetch = fetch_from(dict(record))
    if fetch is not None:
        return fetch
    return Voice(
        id=record["id"],
        origin=record["origin"],
        issue=record["issue"],
        source=record["source"],
        kind=record["kind"],
        topic=record["topic"],
        sentiment=record["sentiment"],
        p_neg=float(record["sentiment"] == "neg"),
        uncertain=False,
        fetched=parse_time(record["fetched"]),
        published=parse_time(record["published"]) if "published" in record else None,
    )
