"""Where class probabilities come from: `linear` (embedded, default), `transformers`, `onnx`. Chosen by name.

Every backend reads the same `Reading` and gives the same kind of `Answers`; one contract test runs over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from duluan.model import VOICE_KINDS, Kind
from duluan.registry import Registry
from nlp.linear import Bundle, load_bundle
from nlp.normalise import normalise, normalise_title
from nlp.restore import marked

F32 = npt.NDArray[np.float32]
_HEAD, _TAIL = 900, 300  # characters of a long text that are read: what it is about, and how it ends


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


class Backend(Protocol):
    """Gives calibrated probabilities for each of its tasks."""

    @property
    def tasks(self) -> Mapping[str, Task]:
        """Task → labels, threshold, version. Tasks: topic, sentiment (people's words), tone (news), feedback, toxic."""

    def probabilities(self, readings: Sequence[Reading]) -> Mapping[str, F32]:
        """Task → readings × labels; every row sums to 1."""


BACKENDS: Registry[Callable[[], Backend]] = Registry("bộ phân loại")


def clip(text: str) -> str:
    """At most _HEAD + _TAIL characters of a text: its beginning and its end."""
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} … {text[-_TAIL:]}"


@BACKENDS.register("linear")
class LinearBackend:
    """The embedded models."""

    def __init__(self, bundle: Bundle | None = None) -> None:
        self._bundle = bundle or load_bundle()
        version = f"{self._bundle.name}-{self._bundle.version}"
        self.tasks: Mapping[str, Task] = {
            task: Task(head.labels, head.threshold, version) for task, head in self._bundle.heads.items()
        }

    def probabilities(self, readings: Sequence[Reading]) -> Mapping[str, F32]:
        """See Backend."""
        texts = [normalise(text) for text in marked([clip(reading.text) for reading in readings])]
        titles = [normalise_title(title) for title in marked([clip(reading.title) for reading in readings])]
        return self._bundle.probabilities(texts, titles)


def is_voice(kind: Kind) -> bool:
    """Whether people speak in their own words: `sentiment` is read, else `tone`."""
    return kind in VOICE_KINDS
