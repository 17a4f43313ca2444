"""Grouped counts from Elasticsearch, by composite aggregation; the same numbers as SQLite's.

Voices (distinct origins) are exact: a group's originals, plus the origins of its reprints whose original is not in the group,
as in `sqlite_counts`. Where a question covers more than MANY_REPRINTS reprints, the server's `cardinality` is used instead
(its error is below one in a thousand up to 40,000 voices a group).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from duluan.query import Filter
from index.base import CountRow
from index.counting import Groups, Values, check, rows
from index.elastic import Cluster
from index.elastic_filter import Query, query_of
from index.elastic_schema import BOTH

MANY_REPRINTS: Final = 5000
_PAGE: Final = 10_000
_FIELDS: Final = {
    "issue": "issue",
    "topic": "topic",
    "sentiment": "sentiment",
    "place": "places",
    "source": "source",
    "kind": "kind",
}


def counts(cluster: Cluster, query: Filter, by: Sequence[str]) -> list[CountRow]:
    """See `Index.counts`."""
    check(query, by)
    asked = query_of(query)
    if not by:
        return _whole(cluster, asked)
    reprints = {"bool": {"filter": [asked, {"term": {"original": False}}]}}
    total = cluster.search(BOTH, {"query": reprints, "size": 0, "track_total_hits": MANY_REPRINTS + 1})
    many = int(total["hits"]["total"]["value"]) > MANY_REPRINTS
    groups = _groups(cluster, asked, by, query.places, exact=not many)
    if not many:
        for values, voices in _foreign(cluster, reprints, asked, by, query.places).items():
            groups[values][1] += voices
    return rows(by, groups)


def _whole(cluster: Cluster, asked: Query) -> list[CountRow]:
    aggs = {"voices": {"cardinality": {"field": "origin", "precision_threshold": 40_000}}}
    answer = cluster.search(BOTH, {"query": asked, "size": 0, "track_total_hits": True, "aggs": aggs})
    total = answer["hits"]["total"]["value"]
    return [CountRow(documents=total, voices=answer["aggregations"]["voices"]["value"])] if total else []


def _groups(cluster: Cluster, asked: Query, by: Sequence[str], places: Sequence[str], *, exact: bool) -> Groups:
    if exact:
        aggs: Query = {"voices": {"filter": {"term": {"original": True}}}}
        value = "doc_count"
    else:
        aggs = {"voices": {"cardinality": {"field": "origin", "precision_threshold": 40_000}}}
        value = "value"
    groups: Groups = {}
    for bucket in _buckets(cluster, asked, [_source(key) for key in by], aggs):
        values = _values(bucket["key"], by)
        if _wanted(values, by, places):
            groups[values] = [bucket["doc_count"], bucket["voices"][value]]
    return groups


def _foreign(
    cluster: Cluster, reprints: Query, asked: Query, by: Sequence[str], places: Sequence[str]
) -> dict[Values, int]:
    """Group → distinct origins of its reprints whose original is not in it."""
    found: defaultdict[str, set[Values]] = defaultdict(set)
    keys = [*(_source(key) for key in by), {"origin": {"terms": {"field": "origin"}}}]
    for bucket in _buckets(cluster, reprints, keys, {}):
        values = _values(bucket["key"], by)
        if _wanted(values, by, places):
            found[bucket["key"]["origin"]].add(values)
    for origin, values in _origin_groups(cluster, asked, by, list(found)):
        found[origin].discard(values)
    voices: defaultdict[Values, int] = defaultdict(int)
    for groups in found.values():
        for values in groups:
            voices[values] += 1
    return voices


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
