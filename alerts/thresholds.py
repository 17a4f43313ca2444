"""Thresholds from budgets: so many false episodes a week, whatever the number of issues.

Peaks of past episodes are kept for eight weeks. Where their rate is still dominated by chance (about a dozen a week, far above the
rate of true incidents) the level is read off; from there the tail is extrapolated with a given slope (Ville's inequality: at least one
decade of rate per decade of evidence), so that the few true incidents in the record cannot raise the bar.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from alerts.hours import WEEK

Track = Literal[
    "standing", "newborn", "theme", "term"
]  # issues of four days and more, younger ones, themes by place, by term
THEMES: Final[tuple[Track, ...]] = ("theme", "term")
KEEP: Final = 8 * WEEK
GAP: Final = 72  # peaks of one issue closer than this are one episode
ENTER: Final = 0.5  # log10 evidence from which peaks are recorded
_ANCHOR: Final = 12.0  # episodes a week at the level that is read off
_PRIOR_WEEKS: Final = 2.0
_STEEPNESS: Final = (1.0, 2.0)  # decades of rate per decade of evidence: Ville's bound, and twice that


@dataclass(frozen=True, slots=True)
class Bars:
    """Thresholds of one track, in log10 evidence."""

    watch: float
    mail: float


@dataclass(slots=True)
class Peaks:
    """Episode peaks of one track and the thresholds that follow."""

    slope: float  # decades of rate per decade of evidence
    prior: float  # level passed once in _ANCHOR-per-week before any record
    # Level at which `slope` holds. Louder streams have a higher one, and their tail is longer in proportion (three times
    # the volume, seeds 10–13: 1.64 false mails a week at one slope for all, 1.14 so; the plain streams .30 and .29). 0: one slope.
    usual: float = 0.0
    issues: list[str] = field(default_factory=list)
    hours: list[int] = field(default_factory=list)
    tops: list[float] = field(default_factory=list)
    latest: dict[str, int] = field(default_factory=dict)  # issue → position of its last peak
    level: float = 0.0
    weeks: float = 0.0

    def record(self, issues: list[str], scores: list[float], hour: int) -> None:
        """Scores above ENTER at `hour`: new peaks, or higher tops of running ones."""
        for issue, score in zip(issues, scores, strict=True):
            at = self.latest.get(issue)
            if at is not None and hour - self.hours[at] < GAP:
                self.tops[at] = max(self.tops[at], score)
                continue
            self.latest[issue] = len(self.tops)
            self.issues.append(issue)
            self.hours.append(hour)
            self.tops.append(score)

    def recalibrate(self, hour: int, first: int) -> None:
        """Read the anchor level off the record; to be called weekly."""
        keep = [i for i, h in enumerate(self.hours) if h >= hour - KEEP]
        self.issues = [self.issues[i] for i in keep]
        self.hours = [self.hours[i] for i in keep]
        self.tops = [self.tops[i] for i in keep]
        self.latest = {issue: i for i, issue in enumerate(self.issues)}
        self.weeks = min(hour - first, KEEP) / WEEK
        tops = np.sort(np.array(self.tops))[::-1]
        wanted = _ANCHOR * self.weeks
        if len(tops) == 0 or self.weeks <= 0:
            self.level = self.prior
            return
        position = min(int(wanted), len(tops)) - 1
        found = tops[max(position, 0)] + np.log10(max(position + 1, 1) / max(wanted, 1)) / self.slope
        weight = self.weeks / (self.weeks + _PRIOR_WEEKS)
        self.level = float(weight * found + (1 - weight) * self.prior)

    def threshold(self, per_week: float) -> float:
        """log10 evidence that chance passes `per_week` times a week."""
        level = self.level if self.weeks > 0 else self.prior
        slope = self.slope
        if self.usual:
            slope = float(np.clip(slope * self.usual / max(level, ENTER), *_STEEPNESS))
        return level + float(np.log10(_ANCHOR / per_week)) / slope
