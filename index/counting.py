"""What both stores' counts share: the keys offered, the checks, and the rows answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
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


def rows(by: Sequence[str], groups: Groups) -> list[CountRow]:
    """The cells in order of their keys; hour and day come as seconds since 1970."""
    last = 2 + len(by)  # where None stands
    pick = itemgetter(0, 1, *(2 + by.index(key) if key in by else last for key in KEYS))
    make = CountRow._make
    order = sorted(groups)
    times = [n for n, key in enumerate(by) if key in {"hour", "day"}]
    if not times:
        return [make(pick((*groups[values], *values, None))) for values in order]
    seen = {n: {value: _moment(by[n], value) for value in {values[n] for values in order}} for n in times}
    answer = []
    for values in order:
        shown = list(values)
        for n in times:
            shown[n] = seen[n][values[n]]
        answer.append(make(pick((*groups[values], *shown, None))))
    return answer


def _moment(key: str, value: int) -> datetime:
    moment = from_seconds(value)
    return moment.astimezone(LOCAL) if key == "day" else moment
