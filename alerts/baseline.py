"""Baselines: what is usual for each row (issue or theme), forgotten with a half-life of 28 days and always 48 hours behind.

Rate ρ = voices per expected voice of the whole stream (gamma, weak population prior); share s (beta, weak prior); dispersion of a
day's count, pooled over rows as a function of its mean and shrunk to each row's own record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from alerts.dispersion import Dispersion
from alerts.hours import DAY, WEEK, Floats, Ints

LAG: Final = 48
FLAGGED: Final = 0.1  # weight of hours inside an alert
_HALF_LIFE: Final = 28 * DAY
_DECAY: Final = 0.5 ** (1 / _HALF_LIFE)
_DAY_DECAY: Final = 0.5 ** (1 / 56)
_PRIOR_DAYS: Final = 2.0  # weight of the population's rate, in days of the row's own exposure
_SHARE_PRIOR: Final = 6.0  # voices
_OWN_DAYS: Final = 14.0  # days of record at which a row's own dispersion weighs as much as the pool's
FIELDS: Final = ("voices", "negatives", "exposed", "misfit", "days")


@dataclass(frozen=True, slots=True)
class Day:
    """A closed local day: rows × six-hour blocks with their exposure, admitted sources alone and all of them."""

    voices: Floats
    negatives: Floats
    exposed: Floats
    all_voices: Floats
    all_negatives: Floats
    all_exposed: Floats
    weight: Floats  # per row: 1, .1 in alerts, 0 before its birth


class Baselines:
    """Decayed sums per row; all methods work on all rows at once."""

    def __init__(self, rows: int = 64) -> None:
        self.voices: Floats = np.zeros(rows)
        self.negatives: Floats = np.zeros(rows)
        self.exposed: Floats = np.zeros(rows)
        self.misfit: Floats = np.zeros(rows)
        self.days: Floats = np.zeros(rows)
        self.per_day = 1.0  # expected voices of the whole stream on an average day, set by the engine
        self.pool = Dispersion()
        self.shadow = Dispersion()  # as it would be with the sources still in quarantine

    def reserve(self, rows: int) -> None:
        """Make room."""
        grow = rows - len(self.voices)
        if grow > 0:
            for name in FIELDS:
                setattr(self, name, np.r_[getattr(self, name), np.zeros(max(grow, len(self.voices)))])

    def select(self, rows: Ints) -> None:
        """Keep only these rows, in this order."""
        for name in FIELDS:
            setattr(self, name, np.r_[getattr(self, name)[rows], np.zeros(64)])

    def absorb(self, voices: Floats, negatives: Floats, exposure: float, weight: Floats) -> None:
        """One hour that has become 48 h old; `weight` is 1, .1 in alerts, 0 before a row was born."""
        count = len(voices)
        for name in ("voices", "negatives", "exposed"):
            getattr(self, name)[:count] *= _DECAY
        self.voices[:count] += weight * voices
        self.negatives[:count] += weight * negatives
        self.exposed[:count] += weight * exposure

    def absorb_day(self, day: Day, prior: float) -> None:
        """One whole local day that has become 48 h old: learn how much days scatter and how far shares move together."""
        count = len(day.weight)
        voices = day.voices.sum(axis=1)
        mean = self.rate(count, prior) * day.exposed.sum()
        weight = np.where((self.exposed[:count] > 7 * day.exposed.sum()) & (mean > 0.02), day.weight, 0.0)
        phi, kappa = self.pool.counts()
        error = np.minimum((voices - mean) ** 2 / (mean + phi * mean + kappa * mean**2 + 1e-9), 16.0)
        self.misfit[:count] = self.misfit[:count] * _DAY_DECAY + weight * error
        self.days[:count] = self.days[:count] * _DAY_DECAY + weight
        self._learn(self.pool, day.voices, day.negatives, day.exposed, weight, prior)
        self._learn(self.shadow, day.all_voices, day.all_negatives, day.all_exposed, weight, prior)

    def _learn(
        self, pool: Dispersion, voices: Floats, negatives: Floats, exposed: Floats, weight: Floats, prior: float
    ) -> None:
        rate = self.rate(len(weight), prior)
        total = voices.sum(axis=1)
        pool.learn_days(total, rate * exposed.sum(), weight)
        pool.learn_blocks(voices, rate[:, None] * exposed, weight)
        pool.learn_shares(total, negatives.sum(axis=1), self.share(len(weight)), weight)

    def daily(self, row: int) -> float | None:
        """Usual voices of a row on an average day; None before a week of record."""
        if self.exposed[row] < WEEK / DAY * self.per_day:
            return None
        return float(self.voices[row] / self.exposed[row]) * self.per_day

    def admit(self) -> None:
        """Independent sources leave quarantine: the stream scatters from now on as the shadow has seen it."""
        self.pool = self.shadow.copy()

    def rate(self, count: int, prior: float) -> Floats:
        """ρ per row; `prior` is the population's rate."""
        pull = self._pull()
        rate: Floats = (self.voices[:count] + prior * pull) / (self.exposed[:count] + pull)
        return rate

    def prior(self, count: int) -> float:
        """The population's rate: that of an average issue, in voices per expected voice of the stream."""
        exposed = self.exposed[: max(count, 1)]
        if exposed.max() <= 0:
            return 1.0 / max(count, 20)
        rates = self.voices[: max(count, 1)] / np.maximum(exposed, 1e-9)
        return float(np.clip(np.median(rates[exposed > 0.05 * exposed.max()]), 1e-5, 0.2))

    def _pull(self) -> float:
        return _PRIOR_DAYS * self.per_day

    def share(self, count: int, usual: float | None = None) -> Floats:
        """Usual share of negative voices per row, kept inside (.02, .95)."""
        total = self.voices[:count].sum()
        middle = usual if usual is not None else (self.negatives[:count].sum() + 3) / (total + 10)
        share = (self.negatives[:count] + _SHARE_PRIOR * middle) / (self.voices[:count] + _SHARE_PRIOR)
        clipped: Floats = np.clip(share, 0.02, 0.95)
        return clipped

    def tempering(self, rows: Ints, voices: Floats) -> Floats:
        """Over-dispersion of shares per row and window: echoes, common leaning, and how well the usual share is known."""
        echo, lean = self.pool.shares()
        known = self.voices[rows][:, None] + _SHARE_PRIOR
        temper: Floats = 1 + echo + lean * np.maximum(voices - 1, 0) + voices / known
        return temper

    def size(self, rows: Ints, expected: Floats, hours: tuple[int, ...], prior: float) -> Floats:
        """r of the negative binomial per row and window, own dispersion and the uncertainty of the rate included."""
        own = np.clip((self.misfit[rows] + _OWN_DAYS) / (self.days[rows] + _OWN_DAYS), 0.6, 6.0)[:, None]
        return self._size(own * self.pool.variance(expected, hours) - 1, rows, expected, prior)

    def calm_size(self, rows: Ints, expected: Floats, hours: tuple[int, ...], prior: float, pool: Dispersion) -> Floats:
        """r of rows whose own scatter is the trouble looked for: they are held to that of `pool`."""
        return self._size(pool.variance(expected, hours) - 1, rows, expected, prior)

    def _size(self, excess: Floats, rows: Ints, expected: Floats, prior: float) -> Floats:
        unsure = 1 / (self.voices[rows] + prior * self._pull() + 0.5)[:, None]
        size: Floats = 1 / np.maximum(np.maximum(excess, 0.02) / expected + unsure, 1e-6)
        return size

    def late(self, row: int, voices: float, negatives: float, age: int) -> None:
        """Something published before the lag arrives now: it counts as if it had come in time."""
        decay = _DECAY**age
        self.voices[row] += voices * decay
        self.negatives[row] += negatives * decay

    def carry(self, source: int, target: int, voices: float, negatives: float, age: int) -> None:
        """A voice that was learnt `age` hours ago belongs to another row: what it taught goes along, as far as it is there."""
        decay = _DECAY**age
        for name, amount in (("voices", voices * decay), ("negatives", negatives * decay)):
            column = getattr(self, name)
            amount = min(amount, float(column[source]))
            column[source] -= amount
            column[target] += amount
        self.exposed[target] = max(self.exposed[target], min(self.exposed[source], self.per_day * age / DAY))

    def pour(self, source: int, target: int) -> None:
        """Row `source` has been merged into `target`: volumes add up over the longer exposure."""
        for name in ("voices", "negatives"):
            column = getattr(self, name)
            column[target] += column[source]
            column[source] = 0.0
        self.exposed[target] = max(self.exposed[target], self.exposed[source])
