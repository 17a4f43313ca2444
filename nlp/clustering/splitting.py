"""Two stories that grew together are parted again: two centres over an issue's latest texts (k-means with k = 2)."""

from __future__ import annotations

import math
from collections.abc import Iterable

from nlp.clustering.events import Event, Member, Vector

LEAST_TEXTS = 8  # below this an issue is too small to judge
LEAST_HALF = 3
ROUNDS = 4


def halves(event: Event, below: float) -> frozenset[str]:
    """The documents of the younger half where the issue's halves are less alike than `below`; empty where it is one story."""
    members = event.members
    if len(members) < LEAST_TEXTS:
        return frozenset()
    first = members[0].vector
    other = min(members, key=lambda member: (_cosine(member.vector, first), member.document)).vector
    near: list[Member] = []
    far: list[Member] = []
    for _ in range(ROUNDS):
        near, far = [], []
        for member in members:
            closer = _cosine(member.vector, first) >= _cosine(member.vector, other)
            (near if closer else far).append(member)
        if min(len(near), len(far)) < LEAST_HALF:
            return frozenset()
        first, other = _centre(near), _centre(far)
    if _cosine(first, other) >= below:
        return frozenset()
    leaving = far if members[0] in near else near
    return frozenset(member.document for member in leaving)


def _centre(members: Iterable[Member]) -> Vector:
    total: Vector = {}
    for member in members:
        for term, weight in member.vector.items():
            total[term] = total.get(term, 0) + weight
    return total


def _cosine(a: Vector, b: Vector) -> float:
    if len(a) > len(b):
        a, b = b, a
    shared = sum(weight * b[term] for term, weight in a.items() if term in b)
    return shared / ((_length(a) * _length(b)) or 1.0)


def _length(vector: Vector) -> float:
    return math.sqrt(sum(weight * weight for weight in vector.values()))
