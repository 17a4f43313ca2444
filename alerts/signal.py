"""What the engine hands out: one `Signal` for each turn of an episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from duluan.model import Alert

Turn = Literal[
    "opened", "promoted", "escalated", "easing", "closed", "reopened", "reminder"
]  # a reminder is the watcher's own


@dataclass(frozen=True, slots=True)
class Signal:
    """An episode's turn. `alert` carries all numbers; title and evidence in plain words are filled in by the flow.

    `voices` are ids of the publications that best show it: negative first, distinct origins, newest first.
    """

    turn: Turn
    alert: Alert
    voices: tuple[str, ...] = ()
