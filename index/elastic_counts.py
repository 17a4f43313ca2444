"""Grouped counts from Elasticsearch; the same numbers as SQLite's.

Voices (distinct origins) are exact: a group's documents, less its reprints, plus the origins of its reprints whose original is
not in the group. Where a question covers more than MANY_REPRINTS reprints, the server's `cardinality` is used instead
(its error is below one in a thousand up to 40,000 voices a group).

A question whose groups are few enough by its keys and dates is one nested aggregation, a leading hour or day innermost: so its
many values lie in a few long lists, which the server makes and writes in a fraction of the time. Any other question is paged by
`composite`, which reads all documents once a page.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from itertools import chain, repeat
from math import inf
from operator import itemgetter
from typing import Any, Final

from duluan.query import Filter
from index.base import CountRow
from index.counting import Groups, Values, check, rows, table, uncollected
from index.elastic import Cluster
from index.elastic_filter import Query, query_of
from index.elastic_schema import BOTH

MANY_REPRINTS: Final = 20_000
_PAGE: Final = 10_000
_MAX_BUCKETS: Final = 60_000  # of one answer, parents included; the server refuses 65,536
# Values asked for at once; where there are more, pages are used.
_BREADTH: Final = {"topic": 16, "sentiment": 4, "kind": 16}
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
    reprints = {"bool": {"filter": [asked, {"term": {"original": False}}]}}
    sources = [*map(_source, by), {"origin": {"terms": {"field": "origin"}}}]
    first = cluster.search(BOTH, {**_composite(reprints, sources), "track_total_hits": MANY_REPRINTS + 1})
    if int(first["hits"]["total"]["value"]) > MANY_REPRINTS:
        return rows(by, _estimated(cluster, asked, by, query.places))
    with_origin = itemgetter(*by, "origin")
    found = {with_origin(b["key"]): b["doc_count"] for b in _buckets(cluster, reprints, sources, first=first)}
    columns, own = _answered(cluster, query, by, sorted({origin for *_, origin in found}))
    *keys, documents = columns if columns is not None else _paged(cluster, query, asked, by)
    voices = [*documents]
    _correct(keys, voices, _folded(found, own, by, query.places))
    return table(by, keys, documents, voices)


def _answered(
    cluster: Cluster, query: Filter, by: Sequence[str], origins: list[str]
) -> tuple[list[list[Any]] | None, set[Values]]:
    """(columns of the groups where one nested aggregation holds them; (group, origin) of those of `origins` that the question
    covers, times as the server writes them), in one round trip."""
    asked, order = query_of(query), _order(by)
    own = [
        {"bool": {"filter": [asked, {"term": {"original": True}}, {"terms": {"id": origins[start : start + _PAGE]}}]}}
        for start in range(0, len(origins), _PAGE)
    ]
    sources = [*map(_source, by), {"id": {"terms": {"field": "id"}}}]
    questions = [_composite(part, sources) for part in own]
    if nested := _breadth(query, order) <= _MAX_BUCKETS:
        questions.append({"query": asked, "size": 0, "track_total_hits": False, "aggs": _nested(order)})
    answers = cluster.searches([(BOTH, question) for question in questions]) if questions else []
    columns = _columns(answers.pop()["aggregations"], by) if nested else None
    with_id = itemgetter(*by, "id")
    pages = (_buckets(cluster, part, sources, first=answer) for part, answer in zip(own, answers, strict=True))
    return columns, {with_id(bucket["key"]) for bucket in chain.from_iterable(pages)}


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


def _breadth(query: Filter, by: Sequence[str]) -> float:
    """The most buckets that a nested aggregation of these keys can have, parents included."""
    hours = (query.until - query.since) / timedelta(hours=1) + 1 if query.since and query.until else inf
    widths = {**_BREADTH, "hour": hours, "day": hours / 24 + 1}
    buckets = 0.0
    for key in reversed(by):
        buckets = widths.get(key, inf) * (1 + buckets)
    return buckets


def _nested(by: Sequence[str]) -> Query:
    """One level a key, each in order of its key."""
    aggs: Query = {}
    for key in reversed(by):
        ((kind, source),) = _source(key)[key].items()
        width = _BREADTH.get(key)
        # A day of the week: the shortest form in which a bucket's time can be written beside its number.
        more = (
            {"min_doc_count": 1, "format": "e"}
            if width is None
            else {"size": width, "shard_size": width, "order": {"_key": "asc"}}
        )
        aggs = {key: {kind: {**source, **more}, **({"aggs": aggs} if aggs else {})}}
    return aggs


def _order(by: Sequence[str]) -> list[str]:
    """The order of nesting: a leading time last."""
    return [*by[1:], by[0]] if by[0] in _TIMES else list(by)


def _columns(answer: Query, by: Sequence[str]) -> list[list[Any]] | None:
    """The innermost buckets in order of `by`: a column a key, then the counts. None where a level had more values than asked for."""
    nodes: list[tuple[Values, Query]] = [((), answer)]
    *outer, inner = _order(by)
    for key in outer:
        if any(node[key].get("sum_other_doc_count") for _, node in nodes):
            return None
        unit = 1000 if key in _TIMES else None
        nodes = [
            ((*values, bucket["key"] // unit if unit else bucket["key"]), bucket)
            for values, node in nodes
            for bucket in node[key]["buckets"]
        ]
    if any(node[inner].get("sum_other_doc_count") for _, node in nodes):
        return None
    lists = [node[inner]["buckets"] for _, node in nodes]
    last = [bucket["key"] for buckets in lists for bucket in buckets]
    counts = [bucket["doc_count"] for buckets in lists for bucket in buckets]
    upper = [
        [*chain.from_iterable(repeat(values[n], len(held)) for (values, _), held in zip(nodes, lists, strict=True))]
        for n in range(len(outer))
    ]
    if inner not in _TIMES:
        return [*upper, last, counts]
    last = [value // 1000 for value in last]
    if inner != by[0]:
        return [*upper, last, counts]
    sequence = sorted(range(len(last)), key=last.__getitem__)  # stable: within one time the other keys stay in order
    return [[*map(column.__getitem__, sequence)] for column in (last, *upper, counts)]


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
