"""What an issue's next 24 hours and 7 days may bring, and whether that is worth showing.

Level: voices per expected voice of the stream over the last days (half-life 7 d), pulled to what is usual; times the week's profile to
come with all known sources. While an episode runs, half of the excess is held and half decays (half-life 24 h); slopes are never carried
on. Band: negative binomial with the issue's own dispersion. Each forecast is scored a day after it is due, by the weighted interval
score (Bracher, Ray, Gneiting, Reich 2021) over LEVELS, beside a seasonal-naive one: the same hours a week earlier, with the spread
that such differences have shown. A band is shown where ours has the lower score.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.stats import nbinom, norm

from alerts.exposure import Exposure
from alerts.hours import DAY, WEEK, Floats, Ints
from alerts.ledger import Ledger

HORIZONS: Final = (DAY, WEEK)  # hours
LEVELS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_SEEN: Final = 14 * DAY  # hours of record that the level rests on
_RECENT: Final = 0.5 ** (1 / WEEK)  # per hour
_PULL_DAYS: Final = 2.0  # days of usual level beside the recent ones
_CRISIS_HALF_LIFE: Final = 24.0  # hours
_SETTLED: Final = DAY  # hours after which what was published has been read
_FORGET: Final = 0.5 ** (1 / 28)  # per day
_KEPT: Final = 60  # issues a day whose forecasts are scored, the loudest ones
_ENOUGH: Final = 100.0  # scored forecasts before any is shown


@dataclass(slots=True)
class Pending:
    """Forecasts that wait for what comes: `ours` and `naive` are issues × LEVELS, `last` the voices a week earlier."""

    due: int
    hours: int
    issues: list[str]
    ours: list[list[float]]
    naive: list[list[float]]
    last: list[float]


@dataclass(slots=True)
class Record:
    """How forecasts of one horizon did: decayed sums."""

    count: float = 0.0
    covered: float = 0.0  # inside our 90 % band
    ours: float = 0.0  # interval scores
    naive: float = 0.0
    spread: float = 20.0  # squared differences to a week earlier, over (voices + 1)
    spread_count: float = 10.0

    def wins(self) -> bool:
        """Ours has the lower score, on enough forecasts, and its band holds."""
        return self.count >= _ENOUGH and self.ours < self.naive and self.covered >= 0.8 * self.count

    def learn(self, came: Floats, pending: Pending) -> None:
        """Score what has come."""
        ours, last = np.array(pending.ours), np.array(pending.last)
        self.count += len(came)
        self.covered += float(((came >= ours[:, 0]) & (came <= ours[:, -1])).sum())
        self.ours += float(interval_score(came, ours).sum())
        self.naive += float(interval_score(came, np.array(pending.naive)).sum())
        self.spread += float(((came - last) ** 2 / (last + 1)).sum())
        self.spread_count += len(came)

    def forget(self) -> None:
        """One day passes."""
        for name in ("count", "covered", "ours", "naive", "spread", "spread_count"):
            setattr(self, name, getattr(self, name) * _FORGET)


@dataclass(slots=True)
class Forecasts:
    """Forecasts under way and the record of those that have come due."""

    day: int = 0  # local day of the last round
    pending: list[Pending] = field(default_factory=list)
    records: dict[int, Record] = field(default_factory=lambda: {hours: Record() for hours in HORIZONS})

    def round(self, ledger: Ledger, exposure: Exposure, now: int, first: int) -> None:
        """Once a local day: score what is due, make the next ones. `first` is the hour at which the stream began."""
        day = (now + 7) // DAY
        if day <= self.day:
            return
        self.day = day
        for record in self.records.values():
            record.forget()
        for entry in [entry for entry in self.pending if entry.due + _SETTLED <= now]:
            self._score(ledger, entry)
        self.pending = [entry for entry in self.pending if entry.due + _SETTLED > now]
        if now - first < 2 * WEEK:
            return
        rows = _loudest(ledger)
        for hours in HORIZONS:
            last = week_before(ledger, rows, now, hours)
            names = [ledger.rows[row].issue for row in rows]
            ours = quantiles(ledger, exposure, rows, now, hours)
            other = naive(last, self.records[hours])
            self.pending.append(Pending(now + hours, hours, names, ours.tolist(), other.tolist(), last.tolist()))

    def _score(self, ledger: Ledger, entry: Pending) -> None:
        found = [ledger.find(issue) for issue in entry.issues]
        kept = [i for i, row in enumerate(found) if row is not None]
        if kept:
            rows = [row for row in found if row is not None]
            came = ledger.voices.window(entry.due - entry.hours, entry.due)[rows].sum(axis=1)
            parts = (np.array(part)[kept].tolist() for part in (entry.ours, entry.naive, entry.last))
            ours, other, last = parts
            self.records[entry.hours].learn(came, Pending(entry.due, entry.hours, [], ours, other, last))


def interval_score(came: Floats, forecast: Floats) -> Floats:
    """Weighted interval score per row of `forecast` (rows × LEVELS); twice the mean quantile loss, so in voices."""
    above = came[:, None] - forecast
    levels = np.array(LEVELS)
    loss: Floats = 2 * np.where(above >= 0, levels * above, (levels - 1) * above).mean(axis=1)
    return loss


def quantiles(ledger: Ledger, exposure: Exposure, rows: Ints, now: int, hours: int) -> Floats:
    """Rows × LEVELS: voices of the next `hours` hours."""
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
    size = ledger.base.size(rows, mean[:, None], (hours,), prior)[:, 0]
    found: Floats = nbinom.ppf(np.array(LEVELS), size[:, None], (size / (size + mean))[:, None])
    return found


def week_before(ledger: Ledger, rows: Ints, now: int, hours: int) -> Floats:
    """Voices of the same hours a week before those to come."""
    seen: Floats = ledger.voices.window(now - WEEK, now - WEEK + hours)[rows].sum(axis=1)
    return seen


def naive(last: Floats, record: Record) -> Floats:
    """Seasonal-naive quantiles: last week's voices with the spread that such differences have shown."""
    deviation = np.sqrt(record.spread / record.spread_count * (last + 1))
    found: Floats = np.maximum(last[:, None] + norm.ppf(LEVELS) * deviation[:, None], 0.0)
    return found


def _loudest(ledger: Ledger) -> Ints:
    """Rows with a week of record, the loudest first."""
    count = len(ledger.rows)
    base = ledger.base
    known = np.flatnonzero(base.exposed[:count] >= WEEK / DAY * base.per_day)
    order = np.argsort(-base.voices[:count][known] / base.exposed[:count][known], kind="stable")
    return known[order][:_KEPT]
