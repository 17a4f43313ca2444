"""The crawler's memory on disk: SQLite files in the state folder, shared by processes, safe against kill -9.

`crawl.sqlite` belongs to the machine: pace (next slot per host) and robots.txt answers. `frontier-<store>.sqlite` belongs to one
store: the frontier, validators for conditional requests, each source's failures; a new store starts with nothing seen. Times in
both are POSIX seconds of the system clock: they protect servers, whatever the flow's clock says.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from duluan.errors import StoreError
from duluan.files import folder_locked

_SCHEMA = """
CREATE TABLE IF NOT EXISTS host (
  host TEXT PRIMARY KEY, next_slot REAL NOT NULL DEFAULT 0, blocked_until REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS robots (
  host TEXT PRIMARY KEY, state TEXT NOT NULL, body TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS frontier.validator (
  url TEXT PRIMARY KEY, etag TEXT NOT NULL, modified TEXT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS frontier.page (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, url TEXT NOT NULL, status TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  not_before REAL NOT NULL DEFAULT 0, published TEXT, digest TEXT NOT NULL DEFAULT '', doc TEXT NOT NULL DEFAULT '',
  api INTEGER NOT NULL DEFAULT 0, added REAL NOT NULL);
CREATE INDEX IF NOT EXISTS frontier.page_due ON page (source, status, not_before);
CREATE TABLE IF NOT EXISTS frontier.article (
  doc TEXT PRIMARY KEY, url TEXT NOT NULL, title TEXT NOT NULL, added REAL NOT NULL);
CREATE TABLE IF NOT EXISTS frontier.source (
  id TEXT PRIMARY KEY, failures INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
  last_ok REAL, problem TEXT NOT NULL DEFAULT '');
"""
_STORE = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


class State:
    """One open connection to both files; every change is a transaction of its own. `store` names the store served."""

    def __init__(self, folder: Path, store: str = "default") -> None:
        if not _STORE.match(store):
            raise ValueError(f"store key {store!r}: letters, digits, - and _ only")
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with folder_locked(folder):
                self._db = self._connect(store)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{folder}: không mở được trạng thái thu thập: {error}") from None

    def _connect(self, store: str) -> sqlite3.Connection:
        db = sqlite3.connect(self.folder / "crawl.sqlite", timeout=30, isolation_level=None)
        db.execute("ATTACH DATABASE ? AS frontier", (str(self.folder / f"frontier-{store}.sqlite"),))
        for name in ("main", "frontier"):
            db.execute(f"PRAGMA {name}.journal_mode=WAL")
            db.execute(f"PRAGMA {name}.synchronous=NORMAL")
        db.executescript(_SCHEMA)
        return db

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """An exclusive transaction: what is read in it cannot be changed by another process before it is written."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self.folder}: không ghi được trạng thái thu thập: {error}") from None

    def rows(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """The answer to one query."""
        with closing(self._db.execute(sql, values)) as cursor:
            return cursor.fetchall()

    def close(self) -> None:
        """Close the file."""
        self._db.close()
