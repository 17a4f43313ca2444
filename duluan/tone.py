"""Voices by tone, counted one by one: on alert cards and in the weekly briefing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tone:
    """Voices by their most likely tone; the models are not sure of `uncertain` of them."""

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
