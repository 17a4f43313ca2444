"""What the restorer's model keeps: n-grams without which choices among words of one bare form would come out worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duluan.text import fold
from nlp.restore.model import ID_BITS
from nlp.restore.syllables import NUMBER, SIGNS, UNKNOWN

U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_MASK = np.uint64((1 << ID_BITS) - 1)


@dataclass(frozen=True, slots=True)
class Pruning:
    """What is kept: n-grams that are seen often enough, and without which choices lose at least `loss` nats in all."""

    least_pair: int = 2  # occurrences in all texts; rarer n-grams are dropped, however much a text weighs
    least_triple: int = 3
    loss: float = 0.5


class Siblings:
    """N-grams that read the same without marks: what the restorer chooses among.

    Keys hold ids of ID_BITS bits, the first word highest; `order` words each.
    """

    def __init__(self, words: Sequence[str]) -> None:
        numbers: dict[str, int] = {}
        forms = [numbers.setdefault(fold(word), len(numbers)) for word in words]
        self._forms = np.asarray(forms, dtype=np.uint64)
        self._unsure = np.bincount(forms)[forms] > 1
        self._unsure[: len(SIGNS)] = False

    def matter(self, keys: U64, order: int) -> Mask:
        """N-grams that help a choice: some word of theirs shares its form, none is outside the vocabulary, the last is no number."""
        parts = _parts(keys, order)
        unknown = np.logical_or.reduce([part == SIGNS.index(UNKNOWN) for part in parts])
        number = parts[0] == SIGNS.index(NUMBER)
        return np.asarray(np.logical_or.reduce([self._unsure[part] for part in parts]) & ~unknown & ~number)

    def mass(self, keys: U64, mass: F64, order: int) -> F64:
        """For each of `keys` the summed `mass` of those of its form, itself among them."""
        forms = np.zeros(keys.size, dtype=np.uint64)
        for place, part in enumerate(_parts(keys, order)):
            forms |= self._forms[part] << np.uint64(place * ID_BITS)
        _, group = np.unique(forms, return_inverse=True)
        return np.asarray(np.bincount(group, weights=mass)[group])


def _parts(keys: U64, order: int) -> list[npt.NDArray[np.int64]]:
    """Ids of the words, the last word first."""
    return [((keys >> np.uint64(place * ID_BITS)) & _MASK).astype(np.int64) for place in range(order)]


def share(mass: F64, of_form: F64) -> F64:
    """How surely an n-gram is chosen among its siblings; where nothing is seen there is nothing to choose."""
    return np.where(of_form > 0, mass / np.maximum(of_form, 1e-9), 1.0).clip(1e-6, 1.0)


def cost(mass: F64, of_form: F64, kept: F64, sure: F64) -> F64:
    """What leaving each n-gram out costs the choice between it and its siblings, in nats over all occurrences.

    `kept`: p where it is left out as a share of p where it is kept. An n-gram of mass C whose siblings have R is chosen with
    probability x / (x + R), x being C or what the shorter n-grams make of it; frequent n-grams that nothing competes with cost nothing.
    R is at least what the shorter n-grams, chosen with probability `sure`, give to siblings that were never seen. It follows the
    weighted difference of Seymore & Rosenfeld (1996), with the log-odds of the choice in place of the log-probability.
    """
    backed = mass * kept
    others = np.maximum(of_form - mass, backed * (1 - sure) / sure) + 1e-6

    def gain(model: F64) -> F64:
        return mass * np.log(model / (model + others)) + others * np.log(others / (model + others))

    return np.asarray(np.abs(gain(mass) - gain(np.maximum(backed, 1e-9))))
