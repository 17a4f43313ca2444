"""The life of an alert in the store: watching → open → acknowledged/silenced → easing → closed → reopened. Pure, from its history.

Detector turns and staff actions arrive in any order, some of them twice; `advance` says which state follows, and None where the
event changes nothing (a second "closed", an acknowledgement of what is closed). What staff have settled is closed by their word and
opens again when negative voices return (`returned`); a false alarm stays one unless the evidence rises to the mail tier afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from alerts.signal import Turn
from duluan.clock import parse_time

State = Literal["watching", "open", "acknowledged", "silenced", "easing", "closed", "reopened", "false_alarm"]
Action = Literal["acknowledge", "assign", "silence", "unsilence", "settle", "false_alarm"]
STATES: Final[tuple[State, ...]] = get_args(State)
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
SETTLING: Final = timedelta(hours=24)  # voices of the first day after a settlement are the echo of what was settled

_LIVE: Final[tuple[State, ...]] = ("watching", "open", "reopened", "acknowledged", "silenced", "easing")
_NEXT: Final[dict[tuple[State, str], State]] = {
    **{(state, "promoted"): "open" for state in ("watching", "easing", "closed", "reopened", "false_alarm")},
    **{(state, "escalated"): "open" for state in ("acknowledged", "easing", "reopened")},
    ("closed", "escalated"): "reopened",
    **{(state, "easing"): "easing" for state in ("watching", "open", "acknowledged", "reopened")},
    **{(state, "closed"): "closed" for state in _LIVE},
    **{(state, "reopened"): "reopened" for state in ("easing", "closed")},
    **{(state, "acknowledge"): "acknowledged" for state in ("watching", "open", "reopened", "easing", "silenced")},
    **{
        (state, "assign"): "acknowledged"
        for state in ("watching", "open", "reopened", "acknowledged", "easing", "silenced")
    },
    **{(state, "silence"): "silenced" for state in ("watching", "open", "reopened", "acknowledged", "easing")},
    ("silenced", "unsilence"): "open",
    **{(state, "settle"): "closed" for state in _LIVE},
    **{(state, "false_alarm"): "false_alarm" for state in (*_LIVE, "closed")},
}


def begin(*, mail: bool) -> State:
    """State of a new alert."""
    return "open" if mail else "watching"


def advance(state: State, event: Turn | Action) -> State | None:
    """The state after `event`, or None where it changes nothing."""
    return _NEXT.get((state, event))


def allowed(state: State) -> tuple[Action, ...]:
    """What staff may do now."""
    return tuple(action for action in ACTIONS if (state, action) in _NEXT)


def current(history: Iterable[Mapping[str, Any]]) -> State | None:
    """The latest state in an alert's history (versions of its numbers are passed over)."""
    last = _latest(history)
    return last["state"] if last else None


def silence_over(history: Iterable[Mapping[str, Any]], at: datetime) -> bool:
    """Whether the alert is silenced, and the time of it has run out."""
    last = _latest(history)
    return last is not None and last["state"] == "silenced" and parse_time(last.get("until", last["at"])) <= at


def returned(history: Iterable[Mapping[str, Any]], heard: datetime | None) -> bool:
    """Whether staff settled it, and enough new voices came (since `heard`) a day and more after that."""
    last = _latest(history)
    if last is None or heard is None or last.get("action") != "settle":
        return False
    return heard >= parse_time(last["at"]) + SETTLING


def _latest(history: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    states = [entry for entry in history if entry["state"] in STATES]
    return states[-1] if states else None
