"""What clustering tells the store: assignments, and what changed since it was last asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from duluan.model import Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Where one document belongs. `origin` is its own id where it reprints nothing."""

    id: str
    origin: str
    issue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Since the last call: issues that gained documents, merges (old → new issue) and documents that a split moved.

    Apply in this order: documents as assigned, `merges`, then `moves`.
    """

    issues: tuple[Issue, ...] = ()
    merges: Mapping[str, str] = field(default_factory=dict)
    moves: Mapping[str, str] = field(default_factory=dict)  # document → issue
