"""`Filter` → Elasticsearch query. Everything is a filter: nothing is ranked, and answers are cached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from duluan.query import Filter, Term
from index.rows import micros, seconds
from index.tokens import TOKEN_LIMIT

Query = dict[str, Any]

MAX_PREFIX = 50_000  # words that a prefix inside a phrase may stand for


def query_of(query: Filter) -> Query:
    """The query that `query` means, over the fields of component-documents.json."""
    needed = [_any([_term(term) for term in group]) for group in query.must]
    for field, values in (
        ("topic", query.topics),
        ("places", query.places),
        ("source", query.sources),
        ("kind", query.kinds),
        ("sentiment", query.sentiments),
        ("issue", query.issues),
        ("origin", query.origins),
        ("id", query.ids),
    ):
        if values:
            needed.append({"terms": {field: list(values)}})
    if query.in_province is not None:
        needed.append({"term": {"in_province": query.in_province}})
    if span := _span(query):
        needed.append({"range": {"at": span}})
    if not needed and not query.must_not:
        return {"match_all": {}}
    parts: Query = {"filter": needed}
    if query.must_not:
        parts["must_not"] = [_term(term) for term in query.must_not]
    return {"bool": parts}


def span_us(field: str, since: datetime | None, until: datetime | None) -> Query:
    """since ≤ `field` (microseconds since 1970) < until."""
    bounds = {name: micros(bound) for name, bound in (("gte", since), ("lt", until)) if bound is not None}
    return {"range": {field: bounds}} if bounds else {"match_all": {}}


def _span(query: Filter) -> Query:
    bounds = (("gte", query.since), ("lt", query.until))
    span: Query = {name: seconds(bound) * 1000 for name, bound in bounds if bound is not None}
    return {**span, "format": "epoch_millis"} if span else {}


def _any(parts: Sequence[Query]) -> Query:
    return parts[0] if len(parts) == 1 else {"bool": {"should": list(parts), "minimum_should_match": 1}}


def _term(term: Term) -> Query:
    tokens = [token[:TOKEN_LIMIT] for token in term.tokens]
    if term.prefix and len(tokens) == 1:
        return {"prefix": {"search": {"value": tokens[0]}}}
    if term.prefix:
        return {"match_phrase_prefix": {"search": {"query": " ".join(tokens), "max_expansions": MAX_PREFIX}}}
    if len(tokens) == 1:
        return {"term": {"search": tokens[0]}}
    return {"match_phrase": {"search": " ".join(tokens)}}
