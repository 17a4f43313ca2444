"""The columns that heads read: which hashed features are kept, their idf, and texts as rows over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse

from nlp.features import BATCH, BITS, FAMILIES, Counts, Family, begins, count_features

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

    def find(self, ids: U32) -> tuple[I64, npt.NDArray[np.int32]]:
        """(places of the ids that are kept, columns of those)."""
        word, place = ids >> np.uint32(6), (ids & np.uint32(63)).astype(np.uint64)
        bits = self.bits[word] >> place
        # places, not a mask: taking what a mask of no pattern holds is three times as slow
        held = np.flatnonzero(bits & np.uint64(1))
        word, place = word[held], place[held]
        lower = self.bits[word] & ((np.uint64(1) << place) - np.uint64(1))
        return held, self.before[word] + np.bitwise_count(lower)


@dataclass(frozen=True, slots=True)
class Read:
    """Features of a batch of texts, column by column: those of `columns[k]` stand at starts[k]:starts[k + 1].

    The columns of family f are columns[families[f]:families[f + 1]].
    """

    columns: npt.NDArray[np.int32]
    families: I64
    starts: I64
    rows: U32  # text of each
    values: F32
    texts: int


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
        return self._matrix(self.read(texts, titles))

    def counted(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """`rows` of texts whose hashed ids were counted before (texts × ids)."""
        by_id = counts.tocsc()
        by_id.sort_indices()
        ids = np.repeat(np.arange(by_id.shape[1], dtype=np.uint32), np.diff(by_id.indptr))
        return self._matrix(self._weigh(Counts(by_id.indices, ids, by_id.data, by_id.shape[0])))

    def read(self, texts: Sequence[str], titles: Sequence[str]) -> Read:
        """What the heads read of up to BATCH normalised texts: as `rows`, but only the columns that they have, column by column."""
        return self._weigh(count_features(texts, titles, self.families))

    def _weigh(self, counts: Counts) -> Read:
        new = begins(counts.ids)
        ids, place = (
            counts.ids[np.flatnonzero(new)],
            np.cumsum(new) - 1,
        )  # each id once, and which of them a feature has
        held, columns = self.columns_of.find(ids)
        idf = np.zeros(ids.size, dtype=np.float32)  # of what is not kept 0, and no idf is as small
        idf[held] = self.idf[columns]
        weight = idf[place]
        wanted = np.flatnonzero(weight)
        ids, place, rows = ids[held], place[wanted], counts.rows[wanted]
        values = (1 + np.log(counts.counts[wanted])) * weight[wanted]
        starts = np.append(np.flatnonzero(begins(place)), place.size)
        edges = np.searchsorted(ids, np.arange(len(self.families) + 1, dtype=np.uint32) << np.uint32(BITS))
        for low, high in pairwise(starts[edges]):  # one family after the other
            mine, own = rows[low:high], values[low:high]
            length = np.sqrt(np.bincount(mine, weights=own * own, minlength=counts.texts)).astype(np.float32)
            own /= length[mine]
        return Read(columns, edges, starts, rows, values, counts.texts)

    def _matrix(self, read: Read) -> sparse.csr_matrix:
        rows = np.repeat(read.columns, np.diff(read.starts))
        return sparse.csr_matrix((read.values, (read.rows, rows)), shape=(read.texts, self.kept.size))


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
        yield found.rows.astype(np.int64) + first, found.ids.astype(np.int64), found.counts
