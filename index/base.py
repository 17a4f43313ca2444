"""The `Index` protocol: what every store answers, alike. Callers pass typed filters; order is newest first, ties by id.

Writes are idempotent: a document's key is its id, its version `fetched`; an older version never overwrites a newer one.
What `write` acknowledged survives kill -9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol

from duluan.model import Alert, Clustered, Fetch, Issue, Label, Rejected, Voice
from duluan.query import Filter

STATE_CLUSTERER = "clusterer"
STATE_DETECTOR = "detector"
# Staff's decisions on issues, and documents that a split moved: what the clusterer and the detector read again from the audit log.
ISSUE_EVENTS = ("issue_merge", "issue_rename", "issue_split", "issue_moved")


class DuplicatePolicy(Enum):
    """What to do with a document whose id is already stored."""

    NEWER = "newer"  # replace where `fetched` is the same or later (the default of all flows)
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of a batch; `rejected` names each document that the store refused."""

    written: int
    skipped: int
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one step of a flow writes, all or nothing where the store has transactions (SQLite).

    `merges` maps an issue that ended to the one that it was merged into: its documents and alerts move along.
    `moves` maps documents to the issue that they belong to from now on (a split): the same version, text untouched; an unknown
    document is passed over, a target that has ended means the issue that it went into.
    `audit` are entries of the audit log that belong to the batch. `state` are named blobs (the clusterer's snapshot, say)
    that must match the documents written.
    """

    documents: Sequence[Clustered] = ()
    issues: Sequence[Issue] = ()
    merges: Mapping[str, str] = field(default_factory=dict)
    moves: Mapping[str, str] = field(default_factory=dict)
    fetches: Sequence[Fetch] = ()
    rejected: Sequence[Rejected] = ()
    audit: Sequence[Mapping[str, Any]] = ()
    state: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One search hit: the stored document and its excerpt with «matched words» marked by ⟦ and ⟧."""

    document: Clustered
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of hits; `after` continues behind it (opaque), None at the end. `total` counts all matches."""

    hits: tuple[Hit, ...]
    total: int
    after: str | None


class CountRow(NamedTuple):
    """One cell of the hourly counts. `voices` are distinct origins, `documents` publications. Unset keys: not asked for.

    A named tuple, for a board's question has some 26,000 cells: as frozen dataclasses their making took 80 ms of a 100 ms answer.
    """

    documents: int
    voices: int
    hour: datetime | None = None
    day: datetime | None = None  # local midnight
    issue: str | None = None
    topic: str | None = None
    sentiment: str | None = None
    place: str | None = None
    source: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message in the outbox: written before it is sent, so that a crash loses none and repeats none."""

    id: str  # the Message-ID's stable part
    alert: str
    created: datetime
    payload: bytes  # the rendered message (RFC 5322 or JSON)
    recipients: tuple[str, ...]
    channel: str = "mail"
    sent: datetime | None = None
    tries: int = 0
    error: str = ""


class Index(Protocol):
    """One store. Raises StoreError for anything a person must mend; every other answer is complete."""

    def setup(self) -> None:
        """Create or migrate the schema; idempotent."""

    def close(self) -> None:
        """Release files and connections."""

    def write(self, batch: Batch, *, policy: DuplicatePolicy = DuplicatePolicy.NEWER) -> WriteResult:
        """Store one batch."""

    def known(self, ids: Iterable[str]) -> dict[str, datetime]:
        """Those of `ids` that are stored, with the `fetched` of the stored version. One look-up per batch."""

    def get(self, id: str) -> Clustered | None:
        """One document."""

    def documents(self, query: Filter, *, oldest_first: bool = False) -> Iterator[Clustered]:
        """Stream all matches; constant memory; writes meanwhile neither repeat nor drop a document."""

    def ingested(self, after: int = 0) -> Iterator[tuple[int, Clustered]]:
        """Documents in the order in which they were first written, with their sequence number, from behind `after`."""

    def first_issues(self) -> Iterator[tuple[str, str]]:
        """(document, issue that it was first written under) of the documents that merges and splits have moved since."""

    def last_sequence(self) -> int:
        """The sequence number of the document written last (0 in an empty store)."""

    def search(self, query: Filter, *, limit: int = 20, after: str | None = None) -> Page:
        """Newest first (published, else fetched, to the whole second), ties by id."""

    def count(self, query: Filter) -> int:
        """Number of matching documents."""

    def counts(self, query: Filter, by: Sequence[str]) -> list[CountRow]:
        """Group the matches by any of hour, day, issue, topic, sentiment, place, source, kind; ordered by those keys.

        A document counts once in each commune that it speaks of (see `duluan.voices.commune_codes`), and has no row by place
        where it speaks of none. True numbers: the minimum cell is applied where they are shown.
        The text part of the filter (must, must_not) raises ValueError here.
        """

    def voices(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Voice]:
        """All voices with since ≤ fetched < until, by (fetched, id)."""

    def fetches(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Fetch]:
        """The fetch ledger, by (at, source)."""

    def rejections(self) -> list[tuple[str, str, int]]:
        """(source, reason, how often), sorted."""

    def issues(self, ids: Sequence[str] | None = None) -> Iterator[Issue]:
        """All issues, or those of `ids`, merged ones included."""

    def put_labels(self, labels: Sequence[Label]) -> None:
        """Store staff's corrections, kept apart from the documents: answer by answer, the latest `at` stands."""

    def labels(self, ids: Iterable[str] | None = None) -> dict[str, Label]:
        """The corrections of those of `ids` that have any, or all of them, by id in order."""

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        """Store alerts by id; the newest version replaces, every version stays in its history.

        An alert on an issue that has ended is stored under the one that it went into.
        """

    def alerts(self, *, since: datetime | None = None, until: datetime | None = None) -> list[Alert]:
        """Current version of each alert, newest `detected` first."""

    def alert_history(self, id: str) -> list[dict[str, Any]]:
        """Every state and version of one alert, oldest first."""

    def add_alert_event(self, id: str, event: Mapping[str, Any]) -> None:
        """Append to an alert's history: {"at", "state", "note"?}; no person's name."""

    def outbox_add(self, messages: Sequence[Outgoing]) -> int:
        """Write messages to be sent; known ids are left alone. Returns how many are new."""

    def outbox(self, *, pending: bool = True) -> list[Outgoing]:
        """Messages not yet sent (or all), oldest first."""

    def outbox_mark(self, id: str, *, sent: datetime | None, error: str = "") -> None:
        """Record a delivery or a failed try."""

    def state(self, name: str) -> bytes | None:
        """A named blob, as last written."""

    def put_state(self, name: str, value: bytes) -> None:
        """Write a named blob by itself."""

    def lease(self, name: str, holder: str, *, now: datetime, until: datetime, over: str | None = None) -> str:
        """Take or renew the turn `name` for `holder` up to `until`, in one step among all processes; answers who has it then.

        Nobody else's turn is taken before its end, but that of `over`, a holder known to be dead. `until` = `now` gives it back.
        """

    def audit(self, event: Mapping[str, Any]) -> None:
        """Append {"at", "what", …} to the audit log."""

    def audit_log(self) -> Iterator[dict[str, Any]]:
        """The audit log, oldest first."""

    def issue_log(self, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """Entries of the audit log whose `what` is one of ISSUE_EVENTS, with their numbers, from behind number `after`.

        Numbers grow; what another writer may still be writing, and all behind it, comes the next time.
        """

    def retain(self, now: datetime) -> dict[str, int]:
        """Apply the retention rules of design.md §4.5 as of `now`; what was shortened or removed, by rule."""

    def takedown(self, url: str, now: datetime) -> bool:
        """Remove a URL's document from everything; tombstone and audit keep its hash. True if something was removed."""

    def backup(self, target: str) -> None:
        """A consistent copy of the running store at `target`: a file (SQLite) or a repository folder of the server."""

    def restore(self, source: str) -> None:
        """Put the backup `source` in the place of the store, after checking it."""

    def check(self) -> list[str]:
        """What is wrong with the store, one line each; empty where all is well."""
