"""Five checks of generated boards that need no server: schema, references, layers, grid, fields. The sixth runs each layer
on a real Elasticsearch and is in `flows/kibana.py`. Every check yields one line for each thing that is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import combinations
from typing import Any, Final

from jsonschema import Draft202012Validator

from dashboards.kibana.model import COLUMNS, Board, Column, Panel, ProvinceMap, Search, Where
from dashboards.kibana.saved import Object

Fields = Mapping[str, Mapping[str, Any]]  # index → field → mapping

_NUMBERS: Final = {"long", "integer", "float", "half_float", "double", "short"}
_AGGREGATABLE: Final = {"keyword", "date", "boolean", *_NUMBERS}


def saved_objects(items: Sequence[Object]) -> Iterator[str]:
    """Checks 1–4 on what would be imported."""
    yield from schema(items)
    yield from references(items)
    for item in items:
        if item["type"] == "dashboard":
            for panel in json.loads(item["attributes"]["panelsJSON"]):
                yield from layers(item, panel)
            yield from grid(item)


def schema(items: Iterable[Object]) -> Iterator[str]:
    """Each object has the keys that Kibana allows, and no other."""
    rules = json.loads((files("dashboards.kibana") / "schema.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(rules)
    for item in items:
        for error in validator.iter_errors(item):
            where = ".".join(str(part) for part in error.absolute_path)
            yield f"lược đồ: {_name(item)}: {where}: {error.message[:160]}"


def references(items: Sequence[Object]) -> Iterator[str]:
    """Every reference leads to an object of the file, every name used is a reference, every reference is used."""
    known = {(item["type"], item["id"]) for item in items}
    if len(known) != len(items):
        yield "tham chiếu: có hai đối tượng cùng mã"
    for item in items:
        for reference in item["references"]:
            if (reference["type"], reference["id"]) not in known:
                yield f"tham chiếu: {_name(item)}: {reference['name']} trỏ đến đối tượng không có trong tệp"
        given = {reference["name"] for reference in item["references"]}
        used = set(_used_names(item))
        for name in sorted(used - given):
            yield f"tham chiếu: {_name(item)}: thiếu tham chiếu {name}"
        for name in sorted(given - used):
            yield f"tham chiếu: {_name(item)}: tham chiếu {name} không ai dùng"


def _used_names(item: Object) -> Iterator[str]:
    attributes = item["attributes"]
    if item["type"] == "search":
        yield json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["indexRefName"]
    elif item["type"] == "map":
        for layer in json.loads(attributes["layerListJSON"]):
            yield layer["sourceDescriptor"]["indexPatternRefName"]
            yield from (join["right"]["indexPatternRefName"] for join in layer["joins"])
    elif item["type"] == "dashboard":
        for panel in json.loads(attributes["panelsJSON"]):
            if "panelRefName" in panel:
                yield f"{panel['panelIndex']}:{panel['panelRefName']}"
            for reference in panel["embeddableConfig"].get("attributes", {}).get("references", ()):
                yield f"{panel['panelIndex']}:{reference['name']}"
        for id_ in json.loads(attributes.get("controlGroupInput", {}).get("panelsJSON", "{}")):
            yield f"controlGroup_{id_}:optionsListDataView"


def layers(board: Object, panel: Object) -> Iterator[str]:
    """columnOrder = the columns, buckets first; every accessor and ranking column exists."""
    if panel["type"] != "lens":
        return
    where = f"lớp dữ liệu: {_name(board)} / {panel['title']}"
    state = panel["embeddableConfig"]["attributes"]["state"]
    for layer_id, layer in state["datasourceStates"]["formBased"]["layers"].items():
        columns = layer["columns"]
        if sorted(layer["columnOrder"]) != sorted(columns):
            yield f"{where}: columnOrder khác các cột"
            continue
        split = [columns[id_]["isBucketed"] for id_ in layer["columnOrder"]]
        if split != sorted(split, reverse=True):
            yield f"{where}: cột chia nhóm phải đứng trước cột đo"
        for id_ in _accessors(state["visualization"], layer_id):
            if id_ not in columns:
                yield f"{where}: không có cột {id_!r}"
        for column in columns.values():
            ranking = column.get("params", {}).get("orderBy", {}).get("columnId")
            if ranking is not None and (ranking not in columns or columns[ranking]["isBucketed"]):
                yield f"{where}: xếp hạng theo cột không có {ranking!r}"
        if not any(not column["isBucketed"] for column in columns.values()):
            yield f"{where}: không có cột đo nào"


def _accessors(visualization: Object, layer_id: str) -> Iterator[str]:
    for layer in visualization.get("layers", [visualization]):
        if layer["layerId"] != layer_id:
            yield f"layer {layer['layerId']}"
        yield from layer.get("accessors", ())
        yield from (column["columnId"] for column in layer.get("columns", ()))
        yield from (layer[key] for key in ("xAccessor", "splitAccessor", "metricAccessor") if key in layer)


def grid(board: Object) -> Iterator[str]:
    """Panels lie inside the 48 columns and do not overlap."""
    panels = json.loads(board["attributes"]["panelsJSON"])
    for panel in panels:
        box = panel["gridData"]
        if min(box["w"], box["h"]) < 1 or min(box["x"], box["y"]) < 0 or box["x"] + box["w"] > COLUMNS:
            yield f"lưới: {_name(board)} / {panel['title']}: nằm ngoài lưới {COLUMNS} cột"
    for one, other in combinations(panels, 2):
        if _overlap(one["gridData"], other["gridData"]):
            yield f"lưới: {_name(board)}: {one['title']!r} chồng lên {other['title']!r}"
    indices = [panel["panelIndex"] for panel in panels]
    if len(set(indices)) != len(indices):
        yield f"lưới: {_name(board)}: hai ô cùng mã"


def _overlap(one: Object, other: Object) -> bool:
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    down = one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]
    return bool(across and down)


def fields(boards: Sequence[Board], searches: Sequence[Search], known: Fields) -> Iterator[str]:
    """Check 5: every field exists in the template and can do what is asked of it."""
    for board in boards:
        for control in board.controls:
            yield from _needs(board.title, control.view.index, control.field, _AGGREGATABLE, known)
        for panel in board.panels:
            where = f"{board.title} / {panel.title}"
            if isinstance(panel, ProvinceMap):
                yield from _needs(where, panel.view.index, panel.term, {"keyword"}, known)
                yield from _needs(where, panel.shapes.index, "shape", {"geo_shape"}, known)
                yield from _needs(where, panel.shapes.index, "code", {"keyword"}, known)
            else:
                yield from _panel_fields(where, panel, known)
    for search in searches:
        for field in search.columns:
            yield from _needs(search.title, search.view.index, field, {*_AGGREGATABLE, "text"}, known)
        yield from _where_fields(search.title, search.view.index, search.where, known)


def _panel_fields(where: str, panel: Panel, known: Fields) -> Iterator[str]:
    index = panel.view.index
    if panel.view.time:
        yield from _needs(where, index, panel.view.time, {"date"}, known)
    yield from _where_fields(where, index, panel.where, known)
    for column in panel.columns:
        yield from _where_fields(where, index, column.where, known)
        if column.field:
            yield from _needs(where, index, column.field, _types(column), known)
        elif column.operation != "count":
            yield f"trường: {where}: cột {column.label!r} thiếu trường"


def _types(column: Column) -> set[str]:
    if column.operation == "date":
        return {"date"}
    return _NUMBERS if column.operation in {"sum", "average"} else _AGGREGATABLE


def _where_fields(where: str, index: str, condition: Where, known: Fields) -> Iterator[str]:
    for field, value in condition:
        yield from _needs(where, index, field, {"boolean"} if isinstance(value, bool) else {"keyword"}, known)


def _needs(where: str, index: str, field: str, types: set[str], known: Fields) -> Iterator[str]:
    mapping = known.get(index, {}).get(field)
    if mapping is None:
        yield f"trường: {where}: {index} không có trường {field!r}"
    elif mapping["type"] not in types or mapping.get("doc_values") is False:
        yield f"trường: {where}: {index}.{field} kiểu {mapping['type']} không dùng được ở đây"


def flat(properties: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    """A mapping's fields by their full names, multi-fields included: 'title.raw'."""
    found: dict[str, Any] = {}
    for name, mapping in properties.items():
        if "properties" in mapping:
            found |= flat(mapping["properties"], f"{head}{name}.")
            continue
        found[head + name] = mapping
        found |= flat(mapping.get("fields", {}), f"{head}{name}.")
    return found


def _name(item: Object) -> str:
    return str(item["attributes"].get("title", item["id"]))
