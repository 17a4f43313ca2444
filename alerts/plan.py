"""Which messages an alert's turn deserves, for whom and when: caps, digests, quiet hours, repeats with growing pauses. Pure.

Whether a turn is told depends on the moment of the step that found it, never on when the program ran: the same stream gives the same
mails in whatever portions it comes. Only the sending itself looks at the wall clock (`flows/outbox.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from alerts.lifecycle import State
from alerts.signal import Turn
from duluan.clock import local
from duluan.config import AlertRules
from duluan.model import Alert

URGENT: Final = 3.0  # decades above the mail threshold that end quiet hours
# A turn found so long afterwards (an outage made up for) is told only if it still stands.
LATE: Final = timedelta(hours=48)
_PAUSES: Final = (6, 12, 24, 48)  # hours between repeated mails on one alert, growing
_TOLD: Final[frozenset[Turn]] = frozenset({"opened", "promoted", "escalated", "reopened", "reminder"})
_MUTED: Final[frozenset[State]] = frozenset({"silenced", "false_alarm"})

Send = Literal["mail", "digest", "no"]


@dataclass(frozen=True, slots=True)
class Sent:
    """What one recipient got on one alert before."""

    count: int
    last: datetime


def decide(
    alert: Alert, turn: Turn, rules: AlertRules, at: datetime, *, before: Sent | None, today: int, state: State | None
) -> Send:
    """How this turn, found at `at`, is told to one recipient who got `today` mails on this local day. `state` is before the turn."""
    if alert.tier == "watch" or turn not in _TOLD or state in _MUTED:
        return "no"
    if before is not None and not due(turn, before, at):
        return "no"
    if alert.tier == "system":
        return "mail"
    return "digest" if today >= rules.mails_per_day else "mail"


def due(turn: Turn, before: Sent, at: datetime) -> bool:
    """A repeat needs a reason and a pause; reminders end with the longest pause."""
    if turn == "reminder" and before.count > len(_PAUSES):
        return False
    pause = _PAUSES[min(before.count - 1, len(_PAUSES) - 1)]
    return at - before.last >= timedelta(hours=pause)


def quiet(rules: AlertRules, now: datetime) -> bool:
    """Whether `now` lies in the office's quiet hours."""
    hour = local(now).hour
    if rules.quiet_from <= rules.quiet_until:
        return rules.quiet_from <= hour < rules.quiet_until
    return hour >= rules.quiet_from or hour < rules.quiet_until


def urgent(alert: Alert, turn: Turn) -> bool:
    """Whether the mail may leave in quiet hours: news (no reminder) on very strong evidence, and whatever ails the system itself."""
    if alert.tier == "system":
        return True
    threshold = alert.coverage.get("threshold_mail")
    return turn != "reminder" and isinstance(threshold, (int, float)) and alert.score >= threshold + URGENT


def recipients(alert: Alert, rules: AlertRules) -> tuple[str, ...]:
    """Who is told: the office, and whoever a matching rule names for the topic and place; of the system, its administrators."""
    if alert.tier == "system":
        return tuple(dict.fromkeys(rules.administrators or rules.recipients))
    chosen = dict.fromkeys(rules.recipients)
    for rule in rules.rule:
        right_topic = not rule.topics or alert.topic in rule.topics
        right_place = not rule.places or bool(set(rule.places) & set(alert.places))
        if right_topic and right_place:
            chosen |= dict.fromkeys(rule.recipients)
    return tuple(chosen)


def day_of(moment: datetime) -> str:
    """Local calendar day, as the cap counts."""
    return f"{local(moment):%Y-%m-%d}"


def note_for(topic: str, rules: AlertRules) -> str:
    """What to do: by the topic's rule, else the first."""
    return (rules.rule_for(topic) or rules.rule[0]).note
