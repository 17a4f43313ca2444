"""Exposure: how many voices an hour could have brought. Week profile × weights of the sources that were really read.

Everything is learnt from the stream itself: hour-of-day and day-of-week shape (public holidays count as Sundays), each source's
volume, the delay between publication and fetch. A failed try makes an outage; what is back-filled later gives its hours back.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import holidays
import numpy as np

from alerts.hours import DAY, SPAN, WEEK, Floats, HourTable, Ints, hour_of_day

FRESH_HOURS: Final = 48  # sources seen in an installation's first 48 h are not new
QUARANTINE: Final = 14 * DAY
_DECAY: Final = 0.5 ** (1 / (28 * DAY))  # half-life 28 d, as the baselines
_LAGS: Final = 25
# A Vietnamese day before anything is known; worth _SHAPE_WEIGHT voices, so a few days of stream overrule it.
DAY_SHAPE: Final = np.array(
    [2, 1, 1, 1, 1, 3, 7, 11, 13, 13, 12, 11, 9, 9, 10, 11, 11, 11, 11, 13, 14, 12, 9, 5], float
)
_SHAPE_WEIGHT: Final = 120.0
_NONE: Final[tuple[tuple[int, float] | None, Floats]] = (None, np.zeros((0, 0)))


@lru_cache(maxsize=64)
def _public_holidays(year: int) -> Collection[date]:
    return frozenset(holidays.country_holidays("VN", years=year))


def is_holiday(day: date) -> bool:
    """Whether `day` is a public holiday in Vietnam (Tết, 30/4, 2/9 …)."""
    return day in _public_holidays(day.year)


@lru_cache(maxsize=4096)
def working_weekday(day: int) -> int:
    """0 = Monday … 6 = Sunday for a local day counted from 1970; public holidays are Sundays."""
    return 6 if is_holiday(date(1970, 1, 1) + timedelta(days=day)) else (day + 3) % 7


class Exposure:
    """Sources, profile and coverage. Rows are sources in order of first sight."""

    def __init__(self, first: int) -> None:
        self.first = first  # first hour of the stream
        self.names: list[str] = []
        self.index: dict[str, int] = {}
        self.born: list[int] = []  # hour of first sight
        self.tried: list[float] = []  # last try, nan where none
        self.gap: list[float] = []  # usual hours between tries
        self.until: list[int] = []  # hour at which its quarantine ends
        self.voices = HourTable(first - SPAN, 16)
        self.lost = HourTable(first - SPAN, 16)  # share of the hour closed by a failed try
        self.volume: Floats = np.zeros(16)  # decayed voices per source
        self.live: Floats = np.zeros(16)  # decayed profile hours in which it was read
        self.by_hour: Floats = DAY_SHAPE / DAY_SHAPE.sum() * _SHAPE_WEIGHT
        self.by_day: Floats = np.full(7, 3 * _SHAPE_WEIGHT / 7)
        self.lags: Floats = np.r_[0.0, np.full(_LAGS - 1, 0.0)]
        self.lags[0] = 1.0
        self._covered = _NONE

    def source(self, name: str, hour: int) -> int:
        """Row of a source, made on first sight."""
        row = self.index.get(name)
        if row is None:
            row = self.index[name] = len(self.names)
            self.names.append(name)
            self.born.append(hour)
            self.tried.append(float("nan"))
            self.gap.append(1.0)
            self.until.append(hour + QUARANTINE if hour >= self.first + FRESH_HOURS else hour)
            self.voices.reserve(row + 1)
            self.lost.reserve(row + 1)
            grow = len(self.voices.data) - len(self.volume)
            if grow > 0:
                self.volume = np.r_[self.volume, np.zeros(grow)]
                self.live = np.r_[self.live, np.zeros(grow)]
        return row

    def quarantined(self, row: int, hour: int) -> bool:
        """New sources count after 14 days, echoes of others not while they echo; those of the first 48 h count at once."""
        return hour < self.until[row]

    def prolong(self, row: int) -> None:
        """Keep a source in quarantine for as long again."""
        self.until[row] += QUARANTINE

    def fetch(self, name: str, at: float, ok: bool) -> None:
        """One line of the fetch ledger: the time since the last try is covered (ok) or lost."""
        row = self.source(name, int(at))
        self._covered = _NONE
        last = self.tried[row]
        if last == last and at > last:
            self.gap[row] = 0.9 * self.gap[row] + 0.1 * min(at - last, DAY)
            if not ok:
                self._lose(row, max(last, at - SPAN), at)
        if not last > at:
            self.tried[row] = at

    def _lose(self, row: int, start: float, end: float) -> None:
        for hour in range(int(start), int(end) + 1):
            overlap = min(end, hour + 1) - max(start, hour)
            if overlap > 0:
                self.lost.add(row, hour, overlap)

    def bounds(self, name: str, fetched: float) -> tuple[float, float]:
        """When something without a time was published: after the last hour in which its source was read, before `fetched`."""
        row = self.index.get(name)
        if row is None or self.tried[row] != self.tried[row]:
            return fetched - 1, fetched
        column = int(fetched) - self.lost.base
        lost = self.lost.data[row]
        start = min(self.tried[row], fetched)
        first = min(column, int(start) - self.lost.base)
        while first > 0 and lost[first - 1] > 0.5:
            first -= 1
        return min(start, first + self.lost.base, fetched - 0.02), fetched

    def count(self, row: int, hour: int, amount: float, lag: float) -> None:
        """One voice (or a part of one) of a source in its hour of publication; `lag` in hours until it was fetched."""
        self._covered = _NONE
        self.voices.add(row, hour, amount)
        self.volume[row] += amount
        self.by_hour[(hour + 7) % DAY] += amount
        self.by_day[working_weekday((hour + 7) // DAY)] += amount
        if 0 <= lag < _LAGS:
            self.lags[int(lag)] += amount

    def profile(self, hours: Ints) -> Floats:
        """Relative volume of given hours, mean 1 over a week."""
        hourly = self.by_hour / self.by_hour.mean()
        daily = self.by_day / self.by_day.mean()
        days = (hours + 7) // DAY
        first = int(days[0])
        weekdays = np.array([working_weekday(day) for day in range(first, int(days[-1]) + 1)])
        shape: Floats = hourly[hour_of_day(hours)] * daily[weekdays[days - first]]
        return shape

    def advance(self, start: int, end: int) -> None:
        """Close the hours start ≤ h < end: learn how long each source was read, forget slowly."""
        self._covered = _NONE
        self.voices.roll(end)
        self.lost.roll(end)
        count = len(self.names)
        shape = self.profile(np.arange(start, end))
        lost = self.lost.window(start, end)[:count]
        for step in range(end - start):
            self.volume[:count] *= _DECAY
            self.live[:count] = self.live[:count] * _DECAY + shape[step] * (1 - np.minimum(lost[:, step], 1))
        decay = _DECAY ** (end - start)
        self.by_hour *= decay
        self.by_day *= decay
        self.lags *= decay

    def weights(self, now: int, *, everything: bool = False) -> Floats:
        """Voices per average hour of each source; 0 while in quarantine unless `everything`."""
        count = len(self.names)
        weights: Floats = self.volume[:count] / np.maximum(self.live[:count], 1.0)
        if everything:
            return weights
        barred = [self.quarantined(row, now) for row in range(count)]
        weights[np.array(barred, bool)] = 0.0
        return weights

    def covered(self, now: int, hours: int, clock: float) -> Floats:
        """Sources × last `hours` hours: which part was read, back-filled parts given back (their volume over the expected one).

        Computed once for a moment; what comes in later makes it anew.
        """
        key, known = self._covered
        if key != (now, clock) or known.shape[1] < hours:
            known = self._cover(now, max(hours, WEEK), clock)
            self._covered = ((now, clock), known)
        return known[:, -hours:]

    def _cover(self, now: int, hours: int, clock: float) -> Floats:
        count = len(self.names)
        lost = np.minimum(self.lost.window(now - hours, now)[:count], 1.0).copy()
        tried = np.array(self.tried)
        quiet = clock - tried > 2 * np.array(self.gap) + 1  # nobody tried: an outage until someone does
        for row in np.flatnonzero(quiet).tolist():
            lost[row, max(0, hours - int(now - tried[row])) :] = 1.0
        rows = np.flatnonzero(lost.any(axis=1))
        if len(rows) == 0:
            return 1.0 - lost
        shape = self.profile(np.arange(now - hours, now))
        weights = self.volume[:count] / np.maximum(self.live[:count], 1.0)
        for row in rows.tolist():
            lost[row] *= 1 - self._refilled(row, lost[row], shape * weights[row], now - hours, now)
        return 1.0 - lost

    def _refilled(self, row: int, lost: Floats, expected: Floats, start: int, end: int) -> Floats:
        back: Floats = np.zeros_like(lost)
        seen = self.voices.window(start, end)[row]
        edges = np.flatnonzero(np.diff(np.r_[0, lost > 0, 0]))
        for first, last in edges.reshape(-1, 2).tolist():
            part = slice(first, last)
            back[part] = min(1.0, (seen[part].sum() + 0.3) / ((expected[part] * lost[part]).sum() + 0.6))
        return back

    def vector(self, now: int, hours: int, clock: float, *, everything: bool = False) -> Floats:
        """Expected voices of the whole stream for each of the last `hours` hours, as far as they can have arrived by `clock`."""
        live = self.covered(now, hours, clock)
        known = self.profile(np.arange(now - hours, now)) * (self.weights(now, everything=everything) @ live)
        reach = np.cumsum(self.lags) / self.lags.sum()
        recent = min(hours, _LAGS)
        lag = np.clip(clock - np.arange(now - recent, now) - 0.5, 0.0, _LAGS - 1)
        known[-recent:] *= np.interp(lag + 0.5, np.arange(_LAGS) + 1.0, reach)
        return known

    def coverage(self, now: int, hours: int, clock: float) -> float:
        """Share of the usual volume that was read in the last hours, 0–1 (1 where nothing is known yet)."""
        weights = self.weights(now)
        total = weights.sum()
        if total <= 0:
            return 1.0
        return float((weights @ self.covered(now, hours, clock)).mean() / total)

    def dark(self, now: int, hours: int, clock: float) -> list[str]:
        """Sources that were not read for most of the last `hours` hours."""
        live = self.covered(now, hours, clock).mean(axis=1)
        weights = self.weights(now)
        return [name for row, name in enumerate(self.names) if live[row] < 0.5 and weights[row] > 0]
