"""Writing a batch to SQLite in one transaction: documents, full-text index, hourly counts, merges, ledgers, state."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from duluan.errors import StoreError
from duluan.model import Rejected
from index import sqlite_hours, sqlite_reprints
from index.base import Batch, DuplicatePolicy, WriteResult
from index.merging import final_issue
from index.rows import Prepared
from index.sqlite_filter import facets
from index.sqlite_ledger import (
    add_audit,
    add_fetches,
    add_rejections,
    put_issues,
    put_state,
    repoint_alerts,
    standing_issue,
)
from index.sqlite_schema import COUNTER_BITS, PREFIX_BITS, SECOND_BITS
from index.tokens import search_text

SECONDS_AN_HOUR = 3600
Cell = tuple[str, str, int, str, str]  # issue, place, hour, topic, sentiment

_INSERT = f"INSERT INTO documents VALUES ({', '.join('?' * 22)})"


@dataclass(slots=True)
class Deltas:
    """What a batch adds to, and takes from, the hourly counts: cell → [documents, originals]."""

    cells: dict[Cell, list[int]] = field(default_factory=dict)

    def add(
        self, issue: str, at: int, topic: str, sentiment: str, communes: Iterable[str], original: bool, sign: int
    ) -> None:
        """Count one document (sign 1) or take it back (-1): once for all places, once for each commune."""
        hour = at - at % SECONDS_AN_HOUR
        for place in ("", *communes):
            cell = self.cells.setdefault((issue, place, hour, topic, sentiment), [0, 0])
            cell[0] += sign
            cell[1] += sign * original


def write_batch(
    db: sqlite3.Connection, ready: list[Prepared], refused: list[Rejected], batch: Batch, policy: DuplicatePolicy
) -> WriteResult:
    """All of `batch` inside the caller's transaction."""
    deltas = Deltas()
    buried = _tombstones(db, ready)
    rejected = refused + [_buried(item) for item in ready if item.document.id in buried]
    ready = _moved(db, [item for item in ready if item.document.id not in buried])
    chosen = _documents(db, ready, policy, deltas)
    put_issues(db, batch.issues)
    documents = [item.document for item in chosen]
    apply_deltas(db, deltas, [d.id for d in documents], [d.id for d in documents if d.origin != d.id])
    _merge(db, batch.merges)
    _move(db, batch.moves)
    add_fetches(db, batch.fetches)
    add_rejections(db, (*batch.rejected, *rejected))
    for event in batch.audit:
        add_audit(db, event)
    for name, value in batch.state.items():
        put_state(db, name, value)
    return WriteResult(written=len(chosen), skipped=len(ready) - len(chosen), rejected=tuple(rejected))


def apply_deltas(
    db: sqlite3.Connection, deltas: Deltas, ids: Sequence[str], reprints: Sequence[str] | None = None
) -> None:
    """Bring all rollups up to date after the documents `ids` changed; cells that fall to 0 go.

    `reprints`: those of `ids` that may be reprints, where the caller knows.
    """
    changed = [(*cell, *delta) for cell, delta in deltas.cells.items() if any(delta)]
    coarse: dict[tuple[str, int, str, str], list[int]] = {}
    for (_, *rest), (documents, originals) in deltas.cells.items():
        total = coarse.setdefault(tuple(rest), [0, 0])  # type: ignore[arg-type]
        total[0] += documents
        total[1] += originals
    _upsert(db, "hourly_issue", "issue, place, hour, topic, sentiment", changed)
    _upsert(db, "hourly", "place, hour, topic, sentiment", [(*c, *d) for c, d in coarse.items() if any(d)])
    hours = sqlite_reprints.keep(db, ids, reprints)
    sqlite_hours.renew(db, hours.union(hour for _, hour, *_ in coarse))


def remove(db: sqlite3.Connection, rows: Sequence[tuple[Any, ...]], deltas: Deltas) -> None:
    """Take documents (rows of STORED) out of table, full-text index and counts."""
    db.executemany("INSERT INTO search (search, rowid, tokens) VALUES ('delete', ?, ?)", map(tokens_of_row, rows))
    db.executemany("DELETE FROM documents WHERE key = ?", ((row[0],) for row in rows))
    for key, id_, *_, topic, sentiment, communes, _, _, _, _, issue, origin, _, _ in rows:
        deltas.add(issue, key >> SECOND_BITS, topic, sentiment, json.loads(communes), id_ == origin, -1)


STORED = "key, id, seq, fetched, topic, sentiment, communes, source, kind, in_province, title, issue, origin, text, fingerprint"


def tokens_of_row(row: tuple[Any, ...]) -> tuple[int, str]:
    """(key, tokens) of a row of STORED, exactly as they were indexed: a contentless index forgets only what it is shown."""
    key, _, _, _, topic, sentiment, communes, source, kind, in_province, title, _, _, text, _ = row
    marks = facets(topic, source, kind, sentiment, bool(in_province), tuple(json.loads(communes)))
    return key, f"{search_text(title, text)} {marks}"


def _documents(
    db: sqlite3.Connection, ready: list[Prepared], policy: DuplicatePolicy, deltas: Deltas
) -> list[Prepared]:
    """Writes those that win over what is stored, and returns them."""
    stored = _stored(db, [item.document.id for item in ready])
    chosen: dict[str, Prepared] = {}
    for item in ready:
        id_ = item.document.id
        if policy is DuplicatePolicy.FAIL and (id_ in stored or id_ in chosen):
            raise StoreError(f"văn bản {id_} đã có trong kho; không ghi gì của lô này")
        if _wins(item, stored.get(id_), chosen.get(id_), policy):
            chosen[id_] = item
    replaced = [stored[id_] for id_ in chosen if id_ in stored]
    remove(db, replaced, deltas)
    leaving = [(row[1], row[11]) for row in replaced if row[11] != chosen[row[1]].document.issue]
    db.executemany("INSERT OR IGNORE INTO first_issues VALUES (?, ?)", leaving)
    winners = list(chosen.values())
    _insert(db, winners, {row[1]: row[2] for row in replaced}, deltas)
    return winners


def _wins(item: Prepared, row: tuple[Any, ...] | None, earlier: Prepared | None, policy: DuplicatePolicy) -> bool:
    """Whether `item` is to be written over the stored `row` and over an `earlier` one of the same batch."""
    if policy is DuplicatePolicy.SKIP:
        return row is None and earlier is None
    if earlier is not None:
        return item.fetched >= earlier.fetched and item.fingerprint != earlier.fingerprint
    if row is None:
        return True
    same = (row[-1], row[11], row[12]) == (item.fingerprint, item.document.issue, item.document.origin)
    return item.fetched >= row[3] and not same


def _insert(db: sqlite3.Connection, items: list[Prepared], sequence: Mapping[str, int], deltas: Deltas) -> None:
    next_ = _reserve(db, sum(item.document.id not in sequence for item in items))
    rows, tokens = [], []
    for item, key in zip(items, _new_keys(db, items), strict=True):
        d = item.document
        seq = sequence.get(d.id)
        if seq is None:
            seq, next_ = next_, next_ + 1
        rows.append(_row(key, seq, item))
        marks = facets(d.topic, d.source, d.kind, d.sentiment, d.in_province, item.communes)
        tokens.append((key, f"{item.tokens} {marks}"))
        deltas.add(d.issue, item.at, d.topic, d.sentiment, item.communes, d.id == d.origin, 1)
    rows.sort()  # by key: neighbours go to the same page
    db.executemany(_INSERT, rows)
    db.executemany("INSERT INTO search (rowid, tokens) VALUES (?, ?)", sorted(tokens))


def _row(key: int, seq: int, item: Prepared) -> tuple[Any, ...]:
    d = item.document
    return (
        *(key, d.id, seq, item.fetched, item.published, d.source, d.kind, d.topic, d.sentiment),
        *(float(d.sentiment_p["neg"]), int(d.uncertain), int(d.in_province), d.origin, d.issue),
        *(_array(item.communes), d.parent, d.url, d.title, d.text, item.body, item.fingerprint, 0),
    )


@lru_cache(maxsize=1 << 12)
def _array(codes: tuple[str, ...]) -> str:
    return json.dumps(codes)


def _reserve(db: sqlite3.Connection, count: int) -> int:
    """The first of `count` new sequence numbers; a number is never given twice, removed documents' included."""
    first = int(db.execute("SELECT value FROM counters WHERE name = 'sequence'").fetchone()[0]) + 1
    db.execute("UPDATE counters SET value = value + ? WHERE name = 'sequence'", (count,))
    return first


def _new_keys(db: sqlite3.Connection, items: list[Prepared]) -> list[int]:
    """A free key for each item inside its (second, id head) group."""
    bases = [_base(item) for item in items]
    heads = json.dumps(sorted(set(bases)))
    taken = dict(
        db.execute(
            "SELECT b.value, (SELECT max(d.key) FROM documents d WHERE d.key >= b.value AND d.key < b.value + ?) "
            "FROM json_each(?) b",
            (1 << COUNTER_BITS, heads),
        )
    )
    keys = []
    for base in bases:
        last = taken[base]
        key = base if last is None else last + 1
        if key >= base + (1 << COUNTER_BITS):
            raise StoreError("quá 500.000 văn bản cùng một giây; hãy kiểm tra cột thời gian của tệp nhập")
        taken[base] = key
        keys.append(key)
    return keys


def _base(item: Prepared) -> int:
    return (item.at << PREFIX_BITS | ((1 << PREFIX_BITS) - 1 - id_head(item.document.id))) << COUNTER_BITS


def id_head(id: str) -> int:
    """The first three hex digits of an id as a number. Other ids are mapped so that the order of text is never turned round."""
    digits = id[:3].ljust(3, "0")
    if all(char in _HEX for char in digits):
        return int(digits, 16)
    good = next(n for n, char in enumerate(digits) if char not in _HEX)
    odd = digits[good]
    rest = "0" * 3 if odd < "0" else "9ff" if odd < "a" else "fff"
    return int((digits[:good] + rest)[:3], 16)


_HEX = frozenset("0123456789abcdef")


def _stored(db: sqlite3.Connection, ids: list[str]) -> dict[str, tuple[Any, ...]]:
    rows = db.execute(
        f"SELECT {STORED} FROM documents WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
    )
    return {row[1]: row for row in rows}


def _tombstones(db: sqlite3.Connection, ready: list[Prepared]) -> set[str]:
    ids = json.dumps([item.document.id for item in ready])
    return {
        row[0] for row in db.execute("SELECT id FROM tombstones WHERE id IN (SELECT value FROM json_each(?))", (ids,))
    }


def _buried(item: Prepared) -> Rejected:
    return Rejected("taken_down", item.document.id, item.document.source, "địa chỉ đã được gỡ")


def _moved(db: sqlite3.Connection, ready: list[Prepared]) -> list[Prepared]:
    """Documents whose issue was merged earlier come in under the issue that it was merged into."""
    issues = json.dumps(list({item.document.issue for item in ready}))
    ended = dict(db.execute("SELECT id, target FROM merges WHERE id IN (SELECT value FROM json_each(?))", (issues,)))
    for item in ready if ended else ():
        if target := ended.get(item.document.issue):
            item.document = replace(item.document, issue=target)
    return ready


def _merge(db: sqlite3.Connection, merges: Mapping[str, str]) -> None:
    for old in merges:
        named = final_issue(merges, old)
        new = standing_issue(db, named)
        if new == old:  # the other way round than before: the issue named stands again
            new = named
            db.execute("DELETE FROM merges WHERE id = ?", (new,))
            db.execute("UPDATE issues SET merged_into = NULL WHERE id = ?", (new,))
        db.execute("INSERT OR IGNORE INTO first_issues SELECT id, issue FROM documents WHERE issue = ?", (old,))
        db.execute("UPDATE documents SET issue = ? WHERE issue = ?", (new, old))
        cells = db.execute(
            "SELECT ?, place, hour, topic, sentiment, documents, originals FROM hourly_issue WHERE issue = ?",
            (new, old),
        ).fetchall()
        db.execute("DELETE FROM hourly_issue WHERE issue = ?", (old,))
        _upsert(db, "hourly_issue", "issue, place, hour, topic, sentiment", cells)
        sqlite_reprints.move(db, old, new)
        db.execute("UPDATE merges SET target = ? WHERE target = ?", (new, old))
        db.execute("INSERT OR REPLACE INTO merges VALUES (?, ?)", (old, new))
        db.execute("UPDATE issues SET merged_into = ?1 WHERE id = ?2 OR merged_into = ?2", (new, old))
        repoint_alerts(db, old, new)


def _move(db: sqlite3.Connection, moves: Mapping[str, str]) -> None:
    """Documents change their issue where they lie: rewritten, one that retention shortened would take its text in again."""
    targets = {issue: standing_issue(db, issue) for issue in set(moves.values())}
    deltas, moved, before = Deltas(), list[tuple[str, str]](), list[tuple[str, str]]()
    for id_, row in _stored(db, list(moves)).items():
        key, _, _, _, topic, sentiment, communes, *_, old, origin, _, _ = row
        if (new := targets[moves[id_]]) == old:
            continue
        for issue, sign in ((old, -1), (new, 1)):
            deltas.add(issue, key >> SECOND_BITS, topic, sentiment, json.loads(communes), id_ == origin, sign)
        moved.append((new, id_))
        before.append((id_, old))
    db.executemany("INSERT OR IGNORE INTO first_issues VALUES (?, ?)", before)
    db.executemany("UPDATE documents SET issue = ? WHERE id = ?", moved)
    apply_deltas(db, deltas, [id_ for _, id_ in moved])


def _upsert(db: sqlite3.Connection, table: str, keys: str, rows: Sequence[Sequence[Any]]) -> None:
    marks = ", ".join("?" * (keys.count(",") + 3))
    db.executemany(
        f"""INSERT INTO {table} ({keys}, documents, originals) VALUES ({marks}) ON CONFLICT ({keys}) DO UPDATE
            SET documents = documents + excluded.documents, originals = originals + excluded.originals""",
        rows,
    )
    if any(row[-2] < 0 for row in rows):
        where = " AND ".join(f"{key} = ?" for key in keys.split(", "))
        db.executemany(
            f"DELETE FROM {table} WHERE {where} AND documents = 0", (row[:-2] for row in rows if row[-2] < 0)
        )
