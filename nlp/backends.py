"""Where class probabilities come from: `linear` (embedded, default), `transformers`, `onnx`. Chosen by name.

Every backend reads the same `Reading` and gives the same kind of `Answers`; one contract test runs over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from duluan.config import Models, Plugin
from duluan.errors import ConfigError
from duluan.model import VOICE_KINDS, Kind
from duluan.registry import Registry
from duluan.text import nfc
from nlp.linear import Bundle, load_bundle
from nlp.neural.scoring import Scorer, probabilities
from nlp.reading import as_read, titles_as_read
from nlp.words import segment_all

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a classifier reads: a text and, for context, its title (for a comment: the title of what it answers)."""

    text: str
    title: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Task:
    """One question a backend answers."""

    labels: tuple[str, ...]
    threshold: float  # below this top probability an answer is uncertain
    version: str
    cut: float = 0.5  # of two labels the second is the answer from this probability on


class Backend(Protocol):
    """Gives calibrated probabilities for each of its tasks."""

    @property
    def tasks(self) -> Mapping[str, Task]:
        """Task → labels, threshold, version. Tasks: topic, sentiment (people's words), tone (news), feedback, toxic."""

    def probabilities(self, readings: Sequence[Reading]) -> Mapping[str, F32]:
        """Task → readings × labels; every row sums to 1."""


# name → what makes it of the province's models.toml; a path there is relative to the profile's folder
BACKENDS: Registry[Callable[[Models, Path], Backend]] = Registry("bộ phân loại")


class LinearBackend:
    """The embedded models."""

    def __init__(self, bundle: Bundle | None = None) -> None:
        self._bundle = bundle or load_bundle()
        version = f"{self._bundle.name}-{self._bundle.version}"
        self.tasks: Mapping[str, Task] = {
            task: Task(head.labels, head.threshold, version, head.cut)
            for task in self._bundle.tasks
            for head in [self._bundle.heads[task]]
        }

    def probabilities(self, readings: Sequence[Reading]) -> Mapping[str, F32]:
        """See Backend."""
        texts = as_read([reading.text for reading in readings])
        titles = titles_as_read([reading.title for reading in readings])
        return self._bundle.answers(texts, titles, [not is_voice(reading.kind) for reading in readings])


class PluginBackend:
    """One model of one's own, for one task."""

    def __init__(self, plugin: Plugin, scorer: Scorer) -> None:
        labels = tuple(sorted(set(plugin.labels)))
        self._plugin, self._scorer = plugin, scorer
        self._groups = np.asarray([labels.index(label) for label in plugin.labels], dtype=np.int64)
        self.tasks: Mapping[str, Task] = {plugin.task: Task(labels, plugin.threshold, scorer.version)}

    def probabilities(self, readings: Sequence[Reading]) -> Mapping[str, F32]:
        """See Backend. Public models read one text: a person's own words, or a news item with its title."""
        texts = [nfc(r.text if is_voice(r.kind) else f"{r.title}. {r.text}") for r in readings]
        if self._plugin.segmented:
            texts = [" ".join(word.replace(" ", "_") for word in words) for words in segment_all(texts)]
        logits = self._scorer.logits(texts)
        labels = len(self.tasks[self._plugin.task].labels)
        return {self._plugin.task: probabilities(logits, self._plugin.temperature, self._groups, labels)}


class MixedBackend:
    """The embedded models, with plug-ins for the tasks that have one."""

    def __init__(self, base: Backend, plugins: Sequence[Backend]) -> None:
        self._parts = (base, *plugins)
        self.tasks: Mapping[str, Task] = {task: spec for part in self._parts for task, spec in part.tasks.items()}

    def probabilities(self, readings: Sequence[Reading]) -> Mapping[str, F32]:
        """See Backend."""
        return {task: shares for part in self._parts for task, shares in part.probabilities(readings).items()}


@BACKENDS.register("linear")
def _linear(models: Models, folder: Path) -> Backend:
    return LinearBackend(load_bundle(folder=folder / models.bundle) if models.bundle else None)


@BACKENDS.register("transformers")
def _transformers(models: Models, folder: Path) -> Backend:
    from nlp.neural.torch_model import TransformersScorer

    return _with_plugins(models, folder, "transformers", TransformersScorer)


@BACKENDS.register("onnx")
def _onnx(models: Models, folder: Path) -> Backend:
    from nlp.neural.onnx_model import OnnxScorer

    return _with_plugins(models, folder, "onnx", OnnxScorer)


def _with_plugins(models: Models, folder: Path, name: str, scorer: Callable[[Plugin, Path], Scorer]) -> Backend:
    chosen = [plugin for plugin in models.plugin if plugin.backend == name]
    if not chosen:
        raise ConfigError(f"{folder / 'models.toml'}: chưa có [[plugin]] nào với backend = {name!r}")
    return MixedBackend(_linear(models, folder), [PluginBackend(plugin, scorer(plugin, folder)) for plugin in chosen])


def backend_for(models: Models, folder: Path, name: str | None = None) -> Backend:
    """The back-end called `name`; without one, the embedded models with every plug-in of models.toml.

    Raises ConfigError for an unknown name or one that models.toml has no plug-in for, ModelError for what cannot be loaded.
    """
    if name is not None:
        return BACKENDS.get(name)(models, folder)
    found = _linear(models, folder)
    for kind in sorted({plugin.backend for plugin in models.plugin}):
        found = MixedBackend(found, [BACKENDS.get(kind)(models, folder)])
    return found


def is_voice(kind: Kind) -> bool:
    """Whether people speak in their own words: `sentiment` is read, else `tone`."""
    return kind in VOICE_KINDS
