"""A saved chart, map or search as the request that Kibana would send: read from the saved object itself, so that what is checked
is what is imported. question.py answers the same question from the typed model; `duluan kibana check` compares the two.

Only what our builder writes is understood; anything else raises ValueError rather than being guessed at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dashboards.kibana.lens import LAYER, RECORDS
from dashboards.kibana.question import Answer, Number, Window

Body = dict[str, Any]
Object = Mapping[str, Any]

_ZONE: Final = "Asia/Ho_Chi_Minh"
_AGGREGATIONS: Final = {"sum": "sum", "average": "avg", "unique_count": "cardinality", "max": "max"}
_FIXED: Final = {"1h"}  # Lens sends days, weeks and months as calendar intervals
_CLAUSE: Final = re.compile(
    r"""(?P<absent>not\s+(?P<gone>[\w.]+)\s*:\s*\*)
      | (?P<field>[\w.]+)\s*:\s*(?:"(?P<text>[^"]*)" | (?P<truth>true|false) | \((?P<any>"[^"]*"(?:\s+or\s+"[^"]*")*)\))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One search: the index, the body, and how the answer's buckets become rows."""

    index: str
    body: Body
    buckets: tuple[str, ...]  # ids, outermost first
    dates: frozenset[str]  # ids whose keys or values are moments
    metrics: tuple[tuple[str, str], ...]  # (id, how to read it)


def lens_request(chart: Object, view: Object, window: Window | None, picked: Sequence[Body] = ()) -> Request:
    """What a by-value Lens chart asks of its data view. `picked` are the controls' filters. Raises ValueError."""
    state = chart["state"]
    layer = state["datasourceStates"]["formBased"]["layers"][LAYER]
    columns, order = layer["columns"], layer["columnOrder"]
    buckets = [id_ for id_ in order if columns[id_]["isBucketed"]]
    metrics = [id_ for id_ in order if not columns[id_]["isBucketed"]]
    filters = [*kuery_filters(state["query"]["query"]), *_time(view, window)]
    filters += [] if layer.get("ignoreGlobalFilters") else picked
    return Request(
        index=view["title"],
        body={"size": 0, "track_total_hits": True, "query": _all(filters), "aggs": _nested(buckets, metrics, columns)},
        buckets=tuple(buckets),
        dates=frozenset(id_ for id_ in order if columns[id_]["dataType"] == "date"),
        metrics=tuple((id_, _reading(columns[id_])) for id_ in metrics),
    )


def map_request(layer: Object, view: Object, window: Window | None, picked: Sequence[Body] = ()) -> Request:
    """What one layer's join asks: a measure for each commune code. Raises ValueError."""
    join = layer["joins"][0]["right"]
    (metric,) = join["metrics"]
    filters = [*kuery_filters(join.get("whereQuery", {}).get("query", "")), *_time(view, window)]
    filters += picked if join["applyGlobalQuery"] else []
    inner = {} if metric["type"] == "count" else {"measure": {metric["type"]: {"field": metric["field"]}}}
    terms = {"field": join["term"], "size": join["size"], "shard_size": 1000, "order": {"_key": "asc"}}
    return Request(
        index=view["title"],
        body={"size": 0, "query": _all(filters), "aggs": {"code": {"terms": terms, "aggs": inner}}},
        buckets=("code",),
        dates=frozenset(),
        metrics=(("measure", "value" if inner else "documents"),),
    )


def search_request(search: Object, view: Object, window: Window | None, picked: Sequence[Body] = ()) -> Request:
    """How many documents a saved search lists, and that its columns and order can be asked for. Raises ValueError."""
    source = json.loads(search["kibanaSavedObjectMeta"]["searchSourceJSON"])
    filters = [*kuery_filters(source["query"]["query"]), *_time(view, window), *picked]
    body = {
        "size": 1,
        "track_total_hits": True,
        "query": _all(filters),
        "sort": [{field: direction} for field, direction in search["sort"]],
        "fields": list(search["columns"]),
    }
    return Request(view["title"], body, (), frozenset(), (("count", "documents"),))


def answer(request: Request, response: Object) -> Answer:
    """Elasticsearch's response as rows."""
    total = response["hits"].get("total", {}).get("value")
    return dict(_rows(request, request.buckets, {**response.get("aggregations", {}), "doc_count": total}, ()))


def term_filter(field: str, value: str) -> Body:
    """What a control adds to the requests of a board."""
    return {"term": {field: value}}


def kuery_filters(query: str) -> list[Body]:
    """The query text as filters: the part of Kibana's query language that the builder writes. Raises ValueError."""
    found: list[Body] = []
    rest = query.strip()
    while rest:
        match = _CLAUSE.match(rest)
        if match is None:
            raise ValueError(f"không hiểu điều kiện {rest[:60]!r}")
        found.append(_clause(match))
        rest = rest[match.end() :].strip()
        if rest and not rest.startswith("and "):
            raise ValueError(f"không hiểu điều kiện {rest[:60]!r}")
        rest = rest.removeprefix("and ").strip()
    return found


def _clause(match: re.Match[str]) -> Body:
    if match["absent"]:
        return {"bool": {"must_not": {"exists": {"field": match["gone"]}}}}
    if match["any"]:
        return {"terms": {match["field"]: re.findall(r'"([^"]*)"', match["any"])}}
    value = match["truth"] == "true" if match["truth"] else match["text"]
    return {"term": {match["field"]: value}}


def _time(view: Object, window: Window | None) -> list[Body]:
    """The board's time range, on the data view's time field."""
    field = view.get("timeFieldName")
    if field is None or window is None:
        return []
    bounds = {"gte": _milliseconds(window.since), "lte": _milliseconds(window.until), "format": "epoch_millis"}
    return [{"range": {field: bounds}}]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _all(filters: Sequence[Body]) -> Body:
    return {"bool": {"filter": list(filters)}} if filters else {"match_all": {}}


def _nested(buckets: Sequence[str], metrics: Sequence[str], columns: Mapping[str, Any]) -> Body:
    if not buckets:
        return {id_: body for id_ in metrics if (body := _metric(columns[id_])) is not None}
    first, inner = buckets[0], _nested(buckets[1:], metrics, columns)
    ranked = columns[first].get("params", {}).get("orderBy", {}).get("columnId")
    if ranked and len(buckets) > 1 and (body := _metric(columns[ranked])) is not None:
        inner = {**inner, ranked: body}
    return {first: {**_bucket(columns[first], columns), "aggs": inner}}


def _bucket(column: Object, columns: Mapping[str, Any]) -> Body:
    params = column["params"]
    if column["operationType"] == "date_histogram":
        unit = "fixed_interval" if params["interval"] in _FIXED else "calendar_interval"
        histogram = {
            unit: params["interval"],
            "time_zone": _ZONE,
            "min_doc_count": 0 if params["includeEmptyRows"] else 1,
        }
        return {"date_histogram": {"field": column["sourceField"], **histogram}}
    if column["operationType"] != "terms":
        raise ValueError(f"không biết cách chia nhóm {column['operationType']!r}")
    size = params["size"]
    accurate = {"shard_size": int(max(1000, size * 1.5 + 10))} if params["accuracyMode"] else {}
    order = [{_ranking(params["orderBy"], columns): params["orderDirection"]}, {"_key": "asc"}]
    return {"terms": {"field": column["sourceField"], "size": size, "order": order, **accurate}}


def _ranking(order: Object, columns: Mapping[str, Any]) -> str:
    if order["type"] != "column":
        return "_key"
    ranked = columns[order["columnId"]]
    if _metric(ranked) is None:
        return "_count"
    inside = ">value" if "filter" in ranked and ranked["operationType"] != "count" else ""
    return f"{order['columnId']}{inside}"


def _metric(column: Object) -> Body | None:
    """None for a plain count, which every bucket has of itself."""
    filters = kuery_filters(column["filter"]["query"]) if "filter" in column else []
    if column["operationType"] == "count":
        if column["sourceField"] != RECORDS:
            raise ValueError(f"đếm theo trường {column['sourceField']!r} thì không dùng")
        return {"filter": _all(filters)} if filters else None
    name = _AGGREGATIONS.get(column["operationType"])
    if name is None:
        raise ValueError(f"không biết phép đo {column['operationType']!r}")
    inner: Body = {name: {"field": column["sourceField"]}}
    return {"filter": _all(filters), "aggs": {"value": inner}} if filters else inner


def _reading(column: Object) -> str:
    filtered = "filter" in column
    if column["operationType"] == "count":
        return "filtered documents" if filtered else "documents"
    return "filtered value" if filtered else "value"


def _rows(
    request: Request, buckets: Sequence[str], found: Object, keys: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], tuple[Number, ...]]]:
    if not buckets:
        yield keys, tuple(_value(id_, how, found, request.dates) for id_, how in request.metrics)
        return
    for bucket in found[buckets[0]]["buckets"]:
        key = bucket["key"] // 1000 if buckets[0] in request.dates else bucket["key"]
        yield from _rows(request, buckets[1:], bucket, (*keys, key))


def _value(id_: str, how: str, found: Object, dates: frozenset[str]) -> Number:
    if how == "documents":
        return int(found["doc_count"])
    if how == "filtered documents":
        return int(found[id_]["doc_count"])
    inner = found[id_]["value"]
    value = inner["value"] if how == "filtered value" else inner
    if value is None:
        return None
    return int(value // 1000) if id_ in dates else float(value)
