"""Model → Kibana saved objects, in the oldest form that a present Kibana still migrates, one JSON object a line.

Keys are sorted and ids are fixed: the same boards give the same bytes. lens.py writes the charts, maps.py the map.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from dashboards.kibana.lens import REFERENCE, lens
from dashboards.kibana.maps import map_attributes
from dashboards.kibana.model import (
    Board,
    Control,
    DataView,
    Listing,
    Local,
    Panel,
    ProvinceMap,
    Search,
    fixed_id,
    kuery,
)

Object = dict[str, Any]

_VERSIONS: Final = {"index-pattern": "7.11.0", "dashboard": "8.9.0", "search": "8.0.0", "map": "8.4.0"}
REFRESH_MS: Final = 300_000
SOURCE_NAME: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"

_OPTIONS: Final = {
    "hidePanelTitles": False,
    "syncColors": True,
    "syncCursor": True,
    "syncTooltips": False,
    "useMargins": True,
}
_PERCENT: Final = {"id": "percent", "params": {"pattern": "0%"}}
_TENTHS: Final = {"id": "number", "params": {"pattern": "0,0.0"}}
_WHOLE: Final = {"id": "number", "params": {"pattern": "0,0"}}
_FORMATS: Final[dict[str, Object]] = {
    "duluan-news": {"p_neg": _PERCENT, "delay_minutes": _WHOLE},
    "duluan-alerts": {"share": _PERCENT, "right": _PERCENT, "delay_hours": _TENTHS, "hours_to_alert": _TENTHS},
}


def ndjson(items: Sequence[Object]) -> str:
    """The file that `POST /api/saved_objects/_import` takes."""
    return "".join(text(item) + "\n" for item in items)


def objects(
    boards: Sequence[Board], searches: Sequence[Search], views: Sequence[DataView], local: Local
) -> list[Object]:
    """All saved objects: what is referred to comes first."""
    maps = [panel for board in boards for panel in board.panels if isinstance(panel, ProvinceMap)]
    return [
        *(view_object(view, local) for view in views),
        *map(search_object, searches),
        *(map_object(panel, local) for panel in maps),
        *map(board_object, boards),
    ]


def text(value: Any) -> str:
    """Compact JSON with sorted keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def view_object(view: DataView, local: Local) -> Object:
    """A data view: how its numbers are written, and the names that stand for its codes."""
    formats = {field: _lookup(local.names[field]) for field in view.named} | _FORMATS.get(view.index, {})
    attributes: Object = {
        "title": view.index,
        "name": view.name,
        "fieldFormatMap": text(formats),
        "fieldAttrs": text({field: {"customLabel": label} for field, label in view.fields.items()}),
    }
    if view.time:
        attributes["timeFieldName"] = view.time
    return _object(view.id, "index-pattern", attributes, [])


def _lookup(names: Any) -> Object:
    entries = [{"key": key, "value": name} for key, name in sorted(names.items())]
    return {"id": "static_lookup", "params": {"lookupEntries": entries}}


def search_object(search: Search) -> Object:
    """A saved search."""
    source = {"indexRefName": SOURCE_NAME, "filter": [], "query": {"language": "kuery", "query": kuery(search.where)}}
    attributes = {
        "title": search.title,
        "description": search.description,
        "columns": list(search.columns),
        "sort": [[search.view.time, "desc"]],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
    }
    return _object(fixed_id("search", search.id), "search", attributes, [_reference(SOURCE_NAME, search.view)])


def map_object(panel: ProvinceMap, local: Local) -> Object:
    """The map; each layer refers to the polygons and to what it counts."""
    references = []
    for n, layer in enumerate(panel.layers):
        references.append(_reference(f"layer_{n}_source_index_pattern", panel.shapes))
        references.append(_reference(f"layer_{n}_join_0_index_pattern", layer.view))
    parts = map_attributes(panel, local.centre, REFRESH_MS)
    attributes: Object = {"title": panel.title, "description": ""} | {name: text(part) for name, part in parts.items()}
    return _object(fixed_id("map", panel.id), "map", attributes, references)


def board_object(board: Board) -> Object:
    """A dashboard with its charts by value, map and saved searches by reference."""
    made = [_panel(panel) for panel in board.panels]
    attributes: Object = {
        "title": board.title,
        "description": board.description,
        "timeRestore": True,
        "timeFrom": f"now-{board.days}d/d",
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": REFRESH_MS},
        "optionsJSON": text(_OPTIONS),
        "panelsJSON": text([panel for panel, _ in made]),
        "version": 1,
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": text({"filter": [], "query": {"language": "kuery", "query": ""}})
        },
    }
    if board.controls:
        attributes["controlGroupInput"] = _controls(board)
    references = [reference for _, reference in made]
    return _object(fixed_id("board", board.id), "dashboard", attributes, [*references, *_control_references(board)])


def _controls(board: Board) -> Object:
    panels = {_control_id(board, control): _control(board, n, control) for n, control in enumerate(board.controls)}
    ignore = {"ignoreFilters": False, "ignoreQuery": False, "ignoreTimerange": False, "ignoreValidations": False}
    return {
        "chainingSystem": "HIERARCHICAL",
        "controlStyle": "oneLine",
        "ignoreParentSettingsJSON": text(ignore),
        "panelsJSON": text(panels),
    }


def _control_references(board: Board) -> Iterator[Object]:
    for control in board.controls:
        yield _reference(f"controlGroup_{_control_id(board, control)}:optionsListDataView", control.view)


def _control_id(board: Board, control: Control) -> str:
    return fixed_id("control", board.id, control.field)


def _control(board: Board, order: int, control: Control) -> Object:
    given = {
        "id": _control_id(board, control),
        "fieldName": control.field,
        "title": control.title,
        "selectedOptions": [],
        "singleSelect": False,
        "sort": {"by": "_count", "direction": "desc"},
        "enhancements": {},
    }
    return {"order": order, "width": "medium", "grow": True, "type": "optionsListControl", "explicitInput": given}


def _panel(panel: Panel | ProvinceMap | Listing) -> tuple[Object, Object]:
    """(what stands in the dashboard, its reference)."""
    if isinstance(panel, Panel):
        config = {"attributes": lens(panel), "enhancements": {}}
        return _framed(panel, "lens", config), _reference(f"{panel.id}:{REFERENCE}", panel.view)
    name = f"panel_{panel.id}"
    kind = "map" if isinstance(panel, ProvinceMap) else "search"
    target = fixed_id("map", panel.id) if isinstance(panel, ProvinceMap) else fixed_id("search", panel.search.id)
    framed = _framed(panel, kind, {"enhancements": {}}) | {"panelRefName": name}
    return framed, {"id": target, "name": f"{panel.id}:{name}", "type": kind}


def _framed(panel: Panel | ProvinceMap | Listing, type_: str, config: Object) -> Object:
    return {
        "version": "8.9.0",
        "type": type_,
        "panelIndex": panel.id,
        "title": panel.title,
        "gridData": {**panel.box._asdict(), "i": panel.id},
        "embeddableConfig": config,
    }


def _reference(name: str, view: DataView) -> Object:
    return {"id": view.id, "name": name, "type": "index-pattern"}


def _object(id_: str, type_: str, attributes: Object, references: list[Object]) -> Object:
    return {
        "id": id_,
        "type": type_,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": _VERSIONS[type_],
    }
