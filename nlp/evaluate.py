"""How good the models are: on files that a user gives, or – without files – on our labels, in folds grouped by article.

A fold's texts are scored by a model, calibration included, that saw nothing of its articles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from duluan.errors import InputError
from duluan.text import fold
from nlp.background import NOTHING, Background
from nlp.datasets import TASKS, Example, read_rows
from nlp.linear import Bundle
from nlp.metrics import Scored, costliest, interval, report, two_topics
from nlp.normalise import TEENCODE
from nlp.reading import as_read, titles_as_read
from nlp.train import FOLDS, fold_of, train

Slice = Callable[[Example], bool]
SLICES: dict[str, Slice] = {
    "sarcasm": lambda example: example.sarcasm,
    "teencode": lambda example: _is_teencode(example.text),
    "comment": lambda example: example.kind == "comment",
    "news": lambda example: example.kind == "news",
    "victsd": lambda example: example.source == "victsd",
    "tuoitre_2024": lambda example: example.source == "tuoitre_2024",
}


def _is_teencode(text: str) -> bool:
    """Whether it holds a word of the teencode list."""
    return not TEENCODE.keys().isdisjoint(re.findall(r"[^\W\d_]+", text.lower()))


def read_examples(path: Path, task: str, text: str, label: str) -> list[Example]:
    """A labelled CSV file. Raises InputError where a column is missing or no row is labelled."""
    found = []
    for row in read_rows(path):
        for column in (text, label):
            if column not in row:
                raise InputError(f"{path}: không có cột {column!r}; các cột: {', '.join(map(str, row))}")
        if row[text] and row[label]:
            body = row[text]
            found.append(
                Example(text=body, title="", kind="comment", group=body.strip().lower(), answers={task: row[label]})
            )
    if not found:
        raise InputError(f"{path}: không có dòng nào có nhãn ở cột {label!r}")
    return found


def evaluate_files(task: str, seen: Sequence[Example], unseen: Sequence[Example]) -> dict[str, Any]:
    """Train the default recipe on `seen`, score `unseen`. Raises InputError where `seen` has fewer than two labels."""
    if len({example.answers[task] for example in seen}) < 2:
        raise InputError("tệp huấn luyện chỉ có một nhãn; cần ít nhất hai")
    return report(score(train(seen, "eval"), task, unseen))


def score(bundle: Bundle, task: str, examples: Sequence[Example], *, bare: bool = False) -> Scored:
    """Probabilities of one task; `bare` takes the diacritics away first."""
    strip = fold if bare else str
    texts = as_read([strip(example.text) for example in examples])
    titles = titles_as_read([strip(example.title) for example in examples])
    shares = bundle.answers(texts, titles, [example.kind == "news" for example in examples])[task]
    answers = tuple(example.answers[task] for example in examples)
    head = bundle.heads[task]
    groups = tuple(example.group for example in examples)
    cuts = np.full(len(examples), head.cut, dtype=np.float32)
    return Scored(task, head.labels, shares, answers, groups, cuts)


def cross_scored(
    examples: Sequence[Example], background: Background, folds: int = FOLDS
) -> Iterator[tuple[str, bool, list[int], Scored]]:
    """(task, accent-less?, positions, scores) of every held-out fold."""
    for number in range(folds):
        bundle = train(
            [e for e in examples if fold_of(e.group, folds) != number], "fold", inner=3, background=background
        )
        held = [place for place, e in enumerate(examples) if fold_of(e.group, folds) == number]
        for task in TASKS:
            places = [place for place in held if task in examples[place].answers]
            for bare in (False, True):
                yield task, bare, places, score(bundle, task, [examples[place] for place in places], bare=bare)


def evaluate_shipped(
    examples: Sequence[Example], background: Background = NOTHING, folds: int = FOLDS
) -> dict[str, Any]:
    """Task and kind → scores, intervals, loss without diacritics, the article that costs most, second topics, slices."""
    parts: dict[tuple[str, bool], list[tuple[list[int], Scored]]] = {}
    for task, bare, places, scored in cross_scored(examples, background, folds):
        parts.setdefault((task, bare), []).append((places, scored))
    joined = {key: _join(found) for key, found in parts.items()}
    results = {}
    for task in TASKS:
        places, accented = joined[task, False]
        for name, kept in _audiences(task, [examples[place] for place in places]):
            plain, stripped = accented.part(kept), joined[task, True][1].part(kept)
            mine = [examples[place] for place, keep in zip(places, kept, strict=True) if keep]
            results[f"{name}.{task}"] = _full_report(plain, stripped, mine)
    return results


def _audiences(task: str, examples: Sequence[Example]) -> Iterator[tuple[str, Any]]:
    kinds = np.asarray([example.kind for example in examples])
    for kind in ("comment", "news"):
        if (kinds == kind).any():
            yield kind, kinds == kind


def _join(found: Sequence[tuple[list[int], Scored]]) -> tuple[list[int], Scored]:
    places = [place for part, _ in found for place in part]
    labels = found[0][1].labels
    for _, scored in found:
        if scored.labels != labels:
            raise InputError("có nhãn vắng trong một phần chia; cần thêm ví dụ cho nhãn hiếm")
    return places, Scored(
        found[0][1].task,
        labels,
        np.concatenate([scored.shares for _, scored in found]),
        tuple(answer for _, scored in found for answer in scored.answers),
        tuple(group for _, scored in found for group in scored.groups),
        np.concatenate([scored.cuts for _, scored in found if scored.cuts is not None]),
    )


def _full_report(plain: Scored, bare: Scored, examples: Sequence[Example]) -> dict[str, Any]:
    whole, stripped = report(plain), report(bare)
    seconds = [example.second for example in examples]
    slices = {}
    for name, inside in SLICES.items():
        kept = np.asarray([inside(example) for example in examples])
        if 0 < kept.sum() < kept.size:
            part = report(plain.part(kept))
            slices[name] = {key: part[key] for key in ("n", "accuracy", "macro_f1")}
    return {
        **whole,
        "accuracy_95": interval(plain, "accuracy"),
        "macro_f1_95": interval(plain, "macro_f1"),
        "bare": {key: stripped[key] for key in ("accuracy", "macro_f1", "ece")},
        "bare_loss": whole["accuracy"] - stripped["accuracy"],
        "costliest_article": costliest(plain),
        "two_topics": two_topics(plain, seconds) if plain.task == "topic" and any(seconds) else {},
        "slices": slices,
    }
