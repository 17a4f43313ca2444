"""Text → hashed syllable n-grams with weights: the first step of reprints and of issue clustering.

Syllables are not joined into words: segmentation gains about one point of B³ and costs nine tenths of the speed (nlp.md 12).
Hashes are 64 bit and stable between runs and machines (BLAKE2b of a syllable, polynomial for n-grams).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duluan.errors import ModelError
from duluan.text import nfc

Hashes = NDArray[np.uint64]
Terms = NDArray[np.int64]
Weights = NDArray[np.float64]

_WORD = re.compile(r"\w+")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MODELS = Path(__file__).resolve().parents[1] / "models"
BUCKETS = 1 << 22  # terms are told apart by so many values: tables over them are plain arrays
_REST = np.uint64(64 - 22)
_LOG = np.array([0.0, *(1.0 + math.log(n) for n in range(1, 64))])
# 'hoà' and 'hòa' are one syllable: both spellings are in use, news sites mix them.
_OLD_TONE = {
    f"{a}{b}": f"{c}{d}"
    for a, c, b, d in [
        *(("o", tone, marked, "a") for tone, marked in zip("óòỏõọ", "áàảãạ", strict=True)),
        *(("o", tone, marked, "e") for tone, marked in zip("óòỏõọ", "éèẻẽẹ", strict=True)),
        *(("u", tone, marked, "y") for tone, marked in zip("úùủũụ", "ýỳỷỹỵ", strict=True)),
    ]
}


def tokens(text: str) -> list[str]:
    """Lower-case syllables and numbers in order: 'Sạt lở ở Đăk Hà, 12/9' → ['sạt', 'lở', 'ở', 'đăk', 'hà', '12', '9']."""
    return _WORD.findall(nfc(text).lower())


@lru_cache(maxsize=300_000)
def token_hash(token: str) -> int:
    """64-bit hash of one lower-case syllable, the same for both ways of placing the tone mark."""
    tail = token[-2:]
    if tail in _OLD_TONE and not token.startswith("qu"):
        token = token[:-2] + _OLD_TONE[tail]
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Runs:
    """Hashes of runs of syllables of several texts in one array: a batch costs little more than one text by itself."""

    codes: Hashes
    owner: Terms  # number of the text that each run stands in, ascending
    texts: int

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]]) -> Runs:
        """Single syllables, in order."""
        sizes = np.fromiter(map(len, texts), np.int64, len(texts))
        codes = np.fromiter(map(token_hash, chain.from_iterable(texts)), np.uint64, int(sizes.sum()))
        return cls(codes, np.repeat(np.arange(len(texts)), sizes), len(texts))

    def grams(self, n: int) -> Runs:
        """All runs of n of these within one text; a text with fewer has none."""
        size = max(0, len(self.codes) - n + 1)
        codes = self.codes[:size].copy()
        for offset in range(1, n):
            codes *= _FACTOR
            codes += self.codes[offset : offset + size]
        whole = self.owner[:size] == self.owner[n - 1 :] if size else np.zeros(0, bool)
        return Runs(codes[whole], self.owner[:size][whole], self.texts)

    def first(self, count: int) -> Runs:
        """At most the first `count` of every text."""
        starts = np.searchsorted(self.owner, np.arange(self.texts))
        return self.chosen(np.arange(len(self.owner)) - starts[self.owner] < count)

    def chosen(self, kept: NDArray[np.bool_]) -> Runs:
        """Those that `kept` marks."""
        return Runs(self.codes[kept], self.owner[kept], self.texts)


def buckets(codes: Hashes) -> Terms:
    """Hashes → terms: 22 bits of each. Of the 150,000 terms that are live at a time one in thirty meets another."""
    return (codes >> _REST).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Background:
    """How common terms are in Vietnamese news: share of documents, by term (`BUCKETS` values)."""

    share: NDArray[np.float32]

    def share_of(self, term: str) -> float:
        """Share of documents that hold a term of one or more syllables: of a longer one, that of its rarest two neighbours."""
        words = tokens(term)
        if not words:
            return 0.0
        single = Runs.of([words])
        return float(self.share[buckets((single.grams(2) if len(words) > 1 else single).codes)].min())

    @classmethod
    def load(cls, folder: Path = _MODELS) -> Background:
        """Read `cluster_terms.npz` and its card. Raises ModelError where they are missing or damaged."""
        try:
            card = json.loads((folder / "cluster_terms.json").read_text(encoding="utf-8"))
            with np.load(folder / "cluster_terms.npz", allow_pickle=False) as data:
                share = np.full(BUCKETS, card["rare"] / card["documents"], np.float32)
                np.maximum.at(share, data["key"] >> np.uint32(10), (data["df"] / card["documents"]).astype(np.float32))
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"mô hình gom tin nlp/models/cluster_terms thiếu hoặc hỏng ({error}); hãy cài lại"
            ) from None
        return cls(share)


@lru_cache(maxsize=1)
def background() -> Background:
    """The shipped table, read once."""
    return Background.load()


def term_counts(titles: Runs, bodies: Runs, title_weight: float) -> list[tuple[Terms, Weights]]:
    """A batch's syllables → each text's distinct terms and their damped frequency (1 + ln tf), the title's × `title_weight`."""
    parts = (titles, titles.grams(2), bodies, bodies.grams(2))
    owner = np.concatenate([part.owner for part in parts])
    keys = owner * BUCKETS + buckets(np.concatenate([part.codes for part in parts]))
    distinct, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    weights = _LOG[np.minimum(counts, len(_LOG) - 1)]
    titled = np.zeros(len(distinct), bool)
    titled[inverse[: len(parts[0].codes) + len(parts[1].codes)]] = True
    weights[titled] *= title_weight
    bounds = np.searchsorted(distinct, np.arange(titles.texts + 1) * BUCKETS).tolist()
    terms = distinct % BUCKETS
    return [(terms[a:b], weights[a:b]) for a, b in pairwise(bounds)]
