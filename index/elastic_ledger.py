"""Everything in Elasticsearch that is no document: issues, merges, fetches, rejections, alerts, outbox, audit."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from duluan.clock import format_time, parse_time
from duluan.errors import StoreError
from duluan.model import Alert, Fetch, Issue, Label, Rejected
from duluan.records import alert_from
from index.base import Outgoing
from index.elastic import Action, Cluster, path_of
from index.elastic_schema import ALERTS, AUDIT, FETCHES, HISTORY, ISSUES, LABELS, OUTBOX, REJECTIONS, STATE
from index.elastic_state import Counters
from index.ledger import (
    alert_record,
    dump,
    entry_time,
    event_entry,
    hours_between,
    hours_to_alert,
    issue_from,
    issue_kept,
    issue_record,
    label_from,
    label_kept,
    label_record,
    outgoing_from,
    rejection_keys,
)
from index.rows import micros

VERDICTS = {"acknowledged": "right", "false_alarm": "false"}  # what staff said of an alert, for precision by month
_MANY = 10_000  # alerts, messages: read in pages of so many

_MARK = """
ctx._source.record.tries = ctx._source.record.tries + 1;
ctx._source.record.error = params.error;
if (ctx._source.record.sent == null && params.sent != null) {
  ctx._source.record.sent = params.sent; ctx._source.waiting = false;
}
"""


def put_issues(cluster: Cluster, issues: Sequence[Issue]) -> None:
    """Store issues by id; see `issue_kept` for what a stored one keeps."""
    if not issues:
        return
    stored = _sources(cluster, ISSUES, {issue.id for issue in issues})
    actions: dict[str, Action] = {}
    for issue in issues:
        record = issue_kept(issue_record(issue), stored.get(issue.id))
        stored[issue.id] = record
        actions[issue.id] = Action(ISSUES, issue.id, dump({**record, "record": dump(record)}))
    _all(cluster, actions.values())


def issues(cluster: Cluster, ids: Sequence[str] | None) -> Iterator[Issue]:
    """Issues by id."""
    query = {"match_all": {}} if ids is None else {"terms": {"id": list(ids)}}
    return (issue_from(hit["_source"]) for hit in cluster.stream(ISSUES, query, [{"id": "asc"}]))


def put_labels(cluster: Cluster, labels: Sequence[Label]) -> None:
    """Store corrections, answer by answer."""
    stored = {id_: source["record"] for id_, source in _sources(cluster, LABELS, {one.id for one in labels}).items()}
    for label in labels:
        stored[label.id] = label_kept(label_record(label), stored.get(label.id))
    _all(cluster, (Action(LABELS, id_, dump({"id": id_, "record": kept})) for id_, kept in stored.items() if kept))


def labels(cluster: Cluster, ids: Iterable[str] | None) -> dict[str, Label]:
    """Corrections by id."""
    if ids is None:
        hits = (hit["_source"] for hit in cluster.stream(LABELS, {"match_all": {}}, [{"id": "asc"}]))
        found = {source["id"]: source for source in hits}
    else:
        found = _sources(cluster, LABELS, ids)
    return {id_: label_from(id_, found[id_]["record"]) for id_ in sorted(found)}


def put_merges(cluster: Cluster, final: Mapping[str, str], again: Iterable[str] = ()) -> None:
    """Remember which issue each ended one went into, earlier chains shortened; those of `again` stand again."""
    chained = cluster.stream(STATE, {"terms": {"target": list(final)}}, [{"_doc": "asc"}])
    standing = set(again)
    targets = {hit["_source"]["name"]: final[hit["_source"]["target"]] for hit in chained} | dict(final)
    targets = {old: new for old, new in targets.items() if old not in standing}
    _all(cluster, (Action(STATE, f"merge:{name}", None) for name in standing))
    _all(
        cluster,
        (
            Action(STATE, f"merge:{old}", dump({"kind": "merge", "name": old, "target": new}))
            for old, new in targets.items()
        ),
    )
    cluster.refresh(STATE)
    records = _sources(cluster, ISSUES, {*targets, *standing})
    for record in records.values():
        record["merged_into"] = targets.get(record["id"])
        record.pop("record")
    _all(cluster, (Action(ISSUES, id_, dump({**record, "record": dump(record)})) for id_, record in records.items()))


def ended_issues(cluster: Cluster, ids: Iterable[str]) -> dict[str, str]:
    """Those of `ids` that were merged, with what they were merged into."""
    asked = [f"merge:{id_}" for id_ in ids]
    if not asked:
        return {}
    body = {"query": {"ids": {"values": asked}}, "size": len(asked)}
    # `put_merges` refreshes: no refresh is needed to see its own merges, and one for each batch costs a tenth of a load.
    hits = cluster.searches([(STATE, body)])[0]["hits"]["hits"]
    return {hit["_source"]["name"]: hit["_source"]["target"] for hit in hits}


def put_fetches(cluster: Cluster, fetches: Sequence[Fetch]) -> None:
    """Add to the fetch ledger; the same try again replaces itself."""
    _all(
        cluster,
        (
            Action(
                FETCHES,
                f"{micros(fetch.at)}|{fetch.source}",
                dump(
                    {
                        "source": fetch.source,
                        "at": format_time(fetch.at),
                        "at_us": micros(fetch.at),
                        "ok": fetch.ok,
                        "shown": format_time(fetch.at),
                    }
                ),
            )
            for fetch in fetches
        ),
    )


def fetches(cluster: Cluster, since: datetime | None, until: datetime | None) -> Iterator[Fetch]:
    """Tries with since ≤ at < until."""
    hits = cluster.stream(FETCHES, _span("at_us", since, until), [{"at_us": "asc"}, {"source": "asc"}])
    return (Fetch(s["source"], parse_time(s["shown"]), bool(s["ok"])) for s in (hit["_source"] for hit in hits))


def put_rejections(cluster: Cluster, rejected: Sequence[Rejected]) -> None:
    """Remember what was refused."""
    _all(
        cluster,
        (
            Action(REJECTIONS, "|".join(key), dump({"source": key[0], "reason": key[1]}), create=True)
            for key in dict.fromkeys(rejection_keys(rejected))
        ),
    )


def rejections(cluster: Cluster) -> list[tuple[str, str, int]]:
    """(source, reason, how often), sorted."""
    keys = [{name: {"terms": {"field": name}}} for name in ("source", "reason")]
    body = {"size": 0, "aggs": {"all": {"composite": {"size": _MANY, "sources": keys}}}}
    buckets = cluster.search(REJECTIONS, body)["aggregations"]["all"]["buckets"]
    return sorted((b["key"]["source"], b["key"]["reason"], b["doc_count"]) for b in buckets)


def put_alerts(cluster: Cluster, counters: Counters, alerts: Sequence[Alert]) -> None:
    """Store versions of alerts; a version that is there already adds nothing, an older one never replaces."""
    for alert in alerts:
        record = alert_record(alert)
        version = {"at": format_time(alert.detected), "state": "version", "alert": record}
        _add_history(cluster, counters, alert.id, version, unique=True)
        stored = _sources(cluster, ALERTS, [alert.id]).get(alert.id, {})
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
    hits = cluster.stream(ALERTS, _span("detected_us", since, until), [{"detected_us": "desc"}, {"id": "asc"}])
    return [alert_from(json.loads(hit["_source"]["record"])) for hit in hits]


def alert_history(cluster: Cluster, id: str) -> list[dict[str, Any]]:
    """Versions and events of one alert, oldest first."""
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
    outcomes = cluster.bulk(Action(OUTBOX, message.id, _message(message), create=True) for message in messages)
    return sum(cluster.checked(outcome).status == 201 for outcome in outcomes)


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
    """Messages by (created, id), those not yet sent or all."""
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
    cluster.touched(OUTBOX)


def add_audit(cluster: Cluster, counters: Counters, event: Mapping[str, Any]) -> None:
    """Append to the audit log."""
    entry = event_entry(event)
    n = counters.reserve("audit", 1)
    source = {"n": n, "at": format_time(entry_time(entry)), "what": str(entry.get("what", "")), "event": dump(entry)}
    cluster.put(AUDIT, str(n), dump(source), create=True)
    counters.done("audit", n)


def audit_log(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """The audit log, oldest first."""
    return (json.loads(hit["_source"]["event"]) for hit in cluster.stream(AUDIT, {"match_all": {}}, [{"n": "asc"}]))


def _span(field: str, since: datetime | None, until: datetime | None) -> dict[str, Any]:
    bounds = {name: micros(bound) for name, bound in (("gte", since), ("lt", until)) if bound is not None}
    return {"range": {field: bounds}} if bounds else {"match_all": {}}


def _sources(cluster: Cluster, index: str, ids: Iterable[str]) -> dict[str, Any]:
    """Sources by id, as of now (no refresh needed)."""
    asked = list(ids)
    if not asked:
        return {}
    answer = cluster.ask("POST", f"/{index}/_mget", {"ids": asked})
    return {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}


def _all(cluster: Cluster, actions: Iterable[Action]) -> None:
    for outcome in cluster.bulk(actions):
        cluster.checked(outcome)
