"""Everything in Elasticsearch that is no document: issues, merges, fetches, rejections, alerts, outbox, audit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from duluan.clock import format_time, parse_time
from duluan.model import Fetch, Issue, Label, Rejected
from index.base import ISSUE_EVENTS
from index.elastic import PAGE, Cluster, path_of
from index.elastic_bulk import Action
from index.elastic_filter import span_us
from index.elastic_schema import AUDIT, FETCHES, ISSUES, LABELS, REJECTIONS, STATE
from index.elastic_state import Counters
from index.ledger import (
    dump,
    entry_time,
    event_entry,
    issue_from,
    issue_kept,
    issue_record,
    label_from,
    label_kept,
    label_record,
    rejection_keys,
)
from index.rows import micros


def put_issues(cluster: Cluster, issues: Sequence[Issue]) -> None:
    """Store issues by id; see `issue_kept` for what a stored one keeps."""
    if not issues:
        return
    stored = cluster.sources(ISSUES, {issue.id for issue in issues})
    actions: dict[str, Action] = {}
    for issue in issues:
        record = issue_kept(issue_record(issue), stored.get(issue.id))
        stored[issue.id] = record
        actions[issue.id] = Action(ISSUES, issue.id, dump({**record, "record": dump(record)}))
    cluster.write_all(actions.values())


def issues(cluster: Cluster, ids: Sequence[str] | None) -> Iterator[Issue]:
    """Issues by id."""
    query = {"match_all": {}} if ids is None else {"terms": {"id": list(ids)}}
    return (issue_from(hit["_source"]) for hit in cluster.stream(ISSUES, query, [{"id": "asc"}]))


def put_labels(cluster: Cluster, labels: Sequence[Label]) -> None:
    """Store corrections, answer by answer."""
    stored = {id_: source["record"] for id_, source in cluster.sources(LABELS, {one.id for one in labels}).items()}
    for label in labels:
        stored[label.id] = label_kept(label_record(label), stored.get(label.id))
    cluster.write_all((Action(LABELS, id_, dump({"id": id_, "record": kept})) for id_, kept in stored.items() if kept))


def labels(cluster: Cluster, ids: Iterable[str] | None) -> dict[str, Label]:
    """Corrections by id."""
    if ids is None:
        hits = (hit["_source"] for hit in cluster.stream(LABELS, {"match_all": {}}, [{"id": "asc"}]))
        found = {source["id"]: source for source in hits}
    else:
        found = cluster.sources(LABELS, ids)
    return {id_: label_from(id_, found[id_]["record"]) for id_ in sorted(found)}


def put_merges(cluster: Cluster, final: Mapping[str, str], again: Iterable[str] = ()) -> None:
    """Remember which issue each ended one went into, earlier chains shortened; those of `again` stand again."""
    chained = cluster.stream(STATE, {"terms": {"target": list(final)}}, [{"_doc": "asc"}])
    standing = set(again)
    targets = {hit["_source"]["name"]: final[hit["_source"]["target"]] for hit in chained} | dict(final)
    targets = {old: new for old, new in targets.items() if old not in standing}
    cluster.write_all(Action(STATE, f"merge:{name}", None) for name in standing)
    cluster.write_all(
        (
            Action(STATE, f"merge:{old}", dump({"kind": "merge", "name": old, "target": new}))
            for old, new in targets.items()
        ),
    )
    cluster.refresh(STATE)
    records = cluster.sources(ISSUES, {*targets, *standing})
    for record in records.values():
        record["merged_into"] = targets.get(record["id"])
        record.pop("record")
    cluster.write_all(
        (Action(ISSUES, id_, dump({**record, "record": dump(record)})) for id_, record in records.items())
    )


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
    cluster.write_all(
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
    hits = cluster.stream(FETCHES, span_us("at_us", since, until), [{"at_us": "asc"}, {"source": "asc"}])
    return (Fetch(s["source"], parse_time(s["shown"]), bool(s["ok"])) for s in (hit["_source"] for hit in hits))


def put_rejections(cluster: Cluster, rejected: Sequence[Rejected]) -> None:
    """Remember what was refused."""
    cluster.write_all(
        (
            Action(REJECTIONS, "|".join(key), dump({"source": key[0], "reason": key[1]}), verb="create")
            for key in dict.fromkeys(rejection_keys(rejected))
        ),
    )


def rejections(cluster: Cluster) -> list[tuple[str, str, int]]:
    """(source, reason, how often), sorted."""
    keys = [{name: {"terms": {"field": name}}} for name in ("source", "reason")]
    body = {"size": 0, "aggs": {"all": {"composite": {"size": 10_000, "sources": keys}}}}
    buckets = cluster.search(REJECTIONS, body)["aggregations"]["all"]["buckets"]
    return sorted((b["key"]["source"], b["key"]["reason"], b["doc_count"]) for b in buckets)


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


def issue_log(cluster: Cluster, counters: Counters, after: int) -> list[tuple[int, dict[str, Any]]]:
    """Numbered entries on issues from behind `after`, up to the first number that is given and not yet written."""
    below = counters.settled_below("audit")
    # whoever wrote them: a process does not see another's entries before a refresh
    cluster.ask("POST", path_of(AUDIT, "_refresh"))
    numbers: dict[str, Any] = {"range": {"n": {"gt": after} | ({} if below is None else {"lt": below})}}
    query = {"bool": {"filter": [numbers, {"terms": {"what": list(ISSUE_EVENTS)}}]}}
    body: dict[str, Any] = {"query": query, "sort": [{"n": "asc"}], "size": PAGE, "track_total_hits": False}
    found: list[tuple[int, dict[str, Any]]] = []
    # Not `Cluster.stream`: a point in time is two requests more with every batch, and entries behind a settled number never shift.
    while hits := cluster.search(AUDIT, body)["hits"]["hits"]:
        found += [(int(hit["_source"]["n"]), json.loads(hit["_source"]["event"])) for hit in hits]
        if len(hits) < PAGE:
            break
        body["search_after"] = hits[-1]["sort"]
    return found
