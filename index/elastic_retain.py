"""Retention, take-down, snapshots and self-check of an Elasticsearch store."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from duluan.clock import format_time, parse_time
from duluan.errors import StoreError
from duluan.model import VOICE_KINDS, Clustered
from index.elastic import Cluster, path_of
from index.elastic_bulk import Action
from index.elastic_ledger import add_audit
from index.elastic_read import by_ids, document_of
from index.elastic_schema import ALERTS, BOTH, HISTORY, ISSUES, LABELS, NEWS, OUTBOX, VOICES, past_months
from index.elastic_state import Counters, bury
from index.elastic_write import Writer
from index.ledger import dump, without_excerpts
from index.retention import NEWS_BODY, VOICE_TEXT, shortened
from index.rows import body_of, micros, seconds
from index.tokens import search_text

Source = dict[str, Any]


def retain(cluster: Cluster, writer: Writer, now: datetime) -> dict[str, int]:
    """Shorten what is too old; counts by rule."""
    _expunge(cluster)
    settle(cluster, now)
    old = micros(now - VOICE_TEXT)
    return {
        "news_bodies": _shorten(cluster, writer, NEWS, micros(now - NEWS_BODY)),
        "voice_texts": _shorten(cluster, writer, VOICES, old),
        "alert_excerpts": _forget_excerpts(cluster, old),
        "mails": _forget_mails(cluster, old),
    }


def settle(cluster: Cluster, now: datetime) -> None:
    """Make each month that is over one segment: faster to ask, smaller. It is written to no more, but for late copies and retention."""
    for name in past_months(cluster, now.astimezone(UTC)):
        cluster.ask("POST", f"/{name}/_forcemerge", max_num_segments="1")


def _expunge(cluster: Cluster) -> None:
    """Deleted and replaced text stays in its segment until that is merged: merge what holds any.

    Of what was done in the last half minute, the server keeps the former state for a replica that may want to catch up: that
    goes with the next night's upkeep.
    """
    holding = f"{BOTH},{ISSUES},{ALERTS},{HISTORY},{OUTBOX},{LABELS}"
    cluster.refresh(*holding.split(","))
    cluster.ask("POST", f"/{holding}/_forcemerge", only_expunge_deletes="true")


def changed_text(source: Source, document: Clustered, **more: Any) -> Source:
    """A stored source with another title and text; its fingerprint stays, so that the same version does not come back."""
    return {
        **source,
        "title": document.title,
        "text": document.text,
        "keywords": list(document.keywords),
        "search": search_text(document.title, document.text),
        "body": body_of(document),
        **more,
    }


def _shorten(cluster: Cluster, writer: Writer, family: str, before: int) -> int:
    query = {"bool": {"filter": [{"term": {"kept": False}}, {"range": {"version": {"lt": before}}}]}}
    hits = cluster.stream(family, query, [{"id": "asc"}])
    return writer.rewrite(
        (hit["_index"], changed_text(hit["_source"], shortened(document_of(hit["_source"])), kept=True)) for hit in hits
    )


def _forget_excerpts(cluster: Cluster, before: int) -> int:
    """Excerpts of people's words in old alerts; how many were blanked in current versions."""
    count = 0
    for hit in cluster.stream(ALERTS, {"range": {"detected_us": {"lt": before}}}, [{"id": "asc"}]):
        record = json.loads(hit["_source"]["record"])
        drop = _voices_in(cluster, record)
        if drop:
            _put_alert(cluster, hit, without_excerpts(record, drop))
            count += len(drop)
    for hit in cluster.stream(HISTORY, {"range": {"at_us": {"lt": before}}}, [{"n": "asc"}]):
        entry = json.loads(hit["_source"]["entry"])
        drop = _voices_in(cluster, entry.get("alert", {}))
        if drop:
            _put_entry(cluster, hit, {**entry, "alert": without_excerpts(entry["alert"], drop)})
    return count


def _voices_in(cluster: Cluster, record: Mapping[str, Any]) -> dict[str, bool]:
    shown = [item["id"] for item in record.get("evidence", ()) if item["excerpt"]]
    hits = by_ids(cluster, shown, ["kind"]) if shown else ()
    news = {hit["_id"] for hit in hits if hit["_source"]["kind"] not in VOICE_KINDS}
    return {id_: False for id_ in shown if id_ not in news}


def _put_alert(cluster: Cluster, hit: Mapping[str, Any], record: Source) -> None:
    evidence = [item["id"] for item in record["evidence"]]
    source = {**hit["_source"], "evidence": evidence, "record": dump(record)}
    cluster.put(ALERTS, hit["_id"], dump(source), version=int(source["detected_us"]))


def _put_entry(cluster: Cluster, hit: Mapping[str, Any], entry: Source) -> None:
    evidence = [item["id"] for item in entry["alert"]["evidence"]]
    cluster.put(HISTORY, hit["_id"], dump({**hit["_source"], "evidence": evidence, "entry": dump(entry)}))


def _forget_mails(cluster: Cluster, before: int) -> int:
    asked = [{"term": {"waiting": False}}, {"range": {"created_us": {"lt": before}}}]
    hits = [h for h in cluster.stream(OUTBOX, {"bool": {"filter": asked}}, [{"id": "asc"}]) if h["_source"]["payload"]]
    cluster.write_all(Action(OUTBOX, hit["_id"], dump({**hit["_source"], "payload": ""})) for hit in hits)
    return len(hits)


def takedown(cluster: Cluster, writer: Writer, counters: Counters, id: str, now: datetime) -> bool:
    """Remove one document from everything; a tombstone keeps it out, audit keeps the hash of its address."""
    writer.forget()
    bury(cluster, id, now)
    hits = list(by_ids(cluster, [id], ["title", "at"]))
    with writer.recounter.marked(seconds(parse_time(hit["_source"]["at"])) for hit in hits):
        cluster.write_all([*(Action(hit["_index"], id, None) for hit in hits), Action(LABELS, id, None)])
    writer.rewrite(_replies(cluster, id))
    for title in {hit["_source"]["title"] for hit in hits if hit["_source"]["title"]}:
        _blank_issues(cluster, title)
    touched = _remove_evidence(cluster, id)
    _blank_mails(cluster, touched)
    removed = bool(hits or touched)
    event = {"at": format_time(now), "what": "takedown", "hash": id, "removed": removed}
    add_audit(cluster, counters, event)
    return removed


def _replies(cluster: Cluster, id: str) -> Iterator[tuple[str, Source]]:
    for hit in cluster.stream(BOTH, {"term": {"parent": id}}, [{"id": "asc"}]):
        document = replace(document_of(hit["_source"]), title="")
        yield hit["_index"], changed_text(hit["_source"], document)


def _blank_issues(cluster: Cluster, title: str) -> None:
    hits = cluster.stream(ISSUES, {"match_phrase": {"title": title}}, [{"id": "asc"}])
    named = [hit["_source"] for hit in hits if hit["_source"]["title"] == title]
    for source in named:
        record = {**{k: v for k, v in source.items() if k != "record"}, "title": ""}
        cluster.put(ISSUES, source["id"], dump({**record, "record": dump(record)}))


def _remove_evidence(cluster: Cluster, id: str) -> list[str]:
    touched: dict[str, None] = {}
    shows = {"term": {"evidence": id}}
    for hit in cluster.stream(ALERTS, shows, [{"id": "asc"}]):
        touched[hit["_id"]] = None
        _put_alert(cluster, hit, without_excerpts(json.loads(hit["_source"]["record"]), {id: True}))
    for hit in cluster.stream(HISTORY, shows, [{"n": "asc"}]):
        entry = json.loads(hit["_source"]["entry"])
        touched[hit["_source"]["alert"]] = None
        _put_entry(cluster, hit, {**entry, "alert": without_excerpts(entry["alert"], {id: True})})
    return list(touched)


def _blank_mails(cluster: Cluster, alerts: list[str]) -> None:
    hits = list(cluster.stream(OUTBOX, {"terms": {"alert": alerts}}, [{"id": "asc"}])) if alerts else []
    blank = base64.b64encode(b"").decode()
    cluster.write_all(
        (
            Action(
                OUTBOX,
                hit["_id"],
                None if hit["_source"]["waiting"] else dump({**hit["_source"], "payload": blank}),
            )
            for hit in hits
        ),
    )


def backup(cluster: Cluster, target: str, now: datetime) -> None:
    """A snapshot of all our indices into the repository at `target`, a folder below the node's path.repo."""
    cluster.ask("PUT", path_of("_snapshot", "duluan"), {"type": "fs", "settings": {"location": target}})
    name = f"duluan-{now:%Y.%m.%d-%H.%M.%S}"
    body = {"indices": "duluan-*", "include_global_state": False}
    answer = cluster.ask("PUT", path_of("_snapshot", "duluan", name), body, wait_for_completion="true")
    if answer["snapshot"]["state"] != "SUCCESS":
        raise StoreError(
            f"kho {cluster.shown}: bản sao lưu {name} không trọn vẹn; hãy xem đĩa của máy chủ rồi chạy lại"
        )


def restore(cluster: Cluster, source: str) -> None:
    """Put back the newest whole snapshot of the repository at `source`; our present indices are replaced."""
    repository = {"type": "fs", "settings": {"location": source, "readonly": True}}
    cluster.ask("PUT", path_of("_snapshot", "duluan-restore"), repository)
    found = cluster.ask("GET", path_of("_snapshot", "duluan-restore", "_all"))["snapshots"]
    whole = sorted(item["snapshot"] for item in found if item["state"] == "SUCCESS")
    if not whole:
        raise StoreError(f"kho {cluster.shown}: {source} không có bản sao lưu trọn vẹn nào; kho hiện tại giữ nguyên")
    names = cluster.ask("GET", "/duluan-*/_alias", ignore_unavailable="true")
    if names:
        cluster.ask("DELETE", f"/{','.join(sorted(names))}")
    body = {"indices": "duluan-*", "include_global_state": False}
    cluster.ask("POST", path_of("_snapshot", "duluan-restore", whole[-1], "_restore"), body, wait_for_completion="true")
    cluster.ask("DELETE", path_of("_snapshot", "duluan-restore"))


def check(cluster: Cluster) -> list[str]:
    """What is wrong: a red cluster, our indices closed for writing, one id in two months."""
    if cluster.ask("GET", "/_cluster/health")["status"] == "red":
        return ["cụm ở trạng thái đỏ: có phân mảnh không đọc được"]  # no other question can be answered whole
    settings = cluster.ask("GET", "/duluan-*/_settings", flat_settings="true")
    found = [
        f"{name}: bị khóa ghi"
        for name, item in sorted(settings.items())
        if any(key.startswith("index.blocks.") and value == "true" for key, value in item["settings"].items())
    ]
    twice = {"size": 0, "aggs": {"ids": {"terms": {"field": "id", "min_doc_count": 2, "size": 10}}}}
    buckets = cluster.search(BOTH, twice)["aggregations"]["ids"]["buckets"]
    return found + [f"văn bản {bucket['key']} có {bucket['doc_count']} bản" for bucket in buckets]
