"""Which live issues hold a term: frequencies over all terms, holders only of each text's heaviest.

The tables run over all `BUCKETS` terms (48 MB), so that a vector is looked up in a few array operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nlp.clustering.terms import BUCKETS, Terms, Weights
from nlp.clustering.vectors import Vector


def _frequencies() -> NDArray[np.int32]:
    return np.zeros(BUCKETS, np.int32)


def _table() -> Weights:
    return np.zeros(BUCKETS)


@dataclass(slots=True)
class TermIndex:
    """`seen`: live issues with a term; `holders`: those that are found by it."""

    seen: NDArray[np.int32] = field(default_factory=_frequencies)
    holders: dict[int, list[int]] = field(default_factory=dict)
    _table: Weights = field(default_factory=_table)  # zero between two calls

    def enlist(self, number: int, terms: Terms) -> None:
        """Let an issue be found by `terms`."""
        holders = self.holders
        for term in terms.tolist():
            known = holders.get(term)
            if known is None:
                holders[term] = [number]
            else:
                known.append(number)

    def strike(self, number: int, terms: Terms) -> None:
        """Undo `enlist`."""
        holders = self.holders
        for term in terms.tolist():
            known = holders[term]
            if len(known) == 1:
                del holders[term]
            else:
                known.remove(number)

    def positions(self, of: Terms, within: Terms) -> Terms:
        """Where each term stands in `within`; -1 where it does not."""
        table = self._table
        table[within] = np.arange(1.0, len(within) + 1.0)
        found = table[of].astype(np.int64) - 1
        table[within] = 0.0
        return found

    def products(self, vector: Vector, others: Sequence[Vector]) -> list[float]:
        """The scalar product with each of `others`; exact."""
        table = self._table
        table[vector.terms] = vector.weights
        found = [float(table[other.terms] @ other.weights) for other in others]
        table[vector.terms] = 0.0
        return found

    def candidates(self, vector: Vector, skip: frozenset[int], limits: Limits) -> list[int]:
        """Issues by the weight of the vector's heaviest terms that they hold; ties go to the older one."""
        budget, widest = limits.visits, limits.widest
        holders = self.holders
        score: dict[int, float] = {}
        for term, weight in zip(vector.terms.tolist(), vector.weights.tolist(), strict=True):
            known = holders.get(term)
            if known is None or len(known) > widest:
                continue
            for number in known:
                score[number] = score.get(number, 0.0) + weight
            budget -= len(known)
            if budget < 0:
                break
        for number in skip:
            score.pop(number, None)
        if len(score) <= limits.compared:
            return list(score)
        least = sorted(score.values(), reverse=True)[limits.compared - 1]
        best = [number for number, weight in score.items() if weight > least]
        equal = sorted([number for number, weight in score.items() if weight == least])
        return best + equal[: limits.compared - len(best)]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a search goes: term visits, holders a term may have, issues compared in full."""

    visits: int
    widest: int
    compared: int
