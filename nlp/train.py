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
from nlp.calibration import f1_cut, fit_calibration, threshold_for
from nlp.corpus import unlabelled
from nlp.datasets import TASKS, Example, labelled, with_task
from nlp.features import FAMILIES
from nlp.linear import MODELS, NEWS, Bundle, Head, quantised, save_bundle
from nlp.reading import as_read, titles_as_read
from nlp.ridge import fit_ridge
from nlp.space import FeatureSpace, hashed_counts

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
FOLDS = 5
# Target of a second topic that would be right too, beside 1 for the first and −1 for the rest: of .3, 0, −.4 and −1 the one with which both
# topics of a news item are most often the two likeliest; the first is named as well as without.
SECOND = 0.3


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
        False  # of two labels the second is named from the probability on that promises the best F1, not from 0.5
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
    """Columns that a recipe reads, through a linear map: one number for all of them, or the background's themes or sections."""

    columns: slice
    matrix: F32 | sparse.dia_matrix  # columns × what the ridge sees

    @property
    def width(self) -> int:
        return int(self.matrix.shape[1])

    def read(self, rows: sparse.csr_matrix) -> sparse.csr_matrix:
        return sparse.csr_matrix(rows[:, self.columns] @ self.matrix)

    def unfold(self, fitted: F32) -> F32:
        """Weights of what the ridge saw → weights of the columns."""
        return np.asarray(self.matrix @ fitted, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Task:
    """The examples of one head, numbered."""

    name: str
    labels: tuple[str, ...]
    places: list[int]  # among all examples
    answers: I64  # place of each label
    seconds: I64  # place of another label that would be right, -1 where there is none
    own: npt.NDArray[np.bool_]  # of the kind that the head is for
    folds: I64

    @property
    def recipe(self) -> Recipe:
        return RECIPES.get(self.name, DEFAULT)

    @property
    def every(self) -> I64:
        return np.arange(len(self.places))

    def targets(self, seen: I64) -> F32:
        """±1 for each score, SECOND for another right label; for two labels one score, the second's."""
        place = self.answers[seen]
        if len(self.labels) == 2:
            return np.where(place == 1, 1, -1).astype(np.float32)[:, None]
        told = np.where(place[:, None] == np.arange(len(self.labels)), 1, -1).astype(np.float32)
        also = np.flatnonzero((self.seconds[seen] >= 0) & (self.seconds[seen] != place))
        told[also, self.seconds[seen][also]] = SECOND
        return told

    def importance(self, seen: I64) -> F32:
        """Of each text: its kind, and how rare its class is."""
        weight = np.where(self.own[seen], 1.0, self.recipe.others)
        sizes = np.bincount(self.answers[seen], weights=weight, minlength=len(self.labels))
        held = sizes[sizes > 0].mean() / np.maximum(sizes, 1e-9)
        return np.asarray(weight * held[self.answers[seen]] ** self.recipe.balance, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Fitter:
    """What all heads are fitted on: the rows of every example, the space of their columns, the background."""

    rows: sparse.csr_matrix
    space: FeatureSpace
    background: Background

    def head(self, task: _Task, start: int) -> tuple[F32, F32, Head]:
        """(columns × scores, bias, head) on all examples of `task`; calibrated on held-out folds. `start`: its first score."""
        scores = self.held_out(task)[task.own]
        told = [task.labels[place] for place in task.answers[task.own]]
        calibration = fit_calibration(scores, told, task.labels)
        shares = calibration.probabilities(scores)
        right = np.asarray(shares.argmax(axis=1) == task.answers[task.own])
        cut = f1_cut(shares) if task.recipe.by_f1 else 0.5
        weights, bias = self.weights(task, task.every)
        return weights, bias, Head(task.name, task.labels, start, calibration, threshold_for(shares, right), cut)

    def held_out(self, task: _Task) -> F32:
        """Scores of every text by a model that saw no text of its fold."""
        rows = self.rows[task.places]
        scores = np.zeros((len(task.places), 1 if len(task.labels) == 2 else len(task.labels)), dtype=np.float32)
        for fold in np.unique(task.folds):
            seen, unseen = np.flatnonzero(task.folds != fold), np.flatnonzero(task.folds == fold)
            if seen.size:
                weights, bias = self.weights(task, seen)
                scores[unseen] = rows[unseen] @ weights + bias
        return scores

    def weights(self, task: _Task, seen: I64) -> tuple[F32, F32]:
        """(columns × scores, bias) from the examples `seen`, over the rows as they are: scales and the background are folded in."""
        rows = self.rows[np.asarray(task.places)[seen]]
        blocks = self._blocks(rows, task.recipe)
        read = sparse.hstack([block.read(rows) for block in blocks]).tocsr()
        fitted, bias = fit_ridge(read, task.targets(seen), task.importance(seen), task.recipe.strength)
        weights = np.zeros((rows.shape[1], fitted.shape[1]), dtype=np.float32)
        start = 0
        for block in blocks:
            weights[block.columns] += block.unfold(fitted[start : start + block.width])
            start += block.width
        return weights, bias

    def _blocks(self, rows: sparse.csr_matrix, recipe: Recipe) -> list[_Block]:
        """The blocks of `recipe`; a block of the background is scaled to unit mean square over `rows`."""
        parts = {"joint_": recipe.joint, "": recipe.text, "title_": recipe.title}
        plain = {f"{part}char": weight for part, weight in parts.items()}
        plain |= {f"{part}word": weight * recipe.words for part, weight in parts.items()}
        blocks = [self._plain(name, weight) for name, weight in plain.items() if weight]
        columns = self.space.columns(_FAMILY["joint_corpus"])
        for weight, matrix in ((recipe.themes, self.background.themes), (recipe.sections, self.background.sections)):
            if not weight or not matrix.size:
                continue
            shown = rows[:, columns] @ matrix
            spread = float(np.sum((shown - shown.mean(axis=0)) ** 2) / max(rows.shape[0], 1))
            blocks.append(_Block(columns, matrix * np.float32((weight / max(spread, 1e-9)) ** 0.5)))
        return blocks

    def _plain(self, family: str, weight: float) -> _Block:
        columns = self.space.columns(_FAMILY[family])
        width = columns.stop - columns.start
        return _Block(columns, sparse.eye(width, dtype=np.float32) * np.float32(weight**0.5))


def train(
    examples: Sequence[Example], version: str, name: str = "vi", inner: int = FOLDS, background: Background = NOTHING
) -> Bundle:
    """All heads on all examples; calibrated on `inner` grouped folds."""
    texts = as_read([example.text for example in examples])
    titles = titles_as_read([example.title for example in examples])
    counts = hashed_counts(texts, titles, FAMILIES)
    space = FeatureSpace.fit(counts, (background.buckets, background.idf))
    fitter = _Fitter(space.counted(counts), space, background)
    weights, biases, heads, start = [], [], {}, 0
    for task in _tasks(examples, inner):
        mine, bias, head = fitter.head(task, start)
        weights.append(mine)
        biases.append(bias)
        heads[task.name] = head
        start += head.width
    levels, scale = quantised(np.hstack(weights), space)
    scores = (levels, scale, np.concatenate(biases))
    return Bundle.of((name, version), space, scores, heads.values(), _describe(examples))


def _tasks(examples: Sequence[Example], inner: int) -> Iterator[_Task]:
    """One for each task, and a second where both news and people's words answer it."""
    for task in sorted({task for example in examples for task in example.answers}):
        yield _numbered(examples, task, task, inner)
        if len({examples[place].kind == "news" for place in with_task(examples, task)}) == 2:
            yield _numbered(examples, task, task + NEWS, inner)


def _numbered(examples: Sequence[Example], task: str, name: str, inner: int) -> _Task:
    places = with_task(examples, task)
    mine = [examples[place] for place in places]
    labels = labels_of(mine, task)
    kinds = np.asarray([example.kind == "news" for example in mine])
    return _Task(
        name,
        labels,
        places,
        np.asarray([labels.index(example.answers[task]) for example in mine], dtype=np.int64),
        np.asarray([_second(example, task, labels) for example in mine], dtype=np.int64),
        kinds == name.endswith(NEWS) if kinds.any() and not kinds.all() else np.ones(len(mine), dtype=bool),
        np.asarray([fold_of(example.group, inner) for example in mine], dtype=np.int64),
    )


def _second(example: Example, task: str, labels: Sequence[str]) -> int:
    return labels.index(example.second) if task == "topic" and example.second in labels else -1


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
