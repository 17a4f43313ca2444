"""Which document of the last weeks has which origin and issue; merges are followed, not written into every entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """One document. `issue` is an event's number as it was then; `parent` what it answers, if anything."""

    origin: str
    issue: int
    parent: str | None = None


@dataclass(slots=True)
class Ledger:
    """Documents by id, forgotten by the day of their arrival."""

    entries: dict[str, Entry] = field(default_factory=dict)
    days: dict[int, list[str]] = field(default_factory=dict)
    aliases: dict[int, int] = field(default_factory=dict)  # merged event → the one that it went into

    def __contains__(self, id: str) -> bool:
        return id in self.entries

    def put(self, id: str, entry: Entry, day: int) -> None:
        """Remember one document."""
        self.entries[id] = entry
        self.days.setdefault(day, []).append(id)

    def origin(self, id: str) -> str:
        """Origin of a known document."""
        return self.entries[id].origin

    def issue(self, id: str) -> int | None:
        """Number of the event that a document belongs to now; None where the document is unknown."""
        entry = self.entries.get(id)
        return None if entry is None else self.current(entry.issue)

    def current(self, number: int) -> int:
        """Follow merges, shortening the way."""
        while (step := self.aliases.get(number)) is not None:
            self.aliases[number] = self.aliases.get(step, step)
            number = step
        return number

    def alias(self, old: int, new: int) -> None:
        """The event `old` was merged into `new`."""
        self.aliases[old] = new

    def of(self, issue: int) -> Iterator[tuple[str, Entry]]:
        """The known documents of one event, in order of arrival."""
        return ((id, entry) for id, entry in self.entries.items() if self.current(entry.issue) == issue)

    def move(self, issue: int, to: int, chosen: frozenset[str]) -> list[str]:
        """Move `chosen`, their reprints and their comments from one event to another; what was moved."""
        moving = [
            id
            for id, entry in self.of(issue)
            if id in chosen or entry.origin in chosen or (entry.parent is not None and entry.parent in chosen)
        ]
        for id in moving:
            entry = self.entries[id]
            self.entries[id] = Entry(entry.origin, to, entry.parent)
        return moving

    def expire(self, last_day: int) -> None:
        """Forget what arrived on `last_day` (days since 1970) or before."""
        for day in [day for day in self.days if day <= last_day]:
            for id in self.days.pop(day):
                self.entries.pop(id, None)
        used = {entry.issue for entry in self.entries.values()} if len(self.aliases) > len(self.entries) else None
        if used is not None:
            self.aliases = {old: self.current(old) for old in self.aliases if old in used}
