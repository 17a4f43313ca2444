"""Voices by tone, counted one by one as a reader would count them: each is what the model (or staff) says it most likely is.

The detector's own statistic is another one: `share`, the mean probability of a negative tone (contract.md), which weighs doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from alerts.ledger import Mark
from alerts.words import percent
from duluan.model import Alert
from duluan.tone import Tone


def count(marks: Iterable[Mark]) -> Tone:
    """The voices among `marks`; reprints are none."""
    voices = [mark for mark in marks if mark.voice]
    tones = Counter(mark.sentiment for mark in voices)
    return Tone(tones["neg"], tones["neu"], tones["pos"], sum(mark.uncertain for mark in voices))


def tone_of(alert: Alert, key: str = "tone") -> Tone | None:
    """The count that the detector noted among the alert's numbers (`tone`, `tone_before`); None where it noted none."""
    noted = alert.coverage.get(key)
    return Tone(**noted) if isinstance(noted, Mapping) else None


def of_all(tone: Tone) -> str:
    """'29 trong 45 (64%)'."""
    return f"{tone.neg} trong {tone.voices} ({percent(tone.share)})"
