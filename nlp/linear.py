"""The embedded classifiers: hashed tf-idf features, one weight matrix for all tasks, calibrated probabilities.

A bundle is one npz (arrays only, never a pickle) with a JSON card beside it. A text is hashed once; every head reads the same row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from scipy import sparse

from duluan.errors import ModelError
from nlp.calibration import Calibration
from nlp.features import Family
from nlp.space import FeatureSpace, Read

F32 = npt.NDArray[np.float32]
Scores = tuple[npt.NDArray[np.int8], F32, F32]  # levels, scale and bias of all scores
FORMAT = 2
NEWS = "_news"  # ends the name of a head that answers for news what its namesake answers for people's words
MODELS = Path(__file__).resolve().parent / "models"
# Of a weight's size. In five folds: 127 with those up to 3 as 0 took 5.98 MB and cost .3 of a point, 31 took 5.51, 40 took 6.15 and
# answered like the weights themselves; companded levels (their square roots) did as well and took more.
_LEVELS = 40
_CHUNK = 256  # texts hashed at once: more share more columns, fewer stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Head:
    """One task: labels, the span of its columns in the weight matrix, and its calibration."""

    task: str
    labels: tuple[str, ...]
    start: int
    calibration: Calibration
    threshold: float  # below this calibrated top probability the answer is uncertain
    cut: float = 0.5  # of two labels the second is the answer from this probability on

    @property
    def width(self) -> int:
        """Raw scores it reads: one for two labels (the second's), else one for each."""
        return 1 if len(self.labels) == 2 else len(self.labels)


@dataclass(frozen=True, slots=True)
class Bundle:
    """All heads over one feature space."""

    name: str
    version: str
    space: FeatureSpace
    levels: npt.NDArray[np.int8]  # columns × scores: weights as whole multiples of
    scale: F32  # families × scores
    bias: F32
    heads: Mapping[str, Head]
    card: Mapping[str, Any]

    @classmethod
    def of(
        cls, named: tuple[str, str], space: FeatureSpace, scores: Scores, heads: Iterable[Head], card: Mapping[str, Any]
    ) -> Bundle:
        """Bundle of (name, version). The heads are put in an order in which those that answer one kind of text stand together."""
        given = {head.task: head for head in heads}

        def place(head: Head) -> int:
            return 2 if head.task.endswith(NEWS) else 0 if head.task + NEWS in given else 1

        ordered, columns, start = {}, list[int](), 0
        for head in sorted(given.values(), key=lambda head: (place(head), head.start)):
            ordered[head.task] = replace(head, start=start)
            columns += range(head.start, head.start + head.width)
            start += head.width
        levels, scale, bias = scores
        levels = np.ascontiguousarray(levels[:, columns])
        return cls(*named, space, levels, scale[:, columns], bias[columns], ordered, card)

    @property
    def tasks(self) -> tuple[str, ...]:
        """What it answers, whichever head does."""
        return tuple(task for task in self.heads if not task.endswith(NEWS))

    def answers(self, texts: Sequence[str], titles: Sequence[str], news: Sequence[bool]) -> dict[str, F32]:
        """Task → texts × labels, rows summing to 1, each text answered by the heads of its kind.

        `texts` and `titles` are normalised and of equal length.
        """
        found = {task: np.zeros((len(texts), len(self.heads[task].labels)), dtype=np.float32) for task in self.tasks}
        kinds = np.asarray(news, dtype=bool)
        for of_news in (False, True):
            heads = {task: self.heads.get(task + NEWS * of_news, self.heads[task]) for task in found}
            mine = np.flatnonzero(kinds == of_news)
            for first in range(0, mine.size, _CHUNK):
                chunk = mine[first : first + _CHUNK]
                read = self.space.read([texts[place] for place in chunk], [titles[place] for place in chunk])
                for task, shares in self._shares(read, heads).items():
                    found[task][chunk] = shares
        return found

    def _shares(self, read: Read, heads: Mapping[str, Head]) -> dict[str, F32]:
        start = min(head.start for head in heads.values())
        scores = self._scores(read, slice(start, max(head.start + head.width for head in heads.values())))
        return {
            task: head.calibration.probabilities(scores[:, head.start - start :][:, : head.width])
            for task, head in heads.items()
        }

    def _scores(self, read: Read, asked: slice) -> F32:
        """Features · weights + bias; only the weights that are asked for are unpacked, in the order in which they lie."""
        # whole rows are taken before they are cut: numpy takes a part of each five times as slowly
        weights = np.take(self.levels, read.columns, axis=0)[:, asked].astype(np.float32)
        for scale, (low, high) in zip(self.scale, pairwise(read.families), strict=True):
            weights[low:high] *= scale[asked]
        shape = (read.texts, read.columns.size)
        mine = sparse.csc_matrix((read.values, read.rows.astype(np.int32), read.starts.astype(np.int32)), shape=shape)
        return np.asarray(mine @ weights + self.bias[asked], dtype=np.float32)


def quantised(weights: F32, space: FeatureSpace) -> tuple[npt.NDArray[np.int8], F32]:
    """(levels, scale) of columns × scores: int8 with one scale for each family and score."""
    scale = np.ones((len(space.families), weights.shape[1]), dtype=np.float32)
    levels = np.zeros(weights.shape, dtype=np.int8)
    for number in range(len(space.families)):
        mine = weights[space.columns(number)]
        largest = np.abs(mine).max(axis=0, initial=0)
        scale[number] = np.where(largest > 0, largest / _LEVELS, 1)
        levels[space.columns(number)] = np.rint(mine / scale[number])
    return levels, scale


def save_bundle(bundle: Bundle, folder: Path) -> None:
    """Write <name>.npz and <name>.json."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[Any]] = {
        "kept": np.diff(bundle.space.kept, prepend=np.uint32(0)).astype(np.uint32),  # small steps compress well
        "idf": bundle.space.idf.astype(np.float16),
        "weights": np.ascontiguousarray(bundle.levels.T),
        "scale": bundle.scale,
        "bias": bundle.bias.astype(np.float32),
    }
    for task, head in bundle.heads.items():
        arrays[f"calibration_{task}"] = head.calibration.matrix
    np.savez_compressed(folder / f"{bundle.name}.npz", allow_pickle=False, **cast(Any, arrays))
    text = json.dumps(_card(bundle), ensure_ascii=False, indent=1, sort_keys=True)
    (folder / f"{bundle.name}.json").write_text(text + "\n", encoding="utf-8")


def _card(bundle: Bundle) -> dict[str, Any]:
    return {
        **bundle.card,
        "format": FORMAT,
        "name": bundle.name,
        "version": bundle.version,
        "families": [
            {"name": f.name, "unit": f.unit, "low": f.low, "high": f.high, "part": f.part, "corpus": f.corpus}
            for f in bundle.space.families
        ],
        "heads": {
            task: {
                "labels": list(head.labels),
                "start": head.start,
                "threshold": round(head.threshold, 4),
                "cut": round(head.cut, 4),
                "doubt": round(head.calibration.doubt, 4),
            }
            for task, head in bundle.heads.items()
        },
    }


def load_bundle(name: str = "vi", folder: Path = MODELS) -> Bundle:
    """Read a bundle. Raises ModelError where a file is missing, damaged or of another format."""
    card_path, arrays_path = folder / f"{name}.json", folder / f"{name}.npz"
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        with arrays_path.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except FileNotFoundError as error:
        raise ModelError(f"thiếu tệp mô hình {error.filename}; chạy: duluan models train") from None
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise ModelError(f"{arrays_path}: tệp mô hình hỏng ({error}); cài lại hoặc chạy: duluan models train") from None
    if card.get("format") != FORMAT:
        raise ModelError(f"{card_path}: format {card.get('format')!r}, chương trình này đọc {FORMAT}; huấn luyện lại")
    try:
        return _assemble(card, arrays)
    except (KeyError, TypeError, IndexError) as error:
        raise ModelError(f"{card_path}: thẻ mô hình thiếu {error}; chạy: duluan models train") from None


def _assemble(card: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Bundle:
    families = tuple(Family(**item) for item in card["families"])
    kept = np.cumsum(arrays["kept"], dtype=np.uint32)
    heads = {
        task: Head(
            task,
            tuple(spec["labels"]),
            spec["start"],
            Calibration(arrays[f"calibration_{task}"], spec["doubt"]),
            spec["threshold"],
            spec["cut"],
        )
        for task, spec in card["heads"].items()
    }
    space = FeatureSpace.of(families, kept, arrays["idf"].astype(np.float32))
    levels = arrays["weights"].T
    scores = (levels, arrays["scale"], arrays["bias"])
    return Bundle.of((card["name"], card["version"]), space, scores, heads.values(), card)
