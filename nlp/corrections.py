"""Staff's corrections over the models' answers: on the documents that they labelled, staff are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from duluan.model import SENTIMENTS, VOICE_KINDS, Enriched, Label

STAFF = "staff"  # what `models` names as the version of an answer that staff gave
AgencyOf = Callable[[str], str | None]


def corrected(item: Enriched, label: Label, agency_of: AgencyOf) -> Enriched:
    """`item` with the answers of `label`: certain, and marked as staff's in `models`. `agency_of`: topic → department."""
    changes: dict[str, Any] = {}
    if label.topic is not None:
        changes |= {"topic": label.topic, "topic_p": 1.0, "topic2": None, "agency": agency_of(label.topic)}
    if label.sentiment is not None:
        shares = {name: float(name == label.sentiment) for name in SENTIMENTS}
        changes |= {"sentiment": label.sentiment, "sentiment_p": shares, "uncertain": False}
    if label.feedback is not None:
        changes |= {"feedback": label.feedback, "feedback_p": float(label.feedback)}
    if label.toxic is not None:
        changes |= {"toxic_p": float(label.toxic)}
    if label.in_province is not None:
        changes |= {"in_province": label.in_province}
    return replace(item, **changes, models={**item.models, **dict.fromkeys(_tasks(item, label), STAFF)})


def _tasks(item: Enriched, label: Label) -> list[str]:
    """The tasks that `label` answers, as models name them: `sentiment` of news is the task `tone`."""
    given = [name for name in ("topic", "feedback", "toxic", "in_province") if getattr(label, name) is not None]
    if label.sentiment is not None:
        given.append("sentiment" if item.kind in VOICE_KINDS else "tone")
    return given
