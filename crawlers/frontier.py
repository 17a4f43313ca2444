"""What is still to be fetched, with not-before per address, on disk: a killed crawl goes on where it was.

A page's life: queued → sent to the parent process → taken, when the consumer took its document → stored, when the store is known
to have it. A page that was sent or taken but never stored (somebody died) is queued once more: after one crash no page was fetched
more than twice, and nothing is lost by several. Pages that end otherwise are `closed`, their reason counted by the consumer.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from crawlers.state import State
from duluan.clock import format_time, parse_time
from duluan.model import Document
from duluan.records import dumps, to_record

MAX_TRIES = 5  # fetches of one page over all crawls
MAX_BACKOFF = 6 * 3600.0  # seconds between two tries, of a page or of a source
_KNOWN_BATCH = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One page that is due. `tries` counts the fetches begun so far, this one not included."""

    id: str
    source: str
    url: str
    tries: int
    published: datetime | None


class Frontier:
    """The queue of pages and the back-off of sources."""

    def __init__(self, state: State, *, now: Callable[[], float] = time.time) -> None:
        self._state = state
        self._now = now

    def unseen(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that were never queued, in order."""
        return [id for id in dict.fromkeys(ids) if not self._state.rows("SELECT 1 FROM page WHERE id = ?", (id,))]

    def add(self, entries: Sequence[Entry]) -> int:
        """Queue pages; those already in the frontier are left as they are. Returns how many are new."""
        with self._state.change() as db:
            before = db.total_changes
            db.executemany(
                "INSERT OR IGNORE INTO page (id, source, url, status, published, added) VALUES (?, ?, ?, 'queued', ?, ?)",
                [
                    (e.id, e.source, e.url, format_time(e.published) if e.published else None, self._now())
                    for e in entries
                ],
            )
            return int(db.total_changes - before)

    def next_due(self, source: str, horizon: float = 0.0) -> tuple[Entry, float] | None:
        """The earliest page of `source` due within `horizon` seconds, and how long to wait for it (0: now)."""
        now = self._now()
        rows = self._state.rows(
            "SELECT id, source, url, tries, published, not_before FROM page WHERE source = ? AND status = 'queued'"
            " AND not_before <= ? ORDER BY not_before, added, rowid LIMIT 1",
            (source, now + horizon),
        )
        if not rows:
            return None
        id, of, url, tries, published, not_before = rows[0]
        moment = parse_time(str(published)) if published else None
        return Entry(str(id), str(of), str(url), int(str(tries)), moment), max(0.0, float(str(not_before)) - now)

    def begin(self, id: str) -> None:
        """Count a fetch before it starts: a page that kills the process cannot do so for ever."""
        self._update("UPDATE page SET tries = tries + 1, not_before = ? WHERE id = ?", self._now(), id)

    def defer(self, id: str, seconds: float, *, counted: bool = True) -> None:
        """Not before `seconds` from now; `counted=False` takes the begun fetch back (nothing was sent)."""
        self._update(
            "UPDATE page SET not_before = ?, tries = tries - ? WHERE id = ?",
            self._now() + min(seconds, 24 * 3600.0),
            0 if counted else 1,
            id,
        )

    def sent(self, id: str, document: str = "") -> None:
        """The outcome of a page is on its way to the consumer: this crawl is done with it."""
        self._update("UPDATE page SET status = 'sent', doc = ? WHERE id = ?", document, id)

    def close(self, id: str) -> None:
        """A page that will not be fetched again (rejected, gone)."""
        self._update("UPDATE page SET status = 'closed' WHERE id = ?", id)

    def take(self, page: str, document: Document, digest: str) -> None:
        """The consumer took the document of `page` ('' for an API's); `digest` tells a later version from this one.

        One that was never queued came from an API: it is asked for again through its connector, never as a page.
        """
        with self._state.change() as db:
            db.execute(
                "INSERT INTO page (id, source, url, status, tries, digest, doc, api, added)"
                " VALUES (?, ?, ?, 'taken', 1, ?, ?, 1, ?)"
                " ON CONFLICT (id) DO UPDATE SET status = 'taken', digest = excluded.digest, doc = excluded.doc",
                (page or document.id, document.source, document.url, digest, document.id, self._now()),
            )
            if document.kind == "news":  # what comments may be asked for
                db.execute(
                    "INSERT OR IGNORE INTO article VALUES (?, ?, ?, ?)",
                    (document.id, document.url, document.title, self._now()),
                )

    def digest(self, id: str) -> str | None:
        """Digest of the version that was taken or stored; None where there is none."""
        rows = self._state.rows("SELECT digest FROM page WHERE id = ? AND status IN ('taken', 'stored')", (id,))
        return str(rows[0][0]) if rows else None

    def settle(self, known: Callable[[Sequence[str]], set[str]] | None, sources: Collection[str] | None = None) -> None:
        """Ask the store about every document sent or taken: stored, or, where its consumer died, fetched once more.

        Only for `sources`, where given: what another crawl has under way is that crawl's.
        """
        rows = self._state.rows("SELECT id, doc, source FROM page WHERE status IN ('sent', 'taken')")
        taken = [(str(id), str(doc)) for id, doc, source in rows if sources is None or source in sources]
        for start in range(0, len(taken), _KNOWN_BATCH):
            batch = taken[start : start + _KNOWN_BATCH]
            documents = [doc for _, doc in batch]
            stored = known(documents) if known is not None else self._taken(batch)
            with self._state.change() as db:
                for id, doc in batch:
                    if doc in stored:
                        db.execute("UPDATE page SET status = 'stored' WHERE id = ?", (id,))
                        continue
                    db.execute("DELETE FROM page WHERE id = ? AND api = 1", (id,))
                    db.execute(
                        "UPDATE page SET status = CASE WHEN tries < ? THEN 'queued' ELSE 'closed' END WHERE id = ?",
                        (MAX_TRIES, id),
                    )

    def _taken(self, batch: Sequence[tuple[str, str]]) -> set[str]:
        """Without a store to ask, what the consumer took counts as stored."""
        rows = self._state.rows("SELECT id FROM page WHERE status = 'taken'")
        ids = {str(row[0]) for row in rows}
        return {doc for id, doc in batch if id in ids}

    def queued(self, source: str) -> int:
        """How many pages of `source` wait."""
        rows = self._state.rows("SELECT count(*) FROM page WHERE source = ? AND status = 'queued'", (source,))
        return int(str(rows[0][0]))

    def forget(self, older_than_days: float = 120.0) -> int:
        """Drop finished pages that no feed lists any more; a page that comes back is recognised by the store."""
        with self._state.change() as db:
            limit = self._now() - older_than_days * 86_400
            db.execute("DELETE FROM article WHERE added < ?", (limit,))
            return db.execute("DELETE FROM page WHERE status IN ('stored', 'closed') AND added < ?", (limit,)).rowcount

    def source_wait(self, source: str) -> float:
        """Seconds until `source` may be tried again; 0: now."""
        rows = self._state.rows("SELECT not_before FROM source WHERE id = ?", (source,))
        return max(0.0, float(str(rows[0][0])) - self._now()) if rows else 0.0

    def source_ok(self, source: str) -> None:
        """A good try clears the back-off."""
        self._update(
            "INSERT INTO source (id, last_ok) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET failures = 0, not_before = 0,"
            " last_ok = ?2, problem = ''",
            source,
            self._now(),
        )

    def source_failed(self, source: str, problem: str, after: float = 0.0) -> float:
        """Count a failure; returns the back-off in seconds: none after the first, then 1, 2, 4 … min, at most six hours."""
        with self._state.change() as db:
            db.execute(
                "INSERT INTO source (id, failures, problem) VALUES (?1, 1, ?2)"
                " ON CONFLICT (id) DO UPDATE SET failures = failures + 1, problem = ?2",
                (source, problem),
            )
            (failures,) = db.execute("SELECT failures FROM source WHERE id = ?", (source,)).fetchone()
            backoff = 0.0 if failures < 2 else min(60.0 * 2 ** min(failures - 2, 12), MAX_BACKOFF)
            wait = min(max(backoff, after), 24 * 3600.0)
            db.execute("UPDATE source SET not_before = ? WHERE id = ?", (self._now() + wait, source))
        return wait

    def _update(self, sql: str, *values: object) -> None:
        with self._state.change() as db:
            db.execute(sql, values)


def version_digest(document: Document) -> str:
    """Tells two versions of a document apart: everything but the time of fetching."""
    record = to_record(document)
    record.pop("fetched", None)
    return hashlib.sha256(dumps(record).encode()).hexdigest()[:16]
