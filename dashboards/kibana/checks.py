"""Checks 1–4 of generated boards, on what would be imported: schema, references, layers, grid. The fifth is in fields.py, the
sixth runs each layer on a real Elasticsearch and is in `flows/kibana_numbers.py`. Each yields one line for each thing that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from itertools import combinations
from typing import Any, Final

from jsonschema import Draft202012Validator

from dashboards.kibana.model import COLUMNS
from dashboards.kibana.saved import Object

_TEXTS: Final = (
    ("optionsJSON", "options"),
    ("panelsJSON", "panels"),
    ("layerListJSON", "layers"),
    ("fieldFormatMap", "formats"),
)


def saved_objects(items: Sequence[Object]) -> Iterator[str]:
    """Checks 1–4 on what would be imported; where the first finds something, the others could not read it and wait."""
    wrong = list(schema(items))
    yield from wrong
    if wrong:
        return
    yield from references(items)
    for item in items:
        if item["type"] == "map":
            yield from map_layers(item)
        if item["type"] == "dashboard":
            for panel in json.loads(item["attributes"]["panelsJSON"]):
                yield from layers(item, panel)
            yield from grid(item)


def schema(items: Iterable[Object]) -> Iterator[str]:
    """Each object has the keys that Kibana allows, and no other – and so has what lies in its texts of JSON."""
    outer, parts = _rules("schema.json"), _rules("schema_parts.json")
    for item in items:
        wrong = list(_broken(item, outer, item, ""))
        yield from wrong
        for place, kind, part in () if wrong else _parts(item):
            yield from _broken(item, {"$ref": f"#/$defs/{kind}", "$defs": parts["$defs"]}, part, f"{place}.")


def _rules(name: str) -> Object:
    rules: Object = json.loads((files("dashboards.kibana") / name).read_text(encoding="utf-8"))
    return rules


def _broken(item: Object, rules: Object, value: Any, head: str) -> Iterator[str]:
    for error in Draft202012Validator(rules).iter_errors(value):
        where = head + ".".join(str(part) for part in error.absolute_path)
        yield f"lược đồ: {_name(item)}: {where}: {error.message[:160]}"


def _parts(item: Object) -> Iterator[tuple[str, str, Any]]:
    """(place, its rules, value) of an object's texts of JSON."""
    attributes = item["attributes"]
    for place, kind in _TEXTS:
        if place in attributes:
            yield place, kind, json.loads(attributes[place])
    if "controlGroupInput" in attributes:
        yield "controlGroupInput", "controls", json.loads(attributes["controlGroupInput"]["panelsJSON"])


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
        shown = list(_accessors(state["visualization"], layer_id))
        for id_ in shown:
            if id_ not in columns:
                yield f"{where}: không có cột {id_!r}"
        yield from (f"{where}: cột {id_!r} không hiện ở đâu" for id_ in columns if id_ not in shown)
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


def map_layers(item: Object) -> Iterator[str]:
    """Only our own polygons, each coloured by the measure that it is joined to."""
    for layer in json.loads(item["attributes"]["layerListJSON"]):
        where = f"lớp dữ liệu: {_name(item)} / {layer['label']}"
        if layer["sourceDescriptor"]["type"] != "ES_SEARCH":
            yield f"{where}: nguồn {layer['sourceDescriptor']['type']} lấy dữ liệu từ bên ngoài"
        fill = layer["style"]["properties"]["fillColor"]["options"]["field"]["name"]
        joined = [_joined(join["right"]) for join in layer["joins"]]
        if joined != [fill]:
            yield f"{where}: tô màu theo {fill!r}, nhưng phép đo là {joined}"


def _joined(join: Object) -> str:
    """Kibana Maps' own name of a joined measure."""
    (metric,) = join["metrics"]
    measure = metric["type"] if metric["type"] == "count" else f"{metric['type']}_of_{metric['field']}"
    return f"__kbnjoin__{measure}__{join['id']}"


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


def _name(item: Object) -> str:
    return str(item["attributes"].get("title", item["id"]))
