"""A board's question answered the plain way: by evaluating the typed panel over the rows that a store holds.

Written apart from compiled.py, which reads the saved object: `duluan kibana check` compares every number of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboards.kibana.model import Column, DataView, MapLayer, Panel, Search, Value, Where
from duluan.clock import LOCAL

Row = Mapping[str, Any]
Number = int | float | None  # whole numbers are exact: counts, and moments in seconds
Answer = dict[tuple[Any, ...], tuple[Number, ...]]  # bucket values → metrics


@dataclass(frozen=True, slots=True)
class Window:
    """The time range of a board, both ends included."""

    since: datetime
    until: datetime

    @classmethod
    def of_days(cls, days: int, until: datetime) -> Window:
        """What Kibana makes of `now-<days>d/d` to `now`: from the start of that local day."""
        start = (until - timedelta(days=days)).astimezone(LOCAL)
        return cls(start.replace(hour=0, minute=0, second=0, microsecond=0), until)


def evaluate(panel: Panel, rows: Iterable[Row], window: Window | None, picked: Where = ()) -> Answer:
    """A chart's rows in the order shown. `picked` are the controls' values."""
    held = _held(rows, panel.view, window, (*panel.where, *(() if panel.apart else picked)))
    return dict(_evaluated(panel, panel.buckets, held, ()))


def evaluate_layer(layer: MapLayer, rows: Iterable[Row], window: Window | None, picked: Where = ()) -> Answer:
    """A map layer's measure for each commune code."""
    held = _held(rows, layer.view, window, (*layer.where, *(() if layer.apart else picked)))
    groups = _grouped(Column(id="code", label="", operation="terms", field=layer.term), held)
    return {(code,): (measure(layer.metric, groups[code]),) for code in sorted(groups)}


def evaluate_search(search: Search, rows: Iterable[Row], window: Window | None, picked: Where = ()) -> Answer:
    """How many documents a saved search lists."""
    return {(): (len(_held(rows, search.view, window, (*search.where, *picked))),)}


def measure(column: Column, rows: Iterable[Row]) -> Number:
    """One metric over records."""
    held = [row for row in rows if matches(row, column.where)]
    if column.operation == "count":
        return len(held)
    values = [row[column.field] for row in held if row.get(column.field) is not None]
    if column.operation == "unique":
        return len(set(values))
    if column.operation == "sum":
        return float(sum(values))
    if not values:
        return None
    return int(max(values).timestamp()) if column.operation == "latest" else sum(values) / len(values)


def matches(row: Row, where: Where) -> bool:
    """Whether a record has all these values."""
    return all(_fits(row.get(field), value) for field, value in where)


def _fits(held: Any, value: Value) -> bool:
    if value is None:
        return held is None
    several = held if isinstance(held, (list, tuple)) else (held,)
    return any(one in value if isinstance(value, tuple) else one == value for one in several)


def _held(rows: Iterable[Row], view: DataView, window: Window | None, where: Where) -> list[Row]:
    inside = [row for row in rows if matches(row, where)]
    if window is None or view.time is None:
        return inside
    return [row for row in inside if row.get(view.time) is not None and window.since <= row[view.time] <= window.until]


def _evaluated(
    panel: Panel, buckets: Sequence[Column], rows: list[Row], keys: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], tuple[Number, ...]]]:
    if not buckets:
        yield keys, tuple(measure(column, rows) for column in panel.metrics)
        return
    groups = _grouped(buckets[0], rows)
    for key in _ranked(buckets[0], panel, groups):
        yield from _evaluated(panel, buckets[1:], groups[key], (*keys, key))


def _grouped(column: Column, rows: Iterable[Row]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        for key in _keys(column, row):
            groups.setdefault(key, []).append(row)
    return groups


def _ranked(column: Column, panel: Panel, groups: Mapping[Any, list[Row]]) -> list[Any]:
    if column.operation == "date":
        return sorted(groups)
    ranked = next((metric for metric in panel.metrics if metric.id == column.order), None)
    if ranked is None:
        return sorted(groups)[: column.size]
    sign = 1 if column.rising else -1

    def place(key: Any) -> tuple[bool, float, Any]:
        value = measure(ranked, groups[key])
        return value is None, sign * (value or 0.0), key  # where nothing is measured comes last, whichever way is up

    return sorted(groups, key=place)[: column.size]


def _keys(column: Column, row: Row) -> list[Any]:
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
