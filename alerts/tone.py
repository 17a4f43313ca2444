"""Voices by tone, counted one by one as a reader would count them: each is what the model (or staff) says it most likely is.

The detector's own statistic is another one: `share`, the mean probability of a negative tone (contract.md), which weighs doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alerts.ledger import Mark
from alerts.words import percent
from duluan.model import Alert


@dataclass(frozen=True, slots=True)
class Tone:
    """Voices by their most likely tone; `uncertain` of them are not to be acted on one by one."""

    neg: int = 0
    neu: int = 0
    pos: int = 0
    uncertain: int = 0

    @property
    def voices(self) -> int:
        """All of them."""
        return self.neg + self.neu + self.pos

    @property
    def share(self) -> float:
        """The negative part; 0 of none."""
        return self.neg / self.voices if self.voices else 0.0

    def of_all(self) -> str:
        """'29 trong 45 (64%)'."""
        return f"{self.neg} trong {self.voices} ({percent(self.share)})"


def count(marks: Iterable[Mark]) -> Tone:
    """The voices among `marks`; reprints are none."""
    voices = [mark for mark in marks if mark.voice]
    tones = Counter(mark.sentiment for mark in voices)
    return Tone(tones["neg"], tones["neu"], tones["pos"], sum(mark.uncertain for mark in voices))


def tone_of(alert: Alert, key: str = "tone") -> Tone | None:
    """The count that the detector noted among the alert's numbers (`tone`, `tone_before`); None where it noted none."""
    noted = alert.coverage.get(key)
    return Tone(**noted) if isinstance(noted, Mapping) else None
