"""The columns that heads read: which hashed features are kept, their idf, and texts as rows over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from nlp.features import BATCH, BITS, FAMILIES, Family, count_features

F32 = npt.NDArray[np.float32]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of ids: a bit for each id and, for each 64, how many are kept before. A table of all ids takes 29 MB, this 1.4."""

    bits: npt.NDArray[np.uint64]
    before: npt.NDArray[np.int32]

    @classmethod
    def of(cls, kept: U32, size: int) -> _Columns:
        held = np.zeros(size, dtype=bool)
        held[kept] = True
        bits = np.packbits(held, bitorder="little").view(np.uint64)
        counted = np.bitwise_count(bits).astype(np.int32)
        return cls(bits, np.cumsum(counted, dtype=np.int32) - counted)

    def find(self, ids: I64) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int32]]:
        """(which of the ids are kept, columns of those)."""
        word, place = ids >> 6, (ids & 63).astype(np.uint64)
        held = (self.bits[word] >> place & np.uint64(1)).astype(bool)
        word, place = word[held], place[held]
        lower = self.bits[word] & ((np.uint64(1) << place) - np.uint64(1))
        return held, self.before[word] + np.bitwise_count(lower)


@dataclass(frozen=True, slots=True)
class FeatureSpace:
    """Which hashed features are kept, with their idf. `kept` is sorted; a feature's place in it is its column."""

    families: tuple[Family, ...]
    kept: U32
    idf: F32
    columns_of: _Columns

    @classmethod
    def of(cls, families: tuple[Family, ...], kept: U32, idf: F32) -> FeatureSpace:
        """Build the lookup from id to column."""
        return cls(families, kept, idf.astype(np.float32), _Columns.of(kept, len(families) << BITS))

    @classmethod
    def fit(
        cls,
        counts: sparse.csr_matrix,
        corpus: tuple[U32, F32],
        families: tuple[Family, ...] = FAMILIES,
        least: int = 2,
    ) -> FeatureSpace:
        """Keep what at least `least` texts hold, idf as in scikit-learn (smoothed, plus one).

        Corpus families keep the (sorted buckets, idf) of `corpus`.
        """
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        kept, idf = [], []
        for number, family in enumerate(families):
            first = number << BITS
            if family.corpus:
                kept.append(corpus[0].astype(np.int64) + first)
                idf.append(corpus[1])
                continue
            mine = np.flatnonzero(frequency[first : first + (1 << BITS)] >= least) + first
            kept.append(mine)
            idf.append(np.log((1 + counts.shape[0]) / (1 + frequency[mine])) + 1)
        return cls.of(families, np.concatenate(kept).astype(np.uint32), np.concatenate(idf).astype(np.float32))

    def columns(self, family: int) -> slice:
        """The columns of one family: they stand together."""
        first, last = np.searchsorted(self.kept, np.asarray([family << BITS, (family + 1) << BITS], dtype=np.uint32))
        return slice(int(first), int(last))

    def rows(self, texts: Sequence[str], titles: Sequence[str]) -> sparse.csr_matrix:
        """Normalised texts → texts × columns; (1 + log tf)·idf, each family of a text scaled to unit length."""
        counts = count_features(texts, titles, self.families)
        return self.scale(counts.rows, counts.ids, counts.counts, counts.texts)

    def counted(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """`rows` of texts whose hashed ids were counted before (texts × ids)."""
        counts.sort_indices()
        rows = np.repeat(np.arange(counts.shape[0], dtype=np.int64), np.diff(counts.indptr))
        return self.scale(rows, counts.indices.astype(np.int64), counts.data, counts.shape[0])

    def scale(self, rows: I64, ids: I64, counts: F32, texts: int) -> sparse.csr_matrix:
        """Rows from feature triples sorted by (text, id)."""
        held, columns = self.columns_of.find(ids)
        rows = rows[held]
        values = (1 + np.log(counts[held])) * self.idf[columns]
        block = rows * len(self.families) + (ids[held] >> BITS)
        squares = np.bincount(block, weights=values * values, minlength=texts * len(self.families))
        values = (values / np.sqrt(squares)[block]).astype(np.float32)
        starts = np.searchsorted(rows, np.arange(texts + 1)).astype(np.int32)
        return sparse.csr_matrix((values, columns, starts), shape=(texts, self.kept.size))


def hashed_counts(texts: Sequence[str], titles: Sequence[str], families: tuple[Family, ...]) -> sparse.csr_matrix:
    """Raw counts of any number of normalised texts, texts × hashed ids: what training starts from."""
    blocks = list(_count_blocks(texts, titles, families))
    empty = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
    rows, ids, counts = (np.concatenate(part) for part in zip(empty, *blocks, strict=True))
    return sparse.csr_matrix((counts, (rows, ids)), shape=(len(texts), len(families) << BITS), dtype=np.float32)


def _count_blocks(
    texts: Sequence[str], titles: Sequence[str], families: tuple[Family, ...]
) -> Iterator[tuple[I64, I64, F32]]:
    for first in range(0, len(texts), BATCH):
        found = count_features(texts[first : first + BATCH], titles[first : first + BATCH], families)
        yield found.rows + first, found.ids, found.counts
