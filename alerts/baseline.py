"""Baselines: what is usual for each row (issue or theme), forgotten with a half-life of 28 days and always 48 hours behind.

Rate ρ = voices per expected voice of the whole stream (gamma, weak population prior); share s (beta, weak prior); dispersion of a
day's count, pooled over rows as a function of its mean and shrunk to each row's own record.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.hours import DAY, Floats, Ints

LAG: Final = 48
FLAGGED: Final = 0.1  # weight of hours inside an alert
_HALF_LIFE: Final = 28 * DAY
_DECAY: Final = 0.5 ** (1 / _HALF_LIFE)
_DAY_DECAY: Final = 0.5 ** (1 / 56)
_PRIOR_DAYS: Final = 2.0  # weight of the population's rate, in days of the row's own exposure
_SHARE_PRIOR: Final = 6.0  # voices
_OWN_DAYS: Final = 14.0  # days of record at which a row's own dispersion weighs as much as the pool's
FIELDS: Final = ("voices", "negatives", "exposed", "misfit", "days")


class Baselines:
    """Decayed sums per row; all methods work on all rows at once."""

    def __init__(self, rows: int = 64) -> None:
        self.voices: Floats = np.zeros(rows)
        self.negatives: Floats = np.zeros(rows)
        self.exposed: Floats = np.zeros(rows)
        self.misfit: Floats = np.zeros(rows)
        self.days: Floats = np.zeros(rows)
        self.per_day = 1.0  # expected voices of the whole stream on an average day, set by the engine
        # Normal equations of excess variance = φ·m + κ·m², started at φ = .4, κ = .25 with the weight of 60 row-days.
        self.normal: Floats = 60.0 * np.array([[1.0, 1.0], [1.0, 2.0]])
        self.target: Floats = self.normal @ np.array([0.4, 0.25])
        self.paired: Floats = np.array([2.0, 40.0])  # Σ excess share variance, Σ its scale: correlation .05 at first

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

    def absorb_day(self, voices: Floats, negatives: Floats, exposure: float, weight: Floats, prior: float) -> None:
        """One whole local day that has become 48 h old: learn how much days scatter and how far shares move together."""
        count = len(voices)
        mean = self.rate(count, prior) * exposure
        known = (self.exposed[:count] > 7 * exposure) & (mean > 0.02)
        weight = np.where(known, weight, 0.0)
        phi, kappa = self.pool()
        error = np.minimum((voices - mean) ** 2 / (mean + phi * mean + kappa * mean**2 + 1e-9), 16.0)
        self.misfit[:count] = self.misfit[:count] * _DAY_DECAY + weight * error
        self.days[:count] = self.days[:count] * _DAY_DECAY + weight
        scale = np.minimum(mean, 40.0) / (1 + 0.3 * np.minimum(mean, 40.0))
        x = np.stack([np.ones(count), np.minimum(mean, 40.0)]) * scale
        excess = np.clip((voices - mean) ** 2 / np.maximum(mean, 0.02) - 1, -1, 40.0) * scale
        slow = _DAY_DECAY
        self.normal = self.normal * slow + (x * weight) @ x.T / 4
        self.target = self.target * slow + (x * weight) @ excess / 4
        share = self.share(count)
        unit = share * (1 - share)
        pairs = voices >= 3
        twist = np.minimum((negatives - voices * share) ** 2, 12 * voices * unit) - voices * unit
        self.paired = self.paired * slow + np.array(
            [(weight * twist)[pairs].sum(), (weight * voices * (voices - 1) * unit)[pairs].sum()]
        )

    def pool(self) -> tuple[float, float]:
        """φ and κ: a day's variance is m·(1 + φ + κ·m) over all rows together."""
        phi, kappa = np.linalg.solve(self.normal + 1e-6 * np.eye(2), self.target)
        if kappa < 0.02:
            return float(max(self.target[0] / self.normal[0, 0], 0.05)), 0.02
        if phi < 0.05:
            return 0.05, float(max(self.target[1] / self.normal[1, 1], 0.02))
        return float(phi), float(kappa)

    def rate(self, count: int, prior: float) -> Floats:
        """ρ per row; `prior` is the population's rate."""
        pull = self._pull()
        rate: Floats = (self.voices[:count] + prior * pull) / (self.exposed[:count] + pull)
        return rate

    def _pull(self) -> float:
        return _PRIOR_DAYS * self.per_day

    def share(self, count: int, usual: float | None = None) -> Floats:
        """Usual share of negative voices per row, kept inside (.02, .95)."""
        total = self.voices[:count].sum()
        middle = usual if usual is not None else (self.negatives[:count].sum() + 3) / (total + 10)
        share = (self.negatives[:count] + _SHARE_PRIOR * middle) / (self.voices[:count] + _SHARE_PRIOR)
        clipped: Floats = np.clip(share, 0.02, 0.95)
        return clipped

    def correlation(self) -> float:
        """ρ of shares within a day: 0 where voices judge independently."""
        return float(np.clip(self.paired[0] / self.paired[1], 0.005, 0.5))

    def size(self, rows: Ints, expected: Floats, hours: tuple[int, ...], prior: float) -> Floats:
        """r of the negative binomial per row and window, own dispersion and the uncertainty of the rate included."""
        phi, kappa = self.pool()
        own = np.clip((self.misfit[rows] + _OWN_DAYS) / (self.days[rows] + _OWN_DAYS), 0.6, 6.0)[:, None]
        days = np.maximum(np.array(hours) / DAY, 1.0) ** 0.7  # days of a week are not independent
        short = np.minimum(np.array(hours) / 12, 1.0) ** 0.5  # a story's voices need some hours to gather
        excess = own * (1 + phi * short + kappa * expected / days) - 1
        unsure = 1 / (self.voices[rows] + prior * self._pull() + 0.5)[:, None]
        size: Floats = 1 / np.maximum(np.maximum(excess, 0.02) / expected + unsure, 1e-6)
        return size

    def late(self, row: int, voices: float, negatives: float, age: int) -> None:
        """Something published before the lag arrives now: it counts as if it had come in time."""
        decay = _DECAY**age
        self.voices[row] += voices * decay
        self.negatives[row] += negatives * decay

    def pour(self, source: int, target: int) -> None:
        """Row `source` has been merged into `target`: volumes add up over the longer exposure."""
        for name in ("voices", "negatives"):
            column = getattr(self, name)
            column[target] += column[source]
            column[source] = 0.0
        self.exposed[target] = max(self.exposed[target], self.exposed[source])
