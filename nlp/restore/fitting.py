"""Trigram counts → the arrays of the restorer's model: interpolated Kneser-Ney smoothing, pruning, rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nlp.restore.model import ID_BITS, STEP, Arrays
from nlp.restore.pruning import Pruning, Siblings, cost, share
from nlp.restore.syllables import COMMA, END, SIGNS, START

U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
_BITS = np.uint64(ID_BITS)
_MASK = np.uint64((1 << ID_BITS) - 1)
_TWO = np.uint64((1 << 2 * ID_BITS) - 1)


ORDER = 3
DISCOUNT = 0.75  # of every distinct n-gram of a corpus, in its own counts


@dataclass(frozen=True, slots=True)
class Grams:
    """Sorted keys (ids of ID_BITS bits, the first word highest) with what is known of each n-gram."""

    keys: U64
    counts: F64  # weighted; what probabilities are made of
    discounts: F64  # what of the counts goes to unseen n-grams
    seen: F64  # occurrences, unweighted
    mass: F64  # occurrences, weighted


@dataclass(frozen=True, slots=True)
class Corpus:
    """Trigrams of one corpus with their counts, and how many times it counts."""

    keys: U64
    counts: F64
    weight: float = 1.0

    @property
    def size(self) -> int:
        """Syllables and numbers in all; edges and commas are none."""
        edges = np.asarray([SIGNS.index(sign) for sign in (START, END, COMMA)], dtype=np.uint64)
        return int(self.counts[~np.isin(self.keys & _MASK, edges)].sum())


def gathered(corpora: Sequence[Corpus], words: int) -> Grams:
    """The n-grams of `words` words of several corpora. Each is discounted by itself: seen once ten times over is still seen once.

    Shorter n-grams count once for each word that they follow (Kneser & Ney 1995): they are asked where the longer one is not known.
    What begins a sentence follows nothing else and counts as often as it is seen.
    """
    keep = np.uint64((1 << words * ID_BITS) - 1)
    parts = []
    for corpus in corpora:
        keys, (seen, followed) = _summed(corpus.keys & keep, corpus.counts, np.ones_like(corpus.counts))
        begins = keys >> np.uint64((words - 1) * ID_BITS) == SIGNS.index(START)
        counts = seen if words == ORDER else np.where(begins, seen, followed)
        discounts = np.full(keys.size, DISCOUNT)
        parts.append((keys, seen, *(corpus.weight * column for column in (counts, discounts, seen))))
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    keys, (seen, counts, discounts, mass) = _summed(joined[0], *joined[1:])
    return Grams(keys, counts, discounts, seen, mass)


def _summed(keys: U64, *columns: F64) -> tuple[U64, list[F64]]:
    """Rows of equal keys added up."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return ordered[first], [np.add.reduceat(column[order], first) for column in columns]


def fit(words: Sequence[str], corpora: Sequence[Corpus], pruning: Pruning) -> Arrays:
    """Arrays of a model over `words` (SIGNS first)."""
    corpora = [_predicting(corpus) for corpus in corpora]
    pairs, triples = gathered(corpora, 2), gathered(corpora, ORDER)
    first, last = ((part & _MASK).astype(np.int64) for part in (pairs.keys >> _BITS, pairs.keys))
    singles = np.bincount(last, weights=pairs.counts, minlength=len(words))
    unigram = np.maximum(singles, 0.5) / singles.sum()  # a word never seen: as if half a time
    two = _Order(pairs, first, len(words))
    context, known = _places(pairs.keys, triples.keys >> _BITS)
    # a sentence's first word follows <s> <s>, which as a bigram is never predicted
    triples, context = _only(triples, known), context[known]
    shorter = _places(pairs.keys, triples.keys & _TWO)[0]
    p2 = two.interpolated(unigram[last])
    three = _Order(triples, context, pairs.keys.size)
    p3 = three.interpolated(p2[shorter])

    siblings = Siblings(words)
    alone = np.bincount(last, weights=pairs.mass, minlength=len(words)).astype(np.float64)
    sure1 = share(alone, siblings.mass(np.arange(len(words), dtype=np.uint64), alone, 1))
    of_form2, of_form3 = siblings.mass(pairs.keys, pairs.mass, 2), siblings.mass(triples.keys, triples.mass, ORDER)
    sure2 = share(pairs.mass, of_form2)
    cost2 = cost(pairs.mass, of_form2, two.backed(unigram[last]) / p2, sure1[first] * sure1[last])
    cost3 = cost(triples.mass, of_form3, three.backed(p2[shorter]) / p3, sure2[context] * sure2[shorter])
    keep3 = (triples.seen >= pruning.least_triple) & (cost3 >= pruning.loss) & siblings.matter(triples.keys, ORDER)
    keep2 = (pairs.seen >= pruning.least_pair) & (cost2 >= pruning.loss) & siblings.matter(pairs.keys, 2)
    keep2[context[keep3]] = True

    two.left_after(keep2, p2, unigram[last])
    three.left_after(keep3, p3, np.where(keep2, p2, two.backed(unigram[last]))[shorter])
    return _arrays(words, unigram, two, three, (pairs, p2, keep2), (triples, p3, keep3, context))


def _predicting(corpus: Corpus) -> Corpus:
    """Less the paddings between sentences."""
    seen = (corpus.keys & _MASK) != SIGNS.index(START)
    return Corpus(corpus.keys[seen], corpus.counts[seen], corpus.weight)


def _only(grams: Grams, kept: npt.NDArray[np.bool_]) -> Grams:
    return Grams(*(getattr(grams, column)[kept] for column in Grams.__slots__))


def _places(keys: U64, asked: U64) -> tuple[I64, npt.NDArray[np.bool_]]:
    """Where each of `asked` stands in the sorted `keys`, and whether it does."""
    found = np.minimum(np.searchsorted(keys, asked), keys.size - 1).astype(np.int64)
    return found, np.asarray(keys[found] == asked)


class _Order:
    """One order's counts by context: interpolation with the order below, which gets what is discounted."""

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

    def left_after(self, kept: npt.NDArray[np.bool_], p: F64, below: F64) -> None:
        """Give what is not kept to the order below as well (Stolcke 1998), where `below` is what that says of each n-gram."""
        mine, theirs = (
            np.bincount(self._context, weights=np.where(kept, values, 0), minlength=self.left.size)
            for values in (p, below)
        )
        self.left = ((1 - mine) / np.maximum(1 - theirs, 1e-3)).clip(1e-7, 1.0)


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
        unigram=_steps(np.log(unigram)),
        unigram_off=_steps(np.log(two.left)),
        pairs=np.bincount((grams2.keys[keep2] >> _BITS).astype(np.int64), minlength=len(words)).astype(np.uint16),
        second=(grams2.keys[keep2] & _MASK).astype(np.uint16),
        bigram=_steps(np.log(p2[keep2])),
        bigram_off=_steps(np.log(three.left[keep2])),
        triples=np.bincount(place[context[keep3]], minlength=int(keep2.sum())).astype(np.uint16),
        third=(grams3.keys[keep3] & _MASK).astype(np.uint16),
        trigram=_steps(np.log(p3[keep3])),
    )
