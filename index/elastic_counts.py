"""Grouped counts from Elasticsearch; the same numbers as SQLite's.

Voices (distinct origins) are exact: a group's documents, less its reprints, plus the origins of its reprints whose original is
not in the group. Where a question covers more than MANY_REPRINTS reprints, the server's `cardinality` is used instead
(its error is below one in a thousand up to 40,000 voices a group).

Boards' questions, by time, topic, sentiment or kind, are answered as one grid (`elastic_grid`); any other question is paged by
`composite`, which reads all documents once a page.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from duluan.query import Filter
from index.base import CountRow
from index.counting import Groups, Values, check, rows, table, uncollected
from index.elastic import Cluster
from index.elastic_filter import Query, query_of
from index.elastic_grid import MANY_REPRINTS, answer, grid_of
from index.elastic_schema import BOTH

_PAGE: Final = 10_000
_TIMES: Final = frozenset({"hour", "day"})
_FIELDS: Final = {
    "issue": "issue",
    "topic": "topic",
    "sentiment": "sentiment",
    "place": "places",
    "source": "source",
    "kind": "kind",
}


@uncollected()
def counts(cluster: Cluster, query: Filter, by: Sequence[str]) -> list[CountRow]:
    """See `Index.counts`."""
    check(query, by)
    asked = query_of(query)
    if not by:
        return _whole(cluster, asked)
    if grid := grid_of(query, by):
        answered = answer(cluster, grid)
        if answered is None:
            return rows(by, _estimated(cluster, asked, by, query.places))
        (*keys, documents), voices = answered
        return table(by, keys, documents, voices)
    reprints = {"bool": {"filter": [asked, {"term": {"original": False}}]}}
    sources = [*map(_source, by), {"origin": {"terms": {"field": "origin"}}}]
    first = cluster.search(BOTH, {**_composite(reprints, sources), "track_total_hits": MANY_REPRINTS + 1})
    if int(first["hits"]["total"]["value"]) > MANY_REPRINTS:
        return rows(by, _estimated(cluster, asked, by, query.places))
    with_origin = itemgetter(*by, "origin")
    found = {with_origin(b["key"]): b["doc_count"] for b in _buckets(cluster, reprints, sources, first=first)}
    own = _originals(cluster, asked, by, sorted({origin for *_, origin in found}))
    *keys, documents = _paged(cluster, query, asked, by)
    voices = [*documents]
    _correct(keys, voices, _folded(found, own, by, query.places))
    return table(by, keys, documents, voices)


def _originals(cluster: Cluster, asked: Query, by: Sequence[str], origins: list[str]) -> set[Values]:
    """(group, origin) of those of `origins` that the question covers, times as the server writes them, in one round trip."""
    own = [
        {"bool": {"filter": [asked, {"term": {"original": True}}, {"terms": {"id": origins[start : start + _PAGE]}}]}}
        for start in range(0, len(origins), _PAGE)
    ]
    sources = [*map(_source, by), {"id": {"terms": {"field": "id"}}}]
    answers = cluster.searches([(BOTH, _composite(part, sources)) for part in own]) if own else []
    with_id = itemgetter(*by, "id")
    pages = (_buckets(cluster, part, sources, first=answer) for part, answer in zip(own, answers, strict=True))
    return {with_id(bucket["key"]) for bucket in chain.from_iterable(pages)}


def _whole(cluster: Cluster, asked: Query) -> list[CountRow]:
    aggs = {"voices": {"cardinality": {"field": "origin", "precision_threshold": 40_000}}}
    answer = cluster.search(BOTH, {"query": asked, "size": 0, "track_total_hits": True, "aggs": aggs})
    total = answer["hits"]["total"]["value"]
    return [CountRow(documents=total, voices=answer["aggregations"]["voices"]["value"])] if total else []


def _estimated(cluster: Cluster, asked: Query, by: Sequence[str], places: Sequence[str]) -> Groups:
    aggs = {"voices": {"cardinality": {"field": "origin", "precision_threshold": 40_000}}}
    found = ((_values(b["key"], by), b) for b in _buckets(cluster, asked, [*map(_source, by)], aggs))
    return {
        values: [bucket["doc_count"], bucket["voices"]["value"]]
        for values, bucket in found
        if _wanted(values, by, places)
    }


def _paged(cluster: Cluster, query: Filter, asked: Query, by: Sequence[str]) -> list[list[Any]]:
    """A column a key, then the counts, by `composite`."""
    counted = (
        (_values(bucket["key"], by), bucket["doc_count"]) for bucket in _buckets(cluster, asked, [*map(_source, by)])
    )
    groups = sorted((*values, count) for values, count in counted if _wanted(values, by, query.places))
    return [[*column] for column in zip(*groups, strict=True)] if groups else [[] for _ in (*by, "documents")]


def _correct(keys: Sequence[Sequence[Any]], voices: list[int], corrections: Mapping[Values, int]) -> None:
    """Add to the voices of each group; one that is not there came in after the groups were read."""

    def group(at: int) -> Values:
        return tuple(column[at] for column in keys)

    for values, number in corrections.items():
        at = bisect_left(range(len(voices)), values, key=group)
        if at < len(voices) and group(at) == values:
            voices[at] += number


def _folded(
    reprints: Mapping[Values, int], own: AbstractSet[Values], by: Sequence[str], places: Sequence[str]
) -> Mapping[Values, int]:
    """Group → what its voices are more than its documents: less its reprints, plus each of their origins whose original is not in it.

    `reprints`: (group, origin) → how many there are; `own`: the same of their originals. Times are as the server writes them.
    """
    corrections: Counter[Values] = Counter()
    for values, number in reprints.items():
        if more := (values not in own) - number:
            corrections[values[:-1]] += more
    named = ((_values(dict(zip(by, values, strict=True)), by), more) for values, more in corrections.items())
    return {values: more for values, more in named if _wanted(values, by, places)}


def _buckets(
    cluster: Cluster, query: Query, sources: list[Query], aggs: Query | None = None, first: Query | None = None
) -> Iterator[dict[str, Any]]:
    """All buckets, a page at a time; `first` is the answer to the first page, where it is there already."""
    found = first or cluster.search(BOTH, _composite(query, sources, aggs))
    while True:
        answer = found["aggregations"]["g"]
        yield from answer["buckets"]
        if len(answer["buckets"]) < _PAGE:
            return
        found = cluster.search(BOTH, _composite(query, sources, aggs, answer["after_key"]))


def _composite(query: Query, sources: list[Query], aggs: Query | None = None, after: Query | None = None) -> Query:
    composite = {"size": _PAGE, "sources": sources, **({"after": after} if after else {})}
    paged = {"g": {"composite": composite, "aggs": aggs or {}}}
    return {"query": query, "size": 0, "track_total_hits": False, "aggs": paged}


def _source(key: str) -> Query:
    if key == "hour":
        return {key: {"date_histogram": {"field": "at", "fixed_interval": "1h"}}}
    if key == "day":
        return {key: {"date_histogram": {"field": "at", "calendar_interval": "1d", "time_zone": "Asia/Ho_Chi_Minh"}}}
    return {key: {"terms": {"field": _FIELDS[key]}}}


def _values(key: dict[str, Any], by: Sequence[str]) -> Values:
    return tuple(key[name] // 1000 if name in _TIMES else key[name] for name in by)


def _wanted(values: Values, by: Sequence[str], places: Sequence[str]) -> bool:
    """A document in several communes comes with all of them; only those asked for are wanted."""
    return not places or "place" not in by or values[by.index("place")] in places
