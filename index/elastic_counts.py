"""Grouped counts from Elasticsearch; the same numbers as SQLite's.

Voices (distinct origins) are exact: a group's originals, plus the origins of its reprints whose original is not in the group,
as in `sqlite_counts`. Where a question covers more than MANY_REPRINTS reprints, the server's `cardinality` is used instead
(its error is below one in a thousand up to 40,000 voices a group).

A question whose groups are few enough by its keys and dates is one nested aggregation; any other is paged by `composite`, which
reads all documents once a page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from math import inf
from typing import Any, Final

from duluan.query import Filter
from index.base import CountRow
from index.counting import Groups, Values, check, rows, uncollected
from index.elastic import Cluster
from index.elastic_filter import Query, query_of
from index.elastic_schema import BOTH

MANY_REPRINTS: Final = 20_000
_PAGE: Final = 10_000
_MAX_BUCKETS: Final = 60_000  # of one answer, parents included; the server refuses 65,536
_BREADTH: Final = {
    "topic": 16,
    "sentiment": 4,
    "kind": 16,
}  # values asked for at once; where there are more, pages are used
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
    total = cluster.search(BOTH, {"query": reprints, "size": 0, "track_total_hits": MANY_REPRINTS + 1})
    if int(total["hits"]["total"]["value"]) > MANY_REPRINTS:
        return rows(by, _estimated(cluster, asked, by, query.places))
    groups: Groups = {values: [count, count] for values, count in _originals(cluster, query, asked, by)}
    if total["hits"]["total"]["value"]:
        _add_reprints(cluster, groups, reprints, asked, by, query.places)
    return rows(by, groups)


def _whole(cluster: Cluster, asked: Query) -> list[CountRow]:
    aggs = {"voices": {"cardinality": {"field": "origin", "precision_threshold": 40_000}}}
    answer = cluster.search(BOTH, {"query": asked, "size": 0, "track_total_hits": True, "aggs": aggs})
    total = answer["hits"]["total"]["value"]
    return [CountRow(documents=total, voices=answer["aggregations"]["voices"]["value"])] if total else []


def _estimated(cluster: Cluster, asked: Query, by: Sequence[str], places: Sequence[str]) -> Groups:
    aggs = {"voices": {"cardinality": {"field": "origin", "precision_threshold": 40_000}}}
    found = ((_values(b["key"], by), b) for b in _buckets(cluster, asked, [_source(key) for key in by], aggs))
    return {
        values: [bucket["doc_count"], bucket["voices"]["value"]]
        for values, bucket in found
        if _wanted(values, by, places)
    }


def _originals(cluster: Cluster, query: Filter, asked: Query, by: Sequence[str]) -> Iterable[tuple[Values, int]]:
    """(group, number of its originals), in one answer where that is small enough."""
    originals = {"bool": {"filter": [asked, {"term": {"original": True}}]}}
    if _breadth(query, by) <= _MAX_BUCKETS:
        body = {"query": originals, "size": 0, "track_total_hits": False, "aggs": _nested(by)}
        found = _leaves(cluster.search(BOTH, body)["aggregations"], by)
        if found is not None:
            return found
    buckets = _buckets(cluster, originals, [_source(key) for key in by], {})
    counted = ((_values(bucket["key"], by), bucket["doc_count"]) for bucket in buckets)
    return ((values, count) for values, count in counted if _wanted(values, by, query.places))


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
        more = {"min_doc_count": 1} if width is None else {"size": width, "shard_size": width, "order": {"_key": "asc"}}
        aggs = {key: {kind: {**source, **more}, **({"aggs": aggs} if aggs else {})}}
    return aggs


def _leaves(answer: Query, by: Sequence[str]) -> list[tuple[Values, int]] | None:
    """(group, count) of the innermost buckets; None where a level had more values than were asked for."""
    nodes: list[tuple[Values, Query]] = [((), answer)]
    for key in by:
        if any(node[key].get("sum_other_doc_count") for _, node in nodes):
            return None
        unit = 1000 if key in {"hour", "day"} else None
        nodes = [
            ((*values, bucket["key"] // unit if unit else bucket["key"]), bucket)
            for values, node in nodes
            for bucket in node[key]["buckets"]
        ]
    return [(values, bucket["doc_count"]) for values, bucket in nodes]


def _add_reprints(
    cluster: Cluster, groups: Groups, reprints: Query, asked: Query, by: Sequence[str], places: Sequence[str]
) -> None:
    """Add the reprints: each is a document; a voice is each of their origins whose original is not in the same group."""
    found: defaultdict[str, set[Values]] = defaultdict(set)
    keys = [*(_source(key) for key in by), {"origin": {"terms": {"field": "origin"}}}]
    for bucket in _buckets(cluster, reprints, keys, {}):
        values = _values(bucket["key"], by)
        if _wanted(values, by, places):
            found[bucket["key"]["origin"]].add(values)
            groups.setdefault(values, [0, 0])[0] += bucket["doc_count"]
    for origin, values in _origin_groups(cluster, asked, by, list(found)):
        found[origin].discard(values)
    for voiced in found.values():
        for values in voiced:
            groups[values][1] += 1


def _origin_groups(
    cluster: Cluster, asked: Query, by: Sequence[str], origins: list[str]
) -> Iterator[tuple[str, Values]]:
    """(origin, group) of the originals that the question covers."""
    for start in range(0, len(origins), _PAGE):
        part = {
            "bool": {"filter": [asked, {"term": {"original": True}}, {"terms": {"id": origins[start : start + _PAGE]}}]}
        }
        keys = [*(_source(key) for key in by), {"id": {"terms": {"field": "id"}}}]
        for bucket in _buckets(cluster, part, keys, {}):
            yield bucket["key"]["id"], _values(bucket["key"], by)


def _buckets(cluster: Cluster, query: Query, sources: list[Query], aggs: Query) -> Iterator[dict[str, Any]]:
    after: Query = {}
    while True:
        composite = {"size": _PAGE, "sources": sources, **({"after": after} if after else {})}
        body = {
            "query": query,
            "size": 0,
            "track_total_hits": False,
            "aggs": {"g": {"composite": composite, "aggs": aggs}},
        }
        answer = cluster.search(BOTH, body)["aggregations"]["g"]
        yield from answer["buckets"]
        after = answer.get("after_key", {})
        if len(answer["buckets"]) < _PAGE:
            return


def _source(key: str) -> Query:
    if key == "hour":
        return {key: {"date_histogram": {"field": "at", "fixed_interval": "1h"}}}
    if key == "day":
        return {key: {"date_histogram": {"field": "at", "calendar_interval": "1d", "time_zone": "Asia/Ho_Chi_Minh"}}}
    return {key: {"terms": {"field": _FIELDS[key]}}}


def _values(key: dict[str, Any], by: Sequence[str]) -> Values:
    return tuple(key[name] // 1000 if name in {"hour", "day"} else key[name] for name in by)


def _wanted(values: Values, by: Sequence[str], places: Sequence[str]) -> bool:
    """A document in several communes comes with all of them; only those asked for are wanted."""
    return not places or "place" not in by or values[by.index("place")] in places
