"""Training of the embedded models: `duluan models train`, or `python -m nlp.train DATA`.

Every head is a one-versus-rest linear SVM with balanced class weights over the shared feature space; its scores are calibrated on
grouped folds (the comments of one article are alike, so an article is never on both sides).
"""

from __future__ import annotations

import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from nlp.calibration import fit_calibration, threshold_for
from nlp.datasets import TASKS, Example, labelled, with_task
from nlp.features import BITS, FAMILIES
from nlp.linear import MODELS, Bundle, FeatureSpace, Head, hashed_counts, save_bundle
from nlp.normalise import normalise

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one head is fitted. `scales`: weight of each family, in the order of FAMILIES."""

    strength: float  # the SVM's C
    scales: tuple[float, ...]


DEFAULT = Recipe(0.1, (1.0, 1.0, 0.7, 0.7, 0.5, 0.5))
RECIPES: dict[str, Recipe] = {
    "topic": Recipe(0.3, (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)),
    "sentiment": Recipe(0.1, (1.0, 1.0, 0.7, 0.7, 0.5, 0.5)),
    "tone": Recipe(0.3, (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)),
    "feedback": Recipe(0.1, (1.0, 1.0, 0.7, 0.7, 0.5, 0.5)),
    "toxic": Recipe(0.1, (1.0, 1.0, 0.7, 0.7, 0.3, 0.3)),
}


def fold_of(group: str, folds: int = FOLDS) -> int:
    """The fold of an article: stable, whatever else is in the set."""
    return zlib.crc32(group.encode()) % folds


def labels_of(examples: Sequence[Example], task: str) -> tuple[str, ...]:
    """Sorted labels; 'no' before 'yes', so that the second is the positive one."""
    return tuple(sorted({example.answers[task] for example in examples if task in example.answers}))


def fit_weights(
    rows: sparse.csr_matrix, answers: Sequence[str], labels: Sequence[str], recipe: Recipe, space: FeatureSpace
) -> tuple[F32, F32]:
    """(columns × scores, bias). The family scales are folded into the weights, so rows are used as they are later."""
    from sklearn.svm import LinearSVC

    scale = np.asarray(recipe.scales, dtype=np.float32)[space.kept >> np.uint32(BITS)]
    model = LinearSVC(C=recipe.strength, class_weight="balanced", random_state=0)
    model.fit(rows @ sparse.diags(scale), np.asarray(answers))
    weights = (np.asarray(model.coef_).T * scale[:, None]).astype(np.float32)
    bias = np.asarray(model.intercept_, dtype=np.float32)
    if len(labels) == 2:
        return weights, bias
    order = [list(model.classes_).index(label) for label in labels]
    return weights[:, order], bias[order]


def held_out_scores(
    rows: sparse.csr_matrix, answers: Sequence[str], folds: I64, recipe: Recipe, space: FeatureSpace
) -> F32:
    """Scores of every text by a model that saw no text of its fold."""
    labels = sorted(set(answers))
    told = np.asarray(answers)
    scores = np.zeros((len(told), 1 if len(labels) == 2 else len(labels)), dtype=np.float32)
    for fold in np.unique(folds):
        seen, unseen = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        weights, bias = fit_weights(rows[seen], told[seen].tolist(), labels, recipe, space)
        scores[unseen] = rows[unseen] @ weights + bias
    return scores


def train(examples: Sequence[Example], version: str, name: str = "vi", inner: int = FOLDS) -> Bundle:
    """All heads on all examples; calibrated on `inner` grouped folds."""
    texts = [normalise(example.text) for example in examples]
    titles = [normalise(example.title) for example in examples]
    counts = hashed_counts(texts, titles, FAMILIES)
    space = FeatureSpace.fit(counts)
    rows = scaled_rows(space, counts)
    blocks, biases, heads, start = [], [], {}, 0
    for task in sorted({task for example in examples for task in example.answers}):
        places = with_task(examples, task)
        weights, bias, head = _fit_head(task, [examples[place] for place in places], rows[places], space, start, inner)
        blocks.append(weights)
        biases.append(bias)
        heads[task] = head
        start += head.width
    card = _describe(examples)
    return Bundle(name, version, space, np.hstack(blocks), np.concatenate(biases), heads, card)


def scaled_rows(space: FeatureSpace, counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Counts → the rows that the heads read."""
    counts.sort_indices()
    rows = np.repeat(np.arange(counts.shape[0], dtype=np.int64), np.diff(counts.indptr))
    return space.scale(rows, counts.indices.astype(np.int64), counts.data, counts.shape[0])


def _fit_head(
    task: str, examples: Sequence[Example], rows: sparse.csr_matrix, space: FeatureSpace, start: int, inner: int
) -> tuple[F32, F32, Head]:
    recipe = RECIPES.get(task, DEFAULT)
    labels = labels_of(examples, task)
    answers = [example.answers[task] for example in examples]
    folds = np.asarray([fold_of(example.group, inner) for example in examples], dtype=np.int64)
    scores = held_out_scores(rows, answers, folds, recipe, space)
    calibration = fit_calibration(scores, answers, labels)
    shares = calibration.probabilities(scores)
    right = np.asarray(labels)[shares.argmax(axis=1)] == np.asarray(answers)
    weights, bias = fit_weights(rows, answers, labels, recipe, space)
    return weights, bias, Head(task, labels, start, calibration, threshold_for(shares, right))


def _describe(examples: Sequence[Example]) -> dict[str, Any]:
    return {
        "examples": {task: len(with_task(examples, task)) for task in TASKS},
        "labels": {task: dict(Counter(e.answers[task] for e in examples if task in e.answers)) for task in TASKS},
        "method": "linear SVM (one versus rest), balanced, matrix scaling on grouped folds",
    }


def main(data: Path, version: str, folder: Path = MODELS) -> Bundle:
    """Train on the sets in `data` and write the bundle to `folder`."""
    bundle = train(labelled(data), version)
    save_bundle(bundle, folder)
    return bundle


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
