"""How much ordinary counts and shares scatter, pooled over all rows and learnt within two weeks.

Counts: a window with mean m has variance m·(1 + φ + κ·m); φ (voices come in small clumps) is learnt for whole days and for six-hour
blocks, κ (good and bad days) for days. Shares: n of v negative voices have variance v·s·(1−s)·(1 + τ + ρ·(v−1)): τ for echoes of a
few voices, ρ for days on which all voices lean the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from alerts.hours import Floats

BLOCK: Final = 6  # hours
_FORGET: Final = 0.5 ** (1 / 14)  # per day
_CAP: Final = 40.0  # a mean above this teaches nothing more about φ


def _start(first: float, second: float, weight: float) -> tuple[Floats, Floats]:
    normal = weight * np.array([[1.0, 1.0], [1.0, 2.0]])
    return normal, normal @ np.array([first, second])


@dataclass(slots=True)
class Dispersion:
    """Weighted normal equations of three small regressions; the starting values weigh as much as two days of 30 rows."""

    normal: Floats = field(default_factory=lambda: _start(0.4, 0.25, 60)[0])
    target: Floats = field(default_factory=lambda: _start(0.4, 0.25, 60)[1])
    block: Floats = field(default_factory=lambda: np.array([60 * 0.25, 60.0]))
    leaning: Floats = field(default_factory=lambda: _start(0.1, 0.03, 60)[0])
    lean_target: Floats = field(default_factory=lambda: _start(0.1, 0.03, 60)[1])

    def learn_days(self, voices: Floats, mean: Floats, weight: Floats) -> None:
        """One whole day: voices and their means per row."""
        m = np.minimum(mean, _CAP)
        scale = m / (1 + 0.3 * m)
        x = np.stack([np.ones(len(m)), m]) * scale
        excess = np.clip((voices - mean) ** 2 / np.maximum(mean, 0.02) - 1, -1, _CAP) * scale
        self.normal = self.normal * _FORGET + (x * weight) @ x.T
        self.target = self.target * _FORGET + (x * weight) @ excess

    def learn_blocks(self, voices: Floats, mean: Floats, weight: Floats) -> None:
        """Rows × six-hour blocks of that day."""
        kappa = self.counts()[1]
        m = np.minimum(mean, _CAP)
        scale = (m / (1 + 0.3 * m)) ** 2 * weight[:, None]
        excess = np.clip((voices - mean) ** 2 / np.maximum(mean, 0.02) - 1, -1, _CAP) - kappa * m
        self.block = self.block * _FORGET + np.array([(scale * excess).sum(), scale.sum()])

    def learn_shares(self, voices: Floats, negatives: Floats, share: Floats, weight: Floats) -> None:
        """How that day's negatives scatter around their usual share."""
        pairs = voices >= 2
        v, unit = voices[pairs], (share * (1 - share))[pairs]
        error = (negatives - voices * share)[pairs] ** 2 / (v * unit)
        w = weight[pairs] / (1 + 0.1 * v)
        x = np.stack([np.ones(len(v)), np.minimum(v - 1, _CAP)])
        self.leaning = self.leaning * _FORGET + (x * w) @ x.T
        self.lean_target = self.lean_target * _FORGET + (x * w) @ (np.minimum(error, 12.0) - 1)

    def counts(self) -> tuple[float, float]:
        """φ and κ of days."""
        return _solve(self.normal, self.target, 0.05, 0.02)

    def short(self) -> float:
        """φ of six-hour blocks."""
        return float(max(self.block[0] / self.block[1], 0.02))

    def shares(self) -> tuple[float, float]:
        """τ and ρ."""
        return _solve(self.leaning, self.lean_target, 0.02, 0.002)

    def clump(self, hours: Floats) -> Floats:
        """φ of windows of given hours: between the two scales on a log axis, shrinking to a fifth of an hour's at none."""
        day, block = self.counts()[0], min(self.short(), 1.5 * self.counts()[0])
        return np.interp(np.log(hours), np.log([1.0, BLOCK, 24.0]), [0.4 * block, block, day])

    def variance(self, expected: Floats, hours: tuple[int, ...]) -> Floats:
        """Variance of a count over its mean: rows × windows of `hours`, with `expected` voices."""
        days = np.maximum(np.array(hours) / 24, 1.0) ** 0.7  # days of a week are not independent
        ratio: Floats = 1 + self.clump(np.array(hours, dtype=float)) + self.counts()[1] * expected / days
        return ratio

    def copy(self) -> Dispersion:
        """An independent copy."""
        return Dispersion(
            self.normal.copy(), self.target.copy(), self.block.copy(), self.leaning.copy(), self.lean_target.copy()
        )


def _solve(normal: Floats, target: Floats, least_first: float, least_second: float) -> tuple[float, float]:
    """Least squares with lower bounds on both coefficients."""
    first, second = np.linalg.solve(normal + 1e-6 * np.eye(2), target)
    if second < least_second:
        second = least_second
        first = (target[0] - normal[0, 1] * second) / normal[0, 0]
    elif first < least_first:
        second = (target[1] - normal[1, 0] * least_first) / normal[1, 1]
    return float(max(first, least_first)), float(max(second, least_second))
