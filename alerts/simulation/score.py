"""How good a list of alerts was against the truth of a simulated stream: false alarms, recall, delay. As the yardstick counts.

An alert counts for an incident of its issue from 1 h before to 144 h after the onset (ramps: 192 h); all others are false, repeats
within 72 h once. RMD is the mean delay from onset, a miss counting 120 h.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from scipy.stats import chi2

from alerts.hours import WEEK
from duluan.clock import parse_time

MISS: Final = 120.0  # hours
_REACH: Final = {"ramp": 192.0}
_SOON: Final = 144.0
_SAME: Final = 72.0


@dataclass(slots=True)
class Score:
    """Sums over any number of streams."""

    weeks: float = 0.0
    false: int = 0
    delays: dict[str, list[float | None]] = field(default_factory=lambda: defaultdict(list))  # by family; None: missed
    after_fifth: list[float] = field(default_factory=list)  # new issues: hours after the fifth voice

    def per_week(self) -> tuple[float, float, float]:
        """False alarms a week with an exact 95 % Poisson interval (Garwood 1936)."""
        low = chi2.ppf(0.025, 2 * self.false) / 2 if self.false else 0.0
        high = chi2.ppf(0.975, 2 * self.false + 2) / 2
        return self.false / self.weeks, float(low) / self.weeks, float(high) / self.weeks

    def recall(self, family: str | None = None) -> float:
        """Part of the incidents that were found; nan where there are none."""
        delays = self._of(family)
        return sum(delay is not None for delay in delays) / len(delays) if delays else float("nan")

    def rmd(self, family: str | None = None) -> float:
        """Mean delay in hours, a miss counting MISS."""
        delays = self._of(family)
        return float(np.mean([MISS if d is None else min(d, MISS) for d in delays])) if delays else float("nan")

    def median(self, family: str | None = None) -> float:
        """Median delay in hours of those found."""
        found = [delay for delay in self._of(family) if delay is not None]
        return float(np.median(found)) if found else float("nan")

    def _of(self, family: str | None) -> list[float | None]:
        return [d for name, delays in self.delays.items() if family in (None, name) for d in delays]

    def add(self, alerts: Iterable[tuple[float, str]], truth: Mapping[str, Any]) -> None:
        """Count one stream: alerts as (hour of the stream, issue)."""
        late = sorted((hour, issue) for hour, issue in alerts if hour >= truth["warm_h"])
        hits: dict[int, float] = {}
        wrong: list[tuple[float, str]] = []
        for hour, issue in late:
            meant = [k for k, t in enumerate(truth["truth"]) if issue in t["issues"] and _counts(t, hour)]
            for k in meant:
                hits.setdefault(k, hour)
            if not meant and not any(other == issue and hour - at < _SAME for at, other in wrong):
                wrong.append((hour, issue))
        self.weeks += truth["weeks"] - truth["warm_h"] / WEEK
        self.false += len(wrong)
        for k, t in enumerate(truth["truth"]):
            self.delays[t["family"]].append(hits[k] - t["t0"] if k in hits else None)
            if t["family"] == "new" and k in hits and t.get("fifth") is not None:
                self.after_fifth.append(hits[k] - t["fifth"])

    def join(self, other: Score) -> None:
        """Take the sums of `other` in."""
        self.weeks += other.weeks
        self.false += other.false
        self.after_fifth += other.after_fifth
        for family, delays in other.delays.items():
            self.delays[family] += delays


def _counts(truth: Mapping[str, Any], hour: float) -> bool:
    return bool(truth["t0"] - 1 <= hour <= truth["t0"] + _REACH.get(truth["family"], _SOON))


def hours_of(alerts: Sequence[Mapping[str, Any]], truth: Mapping[str, Any], tier: str) -> list[tuple[float, str]]:
    """Alert records of a replay as `Score.add` takes them; mails are also watch alerts."""
    wanted = {"mail"} if tier == "mail" else {"mail", "watch"}
    start = parse_time(truth["t0"])
    return [
        ((parse_time(alert["detected"]) - start).total_seconds() / 3600, alert["issue"])
        for alert in alerts
        if alert["tier"] in wanted
    ]
