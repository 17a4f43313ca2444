"""What the next 24 hours and 7 days may bring for one issue: a level and a 90 % band, never a slope.

Level: exponentially weighted mean of daily voices (a week). In a surge (the last day far above that level) the level decays from the last
day towards it with a half-life of a day (real onsets fall below a tenth of the peak within 30 to 60 hours), mixed with "it stays".
Extrapolating slopes doubled the error (reference 6), so it is not done. Band: negative binomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import nbinom

from alerts.hours import Floats

_WEEK: Final = 7.0
_FADE: Final = 0.5  # per day
_STAYS: Final = 0.35  # weight of "stays as it is" in a surge


@dataclass(frozen=True, slots=True)
class Band:
    """Expected voices over `hours` and the range that holds them nine times in ten."""

    hours: int
    mean: float
    low: float
    high: float


def forecast(daily: Sequence[float], hours: int = 24) -> Band:
    """Band for the next `hours` (24 or a multiple) after `daily` voices, oldest first. Needs at least one day."""
    counts = np.asarray(daily, dtype=float)
    days = hours / 24
    level, spread = _level(counts)
    surplus = max(counts[-1] - level - 2 * np.sqrt(level + spread * level**2 + 0.5), 0.0)
    ahead = np.arange(1, round(days) + 1)
    fading = surplus * (_STAYS + (1 - _STAYS) * _FADE**ahead).sum() if hours <= 24 else surplus * (_FADE**ahead).sum()
    mean = max(level * days + fading, 0.05)
    unsure = spread / days**0.7 + (0.5 if surplus > 0 else 0.0) + 1 / (counts.sum() + 1) * 0.5
    size = 1 / max(unsure, 0.02)
    low, high = nbinom.ppf([0.05, 0.95], size, size / (size + mean))
    return Band(hours, float(mean), float(low), float(high))


def _level(counts: Floats) -> tuple[float, float]:
    weights = 0.5 ** (np.arange(len(counts))[::-1] / _WEEK)
    capped = np.minimum(counts, np.median(counts) * 4 + 4)  # one outbreak is not the level
    level = float((weights * capped).sum() / weights.sum())
    excess = ((weights * (capped - level) ** 2).sum() / weights.sum() - level) / max(level, 0.3) ** 2
    return level, float(np.clip((excess * len(counts) + 0.3 * 7) / (len(counts) + 7), 0.05, 2.0))
