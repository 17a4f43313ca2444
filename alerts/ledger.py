"""What has been counted: a row per issue (or theme) with its voices by hour, and the publications that a card may point at.

The tables share one moving axis of hours. Issues that merge pour their row into another; a split moves single publications.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.baseline import FLAGGED, Baselines
from alerts.episode import Episode
from alerts.hours import DAY, SPAN, Floats, HourTable, Ints

TABLES: Final = ("voices", "negatives", "flags", "held", "held_negatives")
_KEEP_ORIGINS: Final = 45 * DAY
_AT_MOST: Final = 100_000  # origins dropped at once
_WORTH: Final = 1.0  # decayed voices
_SPARE: Final = 256  # rows to be gained before the tables are copied


@dataclass(frozen=True, slots=True)
class Mark:
    """One publication as the detector remembers it: enough to point at evidence, never text."""

    hour: float
    id: str
    origin: str
    source: str
    kind: str
    p_neg: float
    sentiment: str  # the most likely one: what a reader counts by
    uncertain: bool
    topic: str
    places: tuple[str, ...]
    voice: bool  # False: a reprint


@dataclass(slots=True)
class Row:
    """One issue (or theme, by its key) under watch."""

    issue: str
    marks: list[Mark] = field(default_factory=list)
    grown: bool = False
    episode: Episode | None = None


class Ledger:
    """Rows, their tables (rows × hours) and the baselines that belong to them row by row."""

    def __init__(self, first: int = 0) -> None:
        self.rows: list[Row] = []
        self.index: dict[str, int] = {}
        self.merged: dict[str, str] = {}
        self.origins: dict[str, tuple[str, int]] = {}  # origin → (issue, hour)
        self.base = Baselines()
        self.births: Ints = np.zeros(64, dtype=np.int64)  # first hour of each row
        self.begin(first)

    def begin(self, first: int) -> None:
        """Lay out empty tables for a stream that starts at hour `first`."""
        self.voices = HourTable(first - SPAN)
        self.negatives = HourTable(first - SPAN)
        self.flags = HourTable(first - SPAN)  # hours inside an alert
        self.held = HourTable(first - SPAN)  # voices of sources in quarantine
        self.held_negatives = HourTable(first - SPAN)

    def tables(self) -> tuple[HourTable, ...]:
        """All tables, in the order of TABLES."""
        return self.voices, self.negatives, self.flags, self.held, self.held_negatives

    def born(self) -> Ints:
        """First hour of each row (a view)."""
        return self.births[: len(self.rows)]

    def age_from(self, row: int, hour: int) -> None:
        """A row is at least as old as `hour`."""
        self.births[row] = min(self.births[row], hour)

    def busy(self) -> NDArray[np.bool_]:
        """Rows with a running episode."""
        return np.fromiter((row.episode is not None for row in self.rows), bool, len(self.rows))

    def current(self, issue: str) -> str:
        """The issue in which `issue` has ended."""
        seen = 0
        while issue in self.merged and seen < 100:
            issue, seen = self.merged[issue], seen + 1
        return issue

    def find(self, issue: str) -> int | None:
        """Row of an issue, None where it has none."""
        return self.index.get(self.current(issue))

    def row(self, issue: str, hour: int) -> int:
        """Row of an issue, made on first sight."""
        issue = self.current(issue)
        row = self.index.get(issue)
        if row is None:
            row = self.index[issue] = len(self.rows)
            self.rows.append(Row(issue))
            if row == len(self.births):
                self.births = np.r_[self.births, np.zeros(row, dtype=np.int64)]
            self.births[row] = hour
            for table in self.tables():
                table.reserve(row + 1)
            self.base.reserve(row + 1)
        return row

    def exposed(self) -> float:
        """For how long its oldest rows have been counted, in what the baselines count."""
        return float(self.base.exposed[: len(self.rows)].max(initial=0.0))

    def standing_row(self, theme: str, first: int, exposed: float) -> int:
        """Row of a theme, made on its first voice: it has stood since hour `first`, for `exposed`, and was silent until now."""
        known = self.index.get(theme)
        if known is not None:
            return known
        row = self.row(theme, first)
        self.base.exposed[row] = exposed
        return row

    def merge(self, old: str, new: str) -> Episode | None:
        """Issue `old` has ended in `new`: its counts, baseline and episode move along. The episode that ends where both have one:
        the one that was mailed goes on, else the earlier one."""
        if old == new:
            return None
        if self.current(new) == old:  # the other way round than before: the one that had ended stands again
            del self.merged[new]
        self.merged[old] = new
        source = self.index.pop(old, None)
        if source is None:
            return None
        target = self.index.get(self.current(new))
        if target is None:
            self.index[self.current(new)] = source
            self.rows[source].issue = self.current(new)
            return None
        return self._pour(source, target)

    def _pour(self, source: int, target: int) -> Episode | None:
        for table in (self.voices, self.negatives, self.held, self.held_negatives):
            table.data[target] += table.data[source]
            table.data[source] = 0.0
        self.flags.data[target] = np.maximum(self.flags.data[target], self.flags.data[source])
        self.base.pour(source, target)
        gone, kept = self.rows[source], self.rows[target]
        self.age_from(target, int(self.births[source]))
        kept.marks = sorted([*kept.marks, *gone.marks], key=lambda mark: (mark.hour, mark.id))
        episodes = [episode for episode in (kept.episode, gone.episode) if episode]
        episodes.sort(key=lambda episode: (not episode.mail, episode.opened))
        if episodes:
            kept.episode = episodes[0]
            kept.episode.peak = max(episode.peak for episode in episodes)
            kept.episode.loud = max(episode.loud for episode in episodes)
        gone.marks, gone.episode, gone.grown, gone.issue = [], None, True, ""
        return episodes[1] if len(episodes) > 1 else None

    def move(self, id: str, issue: str, closed: int) -> None:
        """A split: publication `id` belongs to `issue` from now on; its counts go along, those before hour `closed` from the baseline."""
        for position, row in enumerate(self.rows):
            mark = next((mark for mark in row.marks if mark.id == id), None)
            if mark is None or row.issue == self.current(issue):
                continue
            row.marks.remove(mark)
            target = self.row(issue, int(mark.hour))
            self.rows[target].marks.append(mark)
            self.age_from(target, int(mark.hour))
            self.rows[target].marks.sort(key=lambda mark: (mark.hour, mark.id))
            self.rows[target].grown = True  # what it taught of new issues, it taught as a part of the old one
            if mark.voice:
                self._carry(position, target, mark, closed)
                self.origins[mark.origin] = (self.rows[target].issue, int(mark.hour))
            return

    def _carry(self, source: int, target: int, mark: Mark, closed: int) -> None:
        """One voice from row to row: of an unknown time it stands in parts around `mark.hour`."""
        left, hour = 1.0, int(mark.hour)
        for distance in range(DAY):
            for at in {hour - distance, hour + distance}:
                part = min(left, float(self.voices.window(at, at + 1)[source].sum()))
                if part <= 0.0:
                    continue
                left -= part
                for place, sign in ((source, -part), (target, part)):
                    self.voices.add(place, at, sign)
                    self.negatives.add(place, at, sign * mark.p_neg)
                if at < closed:
                    self.base.carry(source, target, part, part * mark.p_neg, closed - at)
            if left <= 1e-9:
                return

    def weights(self, flagged: NDArray[np.bool_], born_by: int) -> Floats:
        """What a time span teaches per row: 1, a tenth inside alerts, nothing before a row was born."""
        weights: Floats = np.where(flagged, FLAGGED, 1.0) * (self.born() <= born_by)
        return weights

    def absorb(self, hour: int, exposed: float) -> None:
        """One hour has become 48 h old: it moves into the baselines."""
        count = len(self.rows)
        voices, negatives, flags = (
            table.data[:count, hour - table.base] for table in (self.voices, self.negatives, self.flags)
        )
        self.base.absorb(voices, negatives, exposed, self.weights(flags > 0, hour))

    def forget(self, now: int) -> None:
        """Once a day: drop what is out of reach. Both records are in order of arrival, so the old ones stand in front."""
        for origin, (_, hour) in list(islice(self.origins.items(), _AT_MOST)):
            if now - hour < _KEEP_ORIGINS:
                break
            del self.origins[origin]
        for row in self.rows:
            old = next((i for i, mark in enumerate(row.marks) if now - mark.hour <= SPAN), len(row.marks))
            del row.marks[:old]
        self._compact(now)

    def _compact(self, now: int) -> None:
        """Drop issues that have been silent for two weeks and left no baseline worth keeping; should one return, it is newborn."""
        count = len(self.rows)
        heard = self.voices.window(now - SPAN, now + 1)[:count].any(axis=1)
        keep = (
            heard | (self.base.voices[:count] > _WORTH) | np.array([row.episode is not None for row in self.rows], bool)
        )
        if count - keep.sum() < _SPARE:
            return
        chosen = np.flatnonzero(keep)
        self.rows = [self.rows[i] for i in chosen]
        self.index = {row.issue: i for i, row in enumerate(self.rows) if row.issue}
        for table in self.tables():
            table.select(chosen)
        self.base.select(chosen)
        self.births = np.r_[self.births[chosen], np.zeros(64, dtype=np.int64)]
