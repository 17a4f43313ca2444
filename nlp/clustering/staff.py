"""Corrections by staff, kept for good: merges, titles, and pairs of issues that must stay apart."""

from __future__ import annotations

from dataclasses import dataclass, field

from duluan.errors import InputError


@dataclass(slots=True)
class Corrections:
    """All keyed by issue id, so that they outlive the working set."""

    merged: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    apart: set[tuple[str, str]] = field(default_factory=set)  # sorted pairs

    def merge(self, old: str, new: str) -> None:
        """From now on `old` is `new`. Raises InputError for a merge with itself or in a circle."""
        target = self.final(new)
        if target == self.final(old):
            raise InputError(f"vấn đề {old} và {new} đã là một; chọn hai vấn đề khác nhau")
        self.merged[self.final(old)] = target
        self.apart.discard(_pair(old, target))
        self.follow(old, target)

    def follow(self, old: str, new: str) -> None:
        """An issue ended in another: what staff said of the first holds for the second."""
        if old in self.titles:
            self.titles.setdefault(new, self.titles[old])
        for a, b in [pair for pair in self.apart if old in pair]:
            other = b if a == old else a
            if other != new:
                self.apart.add(_pair(new, other))

    def rename(self, issue: str, title: str) -> None:
        """Fix an issue's title. Raises InputError where it is empty or long."""
        clean = " ".join(title.split())
        if not 3 <= len(clean) <= 160:
            raise InputError(f"tiêu đề vấn đề phải dài 3–160 ký tự, gặp {len(clean)}")
        self.titles[issue] = clean

    def separate(self, a: str, b: str) -> None:
        """Two issues that no automatic merge may join again."""
        self.apart.add(_pair(a, b))

    def are_apart(self, a: str, b: str) -> bool:
        """Whether staff or a split keeps these two apart."""
        return _pair(a, b) in self.apart

    def final(self, issue: str) -> str:
        """Follow staff's merges to the end."""
        while issue in self.merged:
            issue = self.merged[issue]
        return issue


def _pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)
