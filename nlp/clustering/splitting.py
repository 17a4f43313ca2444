"""Two stories that grew together are parted again: two centres over an issue's latest texts (k-means with k = 2)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from nlp.clustering.events import Event, Vector

LEAST_TEXTS = 8  # below this an issue is too small to judge
LEAST_HALF = 3
ROUNDS = 4


def halves(event: Event, below: float) -> frozenset[str]:
    """The documents of the younger half where the issue's halves are less alike than `below`; empty where it is one story."""
    members = event.members
    if len(members) < LEAST_TEXTS:
        return frozenset()
    texts = [_Text(member.document, member.vector, _length(member.vector)) for member in members]
    first = texts[0]
    other = min(texts, key=lambda text: (_cosine(text, first), text.document))
    near: list[_Text] = []
    far: list[_Text] = []
    for _ in range(ROUNDS):
        near, far = [], []
        for text in texts:
            (near if _cosine(text, first) >= _cosine(text, other) else far).append(text)
        if min(len(near), len(far)) < LEAST_HALF:
            return frozenset()
        first, other = _centre(near), _centre(far)
    if _cosine(first, other) >= below:
        return frozenset()
    leaving = far if texts[0] in near else near
    return frozenset(text.document for text in leaving)


@dataclass(frozen=True, slots=True)
class _Text:
    document: str
    vector: Vector
    length: float


def _centre(texts: Iterable[_Text]) -> _Text:
    total: Vector = {}
    for text in texts:
        for term, weight in text.vector.items():
            total[term] = total.get(term, 0) + weight
    return _Text("", total, _length(total))


def _cosine(a: _Text, b: _Text) -> float:
    shared = sum([a.vector[term] * b.vector[term] for term in a.vector.keys() & b.vector.keys()])
    return shared / ((a.length * b.length) or 1.0)


def _length(vector: Vector) -> float:
    return math.sqrt(sum([weight * weight for weight in vector.values()]))
