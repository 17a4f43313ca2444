"""Text → hashed syllable n-grams with weights: the first step of reprints and of issue clustering.

Syllables are not joined into words: segmentation gains about one point of B³ and costs nine tenths of the speed (nlp.md 12).
Hashes are 64 bit and stable between runs and machines (BLAKE2b of a syllable, polynomial for n-grams).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duluan.errors import ModelError
from duluan.text import nfc

Hashes = NDArray[np.uint64]

_WORD = re.compile(r"\w+")
_HALF = np.uint64(32)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MODELS = Path(__file__).resolve().parents[1] / "models"
_SCALE = 4096  # a document vector's length, so that all arithmetic is in integers and the same everywhere
_LOG = [0.0, *(1.0 + math.log(n) for n in range(1, 64))]
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


def hashes(words: list[str]) -> Hashes:
    """Syllables → their hashes, same length."""
    return np.fromiter(map(token_hash, words), np.uint64, len(words))


def grams(codes: Hashes, n: int) -> Hashes:
    """Hashes of all runs of n syllables, in order; empty where there are fewer."""
    size = len(codes) - n + 1
    if size <= 0:
        return codes[:0]
    out = codes[:size].copy()
    for offset in range(1, n):
        out *= _FACTOR
        out += codes[offset : offset + size]
    return out


@dataclass(frozen=True, slots=True)
class Background:
    """How common terms are in Vietnamese news: share of documents, by the upper 32 bits of a term's hash."""

    share: dict[int, float]
    rare: float  # for a term that is not listed

    @classmethod
    def load(cls, folder: Path = _MODELS) -> Background:
        """Read `cluster_terms.npz` and its card. Raises ModelError where they are missing or damaged."""
        try:
            card = json.loads((folder / "cluster_terms.json").read_text(encoding="utf-8"))
            with np.load(folder / "cluster_terms.npz", allow_pickle=False) as data:
                shares = (data["df"] / card["documents"]).tolist()
                return cls(dict(zip(data["key"].tolist(), shares, strict=True)), card["rare"] / card["documents"])
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"mô hình gom tin nlp/models/cluster_terms thiếu hoặc hỏng ({error}); hãy cài lại"
            ) from None


@lru_cache(maxsize=1)
def background() -> Background:
    """The shipped table, read once."""
    return Background.load()


def short_hashes(codes: Hashes) -> list[int]:
    """The upper 32 bits, as Python ints: what terms and shingles are kept by (a clash in 10⁵ terms is one or two)."""
    found: list[int] = (codes >> _HALF).tolist()
    return found


def term_codes(words: list[str]) -> list[int]:
    """Uni- and bigrams of lower-case syllables as terms, in order, repeats included."""
    codes = hashes(words)
    return short_hashes(np.concatenate((codes, grams(codes, 2))))


def term_counts(title: list[str], body: list[str], title_weight: float) -> dict[int, float]:
    """Term → damped frequency (1 + ln tf), the title's terms times `title_weight`; uni- and bigrams alike."""
    head = term_codes(title)
    counted = Counter(head)
    counted.update(term_codes(body))
    weights = {term: _LOG[n] if n < 64 else _LOG[63] for term, n in counted.items()}
    for term in set(head):
        weights[term] *= title_weight
    return weights


def unit_vector(weights: dict[int, float], limit: int) -> dict[int, int]:
    """The `limit` heaviest terms scaled to length 4096, heaviest first (ties by hash); integers, so exact everywhere."""
    order = sorted([(-weight, term) for term, weight in weights.items()])[:limit]
    length = math.sqrt(sum([weight * weight for weight, _ in order]))
    if not length:
        return {}
    factor = -_SCALE / length
    return {term: round(weight * factor) for weight, term in order}
