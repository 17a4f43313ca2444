"""Issues, alerts and outbox messages ⇄ JSON, for both stores."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from duluan.clock import format_time, parse_time
from duluan.model import Alert, Issue, Label, Rejected
from duluan.records import to_record
from index.base import Outgoing

Record = dict[str, Any]


def issue_record(issue: Issue) -> Record:
    """An issue's JSON object; times with their offsets."""
    return {
        "id": issue.id,
        "title": issue.title,
        "terms": list(issue.terms),
        "first": format_time(issue.first),
        "last": format_time(issue.last),
        "voices": issue.voices,
        "topic": issue.topic,
        "places": list(issue.places),
        "merged_into": issue.merged_into,
        "title_by_staff": issue.title_by_staff,
    }


def issue_from(record: Mapping[str, Any]) -> Issue:
    """The inverse of `issue_record`."""
    return Issue(
        id=record["id"],
        title=record["title"],
        terms=tuple(record["terms"]),
        first=parse_time(record["first"]),
        last=parse_time(record["last"]),
        voices=int(record["voices"]),
        topic=record["topic"],
        places=tuple(record["places"]),
        merged_into=record.get("merged_into"),
        title_by_staff=bool(record["title_by_staff"]),
    )


def issue_kept(new: Record, stored: Mapping[str, Any] | None) -> Record:
    """`new` over `stored`: a title given by staff outlives the machine's next one, and a merge is never undone."""
    if stored is None:
        return new
    if stored["title_by_staff"] and not new["title_by_staff"]:
        new = {**new, "title": stored["title"], "title_by_staff": True}
    return {**new, "merged_into": new["merged_into"] or stored["merged_into"]}


LABEL_ANSWERS = ("topic", "sentiment", "feedback", "toxic", "in_province")


def label_record(label: Label) -> Record:
    """A label's JSON object: for each answer its value and since when it stands."""
    given = {name: getattr(label, name) for name in LABEL_ANSWERS}
    at = format_time(label.at)
    return {name: {"value": value, "at": at} for name, value in given.items() if value is not None}


def label_kept(new: Record, stored: Mapping[str, Any] | None) -> Record:
    """`new` over `stored`, answer by answer: the later one stands."""
    kept = dict(stored or {})
    for name, answer in new.items():
        if name not in kept or parse_time(kept[name]["at"]) <= parse_time(answer["at"]):
            kept[name] = answer
    return kept


def label_from(id: str, record: Mapping[str, Any]) -> Label:
    """The inverse of `label_record`; `at` is the latest answer's."""
    at = max(parse_time(answer["at"]) for answer in record.values())
    return Label(id=id, at=at, **{name: answer["value"] for name, answer in record.items()})


def alert_record(alert: Alert) -> Record:
    """An alert's JSON object, numbers unrounded."""
    record = to_record(alert)
    exact = ("expected", "share", "share_usual", "score")
    return {**record, **{name: getattr(alert, name) for name in exact}, "range90": list(alert.range90)}


def hours_between(start: datetime, end: datetime) -> float:
    """Hours from one moment to another."""
    return (end - start).total_seconds() / 3600


def hours_to_alert(alert: Alert) -> float | None:
    """Hours from the first publication among an alert's evidence to the alert; None where no publication time is known."""
    published = [item.published for item in alert.evidence if item.published is not None]
    return hours_between(min(published), alert.detected) if published else None


def event_entry(event: Mapping[str, Any]) -> Record:
    """A history or audit entry; raises ValueError without an aware time `at`."""
    at = event.get("at")
    if isinstance(at, datetime):
        return {**event, "at": format_time(at)}
    if not isinstance(at, str):
        raise ValueError("an event needs its time 'at'")
    parse_time(at)
    return dict(event)


def entry_time(entry: Mapping[str, Any]) -> datetime:
    """When an entry of `event_entry` happened."""
    return parse_time(entry["at"])


def rejection_keys(rejected: Iterable[Rejected]) -> list[tuple[str, str, str]]:
    """(source, reason, hash of the place): the same page refused again for the same reason counts once."""
    return [
        (item.source, item.reason, blake2b(item.where.encode("utf-8", "replace"), digest_size=8).hexdigest())
        for item in rejected
    ]


def without_excerpts(record: Record, drop: Mapping[str, bool]) -> Record:
    """An alert's record with the excerpts of the evidence in `drop` blanked; where the value is True the evidence goes whole."""
    evidence = [
        {**item, "excerpt": ""} if item["id"] in drop else item
        for item in record.get("evidence", ())
        if not drop.get(item["id"], False)
    ]
    return {**record, "evidence": evidence}


def outgoing_from(record: Mapping[str, Any], payload: bytes) -> Outgoing:
    """An outbox message as stored."""
    sent = record["sent"]
    return Outgoing(
        id=record["id"],
        alert=record["alert"],
        created=parse_time(record["created"]),
        payload=payload,
        recipients=tuple(record["recipients"]),
        channel=record["channel"],
        sent=None if sent is None else parse_time(sent),
        tries=int(record["tries"]),
        error=record["error"],
    )


def dump(record: Mapping[str, Any]) -> str:
    """Compact JSON."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))
