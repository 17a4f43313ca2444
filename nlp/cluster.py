"""Issues: every document gets its `origin` (what it reprints) and its `issue` (the event it belongs to), online.

Everything follows from the sequence of documents alone: batch sizes, restarts and the machine change nothing. Time is the latest
`fetched` seen; merging is triggered by the number of documents. Issue ids are hashes of their first document's id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from duluan.model import Clustered, Document, Enriched, Issue
from nlp.clustering import deciding
from nlp.clustering.changes import Assignment, Changes
from nlp.clustering.config import ClusterConfig
from nlp.clustering.events import DAY, TITLES_KEPT, Event, WorkingSet, threshold
from nlp.clustering.ledger import Entry, Ledger
from nlp.clustering.reading import Reading, readings
from nlp.clustering.splitting import halves
from nlp.clustering.staff import Corrections
from nlp.clustering.telling import name, told
from nlp.clustering.terms import Background, background
from nlp.clustering.vectors import heaviest_first
from nlp.issue_titles import headline
from nlp.reprints import ReprintIndex

__all__ = ["Assignment", "Changes", "ClusterConfig", "Clusterer"]

MERGE_ROUNDS = 4
READ_TOGETHER = 64  # documents; more do not make it faster
NAME_AGAIN = (
    1.5  # an issue that grew by so much gets its title chosen anew; at every text that cost a third of the time
)
OWN_WORDS = frozenset({"comment", "report", "survey"})


def issue_id(first_document: str) -> str:
    """The id of the issue that `first_document` opens; twelve hex digits, not equal to any document's id."""
    return hashlib.sha256(f"issue:{first_document}".encode()).hexdigest()[:12]


@dataclass(slots=True)
class Clusterer:
    """The online clusterer. `add` documents in order of fetching; then `take_changes` tells what the store must learn."""

    config: ClusterConfig = field(default_factory=ClusterConfig)
    terms: Background = field(default_factory=background)
    working: WorkingSet = field(init=False)
    reprints: ReprintIndex = field(init=False)
    ledger: Ledger = field(default_factory=Ledger)
    staff: Corrections = field(default_factory=Corrections)
    now: float = 0.0
    seen: int = 0
    due: set[int] = field(default_factory=set)  # issues to look at in the next round of merging
    grown: set[int] = field(default_factory=set)  # issues to look at in the next round of splitting
    touched: set[int] = field(default_factory=set)  # issues that the store must learn of
    departed: dict[int, Event] = field(default_factory=dict)  # touched, then expired before anyone asked
    merges: dict[str, str] = field(default_factory=dict)
    moves: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.working = WorkingSet(self.config, self.terms)
        self.reprints = ReprintIndex(days=round(self.config.reprint_days))

    def add(self, documents: Sequence[Document]) -> list[Assignment]:
        """Take documents in; their assignments as they stand after the last one. A document that is known changes nothing."""
        given: list[Assignment] = []
        for start in range(0, len(documents), READ_TOGETHER):
            part = documents[start : start + READ_TOGETHER]
            fresh = {document.id: document for document in part if document.id not in self.ledger}
            read = dict(zip(fresh, readings(list(fresh.values()), self.config), strict=True))
            for document in part:
                if document.id not in self.ledger:
                    self._take(document, read[document.id])
                given.append(self._assignment(document.id))
        return [self._later(item) for item in given]

    def _later(self, item: Assignment) -> Assignment:
        """An assignment after what happened since, for documents that may have left the working set meanwhile."""
        issue = self.moves.get(item.id, item.issue)
        while issue in self.merges:
            issue = self.merges[issue]
        return item if issue == item.issue else replace(item, issue=issue)

    def assignment(self, id: str) -> Assignment | None:
        """Where a document of the working set stands now; None where it is unknown or too old."""
        return self._assignment(id) if id in self.ledger else None

    def take_changes(self) -> Changes:
        """What changed since the last call."""
        known = self.working.events | self.departed
        events = [known[n] for n in sorted(self.touched) if n in known]
        changes = Changes(
            issues=tuple(told(event, self.staff.titles.get(event.id)) for event in events),
            merges=dict(self.merges),
            moves=dict(self.moves),
        )
        self.touched.clear()
        self.departed.clear()
        self.merges.clear()
        self.moves.clear()
        return changes

    def merge(self, old: str, new: str, stored: Issue | None = None) -> None:
        """Staff: `old` is the same issue as `new` (see `deciding.merge`); kept for good. Raises InputError for a merge with itself."""
        deciding.merge(self, old, new, stored)

    def rename(self, issue: str, title: str) -> None:
        """Staff: the issue's title from now on. Raises InputError where it is empty or too long."""
        deciding.rename(self, issue, title)

    def split(self, issue: str, documents: Sequence[Clustered]) -> str:
        """Staff: these documents (and what reprints or answers them) are another issue; its id. Never joined again by itself."""
        return deciding.split(self, issue, documents)

    def snapshot(self) -> bytes:
        """The whole state (compressed JSON and arrays, no pickle)."""
        from nlp.clustering.snapshot import pack

        return pack(self)

    @classmethod
    def restore(cls, blob: bytes) -> Clusterer:
        """The clusterer of a snapshot; later documents get the same ids as without the stop. Raises StoreError if damaged."""
        from nlp.clustering.snapshot import unpack

        return unpack(blob)

    # -- one document ------------------------------------------------------------------------------------------------

    def _take(self, document: Document, reading: Reading) -> None:
        self._advance(document.fetched.timestamp())
        self.seen += 1
        own_words = document.kind in OWN_WORDS
        day = int(self.now // DAY)
        origin = self.reprints.origin_of(document.id, reading.sketch, reading.shingles, own_words=own_words, day=day)
        event = self._event_for(document, origin, reading)
        self.count(event, document, own=origin == document.id)
        self.ledger.put(document.id, Entry(origin, event.number, document.parent), day)
        if self.seen % self.config.merge_every == 0:
            self._merge_round()
        if self.seen % self.config.split_every == 0:
            self._split_round()

    def _advance(self, fetched: float) -> None:
        if fetched <= self.now:
            return
        if fetched // DAY > self.now // DAY:
            for event in self.working.expire(fetched):
                self.due.discard(event.number)
                self.grown.discard(event.number)
                if event.number in self.touched:
                    self.departed[event.number] = event
            self.staff.forget(self.working.numbers)
            self.ledger.expire(int(fetched // DAY - self.config.issue_days))
        self.now = fetched

    def _event_for(self, document: Document, origin: str, reading: Reading) -> Event:
        """The issue of what it answers, else of what it reprints, else the most alike, else a new one."""
        for known in (document.parent, origin if origin != document.id else None):
            if known is not None and (number := self.ledger.issue(known)) in self.working.events:
                return self.working.events[number]
        comment = document.kind == "comment"
        vector = self.working.vector(reading.terms, reading.frequencies)
        found = self.working.nearest(vector, self.now, _places(document))
        needed = threshold(self.config.join_short, self.config.join_long, len(vector), self.config)
        if found and found[1] >= needed:
            event = found[0]
            if comment:
                return event
        else:
            event = self.working.open(self.fresh_id(document.id), document.fetched.timestamp(), self.now)
        self.working.add_text(event, document.id, vector, self.now)
        # a new issue has just been compared with all others; a large one changes little by one text
        if event.texts - event.checked >= max(1, event.texts // 8) and event.texts > 1:
            self.due.add(event.number)
        self.grown.add(event.number)
        return event

    def fresh_id(self, seed: str) -> str:
        """An id that no issue has or had: a split that is undone and made again must not get the id that ended."""
        id = issue_id(seed)
        while id in self.working.numbers or self.staff.final(id) != id:
            id = issue_id(id)
        return id

    def count(self, event: Event, document: Document, *, own: bool) -> None:
        """A document has come into the issue; `own`: it reprints nothing."""
        when = document.fetched.timestamp()
        event.first, event.last, event.active = min(event.first, when), max(event.last, when), self.now
        event.documents += 1
        event.voices += own
        if (title := headline(document)) and title not in event.titles:
            event.titles = [*event.titles, title][-TITLES_KEPT:]
        if isinstance(document, Enriched):
            event.topics[document.topic] += 1
            event.places.update(_places(document))
            event.keywords.update(document.keywords[:5])
        if event.texts >= event.named * NAME_AGAIN:
            name(event)
        self.touched.add(event.number)

    # -- merging and splitting ---------------------------------------------------------------------------------------

    def _merge_round(self) -> None:
        waiting = self.due
        for _ in range(MERGE_ROUNDS):
            merged: set[int] = set()
            for number in sorted(waiting):
                if (event := self.working.events.get(number)) and (other := self._same_event(event)):
                    old, young = sorted((event, other), key=lambda e: e.number)
                    self.absorb(old, young)
                    self.staff.end(young.id, old.id)
                    merged.add(old.number)
            waiting = merged
            if not waiting:
                break
        self.due = set()

    def _same_event(self, event: Event) -> Event | None:
        event.checked = event.texts
        found = self.working.nearest(
            heaviest_first(event.centroid.terms, event.centroid.weights, len(event.centroid)),
            event.last,
            event.places,
            [event.number, *self._kept_apart(event)],
            event.first,
        )
        if found is None or not event.texts:
            return None
        other, score = found
        least = min(event.length, other.length)
        return (
            other if score >= threshold(self.config.merge_short, self.config.merge_long, least, self.config) else None
        )

    def _kept_apart(self, event: Event) -> list[int]:
        numbers = self.working.numbers
        return [numbers[id] for id in self.staff.apart.get(event.id, ()) if id in numbers]

    def absorb(self, staying: Event, ending: Event) -> None:
        """Two issues are one from now on."""
        self.working.absorb(staying, ending)
        name(staying)
        self.ledger.alias(ending.number, staying.number)
        self.merges[ending.id] = staying.id
        self.touched.discard(ending.number)
        self.touched.add(staying.number)

    def _split_round(self) -> None:
        joined = self.staff.joined()
        for number in sorted(self.grown):
            event = self.working.events.get(number)
            if event and event.id not in joined and (leaving := halves(event, self.config.split_below)):
                fresh = self.fresh_id(f"{event.id}:{min(leaving)}")
                self.divide(event, leaving, fresh)
                self.staff.separate(event.id, fresh)
        self.grown = set()

    def divide(self, event: Event, leaving: frozenset[str], fresh: str) -> None:
        """The documents `leaving`, with what reprints or answers them, become the issue `fresh`."""
        new = self.working.divide(event, leaving, fresh)
        moved = self.ledger.move(event.number, new.number, leaving)
        new.documents, new.voices = len(moved), sum(self.ledger.origin(id) == id for id in moved)
        event.documents = max(0, event.documents - new.documents)
        event.voices = max(0, event.voices - new.voices)
        name(event)
        name(new)
        self.moves.update(dict.fromkeys(moved, fresh))
        self.touched.update((event.number, new.number))

    # -- answers -----------------------------------------------------------------------------------------------------

    def _assignment(self, id: str) -> Assignment:
        return Assignment(id=id, origin=self.ledger.origin(id), issue=self._id_of(id))

    def _id_of(self, document: str) -> str:
        number = self.ledger.issue(document)
        assert number is not None
        return self.working.events[number].id

    def live(self, issue: str) -> Event | None:
        """The issue in the working set; None where it is unknown or too old."""
        number = self.working.numbers.get(issue)
        return None if number is None else self.working.events[number]


def _places(document: Document) -> tuple[str, ...]:
    if not isinstance(document, Enriched):
        return ()
    return tuple(dict.fromkeys(code for place in document.places if place.level == "commune" for code in place.now))
