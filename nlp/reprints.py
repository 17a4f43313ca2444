"""Which publication reprints which: shingle containment over a moving window of days (nlp.md 11).

Every text is reduced to hashes of its runs of four syllables: all of them in its first 120 syllables, one in eight behind. What
counts is *containment* – the shared part of the shorter text – so that cut, framed and lead-only reprints are found; Jaccard
finds the last of these in 3 cases of 100. A shingle that many unrelated texts share is boilerplate and counts for nothing.
People's own words (comments, reports) fold only where they are near-exact copies: two people may well say a similar thing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from nlp.clustering.terms import Hashes, grams, hashes, tokens

HEAD = 120  # syllables whose shingles are all kept; also the longest "short" text
SPARSE = np.uint64(8)
SHARED_LEAST = 3
CONTAINED = 0.35  # of the shorter text's sketch: 15 % of words edited leave .85^4 = .52 of the shingles
SHORT_SURE = 0.5  # short texts have few shingles: between these two the bigrams decide
SHORT_MAYBE = 0.15
SHORT_BIGRAMS = 0.5
OWN_WORDS = 0.7  # of the longer text, for comments and reports
OWN_WORDS_TOKENS = 8  # "cảm ơn các anh công an" is said by many, not copied
OTHER_NUMBERS = (
    0.8  # daily bulletins repeat a text around other dates and figures; above this it is a copy all the same
)
BOILERPLATE = 24  # texts of distinct origin that hold a shingle
NEW_SHARE = 0.15  # a reprint with this share of new shingles is itself a text that others may reprint
_MIX = np.uint64(0xFF51AFD7ED558CCD)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of one text. `sparse` is the one-in-eight part; `bigrams` only of short texts.

    `every` holds all shingles: a text is looked up by all of them, but found again only by `keys`.
    """

    every: frozenset[int]
    dense: tuple[int, ...]
    sparse: tuple[int, ...]
    short: bool
    length: int
    bigrams: frozenset[int]
    numbers: frozenset[str]

    @property
    def keys(self) -> frozenset[int]:
        """All hashes under which the text is found."""
        return frozenset(self.dense).union(self.sparse)


@dataclass(frozen=True, slots=True)
class Kept:
    """One remembered text; `origin` is another's id where it is a reprint that adds much."""

    sketch: Sketch
    keys: frozenset[int]
    origin: str
    own_words: bool
    day: int


def sketch(title: str, text: str) -> Sketch:
    """Title and text → sketch; texts below four syllables have none and reprint nothing."""
    words = tokens(text) or tokens(title)
    return sketch_of(words, hashes(words), title)


def sketch_of(words: list[str], codes: Hashes, title: str) -> Sketch:
    """The same from syllables and their hashes, where the caller has them already."""
    shingles = grams(codes, 4)
    short = len(words) <= HEAD
    dense = shingles if short else shingles[: HEAD - 3]
    sparse = shingles[(shingles * _MIX) >> np.uint64(32) & (SPARSE - np.uint64(1)) == 0]
    return Sketch(
        every=frozenset(shingles.tolist()),
        dense=tuple(dict.fromkeys(dense.tolist())),
        sparse=tuple(dict.fromkeys(sparse.tolist())),
        short=short,
        length=len(words),
        bigrams=frozenset(grams(codes, 2).tolist()) if short else frozenset(),
        numbers=frozenset(word for word in tokens(title) if word[0].isdigit()),
    )


@dataclass(slots=True)
class ReprintIndex:
    """The texts of the last days by their shingles. Deterministic in the sequence of `origin_of` calls."""

    days: int = 14
    _entries: dict[int, Kept] = field(default_factory=dict)
    _postings: dict[int, list[int]] = field(default_factory=dict)
    _queue: deque[int] = field(default_factory=deque)
    _next: int = 0
    _today: int = 0

    def origin_of(self, id: str, item: Sketch, *, own_words: bool, day: int) -> str:
        """The origin of this text – `id` itself where it reprints nothing known – and remember it. `day`: days since 1970."""
        self._expire(day)
        if not item.dense or (own_words and item.length < OWN_WORDS_TOKENS):
            return id
        keys = item.keys
        found = self._match(item, own_words)
        origin = found.origin if found else id
        if found is None or (not own_words and len(keys - found.keys) >= NEW_SHARE * len(keys)):
            self._remember(Kept(replace(item, every=frozenset()), keys, origin, own_words, self._today))
        return origin

    def entries(self) -> Iterator[Kept]:
        """What is remembered, oldest first (for a snapshot)."""
        return (self._entries[number] for number in self._queue)

    def restore(self, entries: list[Kept], today: int) -> None:
        """Take the entries of a snapshot, in their order."""
        self._today = today
        for entry in entries:
            self._remember(entry)

    @property
    def today(self) -> int:
        """The latest day seen."""
        return self._today

    def _match(self, item: Sketch, own_words: bool) -> Kept | None:
        best: tuple[float, int] | None = None
        for number, (shared, sparse) in self._shared(item).items():
            entry = self._entries[number]
            if entry.own_words != own_words:
                continue
            score = _near_exact(item, entry, shared) if own_words else _contained(item, entry, shared, sparse)
            if score and (best is None or (score, -number) > best):
                best = (score, -number)
        return self._entries[-best[1]] if best else None

    def _shared(self, item: Sketch) -> dict[int, tuple[int, int]]:
        """Candidate → (shared shingles, shared ones of the sparse part), for those that share enough to matter."""
        everywhere: dict[int, int] = {}
        thin: dict[int, int] = {}
        postings = self._postings
        sparse = frozenset(item.sparse)
        for key in item.every:
            holders = postings.get(key)
            if holders is None or len(holders) > BOILERPLATE:
                continue
            for number in holders:
                everywhere[number] = everywhere.get(number, 0) + 1
                if key in sparse:
                    thin[number] = thin.get(number, 0) + 1
        return {n: (count, thin.get(n, 0)) for n, count in everywhere.items() if count >= SHARED_LEAST}

    def _remember(self, entry: Kept) -> None:
        number = self._next
        self._next += 1
        self._entries[number] = entry
        self._queue.append(number)
        for key in entry.keys:
            self._postings.setdefault(key, []).append(number)

    def _expire(self, day: int) -> None:
        if day <= self._today:
            return
        self._today = day
        while self._queue and self._entries[self._queue[0]].day < day - self.days:
            number = self._queue.popleft()
            for key in self._entries.pop(number).keys:
                holders = self._postings[key]
                holders.remove(number)
                if not holders:
                    del self._postings[key]


def _near_exact(item: Sketch, entry: Kept, shared: int) -> float:
    share = shared / max(len(item.keys), len(entry.keys))
    return share if share >= OWN_WORDS else 0.0


def _contained(item: Sketch, entry: Kept, shared: int, sparse: int) -> float:
    """How much of the shorter text the longer one holds; 0 where that is no reprint."""
    other = entry.sketch
    score = 0.0
    if item.short or other.short:
        least = min(len(s.dense) for s in (item, other) if s.short)
        score = _short_score(item, other, min(1.0, shared / least))
    if sparse >= SHARED_LEAST:
        part = sparse / min(len(item.sparse), len(other.sparse))
        score = max(score, part if part > CONTAINED else 0.0)
    differ = bool(item.numbers and other.numbers) and not item.numbers & other.numbers
    return 0.0 if differ and score < OTHER_NUMBERS else score


def _short_score(item: Sketch, other: Sketch, share: float) -> float:
    if share >= SHORT_SURE:
        return share
    if share < SHORT_MAYBE or not (item.short and other.short):
        return share if share > CONTAINED and not (item.short and other.short) else 0.0
    common = len(item.bigrams & other.bigrams) / max(1, min(len(item.bigrams), len(other.bigrams)))
    return common if common >= SHORT_BIGRAMS else 0.0
