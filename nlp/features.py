"""Texts → hashed n-gram counts, whole batches at once in numpy: what the linear models read.

Families: character 2–5-grams and word 1–2-grams of title and text together, of the text alone, of the title alone; and the words once
more, weighed by a large unlabelled corpus (`nlp/background.py`). Hashing (Weinberger et al. 2009) needs no vocabulary at run time; the
polynomial rolling hash makes every n-gram of a batch with a few array operations per order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

U32 = npt.NDArray[np.uint32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

BITS = 20  # buckets per family: 2^20; training sees under 300k distinct n-grams of a family
BATCH = 512  # texts hashed at once: (bucket, text, part) must fit 32 bits
_PRIME = np.uint32(0x01000193)  # FNV's prime; odd, hence invertible modulo 2^32
_INVERSE = np.uint32(pow(0x01000193, -1, 2**32))
_GOLDEN = np.uint32(0x9E3779B1)
_OWNER, _PART = 9, 2  # bits of a text's number in its batch, and of the part of it
_BETWEEN, _TITLE, _TEXT = range(3)
_TABLE = 0x2000  # above it no Latin letter carries a mark in NFC


Part = Literal["joint", "text", "title"]


@dataclass(frozen=True, slots=True)
class Family:
    """One block of features, scaled to unit length on its own."""

    name: str
    unit: str  # "char" or "word"
    low: int
    high: int
    part: Part = "text"  # "joint": the title and the text as one
    corpus: bool = False  # kept and weighed as the background corpus says, not as the labelled texts do


FAMILIES: tuple[Family, ...] = (
    Family("joint_char", "char", 2, 5, "joint"),
    Family("joint_word", "word", 1, 2, "joint"),
    Family("char", "char", 2, 5),
    Family("word", "word", 1, 2),
    Family("title_char", "char", 2, 5, "title"),
    Family("title_word", "word", 1, 2, "title"),
    Family("joint_corpus", "word", 1, 2, "joint", corpus=True),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """A batch's distinct features with their counts: `ids` = family << BITS | bucket, sorted by id, then by text."""

    rows: U32  # text index of each feature
    ids: U32
    counts: F32
    texts: int


@cache
def _class_table() -> npt.NDArray[np.uint8]:
    """0 space or control, 1 letter or digit, 2 anything else (runs of punctuation are tokens too)."""
    table = np.full(_TABLE + 1, 2, dtype=np.uint8)
    for code in range(_TABLE):
        char = chr(code)
        table[code] = 1 if char.isalnum() or char == "_" else 0 if char.isspace() or code < 32 else 2
    return table


@cache
def _powers(size: int) -> tuple[U32, U32]:
    forward = np.full(size, _PRIME, dtype=np.uint32)
    backward = np.full(size, _INVERSE, dtype=np.uint32)
    forward[0] = backward[0] = 1
    return (
        np.multiply.accumulate(forward, dtype=np.uint32),  # wraps modulo 2^32 on purpose
        np.multiply.accumulate(backward, dtype=np.uint32),
    )


def _mix(values: U32) -> U32:
    mixed = (values ^ (values >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    return mixed ^ (mixed >> np.uint32(16))


@dataclass(frozen=True, slots=True)
class _Stream:
    """Code points of all texts in a row, each as ' title . text ' (' text ' without a title, nothing if empty) and closed by 0.

    `owner` is the text of each position, `part` says whether it stands in ' title ', in ' text ' or between them: so one pass finds
    the n-grams of both together and of each alone.
    """

    codes: U32
    owner: U32
    part: U32

    @classmethod
    def of(cls, texts: Sequence[str], titles: Sequence[str]) -> _Stream:
        """Lay out a batch."""
        pieces, parts, runs, lengths = list[str](), list[int](), list[int](), list[int]()
        for text, title in zip(texts, titles, strict=True):
            if title:
                pieces.append(f" {title} . {text} \0")
                parts += (_TITLE, _BETWEEN, _TEXT if text else _BETWEEN, _BETWEEN)
                runs += (len(title) + 2, 1, len(text) + 2, 1)
                lengths.append(len(title) + len(text) + 6)
            else:
                pieces.append(f" {text} \0" if text else "\0")
                parts += (_TEXT, _BETWEEN)
                runs += (len(text) + 2 if text else 0, 1)
                lengths.append(len(text) + 3 if text else 1)
        codes = np.frombuffer("".join(pieces).encode("utf-32-le", "replace"), dtype=np.uint32)
        owner = np.repeat(np.arange(len(texts), dtype=np.uint32), lengths)
        return cls(codes, owner, np.repeat(np.asarray(parts, dtype=np.uint32), runs))


@dataclass(frozen=True, slots=True)
class _Grams:
    """Distinct n-grams of one unit by (bucket, text, part), sorted."""

    buckets: U32
    rows: U32
    parts: U32
    counts: I64

    @classmethod
    def of(cls, found: Sequence[U32]) -> _Grams:
        """From the keys of every n-gram, an array for each order."""
        keys = _sorted(np.concatenate(found))
        first = np.flatnonzero(begins(keys))
        kept = keys[first]
        owners = (1 << _OWNER) - 1
        return cls(
            kept >> np.uint32(_OWNER + _PART),
            kept >> np.uint32(_PART) & np.uint32(owners),
            kept & np.uint32((1 << _PART) - 1),
            np.diff(first, append=keys.size),
        )

    def of_part(self, part: Part) -> tuple[U32, U32, I64]:
        """(bucket, text, count) of the n-grams in the text, in the title, or in both with what lies between."""
        if part != "joint":
            mine = np.flatnonzero(self.parts == (_TITLE if part == "title" else _TEXT))
            return self.buckets[mine], self.rows[mine], self.counts[mine]
        if self.counts.size == 0:
            return self.buckets, self.rows, self.counts
        first = np.flatnonzero(begins(self.buckets << np.uint32(_OWNER) | self.rows))
        return self.buckets[first], self.rows[first], np.add.reduceat(self.counts, first)


def begins(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Of sorted values: where each begins."""
    found = np.ones(values.size, dtype=bool)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return found


def _sorted(keys: U32) -> U32:
    """In two stable passes: numpy sorts 16-bit numbers by radix, which takes two thirds of the time of its general sort."""
    keys = keys[np.argsort(keys.astype(np.uint16), kind="stable")]
    return keys[np.argsort((keys >> np.uint32(16)).astype(np.uint16), kind="stable")]


def _keys(hashed: U32, owner: U32, part: U32) -> U32:
    bucket = _mix(hashed) >> np.uint32(32 - BITS)
    return bucket << np.uint32(_OWNER + _PART) | owner << np.uint32(_PART) | part


def _common(first: U32, last: U32) -> U32:
    """The part in which an n-gram lies that begins in `first` and ends in `last`; _BETWEEN where it lies in none alone."""
    return np.where(first == last, first, np.uint32(_BETWEEN))


def _char_ngrams(stream: _Stream, low: int, high: int) -> Iterator[U32]:
    """Keys of each order."""
    mixed = _mix(stream.codes * _GOLDEN)
    inside = stream.codes != 0
    hashed, valid = mixed, inside
    for order in range(2, high + 1):
        hashed = hashed[:-1] * _PRIME + mixed[order - 1 :]
        valid = valid[:-1] & inside[order - 1 :]
        if order >= low:
            part = _common(stream.part[: hashed.size], stream.part[order - 1 :])
            yield _keys(hashed[valid] + np.uint32(order), stream.owner[: hashed.size][valid], part[valid])


def _word_ngrams(stream: _Stream, high: int) -> Iterator[U32]:
    """Keys of words and of pairs of neighbouring words."""
    kinds = _class_table()[np.minimum(stream.codes, _TABLE)]
    edges = np.flatnonzero(np.diff(kinds, prepend=0, append=0))  # both ends of every run
    starts, ends = edges[:-1], edges[1:]
    held = kinds[starts] > 0
    starts, ends = starts[held], ends[held]
    size = 1 << (stream.codes.size + 1).bit_length()
    forward, backward = _powers(size)
    total = np.zeros(stream.codes.size + 1, dtype=np.uint32)
    np.cumsum(_mix(stream.codes * _GOLDEN) * forward[: stream.codes.size], out=total[1:], dtype=np.uint32)
    words = _mix((total[ends] - total[starts]) * backward[starts] + (ends - starts).astype(np.uint32))
    owner, part = stream.owner[starts], stream.part[starts]
    yield _keys(words, owner, part)
    for order in range(2, high + 1):
        step = order - 1
        same = owner[:-step] == owner[step:]
        pair = words[:-step] * _PRIME + words[step:] + np.uint32(order)
        yield _keys(pair[same], owner[:-step][same], _common(part[:-step], part[step:])[same])


def count_features(texts: Sequence[str], titles: Sequence[str], families: Sequence[Family] = FAMILIES) -> Counts:
    """Distinct hashed features of up to BATCH normalised texts with their titles ('' where there is none)."""
    if len(texts) > BATCH:
        raise ValueError(f"{len(texts)} texts in one batch, allowed: {BATCH}")
    stream = _Stream.of(texts, titles)
    grams: dict[tuple[str, int, int], _Grams] = {}  # families of one unit read the same
    rows, ids, counts = list[U32](), list[U32](), list[I64]()
    for number, family in enumerate(families):
        read = (family.unit, family.low, family.high)
        if read not in grams:
            grams[read] = _Grams.of(list(_grams(stream, family)))
        buckets, owners, found = grams[read].of_part(family.part)
        rows.append(owners)
        ids.append(buckets | np.uint32(number << BITS))
        counts.append(found)
    return Counts(np.concatenate(rows), np.concatenate(ids), np.concatenate(counts).astype(np.float32), len(texts))


def _grams(stream: _Stream, family: Family) -> Iterator[U32]:
    if family.unit == "char":
        return _char_ngrams(stream, family.low, family.high)
    return _word_ngrams(stream, family.high)
