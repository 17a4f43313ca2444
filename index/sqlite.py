"""The embedded store: one SQLite file in WAL mode with a full-text index over text folded in Python."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from duluan.clock import Clock, system_clock
from duluan.errors import StoreError
from duluan.model import Alert, Clustered, Fetch, Issue, Label, Voice
from duluan.query import Filter
from index import sqlite_counts, sqlite_ledger, sqlite_read, sqlite_retain
from index.base import Batch, CountRow, DuplicatePolicy, Outgoing, Page, WriteResult
from index.retention import ids_of
from index.rows import from_micros, micros, prepare
from index.sqlite_db import Database
from index.sqlite_write import write_batch

_IDS = 5000  # ids asked for at once


class SqliteIndex:
    """See `index.base.Index`. One object may be used from several threads, one file from several processes."""

    def __init__(self, path: Path, *, clock: Clock = system_clock) -> None:
        self.path = path
        self._db = Database(path, clock)

    @classmethod
    def at(cls, url: str) -> SqliteIndex:
        """The store at `sqlite:///relative` or `sqlite:////absolute`."""
        return cls(Path(url.removeprefix("sqlite:///")))

    def setup(self) -> None:
        """Create or migrate the schema."""
        self._db.setup()

    def close(self) -> None:
        """Close the connections."""
        self._db.close()

    def write(self, batch: Batch, *, policy: DuplicatePolicy = DuplicatePolicy.NEWER) -> WriteResult:
        """Store one batch in one transaction."""
        ready, refused = prepare(batch.documents)
        with self._db.writing() as db:
            return write_batch(db, ready, refused, batch, policy)

    def known(self, ids: Iterable[str]) -> dict[str, datetime]:
        """Stored ids with their version."""
        asked = list(ids)
        found: dict[str, datetime] = {}
        with self._db.reading() as db:
            for start in range(0, len(asked), _IDS):
                rows = sqlite_read.known(db, asked[start : start + _IDS])
                found.update((id_, from_micros(fetched)) for id_, fetched in rows)
        return found

    def get(self, id: str) -> Clustered | None:
        """One document."""
        with self._db.reading() as db:
            return sqlite_read.get(db, id)

    def documents(self, query: Filter, *, oldest_first: bool = False) -> Iterator[Clustered]:
        """Stream all matches from one snapshot."""
        with self._db.snapshot() as db:
            yield from sqlite_read.stream(db, query, oldest_first=oldest_first)

    def ingested(self, after: int = 0) -> Iterator[tuple[int, Clustered]]:
        """Documents by sequence number; what is written meanwhile comes too."""
        while True:
            with self._db.reading() as db:
                found = sqlite_read.ingested(db, after)
            if not found:
                return
            yield from found
            after = found[-1][0]

    def first_issues(self) -> Iterator[tuple[str, str]]:
        """Where documents stood that were moved since, from one snapshot."""
        with self._db.snapshot() as db:
            yield from sqlite_read.first_issues(db)

    def last_sequence(self) -> int:
        """The highest sequence number given."""
        with self._db.reading() as db:
            return int(db.execute("SELECT value FROM counters WHERE name = 'sequence'").fetchone()[0])

    def search(self, query: Filter, *, limit: int = 20, after: str | None = None) -> Page:
        """One page of hits, from one snapshot."""
        with self._db.reading_snapshot() as db:
            return sqlite_read.search(db, query, limit, after)

    def count(self, query: Filter) -> int:
        """Number of matches."""
        with self._db.reading() as db:
            return sqlite_read.count(db, query)

    def counts(self, query: Filter, by: Sequence[str]) -> list[CountRow]:
        """Grouped counts."""
        with self._db.reading_snapshot() as db:
            return sqlite_counts.counts(db, query, by)

    def voices(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Voice]:
        """Voices by (fetched, id), from one snapshot."""
        bounds = [None if bound is None else micros(bound) for bound in (since, until)]
        with self._db.snapshot() as db:
            yield from sqlite_read.voices(db, *bounds)

    def fetches(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Fetch]:
        """The fetch ledger, from one snapshot."""
        with self._db.snapshot() as db:
            yield from sqlite_ledger.fetches(db, since, until)

    def rejections(self) -> list[tuple[str, str, int]]:
        """What was refused, by source and reason."""
        with self._db.reading() as db:
            return sqlite_ledger.rejections(db)

    def issues(self, ids: Sequence[str] | None = None) -> Iterator[Issue]:
        """Issues, from one snapshot."""
        with self._db.snapshot() as db:
            yield from sqlite_ledger.issues(db, ids)

    def put_labels(self, labels: Sequence[Label]) -> None:
        """Store staff's corrections."""
        with self._db.writing() as db:
            sqlite_ledger.put_labels(db, labels)

    def labels(self, ids: Iterable[str] | None = None) -> dict[str, Label]:
        """Staff's corrections by id."""
        with self._db.reading() as db:
            return sqlite_ledger.labels(db, ids)

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        """Store versions of alerts."""
        with self._db.writing() as db:
            sqlite_ledger.put_alerts(db, alerts)

    def alerts(self, *, since: datetime | None = None, until: datetime | None = None) -> list[Alert]:
        """Current versions, newest first."""
        with self._db.reading() as db:
            return sqlite_ledger.alerts(db, since, until)

    def alert_history(self, id: str) -> list[dict[str, Any]]:
        """One alert's versions and events."""
        with self._db.reading() as db:
            return sqlite_ledger.alert_history(db, id)

    def add_alert_event(self, id: str, event: Mapping[str, Any]) -> None:
        """Append to an alert's history."""
        with self._db.writing() as db:
            sqlite_ledger.add_alert_event(db, id, event)

    def outbox_add(self, messages: Sequence[Outgoing]) -> int:
        """Add messages to be sent."""
        with self._db.writing() as db:
            return sqlite_ledger.outbox_add(db, messages)

    def outbox(self, *, pending: bool = True) -> list[Outgoing]:
        """Messages, oldest first."""
        with self._db.reading() as db:
            return sqlite_ledger.outbox(db, pending=pending)

    def outbox_mark(self, id: str, *, sent: datetime | None, error: str = "") -> None:
        """Record one try."""
        with self._db.writing() as db:
            sqlite_ledger.outbox_mark(db, id, sent, error)

    def state(self, name: str) -> bytes | None:
        """A named blob."""
        with self._db.reading() as db:
            return sqlite_ledger.state(db, name)

    def put_state(self, name: str, value: bytes) -> None:
        """Write a named blob."""
        with self._db.writing() as db:
            sqlite_ledger.put_state(db, name, value)

    def lease(self, name: str, holder: str, *, now: datetime, until: datetime, over: str | None = None) -> str:
        """Take or renew a turn."""
        with self._db.writing() as db:
            return sqlite_ledger.lease(db, name, holder, now, until, over)

    def audit(self, event: Mapping[str, Any]) -> None:
        """Append to the audit log."""
        with self._db.writing() as db:
            sqlite_ledger.add_audit(db, event)

    def audit_log(self) -> Iterator[dict[str, Any]]:
        """The audit log, from one snapshot."""
        with self._db.snapshot() as db:
            yield from sqlite_ledger.audit_log(db)

    def issue_log(self, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """What was decided of issues, and moved, by number."""
        with self._db.reading() as db:
            return sqlite_ledger.issue_log(db, after)

    def retain(self, now: datetime) -> dict[str, int]:
        """Apply the retention rules; the freed text is overwritten on disk."""
        with self._db.erasing() as db:
            done = sqlite_retain.retain(db, now)
        self._db.checkpoint()
        return done

    def takedown(self, url: str, now: datetime) -> bool:
        """Remove a URL's document from everything; its text is overwritten on disk."""
        with self._db.erasing() as db:
            removed = [sqlite_retain.takedown(db, id_, now) for id_ in ids_of(url)]
        self._db.checkpoint()
        return any(removed)

    def backup(self, target: str) -> None:
        """Copy the live store to the file `target` (written whole or not at all)."""
        path = Path(target)
        part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            with (
                self._db.snapshot() as db
            ):  # one state: without it every commit by another process would start the copy anew
                sqlite_retain.backup(db, part)
            part.replace(path)
        except OSError as error:
            raise StoreError(f"không ghi được bản sao lưu {target}: {error.strerror}; hãy chọn nơi khác") from None

    def restore(self, source: str) -> None:
        """Replace this store with the backup `source`, after checking it whole; the former file is kept as `….truoc`."""
        found = SqliteIndex(Path(source))
        problems = found.check()
        found.close()
        if problems:
            raise StoreError(f"bản sao lưu {source} hỏng ({problems[0]}); kho hiện tại giữ nguyên")
        self.close()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_name(self.path.name + ".moi")
            shutil.copyfile(source, fresh)
            if self.path.exists():
                self._set_aside()
            fresh.replace(self.path)
        except OSError as error:
            raise StoreError(
                f"không khôi phục được vào {self.path}: {error.strerror}; hãy kiểm tra quyền ghi"
            ) from None

    def check(self) -> list[str]:
        """What is wrong with the store; empty where all is well."""
        with self._db.reading_snapshot() as db:
            return sqlite_retain.check(db)

    def _set_aside(self) -> None:
        with sqlite3.connect(self.path) as db:  # what is in the log goes into the file that is kept
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        self.path.replace(self.path.with_name(self.path.name + ".truoc"))
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
