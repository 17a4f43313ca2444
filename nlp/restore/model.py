"""The restorer's language model: syllable trigrams with back-off, as arrays.

log p(w | u, v) is stored where the trigram was kept; else it is the back-off weight of (u, v) plus log p(w | v), and so on down to
the unigram (Katz 1987; the probabilities are those of interpolated Kneser-Ney smoothing, Chen & Goodman 1999). Values are
natural logarithms in steps of STEP, one byte each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, cast
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from duluan.errors import ModelError
from duluan.text import fold
from nlp.restore.syllables import SIGNS

U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
F32 = npt.NDArray[np.float32]

FORMAT = 2
STEP = 1 / 8  # nats of one unit; finer steps gain nothing
ID_BITS = 14
LIMIT = 1 << ID_BITS  # words of the vocabulary, signs included
_MIX = np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE = 1 << 18  # places put into a hash table together: keeps loading within a few MB more than what is kept
_NATS = np.arange(256, dtype=np.float32) * np.float32(
    -STEP
)  # value of each byte: kept as bytes, a quarter of the memory


@dataclass(frozen=True, slots=True)
class Arrays:
    """What is stored. Bigrams are sorted by (first, second), trigrams by (bigram, third)."""

    words: tuple[str, ...]  # SIGNS first
    unigram: U8  # −log p(w)
    unigram_off: U8  # −back-off weight of (w)
    pairs: npt.NDArray[np.uint16]  # bigrams that begin with each word: how many
    second: npt.NDArray[np.uint16]
    bigram: U8
    bigram_off: U8
    triples: npt.NDArray[np.uint16]  # trigrams that begin with each bigram: how many
    third: npt.NDArray[np.uint16]
    trigram: U8


class _Lookup:
    """(context, id) → place, -1 where unknown; an open hash table of places, for binary search costs five times as much.

    A place is right if its id is, and if it lies among the places of the context: so no keys are kept. Where a slot is taken the
    search goes 1, 3, 6, 10 … slots on: it reaches every slot of a power of two, and in a batch the longest search
    takes less than half the steps of going one by one.
    """

    def __init__(self, counts: npt.NDArray[np.uint16], ids: npt.NDArray[np.uint16]) -> None:
        """`counts`: how many ids each context has; `ids`: those of the first context, then of the second …"""
        self._empty = ids.size
        self._ids = np.append(ids, np.uint16(0xFFFF))  # an empty slot points at the last: no id
        self._starts = np.zeros(counts.size + 1, dtype=np.int32)
        np.cumsum(counts, out=self._starts[1:])
        bits = max(4, int(ids.size * 1.4).bit_length())  # between a third and 0.7 of the slots are taken
        self._shift = np.uint64(64 - bits)
        self._mask = (1 << bits) - 1
        self._slots = np.full(1 << bits, self._empty, dtype=np.int32)
        for start in range(0, ids.size, _AT_ONCE):
            self._fill(np.arange(start, min(start + _AT_ONCE, ids.size), dtype=np.int32))

    def _fill(self, waiting: I32) -> None:
        context = np.searchsorted(self._starts, waiting, side="right") - 1
        slots = self._home(context, self._ids[waiting])
        for step in count(1):
            if not waiting.size:
                break
            free = self._slots[slots] == self._empty
            self._slots[slots[free]] = waiting[free]  # of several that want one slot the last gets it
            lost = self._slots[slots] != waiting
            waiting, slots = waiting[lost], (slots[lost] + step) & self._mask

    def _home(self, context: npt.NDArray[Any], ids: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        keys = (context.astype(np.uint64) << np.uint64(ID_BITS)) | ids.astype(np.uint64)
        return ((keys * _MIX) >> self._shift).astype(np.int64)

    def find(self, context: I32, ids: I32) -> I32:
        """Place of each id among those of its context, -1 where it is not there."""
        slots = self._home(context, ids)
        found = self._slots[slots]
        open_ = np.flatnonzero(self._wrong(found, context, ids))
        for step in count(1):
            if not open_.size:
                break
            slots[open_] = (slots[open_] + step) & self._mask
            found[open_] = self._slots[slots[open_]]
            open_ = open_[self._wrong(found[open_], context[open_], ids[open_])]
        found[found == self._empty] = -1
        return found

    def _wrong(self, found: I32, context: I32, ids: I32) -> npt.NDArray[np.bool_]:
        """Which places are another's; an empty slot is nobody's and ends the search."""
        other = (self._ids[found] != ids) | (found < self._starts[context]) | (found >= self._starts[context + 1])
        return np.asarray(other & (found != self._empty))


class NgramModel:
    """Arrays with what is needed to ask them: candidates of a bare syllable, log-probabilities of many trigrams at once."""

    def __init__(self, arrays: Arrays) -> None:
        self.words = arrays.words
        self.ids = {word: number for number, word in enumerate(arrays.words)}
        self._unigram, self._unigram_off = _NATS[arrays.unigram], _NATS[arrays.unigram_off]
        # one more at the end: what place -1 reads, to be thrown away
        self._bigram, self._bigram_off, self._trigram = (
            np.append(values, np.uint8(0)) for values in (arrays.bigram, arrays.bigram_off, arrays.trigram)
        )
        self._pairs = _Lookup(arrays.pairs, arrays.second)
        self._triples = _Lookup(arrays.triples, arrays.third)
        self._has_triples = np.append(arrays.triples > 0, False)
        self.candidates = self._by_bare()

    def _by_bare(self) -> dict[str, I32]:
        """Bare syllable → ids of the words that it may stand for, the likeliest first."""
        found: dict[str, list[int]] = {}
        for number in range(len(SIGNS), len(self.words)):
            found.setdefault(fold(self.words[number]), []).append(number)
        return {
            bare: np.asarray(sorted(ids, key=lambda n: -self._unigram[n]), dtype=np.int32)
            for bare, ids in found.items()
        }

    def pairs(self, first: I32, second: I32) -> I32:
        """Places of bigrams, -1 where they are not kept."""
        return self._pairs.find(first, second)

    def pair_scores(self, first: I32, second: I32, places: I32) -> F32:
        """log p(second | first), given `pairs` of them."""
        backed = self._unigram_off[first] + self._unigram[second]
        return np.where(places >= 0, _NATS[self._bigram[places]], backed)

    def triple_scores(self, before: I32, third: I32, shorter: F32) -> F32:
        """log p(third | the bigram at place `before`), where `shorter` is log p(third | the bigram's second word)."""
        known = before >= 0
        scores = shorter + np.where(known, _NATS[self._bigram_off[before]], np.float32(0))
        asked = np.flatnonzero(known & self._has_triples[before])
        places = self._triples.find(before[asked], third[asked])
        held = places >= 0
        scores[asked[held]] = _NATS[self._trigram[places[held]]]
        return scores


def save(arrays: Arrays, card: dict[str, Any], folder: Path, name: str = "restore") -> None:
    """Write <name>.npz and <name>.json."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, npt.NDArray[Any]] = {key: getattr(arrays, key) for key in Arrays.__slots__ if key != "words"}
    parts["second"] = _planes(_steps_up(arrays.second, arrays.pairs))
    parts["third"] = _planes(_steps_up(arrays.third, arrays.triples))
    parts["words"] = np.frombuffer("\n".join(arrays.words).encode("utf-8"), dtype=np.uint8)
    np.savez_compressed(folder / f"{name}.npz", allow_pickle=False, **cast(Any, parts))
    text = json.dumps({**card, "format": FORMAT}, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def load(folder: Path, name: str = "restore") -> tuple[NgramModel, dict[str, Any]]:
    """The model and its card. Raises ModelError where a file is missing, damaged or of another format."""
    path = folder / f"{name}.npz"
    try:
        card = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            parts = {key: stored[key] for key in Arrays.__slots__}
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        raise ModelError(f"{path}: thiếu hoặc hỏng mô hình thêm dấu ({error}); hãy cài lại duluan") from None
    if card.get("format") != FORMAT:
        raise ModelError(f"{path}: format {card.get('format')!r}, chương trình này đọc {FORMAT}; hãy cài lại duluan")
    words = tuple(parts.pop("words").tobytes().decode("utf-8").split("\n"))
    _check(words, parts, path)
    parts["second"] = _added_up(_joined(parts["second"]), parts["pairs"])
    parts["third"] = _added_up(_joined(parts["third"]), parts["triples"])
    return NgramModel(Arrays(words=words, **parts)), card


def _check(words: Sequence[str], parts: dict[str, npt.NDArray[Any]], path: Path) -> None:
    """The lengths must agree, else a look-up would answer with another word's numbers."""
    size, pairs, triples = len(words), parts["bigram"].size, parts["trigram"].size
    fits = (
        words[: len(SIGNS)] == SIGNS
        and all(parts[key].size == size for key in ("unigram", "unigram_off", "pairs"))
        and all(parts[key].size == pairs for key in ("bigram_off", "triples"))
        and (parts["second"].shape, parts["third"].shape) == ((2, pairs), (2, triples))
        and (int(parts["pairs"].sum()), int(parts["triples"].sum())) == (pairs, triples)
    )
    if not fits:
        raise ModelError(f"{path}: mô hình thêm dấu không khớp với chính nó; hãy cài lại duluan")


# Ids rise within a context: their steps, high and low bytes apart, compress to half of what the ids do.


def _steps_up(ids: npt.NDArray[np.uint16], counts: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """The first id of each context, then differences."""
    steps = np.diff(ids, prepend=np.uint16(0))
    starts = _starts(counts)
    steps[starts] = ids[starts]
    return steps


def _added_up(steps: npt.NDArray[np.uint16], counts: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """The inverse of `_steps_up`. Sums wrap modulo 2^16; what is left after subtracting is an id, which is smaller."""
    total = np.cumsum(steps, dtype=np.uint16)
    starts = _starts(counts)
    before = total[starts] - steps[starts]
    return total - np.repeat(before, counts[counts > 0])


def _starts(counts: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """Where each context that holds anything begins."""
    ends = np.cumsum(counts, dtype=np.int64)
    return (ends - counts)[counts > 0]


def _planes(values: npt.NDArray[np.uint16]) -> U8:
    return np.stack([values >> 8, values & 0xFF]).astype(np.uint8)


def _joined(planes: U8) -> npt.NDArray[np.uint16]:
    return np.asarray((planes[0].astype(np.uint16) << np.uint16(8)) | planes[1], dtype=np.uint16)
