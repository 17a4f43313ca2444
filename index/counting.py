"""What both stores' counts share: the keys offered, the checks, and the rows answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from duluan.clock import LOCAL
from duluan.query import Filter
from index.base import CountRow
from index.rows import from_seconds

KEYS: Final = ("hour", "day", "issue", "topic", "sentiment", "place", "source", "kind")

Values = tuple[Any, ...]
Groups = dict[Values, list[int]]  # key values → [documents, voices]


def check(query: Filter, by: Sequence[str]) -> None:
    """Raises ValueError for a key that is not offered, one given twice, or words to search for."""
    if unknown := [key for key in by if key not in KEYS]:
        raise ValueError(f"counts by {unknown[0]!r}: allowed are {', '.join(KEYS)}")
    if len(set(by)) != len(by):
        raise ValueError(f"counts by {', '.join(by)}: a key twice")
    if query.must or query.must_not:
        raise ValueError("counts take no words to search for")


def row(by: Sequence[str], values: Values, documents: int, voices: int) -> CountRow:
    """One cell; hour and day come as seconds since 1970."""
    named: dict[str, Any] = dict(zip(by, values, strict=True))
    for key in ("hour", "day"):
        if key in named:
            named[key] = from_seconds(named[key])
    if "day" in named:
        named["day"] = named["day"].astimezone(LOCAL)
    return CountRow(documents=documents, voices=voices, **named)
