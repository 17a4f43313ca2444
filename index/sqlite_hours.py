"""One row an hour with all its cells, each topic and sentiment: what every board asks (hour × topic × sentiment) is read as it lies.

`hourly` holds the same documents, but a row a cell, and voices only as far as they add up. The rows here follow from `hourly`
and `reprints`; whoever changes those renews the hours concerned in the same transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from itertools import chain, repeat
from typing import Any

import orjson

# Columns of one hour's cells: topics, sentiments, documents, voices; in order of (topic, sentiment).
_RENEWED = """
    WITH hours (hour) AS (SELECT value FROM json_each(?1)),
    away (hour, topic, sentiment, voices) AS (
        SELECT hour, topic, sentiment, count(DISTINCT origin) FROM reprints WHERE hour IN (SELECT hour FROM hours)
        AND (o_hour IS NULL OR o_hour <> hour OR o_topic <> topic OR o_sentiment <> sentiment) GROUP BY 1, 2, 3),
    cells AS (
        SELECT hour, topic, sentiment, h.documents, h.originals + coalesce(away.voices, 0) AS voices
        FROM hourly h LEFT JOIN away USING (hour, topic, sentiment)
        WHERE h.place = '' AND hour IN (SELECT hour FROM hours) ORDER BY hour, topic, sentiment)
    SELECT hour, json_array(json_group_array(topic), json_group_array(sentiment), json_group_array(documents),
                            json_group_array(voices)) FROM cells GROUP BY hour"""


def renew(db: sqlite3.Connection, hours: Iterable[int]) -> None:
    """Bring the rows of these hours (seconds since 1970) up to date after `hourly` and `reprints` have changed."""
    asked = sorted(set(hours))
    found = db.execute(_RENEWED, (json.dumps(asked),)).fetchall()
    db.executemany("INSERT OR REPLACE INTO hour_cells (hour, cells) VALUES (?, ?)", found)
    gone = set(asked).difference(hour for hour, _ in found)
    db.executemany("DELETE FROM hour_cells WHERE hour = ?", ((hour,) for hour in gone))


def columns(db: sqlite3.Connection, since: int | None, until: int | None) -> list[list[Any]]:
    """Hours, topics, sentiments, documents, voices of all cells with since ≤ hour < until (seconds), in order."""
    bounds = [(sign, bound) for sign, bound in ((">=", since), ("<", until)) if bound is not None]
    condition = " AND ".join(f"hour {sign} ?" for sign, _ in bounds) or "1"
    rows = db.execute(
        f"SELECT hour, cells FROM hour_cells WHERE {condition} ORDER BY hour", [bound for _, bound in bounds]
    ).fetchall()
    cells = orjson.loads(f"[{','.join([text for _, text in rows])}]")
    hours = [
        *chain.from_iterable(repeat(hour, len(topics)) for (hour, _), (topics, *_) in zip(rows, cells, strict=True))
    ]
    return [hours, *([*chain.from_iterable([hour[n] for hour in cells])] for n in range(4))]
