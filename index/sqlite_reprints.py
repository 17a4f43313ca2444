"""The table of reprints: what each counts under, and what its original (if it is one itself) counts under.

With it the voices of any group are exact without looking at the documents (see `sqlite_counts`).
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from duluan.query import Filter
from index.counting import Values
from index.rows import seconds
from index.sqlite_schema import SECOND_BITS

_HOUR, _DAY, _SHIFT = 3600, 86_400, 25_200  # as in sqlite_counts: local days at +07:00
_CELL = "hour, issue, topic, sentiment, communes"

Cell = tuple[int, str, str, str, str]  # hour, issue, topic, sentiment, communes as JSON


def keep(db: sqlite3.Connection, ids: Sequence[str], reprints: Sequence[str] | None = None) -> set[int]:
    """Bring the rows of these documents up to date after they were written, removed or moved: as reprints, and as originals.

    `reprints`: those among `ids` that may be reprints, where the caller knows (most are none, and need not be looked up).
    Returns the hours (seconds since 1970) of the reprints whose originals changed: their voices may have changed too.
    """
    asked = json.dumps(list(ids))
    db.execute("DELETE FROM reprints WHERE id IN (SELECT value FROM json_each(?))", (asked,))
    cell = f"(d.key >> {SECOND_BITS}) / {_HOUR} * {_HOUR}, d.issue, d.topic, d.sentiment, d.communes"
    found = db.execute(
        f"""SELECT d.id, d.origin, {cell} FROM documents d
            WHERE d.id IN (SELECT value FROM json_each(?)) AND d.origin <> d.id""",
        (asked if reprints is None else json.dumps(reprints),),
    ).fetchall()
    # Not INSERT … SELECT: of a 117,756 load that took 0.73 s, these rows one by one 0.008 s per 20,000 documents.
    db.executemany(f"INSERT INTO reprints (id, origin, {_CELL}) VALUES (?, ?, ?, ?, ?, ?, ?)", found)
    originals = db.execute(
        f"""WITH stale (origin) AS (
                SELECT origin FROM reprints WHERE origin IN (SELECT value FROM json_each(?1))
                UNION SELECT origin FROM reprints WHERE id IN (SELECT value FROM json_each(?1)))
            SELECT {cell}, stale.origin FROM stale LEFT JOIN documents d ON d.id = stale.origin AND d.origin = d.id""",
        (asked,),
    ).fetchall()
    db.executemany(
        "UPDATE reprints SET o_hour = ?, o_issue = ?, o_topic = ?, o_sentiment = ?, o_communes = ? WHERE origin = ?",
        originals,
    )
    stale = json.dumps([row[-1] for row in originals])
    hours = db.execute(
        "SELECT DISTINCT hour FROM reprints WHERE origin IN (SELECT value FROM json_each(?))", (stale,)
    ).fetchall()
    return {hour for (hour,) in hours}


def move(db: sqlite3.Connection, old: str, new: str) -> None:
    """An issue was merged."""
    db.execute("UPDATE reprints SET issue = ? WHERE issue = ?", (new, old))
    db.execute("UPDATE reprints SET o_issue = ? WHERE o_issue = ?", (new, old))


def foreign(db: sqlite3.Connection, query: Filter, by: Sequence[str]) -> Mapping[Values, int]:
    """Group → distinct origins of its reprints whose original is not in it. `query` is one that the rollups hold."""
    return _by_place(db, query, by) if query.places or "place" in by else _grouped(db, query, by)


def _grouped(db: sqlite3.Connection, query: Filter, by: Sequence[str]) -> Mapping[Values, int]:
    mine, values = _condition(query, "")
    theirs, more = _condition(query, "o_")
    keys = [_key(key, "") for key in by]
    same = "".join(f" AND {one} = {_key(key, 'o_')}" for one, key in zip(keys, by, strict=True))
    found = db.execute(
        f"""SELECT {"".join(f"{key}, " for key in keys)} count(DISTINCT origin) FROM reprints
            WHERE {mine} AND NOT (o_hour IS NOT NULL AND {theirs}{same})
            {f"GROUP BY {', '.join(keys)}" if keys else ""}""",
        values + more,
    )
    return {row[:-1]: row[-1] for row in found if row[-1]}


def _key(key: str, head: str) -> str:
    return f"({head}hour + {_SHIFT}) / {_DAY} * {_DAY} - {_SHIFT}" if key == "day" else head + key


def _condition(query: Filter, head: str) -> tuple[str, list[Any]]:
    parts, values = ["1"], list[Any]()
    for sign, at in ((">=", query.since), ("<", query.until)):
        if at is not None:
            parts.append(f"{head}hour {sign} ?")
            values.append(seconds(at))
    for column, allowed in (("issue", query.issues), ("topic", query.topics), ("sentiment", query.sentiments)):
        if allowed:
            parts.append(f"{head}{column} IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(allowed))
    return " AND ".join(parts), values


def _by_place(db: sqlite3.Connection, query: Filter, by: Sequence[str]) -> Mapping[Values, int]:
    bounds = [(sign, seconds(at)) for sign, at in ((">=", query.since), ("<", query.until)) if at is not None]
    condition = " AND ".join(f"hour {sign} ?" for sign, _ in bounds) or "1"
    found: dict[Values, set[str]] = defaultdict(set)
    for row in db.execute(f"SELECT * FROM reprints WHERE {condition}", [bound for _, bound in bounds]):
        _, origin, *cells = row
        mine = set(_groups(tuple(cells[:5]), query, by))
        if mine and cells[5] is not None and _inside(cells[5], bounds):
            mine.difference_update(_groups(tuple(cells[5:]), query, by))
        for group in mine:
            found[group].add(origin)
    return {group: len(origins) for group, origins in found.items()}


def _inside(hour: int, bounds: Iterable[tuple[str, int]]) -> bool:
    return all(hour >= bound if sign == ">=" else hour < bound for sign, bound in bounds)


def _groups(cell: Cell, query: Filter, by: Sequence[str]) -> Iterator[Values]:
    """The groups that a document counts in; none where the question does not cover it."""
    hour, issue, topic, sentiment, communes = cell
    for value, allowed in ((issue, query.issues), (topic, query.topics), (sentiment, query.sentiments)):
        if allowed and value not in allowed:
            return
    places: Sequence[str] = ("",)
    if query.places or "place" in by:
        places = [code for code in json.loads(communes) if not query.places or code in query.places]
        places = places if "place" in by else places[:1]
    for place in places:
        named: dict[str, Any] = {
            "hour": hour,
            "day": (hour + _SHIFT) // _DAY * _DAY - _SHIFT,
            "issue": issue,
            "topic": topic,
            "sentiment": sentiment,
            "place": place,
        }
        yield tuple(named[key] for key in by)
