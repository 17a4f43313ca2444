"""Documents → enrich → cluster → store: the one way into a store, for imports and crawls alike.

Idempotent: a document that is stored with the same or a later `fetched` is passed over. Batches never influence the result:
the clusterer is deterministic in the order of documents and of staff's decisions, its snapshot is stored with the sequence number
and the decision that it stands for, and what was written behind the snapshot is replayed on opening. So kill -9 at any moment and
a second run end in the same store. Batches of several processes take turns: each first catches up on what the others wrote.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from duluan.errors import InputError, StoreError
from duluan.model import Clustered, Document, Enriched, Fetch, Rejected
from flows.decisions import Decision, carry_out, decisions, merge_events, move_events, retitled
from flows.leading import retitle
from flows.standing import decided_in, restored
from flows.turn import TURN, in_turn
from index.base import STATE_CLUSTERER, Batch, Index
from index.merging import final_issue
from nlp.corrections import AgencyOf, corrected

log = logging.getLogger(__name__)

Item = Document | Rejected | Fetch
Progress = Callable[[int], None]

AHEAD = 2  # batches that are being enriched while an earlier one is clustered and written
BATCH = 500  # documents a transaction, and at most so many are enriched again after a crash
SNAPSHOT_EVERY = (
    10_000  # documents; a restart replays at most so many (some ten seconds at the rate of docs/benchmarks.md)
)
TURN_NAME = "ingest"
PATIENCE = TURN + timedelta(minutes=1)  # longer than the turn of a process that was killed on another machine


class Enrich(Protocol):
    """Documents in, the same in order, enriched or rejected, out."""

    def __call__(self, documents: Iterable[Document]) -> Iterator[Enriched | Rejected]: ...


@dataclass(slots=True)
class IngestReport:
    """What became of one stream."""

    read: int = 0
    written: int = 0
    known: int = 0  # already stored
    updated: int = 0  # stored before, now in a newer version
    fetches: int = 0
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, reason)
    by_source: Counter[str] = field(default_factory=Counter)
    issues: set[str] = field(default_factory=set)

    def add(self, other: IngestReport) -> None:
        """Count a further stream's outcome in."""
        for name in ("read", "written", "known", "updated", "fetches"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rejected.update(other.rejected)
        self.by_source.update(other.by_source)
        self.issues |= other.issues

    @property
    def rejections(self) -> int:
        """How many were rejected, over all reasons."""
        return sum(self.rejected.values())


class Pipeline:
    """The enriching function and the clusterer as of the store's last document."""

    def __init__(self, store: Index, enrich: Enrich, *, agency_of: AgencyOf | None = None) -> None:
        """`agency_of`: the department that answers for a topic, for documents whose topic staff corrected."""
        self._store = store
        self._enrich = enrich
        self._agency_of = agency_of or (lambda topic: None)
        self._standing = restored(store)
        self._unsaved = 0

    def ingest(
        self, items: Iterable[Item], *, report: IngestReport | None = None, progress: Progress | None = None
    ) -> IngestReport:
        """Run a stream to its end; every batch is acknowledged by the store before the next is clustered."""
        report = report or IngestReport()
        waiting: deque[_Begun] = deque()
        for group in _groups(items):
            waiting.append(self._begin(group))
            if len(waiting) > AHEAD:
                self._finish(waiting.popleft(), report)
            if progress:
                progress(report.read)
        while waiting:
            self._finish(waiting.popleft(), report)
        self.catch_up()
        return report

    def catch_up(self, patience: timedelta = PATIENCE) -> None:
        """Carry out what staff decided and store the clusterer's snapshot, so that the next opening need not replay.

        Raises Busy where others write for longer than `patience`.
        """
        with in_turn(self._store, TURN_NAME, patience=patience):
            self._follow()
            self._save()

    def _save(self) -> None:
        if self._unsaved:
            self._store.put_state(STATE_CLUSTERER, self._standing.pack())
            self._unsaved = 0

    def _follow(self) -> None:
        """Take in what other processes wrote since our last batch, then what staff decided. Only for the holder of the turn."""
        log_of_issues = self._store.issue_log(self._standing.decided)
        waiting = decisions(log_of_issues)
        if waiting and decided_in(self._store) > self._standing.decided:
            # another process carried some of them out, between documents that we have not seen
            self._standing, self._unsaved = restored(self._store), 0
            waiting = [entry for entry in waiting if entry[0] > self._standing.decided]
        self._standing.replay(self._store)
        if log_of_issues and not waiting:
            # only moves: they need not be read again
            self._standing.decided = log_of_issues[-1][0]
        for number, decision in waiting:
            self._decide(number, decision)

    def _decide(self, number: int, decision: Decision) -> None:
        standing = self._standing
        try:
            carry_out(standing.clusterer, self._store, decision)
        except InputError as error:
            log.warning("decision %d on issue %s is void: %s", number, decision.issue, error)
        standing.decided = number
        changes = standing.clusterer.take_changes()
        self._store.write(
            Batch(
                issues=[*changes.issues, *retitled(standing.clusterer, self._store, decision, changes.issues)],
                merges=changes.merges,
                moves=changes.moves,
                audit=self._told(changes.merges, changes.moves, decision.at.timestamp()),
                state={STATE_CLUSTERER: standing.pack()},
            )
        )
        self._unsaved = 0
        if decision.what != "split":
            retitle(self._store, standing.clusterer.staff.final(decision.issue))

    def _begin(self, group: _Group) -> _Begun:
        """Have what is not stored yet enriched; with worker processes this goes on while earlier batches are clustered."""
        stored = self._store.known([document.id for document in group.documents])
        return _Begun(group, self._enrich(d for d in group.documents if _is_newer(d, stored)))

    def _finish(self, begun: _Begun, report: IngestReport) -> None:
        group = begun.group
        results = self._corrected(list(begun.results))
        rejected = [*group.rejected, *(item for item in results if isinstance(item, Rejected))]
        with in_turn(self._store, TURN_NAME, patience=PATIENCE):
            self._follow()
            # asked again: a batch that was written meanwhile may have brought the same document
            stored = self._store.known([item.id for item in results if isinstance(item, Enriched)])
            enriched = [item for item in results if isinstance(item, Enriched) and _is_newer(item, stored)]
            new = [item for item in enriched if item.id not in stored]
            changed = [self._as_stored(item) for item in enriched if item.id in stored]
            documents, batch = self._clustered(new, changed)
            result = self._store.write(replace(batch, fetches=group.fetches, rejected=rejected))
            self._standing.after = self._store.last_sequence()
            self._unsaved += len(new)
            if self._unsaved >= SNAPSHOT_EVERY:
                self._save()
        rejected.extend(result.rejected)
        self._count(group, report, len(new), len(changed), rejected, documents)

    def _clustered(self, new: Sequence[Enriched], changed: Sequence[Clustered]) -> tuple[list[Clustered], Batch]:
        """(the documents under their issues, the batch that writes them and what else changed by them)."""
        clusterer = self._standing.clusterer
        assigned = clusterer.add(new)
        documents = [clustered(item, a.origin, a.issue) for item, a in zip(new, assigned, strict=True)] + [*changed]
        changes = clusterer.take_changes()
        merged = {old: final_issue(changes.merges, old) for old in changes.merges}
        documents = [_placed(item, merged, changes.moves) for item in documents]
        inside = {item.id for item in documents}
        split = {id: issue for id, issue in changes.moves.items() if id not in inside}
        return documents, Batch(
            documents=documents,
            issues=changes.issues,
            merges=merged,
            moves=split,
            audit=self._told(merged, split, clusterer.now),
        )

    def _told(self, merges: Mapping[str, str], moves: Mapping[str, str], at: float) -> list[dict[str, Any]]:
        """What happened to stored issues and documents, for the audit log; `at`: seconds since 1970."""
        return [*merge_events(merges, at), *move_events(self._store, moves, at)]

    def _corrected(self, results: Sequence[Enriched | Rejected]) -> list[Enriched | Rejected]:
        """Staff's labels over the models' answers, however often a document comes in again."""
        labels = self._store.labels([item.id for item in results if isinstance(item, Enriched)])
        return [
            corrected(item, labels[item.id], self._agency_of)
            if isinstance(item, Enriched) and item.id in labels
            else item
            for item in results
        ]

    def _as_stored(self, item: Enriched) -> Clustered:
        """A new version of a stored document keeps its origin and issue."""
        before = self._store.get(item.id)
        if before is None:
            raise StoreError(f"kho báo có văn bản {item.id} nhưng không đọc lại được; hãy chạy duluan doctor")
        return clustered(item, before.origin, before.issue)

    @staticmethod
    def _count(
        group: _Group,
        report: IngestReport,
        new: int,
        changed: int,
        rejected: Sequence[Rejected],
        documents: Sequence[Clustered],
    ) -> None:
        report.read += len(group.documents) + len(group.rejected)
        report.written += new
        report.updated += changed
        report.known += len(group.documents) - new - changed - (len(rejected) - len(group.rejected))
        report.fetches += len(group.fetches)
        report.rejected.update((item.source, item.reason) for item in rejected)
        report.by_source.update(document.source for document in documents)
        report.issues.update(document.issue for document in documents)


def clustered(item: Enriched, origin: str, issue: str) -> Clustered:
    """An enriched document with its origin and issue."""
    return Clustered(**{spec.name: getattr(item, spec.name) for spec in fields(Enriched)}, origin=origin, issue=issue)


def _is_newer(document: Document, stored: Mapping[str, datetime]) -> bool:
    return document.id not in stored or document.fetched > stored[document.id]


@dataclass(frozen=True, slots=True)
class _Begun:
    group: _Group
    results: Iterator[Enriched | Rejected]


@dataclass(slots=True)
class _Group:
    documents: list[Document] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    fetches: list[Fetch] = field(default_factory=list)


def _groups(items: Iterable[Item]) -> Iterator[_Group]:
    """Batches in order. A document id comes once in a batch: a second version waits for the next one, so that the
    first is clustered first whatever the batch sizes."""
    group, ids = _Group(), set[str]()
    for item in items:
        if isinstance(item, Document):
            if item.id in ids or len(group.documents) >= BATCH:
                yield group
                group, ids = _Group(), set()
            group.documents.append(item)
            ids.add(item.id)
        elif isinstance(item, Rejected):
            group.rejected.append(item)
        else:
            group.fetches.append(item)
    if group.documents or group.rejected or group.fetches:
        yield group


def _placed(document: Clustered, merged: Mapping[str, str], moves: Mapping[str, str]) -> Clustered:
    """The document under the issue that it belongs to after this batch's merges and splits."""
    issue = moves.get(document.id) or merged.get(document.issue, document.issue)
    return document if issue == document.issue else clustered(document, document.origin, issue)
