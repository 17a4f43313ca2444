"""Newborn issues (younger than 96 h): no baseline of their own, so they are measured against the cohort of past newborn issues."""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.evidence import newborn_score, rarity
from alerts.hours import Floats

NEWBORN: Final = 96  # hours
AGES: Final = (3, 6, 12, 24, 48, 96)
RECENT: Final = (3, 6, 12, 24, 48)
_UNEVEN: Final = 0.5  # growth of one issue is less even than thinning its final count would have it: half the size r
_LOOKS: Final = 0.5  # decades that the best of several looks costs
_FORGET: Final = 0.5 ** (1 / 400)  # per issue of the cohort
# Before any record: 3 voices on average, geometric beyond the first, a third negative, voices of one issue alike; worth 25 issues.
_PRIOR: Final = 25.0
_REACH: Final = np.array([0.45, 0.55, 0.7, 0.85, 0.97, 1.0])


class Cohort:
    """Voices that issues gathered by given ages, and how negative they were."""

    def __init__(self) -> None:
        mean = 1 + 2 * _REACH
        self.weight = _PRIOR
        self.first: Floats = _PRIOR * mean
        self.second: Floats = _PRIOR * (mean**2 + (mean - 1) + (mean - 1) ** 2)
        self.negatives = _PRIOR * 3 * 0.34
        self.voices = _PRIOR * 3
        self.paired: Floats = np.array([0.2, 1.0]) * _PRIOR * 3 * 0.22

    def learn(self, voices: Floats, negatives: float, weight: float) -> None:
        """One issue has grown up: its voices by each of AGES, its negatives by the last."""
        keep = 1 - weight * (1 - _FORGET)
        self.weight = self.weight * keep + weight
        self.first = self.first * keep + weight * voices
        self.second = self.second * keep + weight * np.minimum(voices, 60.0) ** 2
        share = self.share()
        total = float(voices[-1])
        self.negatives = self.negatives * keep + weight * negatives
        self.voices = self.voices * keep + weight * total
        unit = share * (1 - share)
        excess = (negatives - total * share) ** 2 - total * unit
        self.paired = self.paired * keep + weight * np.array([excess, total * (total - 1) * unit]) / max(total, 1.0)

    def share(self) -> float:
        """Usual share of negative voices among newborn issues."""
        return float(np.clip(self.negatives / self.voices, 0.05, 0.8))

    def correlation(self) -> float:
        """How alike the voices of one newborn issue are."""
        return float(np.clip(self.paired[0] / max(self.paired[1], 1e-9), 0.02, 0.6))

    def expected(self, age: Floats) -> tuple[Floats, Floats]:
        """Mean voices by an age in hours, and the size r of their negative binomial."""
        mean = self.first / self.weight
        more = mean[-1] - 1  # beyond the first voice, which every issue has; early ages are thinned, which keeps r
        variance = max(self.second[-1] / self.weight - mean[-1] ** 2, more * 1.05)
        size = max(more, 0.05) ** 2 / max(variance - more, 1e-3)
        return np.interp(age, AGES, mean), np.full(len(age), float(np.clip(size, 0.15, 20.0)))

    def score(self, hours: Floats, negatives: Floats, age: Floats) -> Floats:
        """log10 evidence of newborn issues: rows × NEWBORN `hours` of voices up to now, their negatives in all, and their ages."""
        return newborn_score(hours.sum(axis=1), negatives, self._rarity(hours, age), self.share(), self.correlation())

    def _rarity(self, hours: Floats, age: Floats) -> Floats:
        """The rarest of the whole count and of what the last RECENT hours added: most issues fade within a day, trouble still grows."""
        mean, size = self.expected(age)
        # An issue has one voice by definition; what follows is negative binomial.
        rare = rarity(np.maximum(hours.sum(axis=1) - 1, 0.5), np.maximum(mean - 1, 0.05), size)
        curve = np.r_[1.0, self.first / self.weight]
        for recent in RECENT:
            voices = hours[:, -recent:].sum(axis=1)
            added = np.interp(age, (0, *AGES), curve) - np.interp(age - recent, (0, *AGES), curve)
            late = rarity(np.maximum(voices, 0.5), np.maximum(added, 0.02), _UNEVEN * size)
            rare = np.where((age > recent + 1) & (voices > 0), np.maximum(rare, late), rare)
        return rare - _LOOKS
