"""Themes that are too seldom heard to have a row of their own: their voices wait here for company."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from alerts.evidence import MIN_VOICES
from alerts.hours import WEEK
from alerts.ledger import Mark

_WAIT: Final = WEEK


@dataclass(frozen=True, slots=True)
class Heard:
    """One voice: how the card knows it, and its parts by hour (an unknown time stands in several)."""

    mark: Mark
    hours: list[tuple[int, float]]


@dataclass(slots=True)
class Nursery:
    """Theme key → its voices of the last week. Most terms are named once or twice and never again: rows for all would fill the memory."""

    waiting: dict[str, list[Heard]] = field(default_factory=dict)

    def hear(self, key: str, heard: Heard) -> list[Heard]:
        """Take one voice in. Once MIN_VOICES have come within a week, all of them: the theme leaves and is counted in a row."""
        own = [other for other in self.waiting.get(key, ()) if heard.mark.hour - other.mark.hour < _WAIT]
        own.append(heard)
        if len(own) < MIN_VOICES:
            self.waiting[key] = own
            return []
        self.waiting.pop(key, None)
        return own

    def forget(self, now: int) -> None:
        """Once a day: drop what has waited for a week."""
        self.waiting = {
            key: kept
            for key, waiting in self.waiting.items()
            if (kept := [heard for heard in waiting if now - heard.mark.hour < _WAIT])
        }
