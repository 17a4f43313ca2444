"""What both neural back-ends share: texts → token ids (head and tail of long ones) → padded batches, and logits → probabilities."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
Encode = Callable[[str, bool], list[int]]  # text, with the special tokens? → ids

BATCH = 16  # texts run together, of like length
_PROBE = "a"  # any text that every tokenizer knows: shows where the special tokens stand
_TAIL = 4  # a quarter of the room is the text's end


class Scorer(Protocol):
    """Texts → raw scores, texts × outputs."""

    @property
    def version(self) -> str:
        """Names the model for good: what it is, and its revision or a hash of its weights."""

    def logits(self, texts: Sequence[str]) -> F32:
        """One row for each text, in order."""


@dataclass(frozen=True, slots=True)
class Window:
    """The special tokens around a text, and how many tokens there may be in all."""

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    limit: int

    @classmethod
    def of(cls, encode: Encode, limit: int) -> Window:
        """Learnt from how a short text is encoded with and without special tokens."""
        plain, whole = encode(_PROBE, False), encode(_PROBE, True)
        for start in range(len(whole) - len(plain) + 1):
            if whole[start : start + len(plain)] == plain:
                return cls(tuple(whole[:start]), tuple(whole[start + len(plain) :]), limit)
        return cls((), (), limit)

    def cut(self, ids: Sequence[int]) -> list[int]:
        """Ids with the special tokens; of a long text its beginning and its end."""
        room = self.limit - len(self.prefix) - len(self.suffix)
        if len(ids) > room:
            tail = room // _TAIL
            ids = [*ids[: room - tail], *ids[len(ids) - tail :]]
        return [*self.prefix, *ids, *self.suffix]


def batches(rows: Sequence[Sequence[int]], pad: int, size: int = BATCH) -> Iterator[tuple[list[int], I64, I64]]:
    """(places, ids, mask) of texts of like length; ids are filled up with `pad`, mask is 1 where a token stands."""
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    for start in range(0, len(order), size):
        places = order[start : start + size]
        width = max(1, max(len(rows[place]) for place in places))
        ids = np.full((len(places), width), pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, place in enumerate(places):
            ids[row, : len(rows[place])] = rows[place]
            mask[row, : max(1, len(rows[place]))] = 1  # a text without any token still needs one
        yield places, ids, mask


def run(rows: Sequence[Sequence[int]], pad: int, outputs: int, model: Callable[[I64, I64], F32]) -> F32:
    """Logits of all rows, in their order."""
    found = np.zeros((len(rows), outputs), dtype=np.float32)
    for places, ids, mask in batches(rows, pad):
        found[places] = model(ids, mask)
    return found


def probabilities(logits: F32, temperature: float, groups: I64, labels: int) -> F32:
    """Softmax, then outputs of the same label added up: texts × labels. `groups`: the label of each output."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf) if scaled.size else 0
    shares = np.exp(scaled)
    shares /= shares.sum(axis=1, keepdims=True)
    summed = np.zeros((logits.shape[0], labels))
    for output, label in enumerate(groups):
        summed[:, label] += shares[:, output]
    return summed.astype(np.float32)


def digest(path: Path) -> str:
    """Twelve hex digits of a file's SHA-256: another file, another version."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:12]
