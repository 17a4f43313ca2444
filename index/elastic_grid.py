"""Counts by time, topic, sentiment or kind from Elasticsearch as one grid: a list of numbers, a time each, for every other group.

A board's question has some 20,000 cells. As buckets they are a megabyte of JSON, whose writing, reading and parsing take longer
than the counting; a script of the server's own counts the same documents into an array for each group, a twentieth of the bytes.
Its state is bounded: MOST_TIMES numbers a group, at most MANY_REPRINTS names of reprints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duluan.query import Filter
from index.elastic import Cluster
from index.elastic_filter import Query, query_of
from index.elastic_schema import BOTH
from index.rows import seconds

MANY_REPRINTS: Final = 20_000
MOST_TIMES: Final = 5_000  # 208 days of hours
_KEYS: Final = frozenset({"topic", "sentiment", "kind"})
_WIDTH: Final = {"hour": 3600, "day": 86_400}
# Local midnight is 17:00 UTC: Vietnam has kept +07:00 without summer time since 1975.
_SHIFT: Final = {"hour": 0, "day": 7 * 3600}
_IDS: Final = 10_000  # originals looked up a question
_GROUPS: Final = 1_000  # values of a topic, sentiment or kind; there are some twenty
_SEP: Final = "\x1f"

Numbers = npt.NDArray[np.int64]  # a row a group, a column a time
Columns = list[list[Any]]  # one a key, in order of the keys, then documents


@dataclass(frozen=True, slots=True)
class Grid:
    """A question that fits: `others` are the keys less the time, `first` the first time's number, `times` how many there are."""

    query: Filter
    by: tuple[str, ...]
    time: str | None
    first: int
    times: int

    @property
    def others(self) -> tuple[str, ...]:
        """The keys less the time."""
        return tuple(key for key in self.by if key != self.time)

    def span(self, number: int) -> tuple[int, int]:
        """(width, start) of the time of this number, in seconds."""
        if not self.time:
            return 1, 0
        width = _WIDTH[self.time]
        return width, (self.first + number) * width - _SHIFT[self.time]


def grid_of(query: Filter, by: Sequence[str]) -> Grid | None:
    """The question as a grid; None where it has another key, two times, or no two dates."""
    named = [key for key in by if key in _WIDTH]
    if len(named) > 1 or not _KEYS.issuperset(set(by).difference(named)):
        return None
    if not named:
        return Grid(query, tuple(by), None, 0, 1)
    time = named[0]
    if query.since is None or query.until is None:
        return None
    width, shift = _WIDTH[time], _SHIFT[time]
    first = (seconds(query.since) + shift) // width
    times = max(1, (seconds(query.until) - 1 + shift) // width - first + 1)
    return Grid(query, tuple(by), time, first, times) if times <= MOST_TIMES else None


def answer(cluster: Cluster, grid: Grid) -> tuple[Columns, list[int]] | None:
    """(columns in order of the keys, voices of each group), exact; None where there are more than MANY_REPRINTS reprints."""
    asked = query_of(grid.query)
    reprints = {"bool": {"filter": [asked, {"term": {"original": False}}]}}
    cluster.refresh(*BOTH.split(","))
    found, counted = cluster.searches([(BOTH, _named(grid, reprints, "origin")), (BOTH, _counted(grid, asked))])
    if int(found["hits"]["total"]["value"]) > MANY_REPRINTS:
        return None
    held = Counter(_value(found))
    origins = sorted({name.rpartition(_SEP)[2] for name in held})
    own = [
        {"bool": {"filter": [asked, {"term": {"original": True}}, {"terms": {"id": origins[start : start + _IDS]}}]}}
        for start in range(0, len(origins), _IDS)
    ]
    originals = cluster.searches([(BOTH, _named(grid, part, "id")) for part in own]) if own else []
    there = {name for part in originals for name in _value(part)}
    groups = sorted(_rows(counted["aggregations"]["g"], len(grid.others)))
    documents = np.array([row for _, row in groups], dtype=np.int64).reshape(len(groups), grid.times)
    voices = documents + _corrections(held, there, [_SEP.join(key) for key, _ in groups], grid.times)
    return _cells(grid, [key for key, _ in groups], documents, voices)


def _rows(found: Query, depth: int) -> Iterator[tuple[tuple[str, ...], list[int]]]:
    """(group, documents by time) of an answer to `_counted` with so many keys besides the time."""
    if depth == 0:
        if found["value"]:  # none where no document was looked at
            yield (), found["value"]
        return
    for bucket in found["buckets"]:
        for key, row in _rows(bucket["g"], depth - 1):
            yield (bucket["key"], *key), row


def _corrections(held: Mapping[str, int], there: AbstractSet[str], names: Sequence[str], times: int) -> Numbers:
    """What a group's voices are more than its documents: less its reprints, plus each of their origins whose original is not in it."""
    more = np.zeros((len(names), times), dtype=np.int64)
    rows = {name: n for n, name in enumerate(names)}
    for word, number in held.items():
        if change := (word not in there) - number:
            at, _, rest = word.partition(_SEP)
            # A group that is not there came in between the two questions.
            if (row := rows.get(rest.rpartition(_SEP)[0])) is not None:
                more[row, int(at)] += change
    return more


def _cells(
    grid: Grid, keys: Sequence[tuple[str, ...]], documents: Numbers, voices: Numbers
) -> tuple[Columns, list[int]]:
    """The cells that are not empty, by columns in order of the keys."""
    place = grid.by.index(grid.time) if grid.time else 0
    if place == 0:
        times, rows = np.nonzero(documents.T)
    else:
        rows, times = np.nonzero(documents)
        named = [keys[row] for row in rows.tolist()]
        moments = times.tolist()
        order = sorted(range(len(named)), key=lambda n: (named[n][:place], moments[n], named[n][place:]))
        rows, times = rows[order], times[order]
    at = rows.tolist()
    columns: Columns = [[*map([key[n] for key in keys].__getitem__, at)] for n in range(len(grid.others))]
    if grid.time:
        starts = [grid.span(n)[1] for n in range(grid.times)]
        columns.insert(place, [*map(starts.__getitem__, times.tolist())])
    return [*columns, documents[rows, times].tolist()], voices[rows, times].tolist()


def _value(found: Query) -> Any:
    return found["aggregations"]["g"]["value"]


def _script(grid: Grid, **scripts: str) -> Query:
    width, start = grid.span(0)
    params = {"width": width * 1000, "start": start * 1000, "times": grid.times, "most": MANY_REPRINTS}
    named = {f"{name}_script": source for name, source in scripts.items()}
    return {"g": {"scripted_metric": {**named, "params": params}}}


def _number(grid: Grid) -> str:
    """Painless: the number of the document's time."""
    if not grid.time:
        return "int n = 0;"
    return "int n = (int) ((doc['at'].value.getMillis() - (long) params.start) / (long) params.width);"


def _parts(keys: Sequence[str]) -> Iterator[str]:
    return (f"doc['{key}'].value" for key in keys)


def _counted(grid: Grid, asked: Query) -> Query:
    """The question for the grid itself: a level of buckets for each key besides the time, in each an array of documents by time."""
    aggs = _script(
        grid,
        init="state.row = new int[(int) params.times];",
        map=f"{_number(grid)} state.row[n]++;",
        combine="return state.row;",
        reduce="""int[] sum = new int[(int) params.times];
            for (row in states) { if (row != null) { for (int n = 0; n < row.length; n++) sum[n] += row[n]; } }
            return sum;""",
    )
    for key in reversed(grid.others):
        aggs = {"g": {"terms": {"field": key, "size": _GROUPS}, "aggs": aggs}}
    return {"query": asked, "size": 0, "track_total_hits": False, "aggs": aggs}


def _named(grid: Grid, query: Query, last: str) -> Query:
    """The question for each document's time, group and field `last`, in one word."""
    word = f" + '{_SEP}' + ".join(("n", *_parts((*grid.others, last))))
    aggs = _script(
        grid,
        init="state.words = [];",
        map=f"if (state.words.size() < params.most) {{ {_number(grid)} state.words.add({word}); }}",
        combine="return state.words;",
        reduce="List all = []; for (words in states) { if (words != null) all.addAll(words); } return all;",
    )
    return {"query": query, "size": 0, "track_total_hits": MANY_REPRINTS + 1, "aggs": aggs}
