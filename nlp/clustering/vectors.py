"""Sparse vectors of whole numbers: exact sums and products, so that order, batches and machine change nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nlp.clustering.terms import Terms, Weights

SCALE = 4096.0  # length of a document's vector
_GRAIN = 1024.0  # weights are whole numbers before they are scaled: their sum does not depend on the order of adding


@dataclass(frozen=True, slots=True)
class Vector:
    """Distinct terms with whole-number weights ≥ 1, heaviest first (ties by term). Doubles hold them exactly up to 2⁵³."""

    terms: Terms
    weights: Weights

    def __len__(self) -> int:
        return len(self.terms)

    @property
    def square(self) -> float:
        """Of the vector's length; exact."""
        return float(self.weights @ self.weights)

    def head(self, count: int) -> Vector:
        """Its `count` heaviest terms."""
        return self if len(self) <= count else Vector(self.terms[:count], self.weights[:count])


EMPTY = Vector(np.zeros(0, np.int64), np.zeros(0))


def heaviest_first(terms: Terms, weights: Weights, limit: int) -> Vector:
    """The `limit` heaviest terms in order."""
    order = np.lexsort((terms, -weights))[:limit]
    return Vector(terms[order], weights[order])


def unit_vector(terms: Terms, weights: Weights, limit: int) -> Vector:
    """The `limit` heaviest of terms in ascending order, scaled to length 4096 and rounded to whole numbers."""
    whole = np.rint(weights * _GRAIN)
    order = np.argsort(-whole, kind="stable")[:limit]
    whole = whole[order]
    square = float(whole @ whole)
    if not square:
        return EMPTY
    # the lightest term of 300 that counts at all is a few hundredths of the heaviest: none becomes zero
    return Vector(terms[order], np.maximum(1.0, np.rint(whole * (SCALE / math.sqrt(square)))))
