"""SQLite schema: numbered migrations, applied in order inside one transaction each, with a table of what was applied.

`documents.key` is the order of search itself: second (33 bits) · 12 bits of the id, descending · 19 bits of counter. The
full-text table uses it as rowid, so "newest 20" walks the index from its end and a date range is a range of rowids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from duluan.errors import StoreError
from index import sqlite_hours

COUNTER_BITS: Final = 19
PREFIX_BITS: Final = 12
SECOND_BITS: Final = COUNTER_BITS + PREFIX_BITS

# ISSUE_EVENTS of index.base as they were when the index was made: SQLite uses a partial index only for its own condition.
ON_ISSUES: Final = "json_extract(event, '$.what') IN ('issue_merge', 'issue_rename', 'issue_split', 'issue_moved')"

Migration = Callable[[sqlite3.Connection], None]


def _001_documents(db: sqlite3.Connection) -> None:
    _run(
        db,
        """CREATE TABLE documents (
            key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL UNIQUE,
            fetched INTEGER NOT NULL, published INTEGER, source TEXT NOT NULL, kind TEXT NOT NULL, topic TEXT NOT NULL,
            sentiment TEXT NOT NULL, p_neg REAL NOT NULL, uncertain INTEGER NOT NULL, in_province INTEGER NOT NULL,
            origin TEXT NOT NULL, issue TEXT NOT NULL, communes TEXT NOT NULL, parent TEXT, url TEXT NOT NULL,
            title TEXT NOT NULL, text TEXT NOT NULL, body TEXT NOT NULL, fingerprint TEXT NOT NULL,
            kept INTEGER NOT NULL DEFAULT 0)""",  # kept: 0 whole, 1 shortened by retention
        "CREATE INDEX documents_fetched ON documents (fetched, id)",
        "CREATE INDEX documents_issue ON documents (issue)",
        "CREATE INDEX documents_reprint ON documents (origin) WHERE origin <> id",
        "CREATE INDEX documents_parent ON documents (parent) WHERE parent IS NOT NULL",
        # Tokens are folded and split in Python; 'ascii' then splits at spaces only, since it takes every character
        # beyond ASCII for a word character. Contentless: the text is stored once, in `documents`.
        """CREATE VIRTUAL TABLE search USING fts5(
            tokens, content='', columnsize=0, tokenize="ascii tokenchars '_.-:='")""",
        # Segments as large as a database page; merged when 16 have gathered (default 4: a load 15 % slower).
        "INSERT INTO search (search, rank) VALUES ('pgsz', 8000)",
        "INSERT INTO search (search, rank) VALUES ('automerge', 16)",
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
        "INSERT INTO counters VALUES ('sequence', 0), ('last', 0)",
        "CREATE TABLE tombstones (id TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID",
    )


def _002_counts(db: sqlite3.Connection) -> None:
    """Place '' is the row that counts each document once; a document has one more row per commune it speaks of."""
    for name, issue, first in (("hourly", "", ""), ("hourly_issue", "issue TEXT NOT NULL, ", "issue, ")):
        _run(
            db,
            f"""CREATE TABLE {name} (
                {issue}place TEXT NOT NULL, hour INTEGER NOT NULL, topic TEXT NOT NULL, sentiment TEXT NOT NULL,
                documents INTEGER NOT NULL, originals INTEGER NOT NULL,
                PRIMARY KEY ({first}place, hour, topic, sentiment)) WITHOUT ROWID""",
        )


def _003_ledgers(db: sqlite3.Connection) -> None:
    _run(
        db,
        """CREATE TABLE issues (
            id TEXT PRIMARY KEY, merged_into TEXT, title_by_staff INTEGER NOT NULL, title TEXT NOT NULL,
            record TEXT NOT NULL) WITHOUT ROWID""",
        "CREATE TABLE merges (id TEXT PRIMARY KEY, target TEXT NOT NULL) WITHOUT ROWID",
        "CREATE INDEX merges_target ON merges (target)",
        """CREATE TABLE fetches (
            at INTEGER NOT NULL, source TEXT NOT NULL, ok INTEGER NOT NULL, shown TEXT NOT NULL,
            PRIMARY KEY (at, source)) WITHOUT ROWID""",
        # A page that is rejected again for the same reason counts once; of its address only a hash is kept.
        """CREATE TABLE rejections (
            source TEXT NOT NULL, reason TEXT NOT NULL, place TEXT NOT NULL,
            PRIMARY KEY (source, reason, place)) WITHOUT ROWID""",
        "CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
        "CREATE TABLE alerts (id TEXT PRIMARY KEY, detected INTEGER NOT NULL, record TEXT NOT NULL)",
        "CREATE TABLE alert_history (n INTEGER PRIMARY KEY, alert TEXT NOT NULL, at INTEGER NOT NULL, entry TEXT NOT NULL)",
        "CREATE INDEX alert_history_alert ON alert_history (alert, at, n)",
        """CREATE TABLE outbox (
            n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, alert TEXT NOT NULL, created INTEGER NOT NULL,
            shown TEXT NOT NULL, payload BLOB NOT NULL, recipients TEXT NOT NULL, channel TEXT NOT NULL,
            sent TEXT, tries INTEGER NOT NULL, error TEXT NOT NULL)""",
        "CREATE TABLE audit (n INTEGER PRIMARY KEY, event TEXT NOT NULL)",
        # Append-only, whoever holds the connection: staff actions cannot be rewritten through this program.
        "CREATE TRIGGER audit_keep BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        "CREATE TRIGGER audit_stay BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    )


def _004_reprints(db: sqlite3.Connection) -> None:
    """See `sqlite_reprints`. o_* are the original's; NULL where it is not stored, or a reprint itself."""
    cell = f"(d.key >> {SECOND_BITS}) / 3600 * 3600, d.issue, d.topic, d.sentiment, d.communes"
    _run(
        db,
        """CREATE TABLE reprints (
            id TEXT PRIMARY KEY, origin TEXT NOT NULL, hour INTEGER NOT NULL, issue TEXT NOT NULL, topic TEXT NOT NULL,
            sentiment TEXT NOT NULL, communes TEXT NOT NULL,
            o_hour INTEGER, o_issue TEXT, o_topic TEXT, o_sentiment TEXT, o_communes TEXT)""",
        f"""INSERT INTO reprints SELECT d.id, d.origin, {cell}, {cell.replace("d.", "o.")}
            FROM documents d LEFT JOIN documents o ON o.id = d.origin AND o.origin = o.id WHERE d.origin <> d.id""",
        "CREATE INDEX reprints_hour ON reprints (hour)",
        "CREATE INDEX reprints_origin ON reprints (origin)",
        "CREATE INDEX reprints_issue ON reprints (issue)",
        "CREATE INDEX reprints_original_issue ON reprints (o_issue) WHERE o_issue IS NOT NULL",
    )


def _005_labels(db: sqlite3.Connection) -> None:
    _run(db, "CREATE TABLE labels (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID")


def _006_hours(db: sqlite3.Connection) -> None:
    """See `sqlite_hours`."""
    _run(db, "CREATE TABLE hour_cells (hour INTEGER PRIMARY KEY, cells TEXT NOT NULL)")
    sqlite_hours.renew(db, [hour for (hour,) in db.execute("SELECT DISTINCT hour FROM hourly WHERE place = ''")])


def _007_issue_log(db: sqlite3.Connection) -> None:
    """The audit log has an entry for every fetch; the few on issues are asked for with every batch."""
    _run(db, f"CREATE INDEX audit_issues ON audit (n) WHERE {ON_ISSUES}")


def _008_alerts_of_an_issue(db: sqlite3.Connection) -> None:
    """A merge looks up the ended issue's alerts."""
    _run(db, "CREATE INDEX alerts_issue ON alerts (json_extract(record, '$.issue'))")


def _009_first_issues(db: sqlite3.Connection) -> None:
    """Where documents stood before merges and splits moved them: an alert's numbers of then are worked out again from it."""
    _run(db, "CREATE TABLE first_issues (id TEXT PRIMARY KEY, issue TEXT NOT NULL) WITHOUT ROWID")


MIGRATIONS: Final[tuple[Migration, ...]] = (
    _001_documents,
    _002_counts,
    _003_ledgers,
    _004_reprints,
    _005_labels,
    _006_hours,
    _007_issue_log,
    _008_alerts_of_an_issue,
    _009_first_issues,
)
VERSION: Final = len(MIGRATIONS)


def migrate(db: sqlite3.Connection, applied_at: str) -> None:
    """Bring the schema to VERSION. `db` is in a write transaction, which makes the whole migration one step.

    Raises StoreError where the file was written by a newer program.
    """
    db.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied TEXT NOT NULL)"
    )
    done = version(db)
    if done > VERSION:
        raise StoreError(
            f"lược đồ kho ở bản {done}, chương trình này chỉ biết đến bản {VERSION}; hãy nâng cấp duluan rồi chạy lại"
        )
    for number, migration in enumerate(MIGRATIONS[done:], start=done + 1):
        migration(db)
        name = migration.__name__.lstrip("_0123456789")
        db.execute("INSERT INTO migrations VALUES (?, ?, ?)", (number, name, applied_at))


def version(db: sqlite3.Connection) -> int:
    """Number of the last migration applied; 0 in a new file."""
    known = db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'").fetchone()
    return int(db.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0]) if known else 0


def _run(db: sqlite3.Connection, *statements: str) -> None:
    for statement in statements:  # not executescript: that would commit the transaction
        db.execute(statement)
