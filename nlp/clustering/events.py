"""The live issues: centroids in an inverted index, joined in one pass (nlp.md 12).

An issue leaves the working set when it has been idle for `issue_days`; what it was stays in the store.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from nlp.clustering.config import ClusterConfig
from nlp.clustering.terms import Background, unit_vector

DAY = 86_400.0
TITLES_KEPT = 12  # candidates for an issue's title
MEMBERS_KEPT = 40  # latest texts whose main terms are remembered, for splitting
MEMBER_TERMS = 24
CANDIDATES = 8  # issues that are compared in full

Vector = dict[int, int]


@dataclass(frozen=True, slots=True)
class Member:
    """One text of an issue by its main terms: what a split goes by."""

    document: str
    vector: Vector


def _members() -> deque[Member]:
    return deque(maxlen=MEMBERS_KEPT)


@dataclass(slots=True)
class Event:
    """One live issue. `terms` is the sum of its texts' unit vectors, `length` their mean number of terms."""

    number: int
    id: str
    first: float  # seconds since 1970 of the earliest and latest fetch
    last: float
    active: float  # the clock when its latest document came in: what expiry goes by
    terms: Vector = field(default_factory=dict)
    square: int = 0  # of the length of `terms`; exact
    length: float = 0.0
    texts: int = 0  # texts in the centroid
    checked: int = 0  # texts when it last looked for its like
    documents: int = 0
    voices: int = 0
    topics: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    keywords: Counter[str] = field(default_factory=Counter)
    titles: list[str] = field(default_factory=list)
    members: deque[Member] = field(default_factory=_members)


@dataclass(slots=True)
class WorkingSet:
    """All live issues and where their terms occur. Deterministic: ties go to the older issue."""

    config: ClusterConfig
    background: Background
    events: dict[int, Event] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)  # issue id → number
    postings: dict[int, list[int]] = field(default_factory=dict)
    next_number: int = 0

    def vector(self, counts: dict[int, float]) -> Vector:
        """Damped frequencies → unit vector, by idf over background and live issues together."""
        prior, share, rare = self.config.prior_documents, self.background.share, self.background.rare
        total = prior + len(self.events) + 1.0
        postings = self.postings
        weights: dict[int, float] = {}
        for term, frequency in counts.items():
            live = postings.get(term)
            seen = prior * share.get(term, rare) + 0.3 + (len(live) if live else 0)
            idf = math.log(total / seen) - COMMON
            if idf > 0.0:
                weights[term] = frequency * idf
        return unit_vector(weights, self.config.max_terms)

    def open(self, id: str, when: float, now: float) -> Event:
        """A new, empty issue."""
        event = Event(self.next_number, id, when, when, now)
        self.next_number += 1
        self.events[event.number] = event
        self.numbers[id] = event.number
        return event

    def add_text(self, event: Event, document: str, vector: Vector) -> None:
        """Put one text into the centroid and the index."""
        event.length += (len(vector) - event.length) / (event.texts + 1)
        event.texts += 1
        self._add_terms(event, vector)
        event.members.append(Member(document, dict(islice(vector.items(), MEMBER_TERMS))))

    def absorb(self, into: Event, other: Event) -> None:
        """Merge `other` into `into` and forget it."""
        texts = into.texts + other.texts
        into.length = (into.length * into.texts + other.length * other.texts) / max(1, texts)
        self.remove(other)
        self._add_terms(into, other.terms)
        into.first, into.last = min(into.first, other.first), max(into.last, other.last)
        into.active = max(into.active, other.active)
        into.texts = texts
        into.documents += other.documents
        into.voices += other.voices
        into.topics.update(other.topics)
        into.places.update(other.places)
        into.keywords.update(other.keywords)
        into.titles = list(dict.fromkeys(into.titles + other.titles))[:TITLES_KEPT]
        into.members.extend(other.members)

    def remove(self, event: Event) -> None:
        """Take an issue out of the working set."""
        del self.events[event.number], self.numbers[event.id]
        for term in event.terms:
            self._unlist(term, event.number)

    def divide(self, event: Event, leaving: frozenset[str], id: str) -> Event:
        """Part the texts `leaving` from an issue; their main terms go along. The new issue."""
        new = self.open(id, event.last, event.active)
        new.first, new.length = event.first, event.length
        gone = [member for member in event.members if member.document in leaving]
        event.members = deque((m for m in event.members if m.document not in leaving), MEMBERS_KEPT)
        for member in gone:
            self._add_terms(new, member.vector)
            self._take_terms(event, member.vector)
        new.members.extend(gone)
        new.texts = len(gone)
        event.texts = max(0, event.texts - len(gone))
        new.titles = list(event.titles)
        new.topics, new.places = Counter(event.topics), Counter(event.places)
        return new

    def relist(self, event: Event) -> None:
        """Index an event that was made elsewhere (a snapshot, a split)."""
        self.events[event.number] = event
        self.numbers[event.id] = event.number
        event.square = _square(event.terms)
        for term in event.terms:
            self.postings.setdefault(term, []).append(event.number)

    def rename(self, event: Event, id: str) -> None:
        """Give an issue another id."""
        del self.numbers[event.id]
        event.id = id
        self.numbers[id] = event.number

    def expire(self, now: float) -> list[Event]:
        """Drop and return the issues idle for longer than `issue_days`."""
        limit = now - self.config.issue_days * DAY
        gone = [event for event in self.events.values() if event.active < limit]
        for event in gone:
            self.remove(event)
        return gone

    def nearest(
        self, vector: Vector, now: float, places: Iterable[str] = (), skip: Iterable[int] = ()
    ) -> tuple[Event, float] | None:
        """The live issue most like `vector` and its score (cosine, less for silence and other places)."""
        found = self._candidates(vector, frozenset(skip))
        square = _square(vector)
        here = set(places)
        best: tuple[float, int] | None = None
        for number in found:
            event = self.events[number]
            score = _dot(vector, event.terms) / (math.sqrt(square * event.square) or 1.0)
            score *= self._discount(event, now, here)
            if best is None or (score, -number) > best:
                best = (score, -number)
        return (self.events[-best[1]], best[0]) if best else None

    def _discount(self, event: Event, now: float, here: set[str]) -> float:
        idle = max(0.0, now - event.last) / DAY
        elsewhere = bool(here and event.places) and not here & event.places.keys()
        return (self.config.other_place if elsewhere else 1.0) / (1.0 + self.config.idle_penalty * idle)

    def _candidates(self, vector: Vector, skip: frozenset[int]) -> list[int]:
        """Up to `CANDIDATES` issues by the weight of the vector's rarest terms that they hold."""
        limit, budget = self.config.max_postings, self.config.max_visits
        postings = self.postings
        score: dict[int, int] = {}
        for term, weight in vector.items():
            holders = postings.get(term)
            if holders is None or len(holders) > limit:
                continue
            for number in holders:
                score[number] = score.get(number, 0) + weight
            budget -= len(holders)
            if budget < 0:
                break
        for number in skip:
            score.pop(number, None)
        if len(score) <= CANDIDATES:
            return list(score)
        order = sorted([(-weight, number) for number, weight in score.items()])
        return [number for _, number in order[:CANDIDATES]]

    def _add_terms(self, event: Event, vector: Vector) -> None:
        terms, postings, number = event.terms, self.postings, event.number
        square = event.square
        for term, weight in vector.items():
            old = terms.get(term)
            if old is None:
                terms[term] = weight
                square += weight * weight
                holders = postings.get(term)
                if holders is None:
                    postings[term] = [number]
                else:
                    holders.append(number)
            else:
                terms[term] = old + weight
                square += weight * (weight + 2 * old)
        event.square = square
        if len(terms) > 1.5 * self.config.centroid_terms:
            self._prune(event)

    def _take_terms(self, event: Event, vector: Vector) -> None:
        for term, weight in vector.items():
            left = event.terms.get(term, 0) - weight
            if left > 0:
                event.terms[term] = left
            elif event.terms.pop(term, None) is not None:
                self._unlist(term, event.number)
        event.square = _square(event.terms)

    def _prune(self, event: Event) -> None:
        order = sorted(event.terms.items(), key=lambda item: (-item[1], item[0]))
        event.terms = dict(order[: self.config.centroid_terms])
        for term, _ in order[self.config.centroid_terms :]:
            self._unlist(term, event.number)
        event.square = _square(event.terms)

    def _unlist(self, term: int, number: int) -> None:
        holders = self.postings[term]
        holders.remove(number)
        if not holders:
            del self.postings[term]


COMMON = 2.5  # idf below which a term says nothing of an event (in about one document of twelve)


def heaviest_first(terms: Vector) -> Vector:
    """The same vector in the order in which candidates are looked for."""
    return dict(sorted(terms.items(), key=lambda item: (-item[1], item[0])))


def threshold(short: float, long: float, terms: float, config: ClusterConfig) -> float:
    """Between the values for a title-and-lead text and a whole article, by the number of terms (linear in its logarithm)."""
    low, high = math.log(config.short_terms), math.log(config.long_terms)
    share = (math.log(max(1.0, terms)) - low) / (high - low)
    return short + (long - short) * min(1.0, max(0.0, share))


def chronological(events: Iterable[Event]) -> Iterator[Event]:
    """Oldest number first."""
    return iter(sorted(events, key=lambda event: event.number))


def _dot(a: Vector, b: Vector) -> int:
    return sum([a[term] * b[term] for term in a.keys() & b.keys()])


def _square(terms: Vector) -> int:
    return sum([weight * weight for weight in terms.values()])
