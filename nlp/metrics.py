"""Scores of a classifier against its labels, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nlp.calibration import calibration_error

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Scored:
    """Probabilities of some texts beside their labels. `groups`: articles, resampled as wholes for the intervals."""

    task: str
    labels: tuple[str, ...]
    shares: F32  # texts × labels
    answers: tuple[str, ...]
    groups: tuple[str, ...] = ()
    cuts: F32 | None = None  # of two labels the second is named from this probability on, for each text; None: 0.5

    @property
    def truth(self) -> I64:
        """Index of each answer; -1 for a label that the model does not know (always wrong)."""
        place = {label: number for number, label in enumerate(self.labels)}
        return np.asarray([place.get(answer, -1) for answer in self.answers], dtype=np.int64)

    @property
    def guess(self) -> I64:
        """Index of the likeliest label; of two labels, of the one that the cut names."""
        if len(self.labels) == 2:
            return (self.shares[:, 1] >= (0.5 if self.cuts is None else self.cuts)).astype(np.int64)
        return self.likeliest

    @property
    def likeliest(self) -> I64:
        """Index of the highest probability."""
        return np.asarray(self.shares.argmax(axis=1), dtype=np.int64)

    def part(self, kept: npt.NDArray[np.bool_]) -> Scored:
        """The texts where `kept` holds."""
        picked = np.flatnonzero(kept)
        groups = tuple(self.groups[n] for n in picked) if self.groups else ()
        cuts = None if self.cuts is None else self.cuts[picked]
        return Scored(self.task, self.labels, self.shares[picked], tuple(self.answers[n] for n in picked), groups, cuts)


def f1_table(truth: I64, guess: I64, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """Label → precision, recall, f1, n. An undefined ratio is 0, as in scikit-learn."""
    table = {}
    for number, label in enumerate(labels):
        hit = int(np.sum((truth == number) & (guess == number)))
        named, held = int(np.sum(guess == number)), int(np.sum(truth == number))
        precision, recall = hit / named if named else 0.0, hit / held if held else 0.0
        f1 = 2 * hit / (named + held) if named + held else 0.0
        table[label] = {"precision": precision, "recall": recall, "f1": f1, "n": held}
    return table


def report(scored: Scored) -> dict[str, Any]:
    """{"task","n","accuracy","macro_f1","weighted_f1","ece","per_class"} (contract.md). Labels without a text are left out."""
    truth, guess = scored.truth, scored.guess
    held = {label: row for label, row in f1_table(truth, guess, scored.labels).items() if row["n"]}
    missing = sorted(set(scored.answers) - set(scored.labels))
    for label in missing:
        held[label] = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "n": scored.answers.count(label)}
    total = max(len(scored.answers), 1)
    return {
        "task": scored.task,
        "n": len(scored.answers),
        "accuracy": float(np.mean(truth == guess)) if len(truth) else 0.0,
        "macro_f1": float(np.mean([row["f1"] for row in held.values()])) if held else 0.0,
        "weighted_f1": sum(row["f1"] * row["n"] for row in held.values()) / total,
        "ece": calibration_error(scored.shares, truth == scored.likeliest),
        "per_class": held,
    }


def costliest(scored: Scored) -> dict[str, Any]:
    """The article with the most wrong answers, and the scores without it: {"n","wrong","without":{"accuracy","macro_f1","ece"}}.

    A big article that is misread as one moves a whole set by points; {} where the texts have no groups or only one.
    """
    names, member = np.unique(np.asarray(scored.groups), return_inverse=True)
    if names.size < 2:
        return {}
    wrong = np.bincount(member[scored.truth != scored.guess], minlength=names.size)
    worst = int(wrong.argmax())
    rest = report(scored.part(member != worst))
    return {
        "n": int(np.sum(member == worst)),
        "wrong": int(wrong[worst]),
        "without": {key: rest[key] for key in ("accuracy", "macro_f1", "ece")},
    }


def two_topics(scored: Scored, seconds: Sequence[str | None]) -> dict[str, Any]:
    """{"n","either","both"}: how often the likeliest label is the first or the second; of the `n` with two, how often both are on top."""
    place = {label: number for number, label in enumerate(scored.labels)}
    truth, second = scored.truth, np.asarray([place.get(label or "", -1) for label in seconds], dtype=np.int64)
    top = np.argsort(-scored.shares, axis=1, kind="stable")[:, :2]
    two = (second >= 0) & (second != truth)
    pairs = np.sort(top, axis=1) == np.sort(np.stack([truth, second], axis=1), axis=1)
    return {
        "n": int(two.sum()),
        "either": float(np.mean((top[:, 0] == truth) | (two & (top[:, 0] == second)))),
        "both": float(np.mean(pairs[two].all(axis=1))),
    }


def interval(scored: Scored, key: str, seed: int = 0) -> tuple[float, float]:
    """95 % interval of `key` (accuracy or macro_f1) over RESAMPLES resamples of whole groups."""
    groups = scored.groups or tuple(str(n) for n in range(len(scored.answers)))
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    truth, guess = scored.truth, scored.guess
    values = []
    for _ in range(RESAMPLES):
        weight = np.bincount(rng.integers(0, names.size, names.size), minlength=names.size)[member]
        values.append(_weighted(truth, guess, weight, len(scored.labels), key))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _weighted(truth: I64, guess: I64, weight: npt.NDArray[Any], labels: int, key: str) -> float:
    right = truth == guess
    if key == "accuracy":
        return float((weight * right).sum() / max(weight.sum(), 1))
    known = truth >= 0
    hit = np.bincount(truth[right], weights=weight[right], minlength=labels)
    both = np.bincount(guess, weights=weight, minlength=labels) + np.bincount(
        truth[known], weights=weight[known], minlength=labels
    )
    present = np.bincount(truth[known], weights=weight[known], minlength=labels) > 0
    return float(np.mean(2 * hit[present] / both[present])) if present.any() else 0.0
