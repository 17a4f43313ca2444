"""Texts → hashed n-gram counts, whole batches at once in numpy: what the linear models read.

Families: character 2–5-grams and word 1–2-grams of title and text together, of the text alone, of the title alone; and the words once
more, weighed by a large unlabelled corpus (`nlp/background.py`). Hashing (Weinberger et al. 2009) needs no vocabulary at run time; the
polynomial rolling hash makes every n-gram of a batch with a few array operations per order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

U32 = npt.NDArray[np.uint32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

BITS = 20  # buckets per family: 2^20; training sees under 300k distinct n-grams of a family
BATCH = 512  # texts hashed at once: (text, family, bucket) must fit 32 bits
_PRIME = np.uint32(0x01000193)  # FNV's prime; odd, hence invertible modulo 2^32
_INVERSE = np.uint32(pow(0x01000193, -1, 2**32))
_GOLDEN = np.uint32(0x9E3779B1)
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
    """A batch's distinct features, sorted by text: `ids` = family << BITS | bucket, with their counts."""

    rows: I64  # text index of each feature
    ids: I64
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
    """Code points of all texts in a row, each text as ' text ' (nothing if empty) and closed by 0; `owner` is the text of each position."""

    codes: U32
    owner: U32

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Stream:
        joined = "".join(f" {text} \0" if text else "\0" for text in texts)
        codes = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32)
        lengths = np.fromiter((len(text) + 3 if text else 1 for text in texts), dtype=np.int64, count=len(texts))
        return cls(codes, np.repeat(np.arange(len(texts), dtype=np.uint32), lengths))


def _char_ngrams(stream: _Stream, low: int, high: int) -> list[tuple[U32, U32]]:
    """[(text, hash)] for each order."""
    mixed = _mix(stream.codes * _GOLDEN)
    inside = stream.codes != 0
    hashed, valid, found = mixed, inside, []
    for order in range(2, high + 1):
        hashed = hashed[:-1] * _PRIME + mixed[order - 1 :]
        valid = valid[:-1] & inside[order - 1 :]
        if order >= low:
            found.append((stream.owner[: hashed.size][valid], hashed[valid] + np.uint32(order)))
    return found


def _word_ngrams(stream: _Stream, high: int) -> list[tuple[U32, U32]]:
    """[(text, hash)] of words and of pairs of neighbouring words."""
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
    owner = stream.owner[starts]
    found = [(owner, words)]
    for order in range(2, high + 1):
        step = order - 1
        same = owner[:-step] == owner[step:]
        pair = words[:-step] * _PRIME + words[step:] + np.uint32(order)
        found.append((owner[:-step][same], pair[same]))
    return found


def count_features(texts: Sequence[str], titles: Sequence[str], families: Sequence[Family] = FAMILIES) -> Counts:
    """Distinct hashed features of up to BATCH normalised texts with their titles ('' where there is none)."""
    if len(texts) > BATCH:
        raise ValueError(f"{len(texts)} texts in one batch, allowed: {BATCH}")
    streams: dict[Part, _Stream] = {}
    grams: dict[tuple[str, int, int, Part], list[tuple[U32, U32]]] = {}  # two families may read the same
    keys = []
    for number, family in enumerate(families):
        same = (family.unit, family.low, family.high, family.part)
        if same not in grams:
            grams[same] = _grams(_stream_of(streams, family.part, texts, titles), family)
        for owner, hashed in grams[same]:
            bucket = _mix(hashed) >> np.uint32(32 - BITS)
            keys.append((owner << np.uint32(BITS + 3)) | np.uint32(number << BITS) | bucket)
    return _distinct(np.concatenate(keys) if keys else np.zeros(0, dtype=np.uint32), len(texts))


def _grams(stream: _Stream, family: Family) -> list[tuple[U32, U32]]:
    if family.unit == "char":
        return _char_ngrams(stream, family.low, family.high)
    return _word_ngrams(stream, family.high)


def _stream_of(streams: dict[Part, _Stream], part: Part, texts: Sequence[str], titles: Sequence[str]) -> _Stream:
    if part not in streams:
        streams[part] = _Stream.of(joined(texts, titles) if part == "joint" else titles if part == "title" else texts)
    return streams[part]


def joined(texts: Sequence[str], titles: Sequence[str]) -> list[str]:
    """Each title and text as one; a text without a title as it is."""
    return [f"{title} . {text}" if title else text for text, title in zip(texts, titles, strict=True)]


def _distinct(keys: U32, texts: int) -> Counts:
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=~keys[:1])) if keys.size else np.zeros(0, dtype=np.int64)
    counts = np.diff(np.append(first, keys.size)).astype(np.float32)
    kept = keys[first]
    return Counts(
        (kept >> np.uint32(BITS + 3)).astype(np.int64),
        (kept & np.uint32((1 << (BITS + 3)) - 1)).astype(np.int64),
        counts,
        texts,
    )
