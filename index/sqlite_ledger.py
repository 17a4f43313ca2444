"""Everything in SQLite that is no document: issues, fetches, rejections, state, alerts with their history, outbox, audit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from duluan.clock import format_time, parse_time
from duluan.errors import StoreError
from duluan.model import Alert, Fetch, Issue, Label, Rejected
from duluan.records import alert_from
from index.base import Outgoing
from index.ledger import (
    alert_record,
    dump,
    entry_time,
    event_entry,
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
from index.sqlite_schema import ON_ISSUES


def put_issues(db: sqlite3.Connection, issues: Sequence[Issue]) -> None:
    """Store issues by id; see `issue_kept` for what a stored one keeps."""
    ids = json.dumps([issue.id for issue in issues])
    rows = db.execute(
        "SELECT id, title, title_by_staff, merged_into FROM issues WHERE id IN (SELECT value FROM json_each(?))", (ids,)
    )
    stored = {row[0]: {"title": row[1], "title_by_staff": bool(row[2]), "merged_into": row[3]} for row in rows}
    for issue in issues:
        record = issue_kept(issue_record(issue), stored.get(issue.id))
        stored[issue.id] = record
        db.execute(
            "INSERT OR REPLACE INTO issues VALUES (?, ?, ?, ?, ?)",
            (issue.id, record["merged_into"], int(record["title_by_staff"]), record["title"], dump(record)),
        )


def issues(db: sqlite3.Connection, ids: Sequence[str] | None) -> Iterator[Issue]:
    """Issues by id."""
    sql, values = "SELECT record, merged_into, title FROM issues", list[str]()
    if ids is not None:
        sql, values = f"{sql} WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(list(ids))]
    for record, merged, title in db.execute(f"{sql} ORDER BY id", values):
        yield issue_from({**json.loads(record), "merged_into": merged, "title": title})


def standing_issue(db: sqlite3.Connection, issue: str) -> str:
    """`issue`, or what it was merged into by an earlier batch."""
    row = db.execute("SELECT target FROM merges WHERE id = ?", (issue,)).fetchone()
    return str(row[0]) if row else issue


def repoint_alerts(db: sqlite3.Connection, old: str, new: str) -> None:
    """Alerts of an issue that ended belong to the one that it went into."""
    where = "json_extract(record, '$.issue') = ?"
    db.execute(f"UPDATE alerts SET record = json_set(record, '$.issue', ?) WHERE {where}", (new, old))


def add_fetches(db: sqlite3.Connection, fetches: Sequence[Fetch]) -> None:
    """Add to the fetch ledger; the same try again replaces itself."""
    db.executemany(
        "INSERT OR REPLACE INTO fetches VALUES (?, ?, ?, ?)",
        ((micros(fetch.at), fetch.source, int(fetch.ok), format_time(fetch.at)) for fetch in fetches),
    )


def fetches(db: sqlite3.Connection, since: datetime | None, until: datetime | None) -> Iterator[Fetch]:
    """Tries with since ≤ at < until."""
    bounds = [(sign, micros(bound)) for sign, bound in ((">=", since), ("<", until)) if bound is not None]
    condition = " AND ".join(f"at {sign} ?" for sign, _ in bounds) or "1"
    cursor = db.execute(
        f"SELECT source, shown, ok FROM fetches WHERE {condition} ORDER BY at, source", [bound for _, bound in bounds]
    )
    return (Fetch(source, parse_time(shown), bool(ok)) for source, shown, ok in cursor)


def add_rejections(db: sqlite3.Connection, rejected: Sequence[Rejected]) -> None:
    """Remember what was refused."""
    db.executemany("INSERT OR IGNORE INTO rejections VALUES (?, ?, ?)", rejection_keys(rejected))


def rejections(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """(source, reason, how often), sorted."""
    return list(db.execute("SELECT source, reason, count(*) FROM rejections GROUP BY 1, 2 ORDER BY 1, 2"))


def put_state(db: sqlite3.Connection, name: str, value: bytes) -> None:
    """Write a named blob."""
    db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))


def state(db: sqlite3.Connection, name: str) -> bytes | None:
    """A named blob."""
    row = db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
    return bytes(row[0]) if row else None


def put_labels(db: sqlite3.Connection, labels: Sequence[Label]) -> None:
    """Store corrections, answer by answer."""
    for label in labels:
        row = db.execute("SELECT record FROM labels WHERE id = ?", (label.id,)).fetchone()
        kept = label_kept(label_record(label), json.loads(row[0]) if row else None)
        if kept:
            db.execute("INSERT OR REPLACE INTO labels VALUES (?, ?)", (label.id, dump(kept)))


def labels(db: sqlite3.Connection, ids: Iterable[str] | None) -> dict[str, Label]:
    """Corrections by id."""
    chosen = "" if ids is None else "WHERE id IN (SELECT value FROM json_each(?))"
    values = () if ids is None else (json.dumps(list(ids)),)
    rows = db.execute(f"SELECT id, record FROM labels {chosen} ORDER BY id", values)
    return {id_: label_from(id_, json.loads(record)) for id_, record in rows}


def lease(db: sqlite3.Connection, name: str, holder: str, now: datetime, until: datetime, over: str | None) -> str:
    """Who has the turn after this try; the transaction makes it one step."""
    blob = state(db, f"lease:{name}")
    if blob is not None:
        standing = json.loads(blob)
        if standing["holder"] not in (holder, over) and parse_time(standing["until"]) > now:
            return str(standing["holder"])
    put_state(db, f"lease:{name}", dump({"holder": holder, "until": format_time(until)}).encode())
    return holder


def put_alerts(db: sqlite3.Connection, alerts: Sequence[Alert]) -> None:
    """Store versions of alerts; a version that is there already adds nothing, an older one never replaces."""
    for alert in alerts:
        record = dump(alert_record(alert))
        detected = micros(alert.detected)
        row = db.execute("SELECT detected, record FROM alerts WHERE id = ?", (alert.id,)).fetchone()
        entry = dump({"at": format_time(alert.detected), "state": "version", "alert": json.loads(record)})
        seen = db.execute("SELECT 1 FROM alert_history WHERE alert = ? AND entry = ?", (alert.id, entry)).fetchone()
        if not seen:
            db.execute("INSERT INTO alert_history (alert, at, entry) VALUES (?, ?, ?)", (alert.id, detected, entry))
        if row is None or detected >= row[0]:
            stands = dump(alert_record(replace(alert, issue=standing_issue(db, alert.issue))))
            db.execute("INSERT OR REPLACE INTO alerts VALUES (?, ?, ?)", (alert.id, detected, stands))


def alerts(db: sqlite3.Connection, since: datetime | None, until: datetime | None) -> list[Alert]:
    """Current versions with since ≤ detected < until, newest first, ties by id."""
    bounds = [(sign, micros(bound)) for sign, bound in ((">=", since), ("<", until)) if bound is not None]
    condition = " AND ".join(f"detected {sign} ?" for sign, _ in bounds) or "1"
    rows = db.execute(
        f"SELECT record FROM alerts WHERE {condition} ORDER BY detected DESC, id", [bound for _, bound in bounds]
    )
    return [alert_from(json.loads(row[0])) for row in rows]


def alert_history(db: sqlite3.Connection, id: str) -> list[dict[str, Any]]:
    """Versions and events of one alert, oldest first."""
    rows = db.execute("SELECT entry FROM alert_history WHERE alert = ? ORDER BY at, n", (id,))
    return [json.loads(row[0]) for row in rows]


def add_alert_event(db: sqlite3.Connection, id: str, event: Mapping[str, Any]) -> None:
    """Append to an alert's history. Raises StoreError where there is no such alert."""
    if db.execute("SELECT 1 FROM alerts WHERE id = ?", (id,)).fetchone() is None:
        raise StoreError(f"không có cảnh báo {id!r}; xem danh sách bằng: duluan alerts list")
    entry = event_entry(event)
    db.execute(
        "INSERT INTO alert_history (alert, at, entry) VALUES (?, ?, ?)", (id, micros(entry_time(entry)), dump(entry))
    )


def outbox_add(db: sqlite3.Connection, messages: Sequence[Outgoing]) -> int:
    """Add new messages; returns how many were new."""
    before = db.total_changes
    db.executemany(
        """INSERT OR IGNORE INTO outbox (id, alert, created, shown, payload, recipients, channel, sent, tries, error)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            (
                *(m.id, m.alert, micros(m.created), format_time(m.created), m.payload, json.dumps(m.recipients)),
                *(m.channel, None if m.sent is None else format_time(m.sent), m.tries, m.error),
            )
            for m in messages
        ),
    )
    return db.total_changes - before


def outbox(db: sqlite3.Connection, *, pending: bool) -> list[Outgoing]:
    """Messages by (created, id), those not yet sent or all."""
    rows = db.execute(
        f"""SELECT id, alert, shown, payload, recipients, channel, sent, tries, error FROM outbox
            {"WHERE sent IS NULL" if pending else ""} ORDER BY created, id"""
    )
    names = ("id", "alert", "created", "recipients", "channel", "sent", "tries", "error")
    return [
        outgoing_from(
            dict(zip(names, (*row[:3], json.loads(row[4]), *row[5:]), strict=True)),
            bytes(row[3]),
        )
        for row in rows
    ]


def outbox_mark(db: sqlite3.Connection, id: str, sent: datetime | None, error: str) -> None:
    """Record one try. A message that was sent stays sent. Raises StoreError where there is no such message."""
    done = db.execute(
        "UPDATE outbox SET tries = tries + 1, error = ?, sent = coalesce(sent, ?) WHERE id = ?",
        (error, None if sent is None else format_time(sent), id),
    )
    if not done.rowcount:
        raise StoreError(f"hộp chờ gửi không có thư {id!r}")


def add_audit(db: sqlite3.Connection, event: Mapping[str, Any]) -> None:
    """Append to the audit log."""
    db.execute("INSERT INTO audit (event) VALUES (?)", (dump(event_entry(event)),))


def audit_log(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """The audit log, oldest first."""
    return (json.loads(row[0]) for row in db.execute("SELECT event FROM audit ORDER BY n"))


def issue_log(db: sqlite3.Connection, after: int) -> list[tuple[int, dict[str, Any]]]:
    """Numbered entries on issues from behind `after`."""
    rows = db.execute(f"SELECT n, event FROM audit WHERE n > ? AND {ON_ISSUES} ORDER BY n", (after,))
    return [(n, json.loads(event)) for n, event in rows]
