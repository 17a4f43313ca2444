"""What both stores' counts share: the keys offered, the checks, and the rows answered."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import repeat
from typing import Any, Final

from duluan.clock import LOCAL
from duluan.query import Filter
from index.base import CountRow
from index.rows import from_seconds

KEYS: Final = ("hour", "day", "issue", "topic", "sentiment", "place", "source", "kind")

Values = tuple[Any, ...]
Groups = dict[Values, list[int]]  # key values → [documents, voices]


@contextmanager
def uncollected() -> Iterator[None]:
    """Python's collector of cycles pauses: a large answer is made of many objects and no cycle, and the collector, called by
    their number, would walk all of them again and again (more than half of the time of 26,000 cells)."""
    ran = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if ran:
            gc.enable()


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
    order = sorted(groups)
    keys = [[values[n] for values in order] for n in range(len(by))]
    return table(by, keys, [groups[values][0] for values in order], [groups[values][1] for values in order])


def table(
    by: Sequence[str], keys: Sequence[Sequence[Any]], documents: Sequence[int], voices: Sequence[int]
) -> list[CountRow]:
    """Columns, already in order, as cells. No Python code runs per cell: that is most of the time of a large answer."""
    shown = {key: _moments(key, column) if key in _TIMES else column for key, column in zip(by, keys, strict=True)}
    columns = (shown.get(key) or repeat(None) for key in KEYS)
    return list(map(_CELL, zip(documents, voices, *columns, strict=False)))  # repeat has no end


def add_foreign(keys: Sequence[Sequence[Any]], voices: list[int], foreign: Mapping[Values, int]) -> None:
    """Add the voices of reprints to their groups: both are in order of the keys, so one walk along the columns finds them.

    Raises ValueError for a group that is not there.
    """
    at = 0
    for group in sorted(foreign):
        for column, value in zip(keys, group, strict=True):
            at = column.index(value, at)
        voices[at] += foreign[group]


_TIMES: Final = frozenset({"hour", "day"})
_CELL: Final[Callable[[Values], CountRow]] = partial(tuple.__new__, CountRow)


def _moments(key: str, column: Sequence[int]) -> list[datetime]:
    known = {value: _moment(key, value) for value in set(column)}
    return [*map(known.__getitem__, column)]


def _moment(key: str, value: int) -> datetime:
    moment = from_seconds(value)
    return moment.astimezone(LOCAL) if key == "day" else moment
