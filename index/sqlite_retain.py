"""Retention, take-down, backup and self-check of a SQLite store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from duluan.clock import format_time
from duluan.model import VOICE_KINDS, Clustered
from index.ledger import dump, without_excerpts
from index.retention import NEWS_BODY, VOICE_TEXT, shortened
from index.rows import body_of, micros
from index.sqlite_ledger import add_audit
from index.sqlite_read import COLUMNS, document_of
from index.sqlite_write import STORED, Deltas, apply_deltas, remove, tokens_of_row

_VOICES = json.dumps(sorted(VOICE_KINDS))


def retain(db: sqlite3.Connection, now: datetime) -> dict[str, int]:
    """Shorten what is too old; counts by rule. Nothing is counted twice: what is shortened is marked."""
    news = f"d.kept = 0 AND d.fetched < ? AND d.kind NOT IN (SELECT value FROM json_each('{_VOICES}'))"
    voices = f"d.kept = 0 AND d.fetched < ? AND d.kind IN (SELECT value FROM json_each('{_VOICES}'))"
    old = micros(now - VOICE_TEXT)
    return {
        "news_bodies": _shorten(db, news, micros(now - NEWS_BODY)),
        "voice_texts": _shorten(db, voices, old),
        "alert_excerpts": _forget_excerpts(db, old),
        "mails": db.execute(
            "UPDATE outbox SET payload = x'' WHERE created < ? AND sent IS NOT NULL AND length(payload) > 0", (old,)
        ).rowcount,
    }


def _shorten(db: sqlite3.Connection, condition: str, before: int) -> int:
    done = 0
    while rows := db.execute(f"SELECT {COLUMNS} FROM documents d WHERE {condition} LIMIT 1000", (before,)).fetchall():
        for row in rows:
            _replace_text(db, row[0], shortened(document_of(row)))
        done += len(rows)
    return done


def _replace_text(db: sqlite3.Connection, key: int, document: Clustered) -> None:
    stored = db.execute(f"SELECT {STORED} FROM documents WHERE key = ?", (key,)).fetchone()
    db.execute("INSERT INTO search (search, rowid, tokens) VALUES ('delete', ?, ?)", tokens_of_row(stored))
    # The fingerprint stays: the same version imported again does not bring the text back.
    db.execute(
        "UPDATE documents SET title = ?, text = ?, body = ?, kept = 1 WHERE key = ?",
        (document.title, document.text, body_of(document), key),
    )
    stored = db.execute(f"SELECT {STORED} FROM documents WHERE key = ?", (key,)).fetchone()
    db.execute("INSERT INTO search (rowid, tokens) VALUES (?, ?)", tokens_of_row(stored))


def _forget_excerpts(db: sqlite3.Connection, before: int) -> int:
    """Excerpts of people's words in old alerts, whose documents are gone or no news; how many were blanked."""
    count = 0
    for table, key in (("alerts", "id"), ("alert_history", "n")):
        column = "record" if table == "alerts" else "entry"
        at = "detected" if table == "alerts" else "at"
        for name, text in db.execute(f"SELECT {key}, {column} FROM {table} WHERE {at} < ?", (before,)).fetchall():
            entry = json.loads(text)
            record = entry if table == "alerts" else entry.get("alert")
            drop = _voices_in(db, record) if record else {}
            if drop:
                changed = without_excerpts(record, drop)
                _store_entry(
                    db, table, key, column, name, changed if table == "alerts" else {**entry, "alert": changed}
                )
                count += len(drop) if table == "alerts" else 0
    return count


def _voices_in(db: sqlite3.Connection, record: dict[str, Any]) -> dict[str, bool]:
    shown = [item["id"] for item in record.get("evidence", ()) if item["excerpt"]]
    news = {
        row[0]
        for row in db.execute(
            f"SELECT id FROM documents WHERE id IN (SELECT value FROM json_each(?)) AND kind NOT IN "
            f"(SELECT value FROM json_each('{_VOICES}'))",
            (json.dumps(shown),),
        )
    }
    return {id_: False for id_ in shown if id_ not in news}


def _store_entry(db: sqlite3.Connection, table: str, key: str, column: str, name: Any, record: dict[str, Any]) -> None:
    db.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (dump(record), name))


def takedown(db: sqlite3.Connection, id: str, now: datetime) -> bool:
    """Remove one document from everything; a tombstone keeps it out, audit keeps the hash of its address."""
    rows = db.execute(f"SELECT {STORED} FROM documents WHERE id = ?", (id,)).fetchall()
    title = rows[0][10] if rows else ""
    deltas = Deltas()
    remove(db, rows, deltas)
    apply_deltas(db, deltas, [id])
    _blank_titles(db, id, title)
    touched = _remove_evidence(db, id)
    _blank_mails(db, touched)
    for table in ("labels", "first_issues"):
        db.execute(f"DELETE FROM {table} WHERE id = ?", (id,))
    db.execute("INSERT OR IGNORE INTO tombstones VALUES (?, ?)", (id, format_time(now)))
    add_audit(db, {"at": format_time(now), "what": "takedown", "hash": id, "removed": bool(rows or touched)})
    if rows:
        db.execute("INSERT INTO search (search) VALUES ('optimize')")  # drops the deleted words from the index's pages
    return bool(rows or touched)


def _blank_titles(db: sqlite3.Connection, id: str, title: str) -> None:
    """The title also stands on the document's comments, and an issue may have been named after it."""
    for row in db.execute(f"SELECT {COLUMNS} FROM documents d WHERE d.parent = ?", (id,)).fetchall():
        _replace_title(db, row)
    if not title:
        return
    for issue, record in db.execute("SELECT id, record FROM issues WHERE title = ?", (title,)).fetchall():
        blank = {**json.loads(record), "title": ""}
        db.execute("UPDATE issues SET title = '', record = ? WHERE id = ?", (dump(blank), issue))


def _replace_title(db: sqlite3.Connection, row: Sequence[Any]) -> None:
    kept = db.execute("SELECT kept FROM documents WHERE key = ?", (row[0],)).fetchone()[0]
    _replace_text(db, row[0], replace(document_of(tuple(row)), title=""))
    db.execute("UPDATE documents SET kept = ? WHERE key = ?", (kept, row[0]))


def _remove_evidence(db: sqlite3.Connection, id: str) -> list[str]:
    """Alerts (current and history) that showed the document, with it taken out."""
    touched: dict[str, None] = {}
    like = f'%"{id}"%'
    for alert, text in db.execute("SELECT id, record FROM alerts WHERE record LIKE ?", (like,)).fetchall():
        if any(item["id"] == id for item in json.loads(text).get("evidence", ())):
            touched[alert] = None
            _store_entry(db, "alerts", "id", "record", alert, without_excerpts(json.loads(text), {id: True}))
    for n, alert, text in db.execute(
        "SELECT n, alert, entry FROM alert_history WHERE entry LIKE ?", (like,)
    ).fetchall():
        entry = json.loads(text)
        if any(item["id"] == id for item in entry.get("alert", {}).get("evidence", ())):
            touched[alert] = None
            changed = {**entry, "alert": without_excerpts(entry["alert"], {id: True})}
            _store_entry(db, "alert_history", "n", "entry", n, changed)
    return list(touched)


def _blank_mails(db: sqlite3.Connection, alerts: Sequence[str]) -> None:
    """Mails of alerts that showed it: those sent lose their text; one still waiting goes, to be written anew without it."""
    ids = json.dumps(alerts)
    db.execute("DELETE FROM outbox WHERE alert IN (SELECT value FROM json_each(?)) AND sent IS NULL", (ids,))
    db.execute("UPDATE outbox SET payload = x'' WHERE alert IN (SELECT value FROM json_each(?))", (ids,))


def backup(db: sqlite3.Connection, target: Path) -> None:
    """Copy the live store by SQLite's online API: a consistent file while writers go on."""
    copy = sqlite3.connect(target)
    try:
        db.backup(copy, pages=2048)
    finally:
        copy.close()


def check(db: sqlite3.Connection) -> list[str]:
    """What is wrong with the file: SQLite's own check, the full-text index's, and rollups against the documents."""
    found = [row[0] for row in db.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
    documents = db.execute("SELECT count(*) FROM documents").fetchone()[0]
    rolled = db.execute("SELECT coalesce(sum(documents), 0) FROM hourly WHERE place = ''").fetchone()[0]
    by_hour = db.execute("SELECT coalesce(sum(value), 0) FROM hour_cells, json_each(cells, '$[2]')").fetchone()[0]
    by_issue = db.execute("SELECT coalesce(sum(documents), 0) FROM hourly_issue WHERE place = ''").fetchone()[0]
    indexed = db.execute('SELECT count(*) FROM search WHERE search MATCH \'":i:0" OR ":i:1"\'').fetchone()[0]
    for name, number in (
        ("hourly", rolled),
        ("hour_cells", by_hour),
        ("hourly_issue", by_issue),
        ("search", indexed),
    ):
        if number != documents:
            found.append(f"{name}: {number} ≠ {documents}")
    return found
