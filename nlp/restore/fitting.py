"""Trigram counts → the arrays of the restorer's model: discounting, pruning, rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duluan.text import fold
from nlp.restore.model import ID_BITS, STEP, Arrays
from nlp.restore.syllables import NUMBER, SIGNS, START, UNKNOWN

U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
_BITS = np.uint64(ID_BITS)
_MASK = np.uint64((1 << ID_BITS) - 1)
_TWO = np.uint64((1 << 2 * ID_BITS) - 1)


@dataclass(frozen=True, slots=True)
class Pruning:
    """What is kept. An n-gram goes where leaving it out costs less than `loss` (count × difference of log-probabilities)."""

    least_pair: int = 2  # occurrences in all texts; rarer n-grams are dropped, however much a text weighs
    least_triple: int = 3
    pair_loss: float = 3.0
    triple_loss: float = 8.0


DISCOUNT = 0.75  # of every distinct n-gram of a corpus, in its own counts


@dataclass(frozen=True, slots=True)
class Grams:
    """Sorted keys (ids of ID_BITS bits, the first word highest), their weighted counts, and what of these goes to unseen n-grams."""

    keys: U64
    counts: F64
    discounts: F64
    seen: F64  # occurrences, unweighted


@dataclass(frozen=True, slots=True)
class Corpus:
    """Trigrams of one corpus with their counts, and how many times it counts."""

    keys: U64
    counts: F64
    weight: float = 1.0

    @property
    def size(self) -> int:
        """Syllables in all; what stands before a sentence is none."""
        return int(self.counts[(self.keys & _MASK) != SIGNS.index(START)].sum())


def gathered(corpora: Sequence[Corpus], words: int) -> Grams:
    """The n-grams of `words` words of several corpora. Each is discounted by itself: seen once ten times over is still seen once."""
    keep = np.uint64((1 << words * ID_BITS) - 1)
    parts = []
    for corpus in corpora:
        one = _summed(corpus.keys & keep, corpus.counts)
        freed = np.full(one.keys.size, DISCOUNT * corpus.weight)
        parts.append((one.keys, one.counts * corpus.weight, freed, one.counts))
    keys, counts, discounts, seen = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _summed(keys, counts, discounts, seen)


def _summed(keys: U64, *values: F64) -> Grams:
    """Rows of equal keys added up; of a single column of values every column is that one."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sums = [np.add.reduceat(column[order], first) for column in values]
    return Grams(ordered[first], *(sums if len(sums) > 1 else sums * 3))


def fit(words: Sequence[str], corpora: Sequence[Corpus], pruning: Pruning) -> Arrays:
    """Arrays of a model over `words` (SIGNS first)."""
    corpora = [_predicting(corpus) for corpus in corpora]
    pairs, triples = gathered(corpora, 2), gathered(corpora, 3)
    last = (pairs.keys & _MASK).astype(np.int64)
    singles = np.bincount(last, weights=pairs.counts, minlength=len(words))
    unigram = np.log(np.maximum(singles, 0.5) / singles.sum())  # a word never seen: as if half a time
    two = _Order(pairs, (pairs.keys >> _BITS).astype(np.int64), len(words))
    p2, backed2 = two.interpolated(np.exp(unigram)[last]), two.backed(np.exp(unigram)[last])
    context, known = _places(pairs.keys, triples.keys >> _BITS)
    # a sentence's first word follows <s> <s>, which as a bigram is never predicted
    triples, context = _only(triples, known), context[known]
    below = p2[_places(pairs.keys, triples.keys & _TWO)[0]]
    three = _Order(triples, context, pairs.keys.size)
    p3 = three.interpolated(below)
    unsure = _unsure(words)
    keep3 = _kept(triples, p3, three.backed(below), pruning.least_triple, pruning.triple_loss)
    keep3 &= _matters(unsure, triples.keys, 3)
    needed = np.zeros(pairs.keys.size, dtype=bool)
    needed[context[keep3]] = True
    keep2 = _kept(pairs, p2, backed2, pruning.least_pair, pruning.pair_loss) & _matters(unsure, pairs.keys, 2)
    return _arrays(words, unigram, two, three, (pairs, p2, keep2 | needed), (triples, p3, keep3, context))


def _predicting(corpus: Corpus) -> Corpus:
    """Less the paddings between sentences."""
    seen = (corpus.keys & _MASK) != SIGNS.index(START)
    return Corpus(corpus.keys[seen], corpus.counts[seen], corpus.weight)


def _only(grams: Grams, kept: npt.NDArray[np.bool_]) -> Grams:
    return Grams(grams.keys[kept], grams.counts[kept], grams.discounts[kept], grams.seen[kept])


def _places(keys: U64, asked: U64) -> tuple[I64, npt.NDArray[np.bool_]]:
    """Where each of `asked` stands in the sorted `keys`, and whether it does."""
    found = np.minimum(np.searchsorted(keys, asked), keys.size - 1).astype(np.int64)
    return found, np.asarray(keys[found] == asked)


class _Order:
    """One order's counts by context: interpolation with the order below by absolute discounting."""

    def __init__(self, grams: Grams, context: I64, contexts: int) -> None:
        self._grams, self._context = grams, context
        totals = np.bincount(context, weights=grams.counts, minlength=contexts)
        freed = np.bincount(context, weights=np.minimum(grams.discounts, grams.counts), minlength=contexts)
        self._totals = np.maximum(totals, 1e-9)
        self.left = np.where(totals > 0, freed / self._totals, 1.0).clip(1e-7, 1.0)  # mass for the order below

    def interpolated(self, below: F64) -> F64:
        """p of each n-gram, where `below` is p of it without its first word."""
        counts = np.maximum(self._grams.counts - self._grams.discounts, 0)
        return counts / self._totals[self._context] + self.left[self._context] * below

    def backed(self, below: F64) -> F64:
        """What p would be if the n-gram were not kept."""
        return self.left[self._context] * below


def _kept(grams: Grams, p: F64, backed: F64, least: int, loss: float) -> npt.NDArray[np.bool_]:
    lost = grams.counts * np.abs(np.log(p) - np.log(backed))
    return np.asarray((grams.seen >= least) & (lost >= loss))


def _unsure(words: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Words that share their bare form with another: only they are ever chosen among."""
    bare = [fold(word) for word in words]
    shared: dict[str, int] = {}
    for form in bare:
        shared[form] = shared.get(form, 0) + 1
    found = np.asarray([shared[form] > 1 for form in bare])
    found[: len(SIGNS)] = False
    return found


def _matters(unsure: npt.NDArray[np.bool_], keys: U64, order: int) -> npt.NDArray[np.bool_]:
    """N-grams that help a choice: some word of theirs is unsure, and none is outside the vocabulary."""
    parts = [((keys >> np.uint64(k * ID_BITS)) & _MASK).astype(np.int64) for k in range(order)]
    unknown = np.logical_or.reduce([part == SIGNS.index(UNKNOWN) for part in parts])
    number = parts[0] == SIGNS.index(NUMBER)
    return np.asarray(np.logical_or.reduce([unsure[part] for part in parts]) & ~unknown & ~number)


def _steps(logs: F64) -> npt.NDArray[np.uint8]:
    return np.rint(-logs / STEP).clip(0, 255).astype(np.uint8)


def _arrays(
    words: Sequence[str],
    unigram: F64,
    two: _Order,
    three: _Order,
    pairs: tuple[Grams, F64, npt.NDArray[np.bool_]],
    triples: tuple[Grams, F64, npt.NDArray[np.bool_], I64],
) -> Arrays:
    grams2, p2, keep2 = pairs
    grams3, p3, keep3, context = triples
    place = np.cumsum(keep2) - 1  # of a kept bigram among the kept
    return Arrays(
        words=tuple(words),
        unigram=_steps(unigram),
        unigram_off=_steps(np.log(two.left)),
        pairs=np.bincount((grams2.keys[keep2] >> _BITS).astype(np.int64), minlength=len(words)).astype(np.uint16),
        second=(grams2.keys[keep2] & _MASK).astype(np.uint16),
        bigram=_steps(np.log(p2[keep2])),
        bigram_off=_steps(np.log(three.left[keep2])),
        triples=np.bincount(place[context[keep3]], minlength=int(keep2.sum())).astype(np.uint16),
        third=(grams3.keys[keep3] & _MASK).astype(np.uint16),
        trigram=_steps(np.log(p3[keep3])),
    )
