"""The live issues: centroids in an inverted index, joined in one pass (nlp.md 12).

A centroid is the sum of its texts' vectors, older texts fading, so that an issue is what is being said now and not all that was ever
said. An issue leaves the working set when it has been idle for `issue_days`; what it was stays in the store.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nlp.clustering.config import ClusterConfig
from nlp.clustering.index import Limits, TermIndex
from nlp.clustering.terms import Background, Terms, Weights
from nlp.clustering.vectors import EMPTY, Vector, heaviest_first, unit_vector

DAY = 86_400.0
TITLES_KEPT = 12  # candidates for an issue's title: its latest headlines
MEMBERS_KEPT = 40  # latest texts whose main terms are remembered: for cohesion and splitting
MEMBER_TERMS = 32
COMMON = 2.5  # idf below which a term says nothing of an event (in about one document of twelve)


@dataclass(frozen=True, slots=True)
class Member:
    """One text of an issue by its main terms."""

    document: str
    vector: Vector


def _members() -> deque[Member]:
    return deque(maxlen=MEMBERS_KEPT)


@dataclass(slots=True)
class Event:
    """One live issue. `length` is its texts' mean number of terms, `centroid` in no order, `found_by` marks its listed terms."""

    number: int
    id: str
    first: float  # seconds since 1970 of the earliest and latest fetch
    last: float
    active: float  # the clock when its latest document came in: what expiry goes by
    centroid: Vector = EMPTY
    found_by: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    square: float = 0.0  # of the centroid's length; exact
    faded: float = 0.0  # the clock up to which the centroid has faded
    length: float = 0.0
    texts: int = 0  # texts in the centroid
    checked: int = 0  # texts when it last looked for its like
    named: int = 0  # texts when its title was last chosen
    documents: int = 0
    voices: int = 0
    title: str = ""
    key_terms: tuple[str, ...] = ()
    topics: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    keywords: Counter[str] = field(default_factory=Counter)
    titles: list[str] = field(default_factory=list)
    members: deque[Member] = field(default_factory=_members)

    def weights(self) -> dict[int, float]:
        """Term → weight in the centroid."""
        return dict(zip(self.centroid.terms.tolist(), self.centroid.weights.tolist(), strict=True))


@dataclass(slots=True)
class WorkingSet:
    """All live issues and where their terms occur. Deterministic: ties go to the older issue."""

    config: ClusterConfig
    background: Background
    events: dict[int, Event] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)  # issue id → number
    index: TermIndex = field(default_factory=TermIndex)
    next_number: int = 0

    def vector(self, terms: Terms, frequencies: Weights) -> Vector:
        """Damped frequencies → unit vector, by idf over background and live issues together."""
        prior = self.config.prior_documents
        seen = prior * self.background.share[terms].astype(np.float64) + 0.3 + self.index.seen[terms]
        weights = frequencies * (np.log((prior + len(self.events) + 1.0) / seen) - COMMON)
        telling = weights > 0.0
        return unit_vector(terms[telling], weights[telling], self.config.max_terms)

    def open(self, id: str, when: float, now: float) -> Event:
        """A new, empty issue."""
        event = Event(self.next_number, id, when, when, now, faded=now)
        self.next_number += 1
        self.events[event.number] = event
        self.numbers[id] = event.number
        return event

    def add_text(self, event: Event, document: str, vector: Vector, now: float) -> None:
        """Put one text into the centroid and the index."""
        event.length += (len(vector) - event.length) / (event.texts + 1)
        event.texts += 1
        self._fade(event, now)
        self._add(event, vector)
        event.members.append(Member(document, vector.head(MEMBER_TERMS)))

    def absorb(self, into: Event, other: Event) -> None:
        """Merge `other` into `into` and forget it."""
        texts = into.texts + other.texts
        into.length = (into.length * into.texts + other.length * other.texts) / max(1, texts)
        now = max(into.faded, other.faded)
        self._fade(into, now)
        self._fade(other, now)
        self.remove(other)
        self._add(into, heaviest_first(other.centroid.terms, other.centroid.weights, len(other.centroid)))
        into.first, into.last = min(into.first, other.first), max(into.last, other.last)
        into.active = max(into.active, other.active)
        into.texts = texts
        into.documents += other.documents
        into.voices += other.voices
        into.topics.update(other.topics)
        into.places.update(other.places)
        into.keywords.update(other.keywords)
        into.titles = list(dict.fromkeys(into.titles + other.titles))[-TITLES_KEPT:]
        into.members.extend(other.members)

    def remove(self, event: Event) -> None:
        """Take an issue out of the working set."""
        del self.events[event.number], self.numbers[event.id]
        self.index.seen[event.centroid.terms] -= 1
        self.index.strike(event.number, event.centroid.terms[event.found_by])

    def divide(self, event: Event, leaving: frozenset[str], id: str) -> Event:
        """Part the texts `leaving` from an issue: both are rebuilt from the main terms of their latest texts. The new issue."""
        new = self.open(id, event.last, event.active)
        new.first, new.length, new.faded = event.first, event.length, event.faded
        members = list(event.members)
        for part, chosen in ((event, False), (new, True)):
            texts = [member for member in members if (member.document in leaving) == chosen]
            part.texts = len(texts) if chosen else max(len(texts), event.texts - len(leaving))
            part.members = deque(texts, MEMBERS_KEPT)
            self._empty(part)
            for member in texts:
                self._add(part, member.vector)
        new.titles = list(event.titles)
        new.topics, new.places = Counter(event.topics), Counter(event.places)
        return new

    def relist(self, event: Event) -> None:
        """Index an event that was made elsewhere (a snapshot)."""
        self.events[event.number] = event
        self.numbers[event.id] = event.number
        event.square = event.centroid.square
        self.index.seen[event.centroid.terms] += 1
        self.index.enlist(event.number, event.centroid.terms[event.found_by])

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
        self,
        vector: Vector,
        now: float,
        places: Iterable[str] = (),
        skip: Iterable[int] = (),
        since: float = math.inf,
    ) -> tuple[Event, float] | None:
        """The live issue most like `vector` and its score (cosine, less for silence, a long span and other places).

        `vector` tells of what went on from `since` (a text: only now) to `now`; both in seconds.
        """
        config = self.config
        limits = Limits(config.max_visits, config.max_postings, config.compared)
        found = [self.events[n] for n in self.index.candidates(vector, frozenset(skip), limits)]
        square, here = vector.square, set(places)
        best: tuple[float, int] | None = None
        for event, product in zip(found, self.index.products(vector, [e.centroid for e in found]), strict=True):
            score = (
                product
                / (math.sqrt(square * event.square) or 1.0)
                * self._discount(event, min(since, event.first), now, here)
            )
            if best is None or (score, -event.number) > best:
                best = (score, -event.number)
        return (self.events[-best[1]], best[0]) if best else None

    def _discount(self, event: Event, since: float, now: float, here: set[str]) -> float:
        idle = max(0.0, now - event.last) / DAY
        elsewhere = bool(here and event.places) and not here & event.places.keys()
        # long and large issues let unlike events grow together: each storm names the last one and the same rivers
        large = event.texts >= self.config.span_texts
        weeks = max(0.0, (max(now, event.last) - since) / DAY - self.config.span_free) / 7 if large else 0.0
        patience = (1.0 + self.config.idle_penalty * idle) * (1.0 + self.config.span_rise * weeks)
        return (self.config.other_place if elsewhere else 1.0) / patience

    def _fade(self, event: Event, now: float) -> None:
        """Let what was said before `now` count less."""
        days = (now - event.faded) / DAY
        if days < FADE_STEP or not len(event.centroid):
            return
        event.faded = now
        weights = np.rint(event.centroid.weights * 0.5 ** (days / self.config.half_life))
        self._keep(event, weights, weights > 0.0)

    def _keep(self, event: Event, weights: Weights, kept: NDArray[np.bool_]) -> None:
        """Change a centroid's weights and drop all terms but those `kept`."""
        terms, found_by = event.centroid.terms, event.found_by
        if not kept.all():
            self.index.seen[terms[~kept]] -= 1
            self.index.strike(event.number, terms[found_by & ~kept])
            terms, weights, found_by = terms[kept], weights[kept], found_by[kept]
        event.centroid, event.found_by = Vector(terms, weights), found_by
        event.square = event.centroid.square

    def _empty(self, event: Event) -> None:
        weights = event.centroid.weights
        self._keep(event, weights, np.zeros(len(weights), bool))

    def _add(self, event: Event, vector: Vector) -> None:
        """Add `vector` (heaviest first) to the centroid; its `listed_terms` heaviest terms are looked up from now on."""
        index, heavy = self.index, np.arange(len(vector)) < self.config.listed_terms
        old = event.centroid
        if not len(old):  # four texts of five open an issue: worth a way of its own
            event.centroid, event.found_by, event.square = vector, heavy, vector.square
            index.seen[vector.terms] += 1
            index.enlist(event.number, vector.terms[: self.config.listed_terms])
            return
        at = index.positions(vector.terms, old.terms)
        known = at >= 0
        fresh = ~known
        event.centroid = Vector(
            np.concatenate((old.terms, vector.terms[fresh])), np.concatenate((old.weights, vector.weights[fresh]))
        )
        event.centroid.weights[at[known]] += vector.weights[known]
        late = at[known & heavy]
        late = late[~event.found_by[late]]  # known terms that have become heavy
        event.found_by = np.concatenate((event.found_by, heavy[fresh]))
        event.found_by[late] = True
        index.seen[vector.terms[fresh]] += 1
        index.enlist(event.number, np.concatenate((old.terms[late], vector.terms[fresh & heavy])))
        event.square = event.centroid.square
        if len(event.centroid) > 1.5 * self.config.centroid_terms:
            self._prune(event)

    def _prune(self, event: Event) -> None:
        weights = event.centroid.weights
        order = np.lexsort((event.centroid.terms, -weights))
        kept = np.zeros(len(weights), bool)
        kept[order[: self.config.centroid_terms]] = True
        self._keep(event, weights, kept)


FADE_STEP = 0.25  # days: fading goes in steps, for each rounds the weights


def threshold(short: float, long: float, terms: float, config: ClusterConfig) -> float:
    """Between the values for a title-and-lead text and a whole article, by the number of terms (linear in its logarithm)."""
    low, high = math.log(config.short_terms), math.log(config.long_terms)
    share = (math.log(max(1.0, terms)) - low) / (high - low)
    return short + (long - short) * min(1.0, max(0.0, share))
