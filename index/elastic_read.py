"""Reading documents from Elasticsearch: hits ⇄ documents, pages, streams, voices; the same order as SQLite's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from duluan.errors import InputError
from duluan.model import Clustered, Voice
from duluan.query import Filter
from index.base import Hit, Page
from index.elastic import Cluster
from index.elastic_filter import query_of
from index.elastic_schema import BOTH
from index.excerpts import hit_excerpt
from index.rows import document_from, from_micros

NEWEST = ({"at": "desc"}, {"id": "asc"})
OLDEST = ({"at": "asc"}, {"id": "asc"})
HIDDEN = {"excludes": ["search"]}
_MARK = re.compile(r"(-?\d+)\.(.+)", re.DOTALL)
_VOICE = [
    "id",
    "origin",
    "issue",
    "source",
    "kind",
    "topic",
    "sentiment",
    "p_neg",
    "uncertain",
    "version",
    "published_us",
    "places",
    "in_province",
]
_IDS = 5000

Source = dict[str, Any]


def document_of(source: Source) -> Clustered:
    """A stored document."""
    return document_from(
        source["body"],
        id=source["id"],
        url=source["url"],
        source=source["source"],
        kind=source["kind"],
        title=source["title"],
        text=source["text"],
        topic=source["topic"],
        sentiment=source["sentiment"],
        uncertain=source["uncertain"],
        in_province=source["in_province"],
        origin=source["origin"],
        issue=source["issue"],
    )


def search(cluster: Cluster, query: Filter, limit: int, after: str | None) -> Page:
    """One page."""
    body: Source = {
        "query": query_of(query),
        "sort": list(NEWEST),
        "size": limit + 1,
        "track_total_hits": True,
        "_source": HIDDEN,
    }
    if after is not None:
        body["search_after"] = _mark(after)
    answer = cluster.search(BOTH, body)["hits"]
    found = answer["hits"][:limit]
    documents = [document_of(hit["_source"]) for hit in found]
    more = len(answer["hits"]) > limit and found
    return Page(
        hits=tuple(Hit(document=d, excerpt=hit_excerpt(d.title, d.text, query)) for d in documents),
        total=answer["total"]["value"],
        after="{}.{}".format(*found[-1]["sort"]) if more else None,
    )


def count(cluster: Cluster, query: Filter) -> int:
    """Number of matches."""
    body = {"query": query_of(query), "size": 0, "track_total_hits": True}
    return int(cluster.search(BOTH, body)["hits"]["total"]["value"])


def stream(cluster: Cluster, query: Filter, *, oldest_first: bool) -> Iterator[Clustered]:
    """All matches from one point in time."""
    sort = OLDEST if oldest_first else NEWEST
    hits = cluster.stream(BOTH, query_of(query), sort, _source=HIDDEN)
    return (document_of(hit["_source"]) for hit in hits)


def ingested(cluster: Cluster, after: int, below: int | None, size: int = 500) -> list[tuple[int, Clustered]]:
    """The next documents behind sequence number `after`, none from `below` on."""
    span = {"gt": after} if below is None else {"gt": after, "lt": below}
    body = {"query": {"range": {"seq": span}}, "sort": [{"seq": "asc"}], "size": size, "_source": HIDDEN}
    hits = cluster.search(BOTH, body)["hits"]["hits"]
    return [(int(hit["_source"]["seq"]), document_of(hit["_source"])) for hit in hits]


def first_issues(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """(document, issue that it was first written under), where it is another now or was meanwhile."""
    fields = ["id", "first_issue"]
    hits = cluster.stream(BOTH, {"exists": {"field": "first_issue"}}, [{"id": "asc"}], _source=fields)
    return ((hit["_source"]["id"], hit["_source"]["first_issue"]) for hit in hits)


def voices(cluster: Cluster, since: int | None, until: int | None) -> Iterator[Voice]:
    """Voices with since ≤ fetched < until (microseconds), by (fetched, id); no text is read."""
    bounds = (("gte", since), ("lt", until))
    query = {"range": {"version": {name: bound for name, bound in bounds if bound is not None}}}
    sort = ({"version": "asc"}, {"id": "asc"})
    return (_voice(hit["_source"]) for hit in cluster.stream(BOTH, query, sort, _source=_VOICE))


def by_ids(cluster: Cluster, ids: Iterable[str], fields: list[str]) -> Iterator[dict[str, Any]]:
    """Hits with the given source fields, refreshed."""
    asked = list(ids)
    for start in range(0, len(asked), _IDS):
        part = asked[start : start + _IDS]
        body = {"query": {"ids": {"values": part}}, "size": len(part), "_source": fields}
        yield from cluster.search(BOTH, body)["hits"]["hits"]


def _voice(source: Source) -> Voice:
    published = source.get("published_us")
    return Voice(
        id=source["id"],
        origin=source["origin"],
        issue=source["issue"],
        source=source["source"],
        kind=source["kind"],
        topic=source["topic"],
        sentiment=source["sentiment"],
        p_neg=source["p_neg"],
        uncertain=source["uncertain"],
        fetched=from_micros(source["version"]),
        published=None if published is None else from_micros(published),
        places=tuple(source["places"]),
        in_province=source["in_province"],
    )


def _mark(after: str) -> list[Any]:
    if match := _MARK.fullmatch(after):
        return [int(match[1]), match[2]]
    raise InputError(f"dấu trang {after[:40]!r} không hợp lệ; hãy tìm lại từ trang đầu")
