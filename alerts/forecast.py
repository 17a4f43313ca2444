"""What an issue's next 24 hours and 7 days may bring, and whether that is worth showing.

Level: voices per expected voice of the stream over the last days (half-life 7 d), pulled to what is usual; times the week's profile to
come with all known sources. While an episode runs, half of the excess is held and half decays (half-life 24 h); slopes are never carried
on. Band: negative binomial with the issue's own dispersion, read at levels that past forecasts of its size have earned
(`alerts/calibration.py`). Each forecast is scored a day after it is due, beside a seasonal-naive one: the same hours a week earlier, with
the spread that such differences have shown. A band is shown where ours has the lower score.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from alerts.calibration import SIZES, Due, Record, naive, quantiles, size_class
from alerts.exposure import Exposure
from alerts.hours import DAY, WEEK, Floats, Ints
from alerts.ledger import Ledger

HORIZONS: Final = (DAY, WEEK)  # hours
_SEEN: Final = 14 * DAY  # hours of record that the level rests on
_RECENT: Final = 0.5 ** (1 / WEEK)  # per hour
_PULL_DAYS: Final = 2.0  # days of usual level beside the recent ones
_CRISIS_HALF_LIFE: Final = 24.0  # hours
_SETTLED: Final = DAY  # hours after which what was published has been read
_KEPT: Final = 60  # issues a day whose forecasts are scored, the loudest ones


def _records() -> dict[int, list[Record]]:
    return {hours: [Record() for _ in range(len(SIZES) + 1)] for hours in HORIZONS}


@dataclass(slots=True)
class Pending:
    """Forecasts that wait for what comes, per issue: mean and size r, voices a week earlier, and as they were made (issues × LEVELS)."""

    due: int
    hours: int
    issues: list[str]
    mean: list[float]
    size: list[float]
    last: list[float]
    ours: list[list[float]]
    naive: list[list[float]]

    def rows(self, kept: list[int], came: Floats) -> Due:
        """Those of `kept` beside what came."""
        parts = (np.array(part)[kept] for part in (self.last, self.mean, self.size, self.ours, self.naive))
        return Due(came, *parts)


@dataclass(slots=True)
class Forecasts:
    """Forecasts under way and the records, by horizon and size, of those that have come due."""

    day: int = 0  # local day of the last round
    pending: list[Pending] = field(default_factory=list)
    records: dict[int, list[Record]] = field(default_factory=_records)

    def round(self, ledger: Ledger, exposure: Exposure, now: int, first: int) -> None:
        """Once a local day: score what is due, make the next ones. `first` is the hour at which the stream began."""
        day = (now + 7) // DAY
        if day <= self.day:
            return
        self.day = day
        for record in (record for records in self.records.values() for record in records):
            record.forget()
        for entry in [entry for entry in self.pending if entry.due + _SETTLED <= now]:
            self._score(ledger, entry)
        self.pending = [entry for entry in self.pending if entry.due + _SETTLED > now]
        if now - first >= 2 * WEEK:
            rows = _loudest(ledger)
            self.pending += [self._make(ledger, exposure, rows, now, hours) for hours in HORIZONS]

    def band(self, ledger: Ledger, exposure: Exposure, row: int, now: int, hours: int) -> Floats | None:
        """The quantiles of one row where forecasts of its size have proved themselves, else None."""
        mean, size = outlook(ledger, exposure, np.array([row]), now, hours)
        records = self.records[hours]
        if not records[size_class(mean)[0]].wins():
            return None
        found: Floats = quantiles(mean, size, records)[0]
        return found

    def _make(self, ledger: Ledger, exposure: Exposure, rows: Ints, now: int, hours: int) -> Pending:
        mean, size = outlook(ledger, exposure, rows, now, hours)
        last, records = week_before(ledger, rows, now, hours), self.records[hours]
        ours, other = quantiles(mean, size, records), naive(last, mean, records)
        names = [ledger.rows[row].issue for row in rows]
        lists = (part.tolist() for part in (mean, size, last, ours, other))
        return Pending(now + hours, hours, names, *lists)

    def _score(self, ledger: Ledger, entry: Pending) -> None:
        found = [ledger.find(issue) for issue in entry.issues]
        kept = [i for i, row in enumerate(found) if row is not None]
        if not kept:
            return
        rows = [row for row in found if row is not None]
        self.learn(entry.hours, entry.rows(kept, _came(ledger, rows, entry)))

    def learn(self, hours: int, due: Due) -> None:
        """Forecasts of one horizon have come due: each size teaches its own record."""
        classes = size_class(due.mean)
        for position, record in enumerate(self.records[hours]):
            if (classes == position).any():
                record.learn(due.part(np.flatnonzero(classes == position)))


def _came(ledger: Ledger, rows: list[int], entry: Pending) -> Floats:
    came: Floats = ledger.voices.window(entry.due - entry.hours, entry.due)[rows].sum(axis=1)
    return came


def outlook(ledger: Ledger, exposure: Exposure, rows: Ints, now: int, hours: int) -> tuple[Floats, Floats]:
    """Mean and size r of the voices of the next `hours` hours, per row."""
    count = len(ledger.rows)
    prior = ledger.base.prior(count)
    coming = exposure.profile(np.arange(now, now + hours)) * exposure.weights(now).sum()
    known = exposure.vector(now, _SEEN, now)
    voices = ledger.voices.window(now - _SEEN, now)[rows]
    fading = _RECENT ** np.arange(_SEEN, 0, -1)
    pull = _PULL_DAYS * ledger.base.per_day
    usual = ledger.base.rate(count, prior)[rows]
    level = (voices @ fading + usual * pull) / (known @ fading + pull)
    latest = (voices[:, -DAY:].sum(axis=1) + usual * 0.1 * pull) / (known[-DAY:].sum() + 0.1 * pull)
    busy = ledger.busy()[rows]
    calm = np.where(busy, usual, level)
    excess = np.where(busy, np.maximum(latest - usual, 0.0), 0.0)
    decaying = 0.5 + 0.5 * 0.5 ** (np.arange(hours) / _CRISIS_HALF_LIFE)
    mean = np.maximum(calm * coming.sum() + excess * (coming @ decaying), 0.02)
    return mean, ledger.base.size(rows, mean[:, None], (hours,), prior)[:, 0]


def week_before(ledger: Ledger, rows: Ints, now: int, hours: int) -> Floats:
    """Voices of the same hours a week before those to come."""
    seen: Floats = ledger.voices.window(now - WEEK, now - WEEK + hours)[rows].sum(axis=1)
    return seen


def _loudest(ledger: Ledger) -> Ints:
    """Rows with a week of record, the loudest first."""
    count = len(ledger.rows)
    base = ledger.base
    known = np.flatnonzero(base.exposed[:count] >= WEEK / DAY * base.per_day)
    order = np.argsort(-base.voices[:count][known] / base.exposed[:count][known], kind="stable")
    return known[order][:_KEPT]
