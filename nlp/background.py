"""What words say about a text's subject, learnt from many unlabelled articles: latent themes and outlets' sections.

Themes are a truncated SVD of tf-idf (latent semantic analysis, Deerwester et al. 1990); sections are linear scores of a classifier of
the section that an article stood in (distant supervision). Both are linear in the words, so a head that uses them is folded back into
plain weights of words when it is stored: nothing of this is needed at run time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
from scipy import sparse

from nlp.corpus import Piece
from nlp.features import BATCH, BITS, Family, count_features
from nlp.ridge import fit_ridge
from nlp.space import FeatureSpace

F32 = npt.NDArray[np.float32]
WORDS = Family("words", "word", 1, 2)
KEPT = 40_000  # words and pairs
_LEAST, _MOST = 20, 0.15  # articles, share of articles that hold it
_THEMES = 300
_ROUNDS = 3  # of the randomised SVD (Halko et al. 2011)
_SECTION_LEAST = 45  # articles
_SECTION_MOST = 600  # articles of a section that are read
_SECTION_STRENGTH = 2.0


@dataclass(frozen=True, slots=True)
class Background:
    """`buckets`: hashed words, sorted; `idf`: of each; `themes`, `sections`: buckets × dimensions."""

    buckets: npt.NDArray[np.uint32]
    idf: F32
    themes: F32
    sections: F32


NOTHING = Background(
    np.zeros(0, dtype=np.uint32),
    np.zeros(0, dtype=np.float32),
    np.zeros((0, 0), dtype=np.float32),
    np.zeros((0, 0), dtype=np.float32),
)


def fit_background(pieces: Iterable[Piece], seed: int = 0) -> Background:
    """Words of the pieces with their themes and sections; NOTHING where there are too few pieces to say anything."""
    counts, sections = _counted(pieces)
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    held = np.flatnonzero((frequency >= _LEAST) & (frequency <= _MOST * counts.shape[0]))
    if held.size <= 2 * _THEMES:
        return NOTHING
    buckets = np.sort(held[np.argsort(-frequency[held], kind="stable")[:KEPT]]).astype(np.uint32)
    idf = np.log(counts.shape[0] / (1 + frequency[buckets])).astype(np.float32)
    rows = FeatureSpace.of((WORDS,), buckets, idf).counted(counts)
    return Background(buckets, idf, _themes(rows, seed), _sections(rows, sections))


def _counted(pieces: Iterable[Piece]) -> tuple[sparse.csr_matrix, list[str]]:
    """(articles × buckets, section of each)."""
    stream, parts, sections = iter(pieces), [], []
    while batch := list(islice(stream, BATCH)):
        found = count_features([piece.text for piece in batch], [""] * len(batch), (WORDS,))
        parts.append(sparse.csr_matrix((found.counts, (found.rows, found.ids)), shape=(len(batch), 1 << BITS)))
        sections += [piece.section for piece in batch]
    empty = sparse.csr_matrix((0, 1 << BITS), dtype=np.float32)
    return sparse.vstack([empty, *parts]).tocsr(), sections


def _themes(rows: sparse.csr_matrix, seed: int) -> F32:
    across = rows.T.tocsr()
    basis = np.random.default_rng(seed).normal(size=(rows.shape[1], _THEMES + 20)).astype(np.float32)
    for _ in range(_ROUNDS):
        basis, _upper = np.linalg.qr(across @ (rows @ basis))
    projected = rows @ basis
    values, vectors = np.linalg.eigh((projected.T @ projected).astype(np.float64))
    largest = np.argsort(-values)[:_THEMES]
    return np.asarray(basis @ vectors[:, largest], dtype=np.float32)


def _sections(rows: sparse.csr_matrix, sections: Sequence[str]) -> F32:
    """Weights of the section classifier, words × sections that have enough articles."""
    sizes = Counter(sections)
    names = sorted(name for name, size in sizes.items() if name and size >= _SECTION_LEAST)
    taken: Counter[str] = Counter()
    chosen, answers = [], []
    for place, name in enumerate(sections):
        taken[name] += 1
        if name and sizes[name] >= _SECTION_LEAST and taken[name] <= _SECTION_MOST:
            chosen.append(place)
            answers.append(names.index(name))
    if not chosen:
        return np.zeros((rows.shape[1], 0), dtype=np.float32)
    targets = np.where(np.asarray(answers)[:, None] == np.arange(len(names)), 1, -1).astype(np.float32)
    share = np.bincount(answers, minlength=len(names)) / len(answers)
    importance = (1 / (share[answers] * len(names))).astype(np.float32)
    weights, _bias = fit_ridge(rows[chosen], targets, importance, _SECTION_STRENGTH)
    return weights
