"""Which publication reprints which: shingle containment over a moving window of days (nlp.md 11).

Every text is reduced to hashes of its runs of four syllables: all of them in its first 120 syllables, one in eight behind. What
counts is *containment* – the shared part of the shorter text – so that cut, framed and lead-only reprints are found; Jaccard
finds the last of these in 3 cases of 100. A shingle that many unrelated texts share is boilerplate and counts for nothing.
People's own words (comments, reports) fold only where they are near-exact copies: two people may well say a similar thing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nlp.clustering.terms import Runs, tokens

HEAD = 120  # syllables whose shingles are all kept; also the longest "short" text
SHARED_LEAST = 3
CONTAINED = 0.35  # of the shorter text's sketch: 15 % of words edited leave .85^4 = .52 of the shingles
SHORT_SURE = 0.5  # short texts have few shingles: between these two the bigrams decide
SHORT_MAYBE = 0.15
SHORT_BIGRAMS = 0.5
OWN_WORDS = 0.7  # of the longer text, for comments and reports
OWN_WORDS_TOKENS = 8  # "cảm ơn các anh công an" is said by many, not copied
# Daily bulletins repeat a text around other dates and figures; above this it is a copy all the same.
OTHER_NUMBERS = 0.97
BOILERPLATE = 24  # texts of distinct origin that hold a shingle
NEW_SHARE = 0.15  # a reprint with this share of new shingles is itself a text that others may reprint
_HALF = np.uint64(32)
_MIX = np.uint32(0x9E3779B1)
_TOP = np.uint32(29)  # three upper bits zero: one shingle in eight

Kept32 = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of one text, as 32-bit hashes. `sparse` is the one-in-eight part; `bigrams` only of short texts."""

    dense: Kept32
    sparse: Kept32
    bigrams: Kept32
    short: bool
    length: int
    numbers: frozenset[str]

    def found_by(self) -> set[int]:
        """All hashes under which the text is found."""
        return {*self.dense.tolist(), *self.sparse.tolist()}


@dataclass(frozen=True, slots=True)
class Kept:
    """One remembered text; `origin` is another's id where it is a reprint that adds much."""

    sketch: Sketch
    origin: str
    own_words: bool
    day: int


def sketch(title: str, text: str) -> tuple[Sketch, set[int]]:
    """Title and text → sketch and all shingles; texts below four syllables have none and reprint nothing."""
    head, body = tokens(title), tokens(text)
    return sketches([head], [body or head], Runs.of([body or head]))[0]


def sketches(titles: Sequence[list[str]], texts: Sequence[list[str]], runs: Runs) -> list[tuple[Sketch, set[int]]]:
    """The same for a batch, from syllables and their hashes (`runs` of `texts`).

    A text is looked up by all its shingles, but found again only by `found_by`.
    """
    shingles = runs.grams(4)
    short = np.array([len(text) <= HEAD for text in texts], bool)
    sparse = ((shingles.codes >> _HALF).astype(np.uint32) * _MIX) >> _TOP == 0
    everything, dense, thin, bigrams = (
        _distinct(part)
        for part in (
            shingles,
            shingles.first(HEAD - 3),  # all there are of a short text
            shingles.chosen(sparse),
            runs.chosen(short[runs.owner]).grams(2),
        )
    )
    return [
        (
            Sketch(
                dense=dense[n],
                sparse=thin[n],
                bigrams=bigrams[n],
                short=bool(short[n]),
                length=len(text),
                numbers=frozenset([word for word in (*titles[n], *text) if word[0] <= "9"]),
            ),
            set(everything[n].tolist()),
        )
        for n, text in enumerate(texts)
    ]


def _distinct(runs: Runs) -> list[Kept32]:
    """Each text's distinct codes, as their upper 32 bits; every array with memory of its own."""
    keys = np.unique((runs.owner.astype(np.uint64) << _HALF) | (runs.codes >> _HALF))
    bounds = np.searchsorted(keys, np.arange(runs.texts + 1, dtype=np.uint64) << _HALF).tolist()
    codes = keys.astype(np.uint32)
    return [codes[a:b].copy() for a, b in pairwise(bounds)]


@dataclass(slots=True)
class ReprintIndex:
    """The texts of the last days by their shingles. Deterministic in the sequence of `origin_of` calls."""

    days: int = 14
    _entries: dict[int, Kept] = field(default_factory=dict)
    _postings: dict[int, int | list[int]] = field(default_factory=dict)
    _queue: deque[int] = field(default_factory=deque)
    _next: int = 0
    _today: int = 0

    def origin_of(self, id: str, item: Sketch, shingles: set[int], *, own_words: bool, day: int) -> str:
        """The origin of this text – `id` itself where it reprints nothing known – and remember it. `day`: days since 1970."""
        self._expire(day)
        if not shingles or (own_words and item.length < OWN_WORDS_TOKENS):
            return id
        found = self._match(item, shingles, own_words)
        origin = found.origin if found else id
        if found is None or (not own_words and _adds_much(item, found.sketch)):
            self._remember(Kept(item, origin, own_words, self._today))
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

    def _match(self, item: Sketch, shingles: set[int], own_words: bool) -> Kept | None:
        best: tuple[float, int] | None = None
        for number, (shared, sparse) in self._shared(item, shingles).items():
            entry = self._entries[number]
            if entry.own_words != own_words:
                continue
            score = _near_exact(item, entry, shared) if own_words else _contained(item, entry, shared, sparse)
            if score and (best is None or (score, -number) > best):
                best = (score, -number)
        return self._entries[-best[1]] if best else None

    def _shared(self, item: Sketch, shingles: set[int]) -> dict[int, tuple[int, int]]:
        """Candidate → (shared shingles, shared ones of the sparse part), for those that share enough to matter."""
        everywhere: dict[int, int] = {}
        thin: dict[int, int] = {}
        postings = self._postings
        for key in shingles & postings.keys():
            holders = postings[key]
            if isinstance(holders, int):
                everywhere[holders] = everywhere.get(holders, 0) + 1
            elif len(holders) <= BOILERPLATE:
                for number in holders:
                    everywhere[number] = everywhere.get(number, 0) + 1
        enough = {number for number, count in everywhere.items() if count >= SHARED_LEAST}
        if not enough:
            return {}
        for key in item.sparse.tolist():
            for number in self._holders(key):
                thin[number] = thin.get(number, 0) + 1
        return {number: (everywhere[number], thin.get(number, 0)) for number in sorted(enough)}

    def _holders(self, key: int) -> Sequence[int]:
        holders = self._postings.get(key, ())
        if isinstance(holders, int):
            return (holders,)
        return holders if len(holders) <= BOILERPLATE else ()

    def _remember(self, entry: Kept) -> None:
        number = self._next
        self._next += 1
        self._entries[number] = entry
        self._queue.append(number)
        postings = self._postings
        for key in entry.sketch.found_by():
            holders = postings.get(key)
            # most shingles occur in one text: a plain number instead of a list saves half the memory
            postings[key] = number if holders is None else _with(holders, number)

    def _expire(self, day: int) -> None:
        if day <= self._today:
            return
        self._today = day
        while self._queue and self._entries[self._queue[0]].day < day - self.days:
            number = self._queue.popleft()
            for key in self._entries.pop(number).sketch.found_by():
                holders = self._postings[key]
                if isinstance(holders, int) or len(holders) == 1:
                    del self._postings[key]
                else:
                    holders.remove(number)


def _with(holders: int | list[int], number: int) -> list[int]:
    if isinstance(holders, int):
        return [holders, number]
    holders.append(number)
    return holders


def _adds_much(item: Sketch, known: Sketch) -> bool:
    keys = item.found_by()
    return len(keys - known.found_by()) >= NEW_SHARE * len(keys)


def _near_exact(item: Sketch, entry: Kept, shared: int) -> float:
    share = shared / (max(item.length, entry.sketch.length) - 3)
    return share if share >= OWN_WORDS else 0.0


def _contained(item: Sketch, entry: Kept, shared: int, sparse: int) -> float:
    """How much of the shorter text the longer one holds; 0 where that is no reprint."""
    other = entry.sketch
    score = 0.0
    if item.short or other.short:
        least = min(len(s.dense) for s in (item, other) if s.short)
        score = _short_score(item, other, min(1.0, shared / least))
    if sparse >= SHARED_LEAST and not (item.short and other.short):  # of two short texts the dense part says it all
        part = sparse / min(len(item.sparse), len(other.sparse))
        score = max(score, part if part > CONTAINED else 0.0)
    return 0.0 if score < OTHER_NUMBERS and _other_numbers(item.numbers, other.numbers) else score


def _other_numbers(a: frozenset[str], b: frozenset[str]) -> bool:
    """Both name dates or figures and hardly any is the same."""
    least = min(len(a), len(b))
    return least >= 2 and len(a & b) < least / 3


def _short_score(item: Sketch, other: Sketch, share: float) -> float:
    if share >= SHORT_SURE:
        return share
    if share < SHORT_MAYBE or not (item.short and other.short):
        return share if share > CONTAINED and not (item.short and other.short) else 0.0
    common = len(set(item.bigrams.tolist()).intersection(other.bigrams.tolist())) / max(
        1, min(len(item.bigrams), len(other.bigrams))
    )
    return common if common >= SHORT_BIGRAMS else 0.0
