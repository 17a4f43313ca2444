"""The life of an alert in the store: watching → open → acknowledged/silenced → easing → closed → reopened. Pure, from its history.

Detector turns and staff actions arrive in any order, some of them twice; `advance` says which state follows, and None where the
event changes nothing (a second "closed", an acknowledgement of what is closed).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

from alerts.signal import Turn

State = Literal["watching", "open", "acknowledged", "silenced", "easing", "closed", "reopened", "false_alarm"]
Action = Literal["acknowledge", "silence", "unsilence", "false_alarm"]
STATES: Final[tuple[State, ...]] = get_args(State)

_LIVE: Final[tuple[State, ...]] = ("watching", "open", "reopened", "acknowledged", "silenced", "easing")
_NEXT: Final[dict[tuple[State, str], State]] = {
    **{(state, "promoted"): "open" for state in ("watching", "easing", "closed", "reopened")},
    **{(state, "escalated"): "open" for state in ("acknowledged", "easing", "reopened")},
    **{(state, "easing"): "easing" for state in ("watching", "open", "acknowledged", "reopened")},
    **{(state, "closed"): "closed" for state in _LIVE},
    **{(state, "reopened"): "reopened" for state in ("easing", "closed")},
    **{(state, "acknowledge"): "acknowledged" for state in ("watching", "open", "reopened", "easing", "silenced")},
    **{(state, "silence"): "silenced" for state in ("watching", "open", "reopened", "acknowledged", "easing")},
    ("silenced", "unsilence"): "open",
    **{(state, "false_alarm"): "false_alarm" for state in (*_LIVE, "closed")},
}


def begin(turn: Turn, *, mail: bool) -> State:
    """State of a new alert."""
    return "open" if mail else "watching"


def advance(state: State, event: Turn | Action) -> State | None:
    """The state after `event`, or None where it changes nothing. A false alarm stays one."""
    return _NEXT.get((state, event))


def current(history: Iterable[Mapping[str, Any]]) -> State | None:
    """The latest state in an alert's history (versions of its numbers are passed over)."""
    state: State | None = None
    for entry in history:
        if entry["state"] in STATES:
            state = entry["state"]
    return state
