"""Alerts with their history, and the outbox, in Elasticsearch."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from duluan.clock import format_time
from duluan.errors import StoreError
from duluan.model import Alert
from duluan.records import alert_from
from index.base import Outgoing
from index.elastic import Cluster, path_of
from index.elastic_bulk import Action
from index.elastic_filter import span_us
from index.elastic_ledger import ended_issues
from index.elastic_schema import ALERTS, HISTORY, OUTBOX
from index.elastic_state import Counters
from index.ledger import alert_record, dump, entry_time, event_entry, hours_between, hours_to_alert, outgoing_from
from index.rows import micros

VERDICTS = {"acknowledged": "right", "false_alarm": "false"}  # what staff said of an alert, for precision by month

_MARK = """
ctx._source.record.tries = ctx._source.record.tries + 1;
ctx._source.record.error = params.error;
if (ctx._source.record.sent == null && params.sent != null) {
  ctx._source.record.sent = params.sent; ctx._source.waiting = false;
}
"""


def put_alerts(cluster: Cluster, counters: Counters, alerts: Sequence[Alert]) -> None:
    """Store versions of alerts; a version that is there already adds nothing, an older one never replaces."""
    ended = ended_issues(cluster, {alert.issue for alert in alerts})
    for alert in alerts:
        record = alert_record(alert)
        version = {"at": format_time(alert.detected), "state": "version", "alert": record}
        _add_history(cluster, counters, alert.id, version, unique=True)
        record = {**record, "issue": ended.get(alert.issue, alert.issue)}
        stored = cluster.sources(ALERTS, [alert.id]).get(alert.id, {})
        source = {
            **{name: record[name] for name in _ALERT_FIELDS},
            **{name: stored[name] for name in ("state", "verdict", "right", "acknowledged") if name in stored},
            "delay_hours": hours_between(alert.started, alert.detected),
            "hours_to_alert": hours_to_alert(alert),
            "agency": alert.agency,
            "detected_us": micros(alert.detected),
            "evidence": [item.id for item in alert.evidence],
            "record": dump(record),
        }
        cluster.put(ALERTS, alert.id, dump(source), version=micros(alert.detected))


def repoint(cluster: Cluster, final: Mapping[str, str]) -> None:
    """Alerts of issues that ended belong to the ones that these went into."""
    hits = list(cluster.stream(ALERTS, {"terms": {"issue": list(final)}}, [{"id": "asc"}]))
    for source in (hit["_source"] for hit in hits):
        issue = final[source["issue"]]
        record = dump({**json.loads(source["record"]), "issue": issue})
        changed = dump({**source, "issue": issue, "record": record})
        cluster.put(ALERTS, source["id"], changed, version=int(source["detected_us"]))


_ALERT_FIELDS = [
    "id",
    "issue",
    "tier",
    "reason",
    "title",
    "started",
    "detected",
    "voices",
    "expected",
    "share",
    "share_usual",
    "score",
    "reprints",
    "places",
    "topic",
]


def alerts(cluster: Cluster, since: datetime | None, until: datetime | None) -> list[Alert]:
    """Current versions with since ≤ detected < until, newest first, ties by id."""
    hits = cluster.stream(ALERTS, span_us("detected_us", since, until), [{"detected_us": "desc"}, {"id": "asc"}])
    return [alert_from(json.loads(hit["_source"]["record"])) for hit in hits]


def alert_history(cluster: Cluster, id: str) -> list[dict[str, Any]]:
    """Versions and events of one alert, oldest first; also what another process added a moment ago."""
    cluster.look_anew(HISTORY)
    hits = cluster.stream(HISTORY, {"term": {"alert": id}}, [{"at_us": "asc"}, {"n": "asc"}])
    return [json.loads(hit["_source"]["entry"]) for hit in hits]


def add_alert_event(cluster: Cluster, counters: Counters, id: str, event: Mapping[str, Any]) -> None:
    """Append to an alert's history. Raises StoreError where there is no such alert."""
    found = cluster.ask_or_none("GET", path_of(ALERTS, "_doc", id))
    if found is None:
        raise StoreError(f"không có cảnh báo {id!r}; xem danh sách bằng: duluan alerts list")
    entry = event_entry(event)
    _add_history(cluster, counters, id, entry, unique=False)
    source = {**found["_source"], "state": str(entry.get("state", ""))}
    if source["state"] in VERDICTS:
        verdict = VERDICTS[source["state"]]
        source |= {"verdict": verdict, "right": int(verdict == "right"), "acknowledged": entry["at"]}
    cluster.put(ALERTS, id, dump(source), version=int(source["detected_us"]))


def _add_history(cluster: Cluster, counters: Counters, alert: str, entry: dict[str, Any], *, unique: bool) -> None:
    text = dump(entry)
    name = f"{alert}|{blake2b(text.encode(), digest_size=12).hexdigest()}"
    if unique and cluster.ask_or_none("HEAD", path_of(HISTORY, "_doc", name)):
        return
    n = counters.reserve("history", 1)
    at = entry_time(entry)
    source = {
        "alert": alert,
        "at": format_time(at),
        "at_us": micros(at),
        "n": n,
        "state": str(entry.get("state", "")),
        "evidence": [item["id"] for item in entry.get("alert", {}).get("evidence", ())],
        "entry": text,
    }
    cluster.put(HISTORY, name if unique else f"{alert}|{n}", dump(source), create=True)
    counters.done("history", n)


def outbox_add(cluster: Cluster, messages: Sequence[Outgoing]) -> int:
    """Add new messages; returns how many were new."""
    outcomes = cluster.bulk(Action(OUTBOX, message.id, _message(message), verb="create") for message in messages)
    return sum(cluster.checked(outcome).written for outcome in outcomes)


def _message(m: Outgoing) -> str:
    record = {
        "id": m.id,
        "alert": m.alert,
        "created": format_time(m.created),
        "recipients": list(m.recipients),
        "channel": m.channel,
        "sent": None if m.sent is None else format_time(m.sent),
        "tries": m.tries,
        "error": m.error,
    }
    return dump(
        {
            "id": m.id,
            "alert": m.alert,
            "created": record["created"],
            "created_us": micros(m.created),
            "waiting": m.sent is None,
            "payload": base64.b64encode(m.payload).decode(),
            "record": record,
        }
    )


def outbox(cluster: Cluster, *, pending: bool) -> list[Outgoing]:
    """Messages by (created, id), those not yet sent or all; also what another process marked a moment ago, for it may be dead."""
    cluster.look_anew(OUTBOX)
    query = {"term": {"waiting": True}} if pending else {"match_all": {}}
    hits = cluster.stream(OUTBOX, query, [{"created_us": "asc"}, {"id": "asc"}])
    return [outgoing_from(s["record"], base64.b64decode(s["payload"])) for s in (hit["_source"] for hit in hits)]


def outbox_mark(cluster: Cluster, id: str, sent: datetime | None, error: str) -> None:
    """Record one try. A message that was sent stays sent. Raises StoreError where there is no such message."""
    params = {"error": error, "sent": None if sent is None else format_time(sent)}
    body = {"script": {"source": _MARK, "params": params}}
    done = cluster.ask_or_none("POST", path_of(OUTBOX, "_update", id), body, retry_on_conflict="10")
    if done is None:
        raise StoreError(f"hộp chờ gửi không có thư {id!r}")
    cluster.look_anew(OUTBOX)
