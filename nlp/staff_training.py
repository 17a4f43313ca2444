"""Retraining with staff's labels, and what they gain: measured on labels that the model was not trained on.

The labelled documents are cut into folds by article. Before: a model that saw none of them. After: for each fold, one that saw
the others. Both are asked about the fold; the difference stands on the new model's card.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from duluan.errors import InputError
from duluan.text import squeeze
from nlp.background import NOTHING, Background
from nlp.datasets import Example, with_task
from nlp.evaluate import score
from nlp.linear import Bundle, save_bundle
from nlp.metrics import report
from nlp.train import fold_of, train

FOLDS = 3
_LEAST = 30  # labels of a task; fewer say nothing about a gain
CARD_KEY = "staff_labels"


def retrain(
    base: Sequence[Example], staff: Sequence[Example], version: str, folder: Path, background: Background = NOTHING
) -> Bundle:
    """A bundle of all examples, staff's instead of ours where both have the text; its card tells the gain. Written to `folder`."""
    if not staff:
        raise InputError(
            "tệp nhãn không có văn bản nào có nhãn và còn nội dung; hãy xuất lại bằng: label export --labelled"
        )
    others = _without(base, staff)
    bundle = train([*others, *staff], version, background=background)
    told = replace(
        bundle, card={**bundle.card, CARD_KEY: {"examples": len(staff), "gain": gain(others, staff, background)}}
    )
    save_bundle(told, folder)
    return told


def gain(
    base: Sequence[Example], staff: Sequence[Example], background: Background = NOTHING, folds: int = FOLDS
) -> dict[str, dict[str, Any]]:
    """Task → {n, before, after} (accuracy and macro-F1 on staff's labels, held out by article), for tasks with enough of them."""
    tasks = {task for example in staff for task in example.answers if len(with_task(staff, task)) >= _LEAST}
    if not tasks:
        return {}
    known, mine = _only(base, tasks), _only(staff, tasks)
    before = train(known, "before", background=background)
    found: dict[str, dict[str, list[float]]] = {}
    for number in range(folds):
        held = [example for example in mine if fold_of(example.group, folds) == number]
        seen = [example for example in mine if fold_of(example.group, folds) != number]
        if not held or not seen:
            continue
        after = train([*known, *seen], "after", background=background)
        for task in tasks:
            _compare(task, held, {"before": before, "after": after}, found)
    return {task: _summary(scores) for task, scores in sorted(found.items())}


def _compare(
    task: str, held: Sequence[Example], models: Mapping[str, Bundle], found: dict[str, dict[str, list[float]]]
) -> None:
    asked = [held[place] for place in with_task(held, task)]
    asked = [
        example for example in asked if all(example.answers[task] in m.heads[task].labels for m in models.values())
    ]
    if not asked:
        return
    scores = found.setdefault(task, {"n": []})
    scores["n"].append(len(asked))
    for name, model in models.items():
        told = report(score(model, task, asked))
        for metric in ("accuracy", "macro_f1"):
            scores.setdefault(f"{name}_{metric}", []).append(told[metric])


def _summary(scores: Mapping[str, list[float]]) -> dict[str, Any]:
    """Means over the folds, weighted by their sizes."""
    sizes = scores["n"]
    total = sum(sizes)
    means = {
        name: round(sum(v * n for v, n in zip(values, sizes, strict=True)) / total, 4)
        for name, values in scores.items()
        if name != "n"
    }
    return {"n": int(total), **means}


def _without(base: Iterable[Example], staff: Iterable[Example]) -> list[Example]:
    """`base` less the texts that staff labelled themselves."""
    texts = {_key(example) for example in staff}
    return [example for example in base if _key(example) not in texts]


def _key(example: Example) -> str:
    return squeeze(example.text).lower()


def _only(examples: Iterable[Example], tasks: set[str]) -> list[Example]:
    kept = (replace(e, answers={t: a for t, a in e.answers.items() if t in tasks}) for e in examples)
    return [example for example in kept if example.answers]
