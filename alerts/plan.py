"""Which messages an alert's turn deserves, and when: caps, digest, quiet hours, re-alerts with growing pauses. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from alerts.signal import Turn
from duluan.clock import local
from duluan.config import AlertRules
from duluan.model import Alert

URGENT: Final = 3.0  # decades above the mail threshold that end quiet hours
_PAUSES: Final = (6, 12, 24, 48)  # hours between repeated mails on one issue, growing
_FRESH: Final = timedelta(hours=48)

Send = Literal["now", "later", "digest", "no"]


@dataclass(frozen=True, slots=True)
class Sent:
    """What went out on one alert before."""

    count: int
    last: datetime


def decide(
    alert: Alert, turn: Turn, rules: AlertRules, now: datetime, *, before: Sent | None, today: int, still_open: bool
) -> Send:
    """How this turn is told. `today`: mails that left on this local day."""
    if alert.tier != "mail" or turn not in ("opened", "promoted", "escalated", "reopened"):
        return "no"
    if now - alert.detected > _FRESH and not still_open:
        return "no"
    if before is not None:
        pause = _PAUSES[min(before.count - 1, len(_PAUSES) - 1)]
        if turn != "escalated" or now - before.last < timedelta(hours=pause):
            return "no"
    if today >= rules.mails_per_day:
        return "digest"
    return "later" if quiet(rules, now) and not urgent(alert) else "now"


def quiet(rules: AlertRules, now: datetime) -> bool:
    """Whether `now` lies in the office's quiet hours."""
    hour = local(now).hour
    if rules.quiet_from <= rules.quiet_until:
        return rules.quiet_from <= hour < rules.quiet_until
    return hour >= rules.quiet_from or hour < rules.quiet_until


def urgent(alert: Alert) -> bool:
    """Evidence so strong that it may wake someone."""
    threshold = alert.coverage.get("threshold_mail")
    return isinstance(threshold, (int, float)) and alert.score >= threshold + URGENT


def recipients(alert: Alert, rules: AlertRules) -> tuple[str, ...]:
    """Who is told: the office, and whoever a matching rule names for the topic and place."""
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
    """What to do: the rule of the topic, else the general one (without topics), else the first."""
    exact = next((rule for rule in rules.rule if topic in rule.topics), None)
    general = next((rule for rule in rules.rule if not rule.topics), rules.rule[0])
    return (exact or general).note
