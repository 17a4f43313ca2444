"""How past forecasts of one horizon and size did, and what that says about the next ones.

Where the voices that came fell in their forecasts is kept as a histogram (the non-randomised PIT histogram for counts of Czado, Gneiting
and Held 2009); its quantiles replace the nominal levels, so that bands that were too narrow, or leant to one side, widen where they missed.
Scores: the weighted interval score (Bracher, Ray, Gneiting, Reich 2021) over LEVELS, ours beside the seasonal-naive one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.stats import nbinom, norm

from alerts.hours import Floats, Ints

LEVELS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
SIZES: Final = (6.0, 20.0, 60.0)  # voices that part small, middling, large and very large forecasts
# Edges of the histogram as normal scores; the outermost stand for all beyond.
_SCORES: Final = np.linspace(-3.6, 3.6, 37)
_EDGES: Final = np.r_[0.0, norm.cdf(_SCORES[1:-1]), 1.0]
_BEFORE: Final = 40.0  # forecasts that the nominal levels are worth before any record
_ENOUGH: Final = 100.0  # scored forecasts before any is shown
_HOLDS: Final = (0.86, 0.95)  # share of what came that the 90 % band must have held
_FORGET: Final = 0.5 ** (1 / 28)  # per day


@dataclass(frozen=True, slots=True)
class Due:
    """Forecasts that have come due: voices that came and those of the week before, mean, size r; issues × LEVELS ours and naive."""

    came: Floats
    last: Floats
    mean: Floats
    size: Floats
    ours: Floats
    naive: Floats

    def part(self, chosen: Ints) -> Due:
        """Only these rows."""
        return Due(*(getattr(self, name)[chosen] for name in ("came", "last", "mean", "size", "ours", "naive")))


@dataclass(slots=True)
class Record:
    """Decayed sums over forecasts of one horizon and size."""

    count: float = 0.0
    covered: float = 0.0  # inside our 90 % band
    ours: float = 0.0  # interval scores
    naive: float = 0.0
    spread: float = 20.0  # squared differences to a week earlier, over (voices + 1)
    spread_count: float = 10.0
    ranks: list[float] = field(default_factory=lambda: (_BEFORE * np.diff(_EDGES)).tolist())

    def wins(self) -> bool:
        """Ours has the lower score, on enough forecasts, and its band holds what it says."""
        holds = _HOLDS[0] * self.count <= self.covered <= _HOLDS[1] * self.count
        return self.count >= _ENOUGH and self.ours < self.naive and holds

    def learn(self, due: Due) -> None:
        """Score what has come."""
        came = due.came
        self.count += len(came)
        self.covered += float(((came >= due.ours[:, 0]) & (came <= due.ours[:, -1])).sum())
        self.ours += float(interval_score(came, due.ours).sum())
        self.naive += float(interval_score(came, due.naive).sum())
        self.spread += float(((came - due.last) ** 2 / (due.last + 1)).sum())
        self.spread_count += len(came)
        self.ranks = (np.array(self.ranks) + _ranks(due).sum(axis=0)).tolist()

    def forget(self) -> None:
        """One day passes."""
        for name in ("count", "covered", "ours", "naive", "spread", "spread_count"):
            setattr(self, name, getattr(self, name) * _FORGET)
        self.ranks = (np.array(self.ranks) * _FORGET).tolist()

    def levels(self) -> Floats:
        """Probabilities at which to read a forecast so that it holds as LEVELS say."""
        passed = np.r_[0.0, np.cumsum(self.ranks)] / np.sum(self.ranks)
        probabilities: Floats = norm.cdf(np.interp(LEVELS, passed, _SCORES))
        return probabilities


def size_class(mean: Floats) -> Ints:
    """Which of the len(SIZES) + 1 records a forecast belongs to."""
    return np.searchsorted(SIZES, mean, side="right")


def quantiles(mean: Floats, size: Floats, records: list[Record]) -> Floats:
    """Rows × LEVELS: voices of negative binomials with `mean` and `size` r, read as the records of their class ask."""
    levels = np.array([record.levels() for record in records])[size_class(mean)]
    found: Floats = nbinom.ppf(levels, size[:, None], (size / (size + mean))[:, None])
    return found


def naive(last: Floats, mean: Floats, records: list[Record]) -> Floats:
    """Seasonal-naive quantiles: last week's voices with the spread that such differences have shown in the class of `mean`."""
    spread = np.array([record.spread / record.spread_count for record in records])[size_class(mean)]
    deviation = np.sqrt(spread * (last + 1))
    found: Floats = np.maximum(last[:, None] + norm.ppf(LEVELS) * deviation[:, None], 0.0)
    return found


def interval_score(came: Floats, forecast: Floats) -> Floats:
    """Weighted interval score per row of `forecast` (rows × LEVELS); twice the mean quantile loss, so in voices."""
    above = came[:, None] - forecast
    levels = np.array(LEVELS)
    loss: Floats = 2 * np.where(above >= 0, levels * above, (levels - 1) * above).mean(axis=1)
    return loss


def _ranks(due: Due) -> Floats:
    """Rows × bins: where each count lies in its forecast; the mass of a count is spread over its whole step."""
    chance = due.size / (due.size + due.mean)
    came = np.round(due.came)
    low = np.minimum(nbinom.cdf(came - 1, due.size, chance), 1 - 1e-6)[:, None]
    high = np.maximum(nbinom.cdf(came, due.size, chance)[:, None], low + 1e-6)
    inside: Floats = np.clip(np.minimum(high, _EDGES[1:]) - np.maximum(low, _EDGES[:-1]), 0, None) / (high - low)
    return inside
