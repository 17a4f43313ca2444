"""Episodes: one per issue and stretch of trouble; opened, promoted, eased, closed with hysteresis, so that nothing flaps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

from alerts.signal import Turn

CALM: Final = 0.7  # decades below the watch threshold that count as calm
EASE_HOURS: Final = 24
CLOSE_HOURS: Final = 72  # cool-down: within it the same trouble is the same episode
LONG: Final = 14 * 24  # after this an episode is the new usual and is learnt at full weight

Stage = Literal["open", "easing", "closed"]


def episode_id(issue: str, hour: int) -> str:
    """Stable id of the episode of `issue` that opened at `hour`."""
    return hashlib.sha256(f"{issue}@{hour}".encode()).hexdigest()[:16]


@dataclass(slots=True)
class Episode:
    """State of one episode; hours are the engine's."""

    id: str
    issue: str
    opened: int
    mail: bool
    peak: float
    loud: int  # last hour at or above the calm level
    detected: float  # clock at which it opened, or was promoted to mail
    stage: Stage = "open"

    def advance(self, score: float, watch: float, mail: float, hour: int) -> Turn | None:
        """Move on by one step; the turn it took, if any."""
        if score >= watch - CALM:
            self.loud = hour
        if score >= mail and not self.mail:
            self.mail, self.stage = True, "open"
            self.peak = max(self.peak, score)
            return "promoted"
        if score >= self.peak + 1.0 and score >= watch:
            self.peak, self.stage = score, "open"
            return "escalated"
        if self.stage != "open" and score >= watch:
            self.stage = "open"
            return "reopened"
        return self._calm(hour)

    def _calm(self, hour: int) -> Turn | None:
        quiet = hour - self.loud
        if self.stage == "open" and quiet >= EASE_HOURS:
            self.stage = "easing"
            return "easing"
        if self.stage == "easing" and quiet >= CLOSE_HOURS:
            self.stage = "closed"
            return "closed"
        return None

    def over(self, hour: int) -> bool:
        """Whether it may be forgotten: closed, and a new rise is a new episode."""
        return self.stage == "closed" and hour - self.loud >= 2 * CLOSE_HOURS

    def spent(self, hour: int, longest: int) -> bool:
        """Whether a rise at `hour` is something new: this trouble has calmed down, and no window of `longest` hours reaches back to it."""
        return self.stage != "open" and hour - self.opened >= longest
