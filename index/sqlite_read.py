"""Reading documents from SQLite: pages of hits, streams, voices. Order: second of the time, newest first, ties by id."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from typing import Any

from duluan.errors import InputError
from duluan.model import Clustered, Voice
from duluan.query import Filter
from index.base import Hit, Page
from index.excerpts import hit_excerpt
from index.rows import document_from, from_micros
from index.sqlite_filter import Parameter, Where, where_of
from index.sqlite_schema import COUNTER_BITS, SECOND_BITS

COLUMNS = (
    "d.key, d.id, d.seq, d.url, d.source, d.kind, d.title, d.text, d.topic, d.sentiment, d.uncertain, d.in_province, "
    "d.origin, d.issue, d.body"
)
_MARK = re.compile(r"(-?[0-9a-f]+)\.(.+)", re.DOTALL)
_CHUNK = 500  # rows fetched at once


def document_of(row: tuple[Any, ...]) -> Clustered:
    """A row of COLUMNS as a document."""
    _, id_, _, url, source, kind, title, text, topic, sentiment, uncertain, in_province, origin, issue, body = row
    return document_from(
        body,
        id=id_,
        url=url,
        source=source,
        kind=kind,
        title=title,
        text=text,
        topic=topic,
        sentiment=sentiment,
        uncertain=bool(uncertain),
        in_province=bool(in_province),
        origin=origin,
        issue=issue,
    )


def get(db: sqlite3.Connection, id: str) -> Clustered | None:
    """One document."""
    row = db.execute(f"SELECT {COLUMNS} FROM documents d WHERE d.id = ?", (id,)).fetchone()
    return document_of(row) if row else None


def search(db: sqlite3.Connection, query: Filter, limit: int, after: str | None) -> Page:
    """One page. Keys come from the index in order of their second and the id's head; only ties are sorted here."""
    where = where_of(query)
    mark = _mark(after)
    keys: list[int] = []
    for group, members in groupby(_keys(db, where, mark), key=lambda key: key >> COUNTER_BITS):
        keys += _sorted_group(db, list(members), mark[1] if mark and mark[0] == group else None)
        if len(keys) > limit:
            break
    rows = _rows(db, keys[:limit])
    hits = tuple(Hit(document=d, excerpt=hit_excerpt(d.title, d.text, query)) for d in map(document_of, rows))
    more = len(keys) > limit and hits
    return Page(
        hits=hits,
        total=_count(db, where),
        after=f"{keys[limit - 1] >> COUNTER_BITS:x}.{hits[-1].document.id}" if more else None,
    )


def count(db: sqlite3.Connection, query: Filter) -> int:
    """Number of matches."""
    return _count(db, where_of(query))


def stream(db: sqlite3.Connection, query: Filter, *, oldest_first: bool) -> Iterator[Clustered]:
    """All matches from one snapshot; only one second's rows are held at a time."""
    condition, values = where_of(query).sql()
    order, shift = ("ASC", SECOND_BITS) if oldest_first else ("DESC", COUNTER_BITS)
    cursor = db.execute(f"SELECT {COLUMNS} FROM documents d WHERE {condition} ORDER BY d.key {order}", values)
    for _, tied in groupby(_fetched(cursor), key=lambda row: row[0] >> shift):
        yield from map(document_of, sorted(tied, key=lambda row: row[1]))


def ingested(db: sqlite3.Connection, after: int, limit: int = _CHUNK) -> list[tuple[int, Clustered]]:
    """The next `limit` documents behind sequence number `after`."""
    rows = db.execute(f"SELECT {COLUMNS} FROM documents d WHERE d.seq > ? ORDER BY d.seq LIMIT ?", (after, limit))
    return [(row[2], document_of(row)) for row in rows]


def first_issues(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """(document, issue that it was first written under), where it is another now or was meanwhile."""
    return iter(db.execute("SELECT id, issue FROM first_issues ORDER BY id"))


def voices(db: sqlite3.Connection, since: int | None, until: int | None) -> Iterator[Voice]:
    """Voices with since ≤ fetched < until (microseconds), by (fetched, id); no text is read."""
    bounds = [(sign, bound) for sign, bound in ((">=", since), ("<", until)) if bound is not None]
    condition = " AND ".join(f"fetched {sign} ?" for sign, _ in bounds) or "1"
    cursor = db.execute(
        f"""SELECT id, origin, issue, source, kind, topic, sentiment, p_neg, uncertain, fetched, published, communes,
            in_province FROM documents WHERE {condition} ORDER BY fetched, id""",
        [bound for _, bound in bounds],
    )
    return map(_voice, _fetched(cursor))


def known(db: sqlite3.Connection, ids: Iterable[str]) -> Iterator[tuple[str, int]]:
    """(id, fetched in microseconds) of those stored."""
    return iter(
        db.execute(
            "SELECT id, fetched FROM documents WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
        )
    )


def _voice(row: tuple[Any, ...]) -> Voice:
    id_, origin, issue, source, kind, topic, sentiment, p_neg, uncertain, fetched, published, communes, here = row
    return Voice(
        id=id_,
        origin=origin,
        issue=issue,
        source=source,
        kind=kind,
        topic=topic,
        sentiment=sentiment,
        p_neg=p_neg,
        uncertain=bool(uncertain),
        fetched=from_micros(fetched),
        published=None if published is None else from_micros(published),
        places=tuple(json.loads(communes)),
        in_province=bool(here),
    )


def _mark(after: str | None) -> tuple[int, str] | None:
    if after is None:
        return None
    if match := _MARK.fullmatch(after):
        return int(match[1], 16), match[2]
    raise InputError(f"dấu trang {after[:40]!r} không hợp lệ; hãy tìm lại từ trang đầu")


def _keys(db: sqlite3.Connection, where: Where, mark: tuple[int, str] | None) -> Iterator[int]:
    """Keys of the matches, newest first, from `mark` on; walks the index no further than it is asked to."""
    bounds = [(">=", where.low), ("<", where.high), ("<", None if mark is None else (mark[0] + 1) << COUNTER_BITS)]
    if where.match and not where.columns:
        sql, values = "SELECT rowid FROM search WHERE search MATCH ?", list[Parameter]([where.match])
        column = "rowid"
    else:
        condition, values = where.sql()
        sql, column = f"SELECT d.key FROM documents d WHERE {condition}", "d.key"
        bounds = bounds[2:]
    for sign, bound in bounds:
        if bound is not None:
            sql += f" AND {column} {sign} ?"
            values.append(bound)
    return (row[0] for row in db.execute(f"{sql} ORDER BY {column} DESC", values))


def _sorted_group(db: sqlite3.Connection, keys: list[int], behind: str | None) -> list[int]:
    """Keys of one group by id, those behind the mark's id only."""
    if len(keys) == 1 and behind is None:
        return keys
    rows = db.execute(
        "SELECT id, key FROM documents WHERE key IN (SELECT value FROM json_each(?)) ORDER BY id", (json.dumps(keys),)
    )
    return [key for id_, key in rows if behind is None or id_ > behind]


def _rows(db: sqlite3.Connection, keys: list[int]) -> list[tuple[Any, ...]]:
    found = {
        row[0]: row
        for row in db.execute(
            f"SELECT {COLUMNS} FROM documents d WHERE d.key IN (SELECT value FROM json_each(?))", (json.dumps(keys),)
        )
    }
    return [found[key] for key in keys if key in found]


def _count(db: sqlite3.Connection, where: Where) -> int:
    if where.match and not where.columns:
        sql, values = "SELECT count(*) FROM search WHERE search MATCH ?", list[Parameter]([where.match])
        for sign, bound in ((">=", where.low), ("<", where.high)):
            if bound is not None:
                sql += f" AND rowid {sign} ?"
                values.append(bound)
    else:
        condition, values = where.sql()
        # A date range alone: the narrow index is read instead of the rows with their text.
        index = "" if where.columns else "INDEXED BY documents_fetched"
        sql = f"SELECT count(*) FROM documents d {index} WHERE {condition}"
    return int(db.execute(sql, values).fetchone()[0])


def _fetched(cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
    return chain.from_iterable(iter(lambda: cursor.fetchmany(_CHUNK), []))
