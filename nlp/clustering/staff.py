"""Corrections by staff, kept for good: merges, titles, and pairs of issues that must stay apart."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from duluan.errors import InputError
from duluan.text import squeeze

_TITLE = (3, 160)  # characters


def title_in_bounds(title: str) -> str:
    """A title in one line. Raises InputError where it is empty or long."""
    clean = squeeze(title)
    low, high = _TITLE
    if not low <= len(clean) <= high:
        raise InputError(f"tiêu đề vấn đề phải dài {low}–{high} ký tự, gặp {len(clean)}")
    return clean


@dataclass(slots=True)
class Corrections:
    """All keyed by issue id, so that they outlive the working set. An id that ended never comes back: chains have no ring."""

    merged: dict[str, str] = field(default_factory=dict)
    # likewise by the machine, as long as the issue that stayed is live: a decision that comes later may name the old id
    ended: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    apart: dict[str, set[str]] = field(default_factory=dict)  # both ways

    def merge(self, old: str, new: str) -> None:
        """From now on `old` is `new`. Raises InputError for a merge with itself or in a circle."""
        ending, target = self.final(old), self.final(new)
        if target == ending:
            raise InputError(f"vấn đề {old} và {new} đã là một; chọn hai vấn đề khác nhau")
        self.merged[ending] = target
        self.follow(ending, target)

    def end(self, old: str, new: str) -> None:
        """The machine merged `old` into `new`."""
        self.ended[old] = new
        self.follow(old, new)

    def forget(self, live: Container[str]) -> None:
        """Drop the machine's merges into issues that are live no more."""
        self.ended = {old: final for old in self.ended if (final := self.final(old)) in live}

    def joined(self) -> frozenset[str]:
        """Issues into which staff merged others: the machine does not part them again."""
        return frozenset(map(self.final, self.merged))

    def follow(self, old: str, new: str) -> None:
        """An issue ended in another: what staff said of the first holds for the second."""
        if old in self.titles:
            self.titles.setdefault(new, self.titles[old])
        for other in self.apart.pop(old, set()):
            self.apart[other].discard(old)
            if other != new:
                self.separate(other, new)

    def rename(self, issue: str, title: str) -> None:
        """Fix an issue's title. Raises InputError where it is empty or long."""
        self.titles[issue] = title_in_bounds(title)

    def separate(self, a: str, b: str) -> None:
        """Two issues that no automatic merge may join again."""
        self.apart.setdefault(a, set()).add(b)
        self.apart.setdefault(b, set()).add(a)

    def pairs(self) -> list[tuple[str, str]]:
        """Every pair kept apart, once, sorted."""
        return sorted((a, b) for a, others in self.apart.items() for b in others if a < b)

    def final(self, issue: str) -> str:
        """Follow merges to the end."""
        while (step := self.merged.get(issue) or self.ended.get(issue)) is not None:
            issue = step
        return issue
