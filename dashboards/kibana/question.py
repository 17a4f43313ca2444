"""A panel as the question that it asks: the aggregation Lens would send, and the same by plain evaluation over rows.

The two are written apart, so that one checks the other: `duluan kibana check` runs the first on Elasticsearch and the second
over what SQLite holds, and compares every number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from dashboards.kibana.model import Column, Panel, ProvinceMap, Where
from duluan.clock import LOCAL

Body = dict[str, Any]
Answer = dict[tuple[Any, ...], tuple[float | None, ...]]  # bucket values → metrics

_ZONE: Final = "Asia/Ho_Chi_Minh"


def aggregation(panel: Panel) -> Body:
    """The search body of a panel: buckets nested in column order, metrics inside the last."""
    return {"size": 0, "track_total_hits": True, "query": _query(panel.where), "aggs": _nested(panel.buckets, panel)}


def answer(panel: Panel, response: Mapping[str, Any]) -> Answer:
    """Elasticsearch's response as rows."""
    total = response["hits"]["total"]["value"]
    return dict(_rows(panel, panel.buckets, {**response.get("aggregations", {}), "doc_count": total}, ()))


def evaluate(panel: Panel, rows: Iterable[Mapping[str, Any]]) -> Answer:
    """The plain way: the same rows from a list of records."""
    held = [row for row in rows if _matches(row, panel.where)]
    return dict(_evaluated(panel, panel.buckets, held, ()))


def map_aggregation(panel: ProvinceMap) -> Body:
    """What the map's join asks: documents by commune code."""
    return {"size": 0, "aggs": {"join": {"terms": {"field": panel.term, "size": 200}}}}


def _nested(buckets: Sequence[Column], panel: Panel) -> Body:
    if not buckets:
        return {column.id: body for column in panel.metrics if (body := _metric(column))}
    first = buckets[0]
    return {
        first.id: {**_bucket(first, panel), "aggs": {**_nested(buckets[1:], panel), **_ranking(first, buckets, panel)}}
    }


def _ranking(column: Column, buckets: Sequence[Column], panel: Panel) -> Body:
    """The metric that ranks a `terms` column, where a further bucket stands between."""
    ranked = next((metric for metric in panel.metrics if metric.id == column.order), None)
    body = _metric(ranked) if ranked else None
    return {column.order: body} if body and len(buckets) > 1 else {}


def _bucket(column: Column, panel: Panel) -> Body:
    if column.operation == "date":
        unit = {"1h": "fixed_interval"}.get(column.interval, "calendar_interval")
        return {
            "date_histogram": {"field": column.field, unit: column.interval, "time_zone": _ZONE, "min_doc_count": 1}
        }
    ranked = next((metric for metric in panel.metrics if metric.id == column.order), None)
    order: Any = {"_key": "asc"}
    if ranked is not None:
        path = "_count" if _metric(ranked) is None else ranked.id
        order = [{path: "desc"}, {"_key": "asc"}]
    return {"terms": {"field": column.field, "size": column.size, "order": order}}


def _metric(column: Column) -> Body | None:
    """None for a plain count, which every bucket has of itself."""
    if column.operation == "count":
        return {"filter": _query(column.where)} if column.where else None
    names = {"sum": "sum", "average": "avg", "unique": "cardinality"}
    inner: Body = {names[column.operation]: {"field": column.field}}
    if column.operation == "unique":
        inner["cardinality"]["precision_threshold"] = 3000  # as Lens with "higher accuracy"
    return {"filter": _query(column.where), "aggs": {"value": inner}} if column.where else inner


def _query(where: Where) -> Body:
    return {"bool": {"filter": [{"term": {field: value}} for field, value in where]}} if where else {"match_all": {}}


def _rows(
    panel: Panel, buckets: Sequence[Column], found: Mapping[str, Any], keys: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], tuple[float | None, ...]]]:
    if not buckets:
        yield keys, tuple(_value(column, found) for column in panel.metrics)
        return
    for bucket in found[buckets[0].id]["buckets"]:
        key = bucket["key"] // 1000 if buckets[0].operation == "date" else bucket["key"]
        yield from _rows(panel, buckets[1:], bucket, (*keys, key))


def _value(column: Column, found: Mapping[str, Any]) -> float | None:
    if column.operation == "count":
        return float(found[column.id]["doc_count"] if column.where else found["doc_count"])
    inner = found[column.id]["value"]
    value = inner["value"] if column.where else inner
    return None if value is None else float(value)


def _evaluated(
    panel: Panel, buckets: Sequence[Column], rows: list[Mapping[str, Any]], keys: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], tuple[float | None, ...]]]:
    if not buckets:
        yield keys, tuple(measure(column, rows) for column in panel.metrics)
        return
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        for key in _keys(buckets[0], row):
            groups.setdefault(key, []).append(row)
    for key in _ranked(buckets[0], panel, groups):
        yield from _evaluated(panel, buckets[1:], groups[key], (*keys, key))


def _ranked(column: Column, panel: Panel, groups: Mapping[Any, list[Mapping[str, Any]]]) -> list[Any]:
    if column.operation == "date":
        return sorted(groups)
    ranked = next((metric for metric in panel.metrics if metric.id == column.order), None)
    if ranked is None:
        return sorted(groups)[: column.size]
    return sorted(groups, key=lambda key: (-(measure(ranked, groups[key]) or 0.0), key))[: column.size]


def _keys(column: Column, row: Mapping[str, Any]) -> list[Any]:
    value = row.get(column.field.removesuffix(".raw"))
    if value is None:
        return []
    if column.operation == "date":
        return [int(_start(value, column.interval).timestamp())]
    return list(dict.fromkeys(value)) if isinstance(value, (list, tuple)) else [value]


def _start(moment: datetime, interval: str) -> datetime:
    """The local hour, day, week (from Monday) or month that a moment falls into."""
    at = moment.astimezone(LOCAL).replace(minute=0, second=0, microsecond=0)
    if interval == "1h":
        return at
    day = at.replace(hour=0)
    if interval == "1w":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "1M" else day


def measure(column: Column, rows: Iterable[Mapping[str, Any]]) -> float | None:
    """One metric over records."""
    held = [row for row in rows if _matches(row, column.where)]
    if column.operation == "count":
        return float(len(held))
    values = [row[column.field] for row in held if row.get(column.field) is not None]
    if column.operation == "unique":
        return float(len(set(values)))
    if column.operation == "sum":
        return float(sum(values))
    return sum(values) / len(values) if values else None


def _matches(row: Mapping[str, Any], where: Where) -> bool:
    return all(row.get(field) == value for field, value in where)
