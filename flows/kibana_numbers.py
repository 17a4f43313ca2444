"""Check 6: every chart, map layer and saved search asked twice – as the request in the saved object, on Elasticsearch, and by plain
evaluation of the typed panel over what SQLite holds of the same documents. Each control is tried too, with its commonest value.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboards.kibana import compiled
from dashboards.kibana.boards import BOARDS, SEARCHES
from dashboards.kibana.compiled import Body, Request
from dashboards.kibana.model import Board, Control, Listing, MapLayer, Panel, ProvinceMap, Search, Where, fixed_id
from dashboards.kibana.question import Answer, Number, Window, evaluate, evaluate_layer, evaluate_search
from dashboards.kibana.saved import Object
from duluan.errors import StoreError
from duluan.model import Rejected
from duluan.query import Filter
from flows.kibana_rows import ROWS, Row
from index.base import Batch, Index
from index.elastic_index import ElasticIndex

TOLERANCE = 1e-6  # relative; Elasticsearch keeps a share as a 32-bit float
_BATCH = 500

Rows = Mapping[str, list[Row]]
Ask = Callable[[Sequence[Body]], Request]
Expect = Callable[[Where], Answer]


@dataclass(frozen=True, slots=True)
class Compared:
    """One question asked of both: how many rows the plain way gives, and the first difference ('' where there is none)."""

    board: str
    panel: str
    rows: int
    problem: str


def load(oracle: Index, elastic: ElasticIndex) -> int:
    """Copy what the boards show from a store into an empty Elasticsearch; how many documents. Raises StoreError if it is not empty."""
    elastic.setup()
    if elastic.count(Filter()):
        raise StoreError(f"kho {elastic.shown} đã có dữ liệu; --load chỉ nạp vào một Elasticsearch thử, còn trống")
    documents = list(oracle.documents(Filter(), oldest_first=True))
    for start in range(0, len(documents), _BATCH):
        elastic.write(Batch(documents=documents[start : start + _BATCH]))
    refused = [Rejected(reason, str(n), source) for source, reason, count in oracle.rejections() for n in range(count)]
    elastic.write(Batch(issues=list(oracle.issues()), fetches=list(oracle.fetches()), rejected=refused))
    for alert in oracle.alerts():
        elastic.put_alerts([alert])
        for entry in oracle.alert_history(alert.id):
            if entry["state"] != "version":
                elastic.add_alert_event(alert.id, entry)
    return len(documents)


def compare(items: Sequence[Object], elastic: ElasticIndex, oracle: Index) -> Iterator[Compared]:
    """Ask every saved object of `items` on Elasticsearch and its panel over the oracle's rows. Both hold the same documents."""
    elastic.recount()
    rows: Rows = {name: list(read(oracle)) for name, read in ROWS.items()}
    until = _newest(rows)
    files = {item["id"]: item for item in items}
    for board in BOARDS:
        window = Window.of_days(board.days, until)
        for title, ask, expect in _questions(board, files, rows, window):
            yield _compared(board.title, title, elastic, ask, expect, ())
            for control in board.controls:
                if value := _commonest(control, rows):
                    yield _compared(board.title, title, elastic, ask, expect, ((control.field, value),))
    for search in SEARCHES:
        ask, expect = _search(search, files, rows, None)
        yield _compared("Tìm kiếm đã lưu", search.title, elastic, ask, expect, ())


def _newest(rows: Rows) -> datetime:
    moments = [v for held in rows.values() for row in held for v in row.values() if isinstance(v, datetime)]
    if not moments:
        raise StoreError("kho của --against trống: không có gì để so")
    return max(moments)


def _commonest(control: Control, rows: Rows) -> str | None:
    values: Counter[str] = Counter()
    for row in rows[control.view.index]:
        held = row.get(control.field)
        values.update(held if isinstance(held, (list, tuple)) else [held] if held is not None else [])
    return min(values, key=lambda value: (-values[value], value), default=None)


def _questions(
    board: Board, files: Mapping[str, Object], rows: Rows, window: Window
) -> Iterator[tuple[str, Ask, Expect]]:
    dashboard = files[fixed_id("board", board.id)]
    charts = {panel["panelIndex"]: panel for panel in json.loads(dashboard["attributes"]["panelsJSON"])}
    for panel in board.panels:
        if isinstance(panel, Panel):
            yield panel.title, *_chart(panel, charts[panel.id]["embeddableConfig"]["attributes"], files, rows, window)
        elif isinstance(panel, Listing):
            yield panel.title, *_search(panel.search, files, rows, window)
        else:
            yield from _map(panel, files, rows, window)


def _chart(panel: Panel, chart: Object, files: Mapping[str, Object], rows: Rows, window: Window) -> tuple[Ask, Expect]:
    view = files[chart["references"][0]["id"]]["attributes"]
    held = rows[panel.view.index]
    return (
        lambda picked: compiled.lens_request(chart, view, window, picked),
        lambda where: evaluate(panel, held, window, where),
    )


def _map(
    panel: ProvinceMap, files: Mapping[str, Object], rows: Rows, window: Window
) -> Iterator[tuple[str, Ask, Expect]]:
    item = files[fixed_id("map", panel.id)]
    targets = {reference["name"]: reference["id"] for reference in item["references"]}
    for layer, made in zip(panel.layers, json.loads(item["attributes"]["layerListJSON"]), strict=True):
        view = files[targets[made["joins"][0]["right"]["indexPatternRefName"]]]["attributes"]
        yield layer.title, *_layer(layer, made, view, rows, window)


def _layer(layer: MapLayer, made: Object, view: Object, rows: Rows, window: Window) -> tuple[Ask, Expect]:
    held = rows[layer.view.index]
    return (
        lambda picked: compiled.map_request(made, view, window, picked),
        lambda where: evaluate_layer(layer, held, window, where),
    )


def _search(search: Search, files: Mapping[str, Object], rows: Rows, window: Window | None) -> tuple[Ask, Expect]:
    item = files[fixed_id("search", search.id)]
    view = files[item["references"][0]["id"]]["attributes"]
    held = rows[search.view.index]
    return (
        lambda picked: compiled.search_request(item["attributes"], view, window, picked),
        lambda where: evaluate_search(search, held, window, where),
    )


def _compared(board: str, title: str, elastic: ElasticIndex, ask: Ask, expect: Expect, picked: Where) -> Compared:
    shown = title + "".join(f" [{field} = {value}]" for field, value in picked)
    expected = expect(picked)
    try:
        request = ask([compiled.term_filter(field, str(value)) for field, value in picked])
    except ValueError as error:
        return Compared(board, shown, len(expected), str(error))
    asked = compiled.answer(request, elastic.aggregate(request.index, request.body))
    return Compared(board, shown, len(expected), difference(asked, expected))


def difference(asked: Answer, expected: Answer) -> str:
    """The first difference, or ''."""
    if list(asked) != list(expected):
        odd = next((pair for pair in zip(asked, expected, strict=False) if pair[0] != pair[1]), None)
        return f"các dòng khác nhau: {len(asked)} và {len(expected)}" + (f", từ {odd[0]} và {odd[1]}" if odd else "")
    for key, values in expected.items():
        for got, wanted in zip(asked[key], values, strict=True):
            if not _same(got, wanted):
                return f"{key}: {got} ≠ {wanted}"
    return ""


def _same(one: Number, other: Number) -> bool:
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    if one is None or other is None:
        return (one or 0.0) == (other or 0.0)
    return abs(one - other) <= TOLERANCE * max(1.0, abs(other))
