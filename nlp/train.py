"""Training of the embedded models: `duluan models train`, or `python -m nlp.train DATA`.

Every head is a ridge regression onto ±1 over the shared feature space, rare classes weighing more; its scores are calibrated on grouped
folds (the comments of one article are alike, so an article is never on both sides). News and people's words have a topic head each.
"""

from __future__ import annotations

import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from nlp.background import NOTHING, Background, fit_background
from nlp.calibration import best_cut, fit_calibration, threshold_for
from nlp.corpus import unlabelled
from nlp.datasets import TASKS, Example, labelled, with_task
from nlp.features import FAMILIES
from nlp.linear import MODELS, NEWS, Bundle, FeatureSpace, Head, hashed_counts, quantised, save_bundle
from nlp.normalise import normalise
from nlp.ridge import fit_ridge

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one head is fitted: the weight of each block in the kernel (a block of weight 0 is not read)."""

    strength: float  # of the ridge
    joint: float = 0.0  # n-grams of title and text together
    text: float = 0.0
    title: float = 0.0
    words: float = 1.0  # of word n-grams beside character n-grams, within these
    themes: float = 0.0
    sections: float = 0.0
    balance: float = 0.5  # power of (mean class size / class size) that a text weighs
    by_f1: bool = (
        False  # of two labels the second is named from the probability on that gives the best F1, not from 0.5
    )
    others: float = 1.0  # what a text of the other kind (news, people's words) weighs in a head for one kind


# Chosen by cross-validation on the labelled sets, in folds grouped by article.
DEFAULT = Recipe(2.0, text=1.0)
RECIPES: dict[str, Recipe] = {
    "topic": Recipe(2.0, joint=1.0, themes=3.0, sections=2.0),
    "topic_news": Recipe(1.0, joint=1.0, title=0.7, themes=3.0, sections=2.0, others=0.1),
    "sentiment": Recipe(8.0, text=1.0, joint=0.3, words=2.0, balance=0.75),
    "tone": Recipe(5.0, joint=1.0, words=4.0),
    "feedback": Recipe(8.0, joint=1.0, text=1.0, words=2.0, balance=1.0, by_f1=True),
    "toxic": Recipe(4.0, text=1.0, joint=0.3),
}
_FAMILY = {family.name: number for number, family in enumerate(FAMILIES)}


def fold_of(group: str, folds: int = FOLDS) -> int:
    """The fold of an article: stable, whatever else is in the set."""
    return zlib.crc32(group.encode()) % folds


def labels_of(examples: Sequence[Example], task: str) -> tuple[str, ...]:
    """Sorted labels; 'no' before 'yes', so that the second is the positive one."""
    return tuple(sorted({example.answers[task] for example in examples if task in example.answers}))


@dataclass(frozen=True, slots=True)
class _Block:
    """Columns that a recipe reads, mapped linearly: by one number, or by a matrix of the background less a centre."""

    columns: slice
    scale: float
    matrix: F32 | None = None

    def read(self, rows: sparse.csr_matrix) -> sparse.csr_matrix:
        mine = rows[:, self.columns]
        return mine * np.float32(self.scale) if self.matrix is None else sparse.csr_matrix(mine @ self.matrix)


def _blocks(rows: sparse.csr_matrix, recipe: Recipe, space: FeatureSpace, background: Background) -> list[_Block]:
    """The blocks of `recipe`; a block of the background is scaled to unit mean square over `rows`."""
    parts = {"joint_": recipe.joint, "": recipe.text, "title_": recipe.title}
    plain = {f"{part}char": weight for part, weight in parts.items()}
    plain |= {f"{part}word": weight * recipe.words for part, weight in parts.items()}
    blocks = [_Block(space.columns(_FAMILY[name]), weight**0.5) for name, weight in plain.items() if weight]
    columns = space.columns(_FAMILY["joint_corpus"])
    for weight, matrix in ((recipe.themes, background.themes), (recipe.sections, background.sections)):
        if not weight or not matrix.size:
            continue
        shown = rows[:, columns] @ matrix
        spread = float(np.sum((shown - shown.mean(axis=0)) ** 2) / max(rows.shape[0], 1))
        blocks.append(_Block(columns, 1.0, matrix * np.float32((weight / max(spread, 1e-9)) ** 0.5)))
    return blocks


def fit_weights(
    rows: sparse.csr_matrix,
    targets: F32,
    importance: F32,
    recipe: Recipe,
    space: FeatureSpace,
    background: Background,
) -> tuple[F32, F32]:
    """(columns × scores, bias). Scales and the background are folded into the weights, so rows are used as they are later."""
    blocks = _blocks(rows, recipe, space, background)
    seen = sparse.hstack([block.read(rows) for block in blocks]).tocsr()
    fitted, bias = fit_ridge(seen, targets, importance, recipe.strength)
    weights = np.zeros((rows.shape[1], targets.shape[1]), dtype=np.float32)
    start = 0
    for block in blocks:
        width = block.columns.stop - block.columns.start if block.matrix is None else block.matrix.shape[1]
        mine = fitted[start : start + width]
        weights[block.columns] += mine * np.float32(block.scale) if block.matrix is None else block.matrix @ mine
        start += width
    return weights, bias


@dataclass(frozen=True, slots=True)
class _Task:
    """The examples of one head, numbered."""

    labels: tuple[str, ...]
    answers: I64  # place of each label
    own: npt.NDArray[np.bool_]  # of the kind that the head is for
    folds: I64

    def targets(self, seen: I64) -> F32:
        """±1 for each score; for two labels one score, the second's."""
        place = self.answers[seen]
        if len(self.labels) == 2:
            return np.where(place == 1, 1, -1).astype(np.float32)[:, None]
        return np.where(place[:, None] == np.arange(len(self.labels)), 1, -1).astype(np.float32)

    def importance(self, seen: I64, recipe: Recipe) -> F32:
        """Of each text: its kind, and how rare its class is."""
        weight = np.where(self.own[seen], 1.0, recipe.others)
        sizes = np.bincount(self.answers[seen], weights=weight, minlength=len(self.labels))
        held = sizes[sizes > 0].mean() / np.maximum(sizes, 1e-9)
        return np.asarray(weight * held[self.answers[seen]] ** recipe.balance, dtype=np.float32)


def held_out_scores(
    rows: sparse.csr_matrix, task: _Task, recipe: Recipe, space: FeatureSpace, background: Background
) -> F32:
    """Scores of every text by a model that saw no text of its fold."""
    scores = np.zeros((rows.shape[0], 1 if len(task.labels) == 2 else len(task.labels)), dtype=np.float32)
    for fold in np.unique(task.folds):
        seen, unseen = np.flatnonzero(task.folds != fold), np.flatnonzero(task.folds == fold)
        if seen.size:
            weights, bias = fit_weights(
                rows[seen], task.targets(seen), task.importance(seen, recipe), recipe, space, background
            )
            scores[unseen] = rows[unseen] @ weights + bias
    return scores


def train(
    examples: Sequence[Example], version: str, name: str = "vi", inner: int = FOLDS, background: Background = NOTHING
) -> Bundle:
    """All heads on all examples; calibrated on `inner` grouped folds."""
    texts = [normalise(example.text) for example in examples]
    titles = [normalise(example.title) for example in examples]
    counts = hashed_counts(texts, titles, FAMILIES)
    space = FeatureSpace.fit(counts, background)
    rows = scaled_rows(space, counts)
    blocks, biases, heads, start = [], [], {}, 0
    for head_name, task in _heads(examples):
        weights, bias, head = _fit_head(head_name, task, examples, rows, space, background, start, inner)
        blocks.append(weights)
        biases.append(bias)
        heads[head_name] = head
        start += head.width
    card = _describe(examples)
    levels, scale = quantised(np.hstack(blocks), space)
    return Bundle(name, version, space, levels, scale, np.concatenate(biases), heads, card)


def _heads(examples: Sequence[Example]) -> Iterator[tuple[str, str]]:
    """(head, task): one for each task, and a second where both news and people's words answer it."""
    for task in sorted({task for example in examples for task in example.answers}):
        yield task, task
        if len({examples[place].kind == "news" for place in with_task(examples, task)}) == 2:
            yield task + NEWS, task


def scaled_rows(space: FeatureSpace, counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Counts → the rows that the heads read."""
    counts.sort_indices()
    rows = np.repeat(np.arange(counts.shape[0], dtype=np.int64), np.diff(counts.indptr))
    return space.scale(rows, counts.indices.astype(np.int64), counts.data, counts.shape[0])


def _fit_head(
    name: str,
    task: str,
    examples: Sequence[Example],
    rows: sparse.csr_matrix,
    space: FeatureSpace,
    background: Background,
    start: int,
    inner: int,
) -> tuple[F32, F32, Head]:
    recipe = RECIPES.get(name, DEFAULT)
    places = with_task(examples, task)
    mine = rows[places]
    numbered = _numbered([examples[place] for place in places], task, name.endswith(NEWS), inner)
    scores = held_out_scores(mine, numbered, recipe, space, background)
    own, labels = numbered.own, numbered.labels
    told = [labels[place] for place in numbered.answers[own]]
    calibration = fit_calibration(scores[own], told, labels)
    shares = calibration.probabilities(scores[own])
    right = np.asarray(shares.argmax(axis=1) == numbered.answers[own])
    every = np.arange(len(places))
    weights, bias = fit_weights(
        mine, numbered.targets(every), numbered.importance(every, recipe), recipe, space, background
    )
    cut = best_cut(shares, told, labels) if recipe.by_f1 else 0.5
    return weights, bias, Head(name, labels, start, calibration, threshold_for(shares, right), cut)


def _numbered(examples: Sequence[Example], task: str, news: bool, inner: int) -> _Task:
    labels = labels_of(examples, task)
    kinds = np.asarray([example.kind == "news" for example in examples])
    return _Task(
        labels,
        np.asarray([labels.index(example.answers[task]) for example in examples], dtype=np.int64),
        kinds == news if kinds.any() and not kinds.all() else np.ones(len(examples), dtype=bool),
        np.asarray([fold_of(example.group, inner) for example in examples], dtype=np.int64),
    )


def _describe(examples: Sequence[Example]) -> dict[str, Any]:
    return {
        "examples": {task: len(with_task(examples, task)) for task in TASKS},
        "labels": {task: dict(Counter(e.answers[task] for e in examples if task in e.answers)) for task in TASKS},
        "method": "ridge onto ±1, rare classes weigh more, themes and sections of unlabelled news; temperature on grouped folds",
    }


def main(data: Path, version: str, folder: Path = MODELS) -> Bundle:
    """Train on the sets in `data` and write the bundle to `folder`."""
    examples = labelled(data)
    bundle = train(examples, version, background=fit_background(unlabelled(data, examples)))
    save_bundle(bundle, folder)
    return bundle


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
