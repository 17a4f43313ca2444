"""Two stories that grew together are parted again: two centres over an issue's latest texts (k-means with k = 2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nlp.clustering.events import Event

LEAST_TEXTS = 8  # below this an issue is too small to judge
LEAST_HALF = 3
ROUNDS = 4

Rows = NDArray[np.float64]


def halves(event: Event, below: float) -> frozenset[str]:
    """The documents of the younger half where the issue's halves are less alike than `below`; empty where it is one story."""
    members = event.members
    if len(members) < LEAST_TEXTS:
        return frozenset()
    rows = _matrix(event)
    lengths = np.sqrt((rows * rows).sum(axis=1))
    centres = rows[[0, int(np.argmin(_cosines(rows, lengths, rows[0])))]]
    far = np.zeros(len(rows), bool)
    for _ in range(ROUNDS):
        far = _cosines(rows, lengths, centres[1]) > _cosines(rows, lengths, centres[0])
        if min(far.sum(), len(far) - far.sum()) < LEAST_HALF:
            return frozenset()
        centres = np.stack((rows[~far].sum(axis=0), rows[far].sum(axis=0)))
    if _cosines(centres[:1], np.sqrt((centres[:1] ** 2).sum(axis=1)), centres[1])[0] >= below:
        return frozenset()
    leaving = far if not far[0] else ~far
    return frozenset(member.document for member, leaves in zip(members, leaving, strict=True) if leaves)


def _matrix(event: Event) -> Rows:
    """Members × their terms; whole numbers, so that products are exact."""
    vectors = [member.vector for member in event.members]
    terms, columns = np.unique(np.concatenate([vector.terms for vector in vectors]), return_inverse=True)
    rows = np.zeros((len(vectors), len(terms)))
    rows[np.repeat(np.arange(len(vectors)), [len(v) for v in vectors]), columns] = np.concatenate(
        [vector.weights for vector in vectors]
    )
    return rows


def _cosines(rows: Rows, lengths: Rows, centre: Rows) -> Rows:
    """The cosine of each row with `centre`."""
    cosines: Rows = (rows @ centre) / np.maximum(lengths * np.sqrt(centre @ centre), 1.0)
    return cosines
