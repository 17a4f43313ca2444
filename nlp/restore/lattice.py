"""The best way through the candidates of each sentence: a second-order Viterbi search over many sentences at once.

States are pairs of neighbouring candidates; all sentences of a batch take each step together in numpy. A syllable has at most WIDTH
candidates (the likeliest): of running text the right one is among six in 99.9 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nlp.restore.model import NgramModel
from nlp.restore.syllables import SIGNS, START

WIDTH = 6
_NEVER = np.float32(-1e9)
I32 = npt.NDArray[np.int32]
F32 = npt.NDArray[np.float32]


def best_paths(model: NgramModel, sentences: Sequence[Sequence[I32]]) -> list[list[int]]:
    """For each sentence the ids of the best path."""
    if not sentences:
        return []
    longest = max(len(sentence) for sentence in sentences)
    grid = np.full((len(sentences), longest + 2, WIDTH), -1, dtype=np.int32)
    grid[:, :2, 0] = SIGNS.index(START)
    for row, sentence in enumerate(sentences):
        for column, ids in enumerate(sentence, start=2):
            kept = ids[:WIDTH]
            grid[row, column, : kept.size] = kept
    lengths = np.asarray([len(sentence) for sentence in sentences])
    return _search(model, grid, lengths)


def _search(model: NgramModel, grid: I32, lengths: npt.NDArray[np.int64]) -> list[list[int]]:
    rows, columns, _ = grid.shape
    places, pair_scores = _pairs(model, grid)
    state = np.full((rows, WIDTH, WIDTH), _NEVER, dtype=np.float32)
    state[:, 0, 0] = 0
    came_from = np.zeros((columns, rows, WIDTH, WIDTH), dtype=np.int8)
    ends = np.zeros((rows, 2), dtype=np.int64)  # the last two candidates of each sentence's best path
    for step in range(2, columns):
        scores = _step(model, grid, places, pair_scores, step)
        total = state[:, :, :, None] + scores  # before last, last, next
        came_from[step] = total.argmax(axis=1)
        state = total.max(axis=1)
        for row in np.flatnonzero(lengths == step - 1):
            ends[row] = np.unravel_index(int(state[row].argmax()), (WIDTH, WIDTH))
    return [_back(grid[row], came_from[:, row], lengths[row], ends[row]) for row in range(rows)]


def _pairs(model: NgramModel, grid: I32) -> tuple[I32, F32]:
    """Bigram places and scores of all neighbouring candidates: rows × columns − 1 × WIDTH × WIDTH."""
    first = np.broadcast_to(grid[:, :-1, :, None], (*grid[:, :-1].shape, WIDTH))
    second = np.broadcast_to(grid[:, 1:, None, :], first.shape)
    valid = (first >= 0) & (second >= 0)
    places = np.full(first.shape, -1, dtype=np.int32)
    scores = np.full(first.shape, _NEVER, dtype=np.float32)
    places[valid] = found = model.pairs(first[valid], second[valid])
    scores[valid] = model.pair_scores(first[valid], second[valid], found)
    return places, scores


def _step(model: NgramModel, grid: I32, places: I32, pair_scores: F32, step: int) -> F32:
    """Scores of (before last, last, next) at `step`."""
    before = places[:, step - 2]
    shape = (*before.shape, WIDTH)
    following = grid[:, step]
    valid = (pair_scores[:, step - 2] > _NEVER)[:, :, :, None] & (following >= 0)[:, None, None, :]
    third = np.broadcast_to(following[:, None, None, :], shape)[valid]
    contexts = np.broadcast_to(before[:, :, :, None], shape)[valid]
    shorter = np.broadcast_to(pair_scores[:, step - 1][:, None, :, :], shape)[valid]
    scores = np.full(shape, _NEVER, dtype=np.float32)
    scores[valid] = model.triple_scores(contexts, third, shorter)
    return scores


def _back(grid: I32, came_from: npt.NDArray[np.int8], length: int, end: npt.NDArray[np.int64]) -> list[int]:
    """Ids of one sentence's path, from its last two candidates backwards."""
    if not length:
        return []
    last_but_one, last = int(end[0]), int(end[1])
    path = [int(grid[length + 1, last])]
    for step in range(int(length) + 1, 2, -1):
        last_but_one, last = int(came_from[step, last_but_one, last]), last_but_one
        path.append(int(grid[step - 1, last]))
    path.reverse()
    return path
