"""Model → Kibana saved objects, in the oldest form that a present Kibana still migrates, one JSON object a line.

Keys are sorted and ids are fixed: the same boards give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from dashboards.kibana.model import Board, Column, Control, DataView, Panel, ProvinceMap, Search, fixed_id, kuery

Object = dict[str, Any]

_VERSIONS: Final = {"index-pattern": "7.11.0", "dashboard": "8.9.0", "search": "8.0.0", "map": "8.4.0"}
_SERIES: Final = {"bar": "bar_stacked", "line": "line", "area": "area", "rows": "bar_horizontal"}
_LAYER: Final = "layer"  # each panel has one
_REFERENCE: Final = f"indexpattern-datasource-layer-{_LAYER}"
REFRESH_MS: Final = 300_000


def ndjson(boards: Sequence[Board], searches: Sequence[Search], views: Sequence[DataView]) -> str:
    """The file that `POST /api/saved_objects/_import` takes."""
    return "".join(text(item) + "\n" for item in objects(boards, searches, views))


def objects(boards: Sequence[Board], searches: Sequence[Search], views: Sequence[DataView]) -> list[Object]:
    """All saved objects: what is referred to comes first."""
    maps = [panel for board in boards for panel in board.panels if isinstance(panel, ProvinceMap)]
    return [
        *map(view_object, views),
        *map(search_object, searches),
        *map(map_object, maps),
        *map(board_object, boards),
    ]


def text(value: Any) -> str:
    """Compact JSON with sorted keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def view_object(view: DataView) -> Object:
    """A data view."""
    attributes: Object = {"title": view.index, "name": view.name, "fieldFormatMap": text(_FORMATS.get(view.index, {}))}
    if view.time:
        attributes["timeFieldName"] = view.time
    return _object(view.id, "index-pattern", attributes, [])


_PERCENT: Final = {"id": "percent", "params": {"pattern": "0%"}}
_FORMATS: Final[dict[str, Object]] = {"duluan-news": {"p_neg": _PERCENT}, "duluan-alerts": {"share": _PERCENT}}


def search_object(search: Search) -> Object:
    """A saved search."""
    name = "kibanaSavedObjectMeta.searchSourceJSON.index"
    source = {"indexRefName": name, "filter": [], "query": {"language": "kuery", "query": kuery(search.where)}}
    attributes = {
        "title": search.title,
        "description": "",
        "columns": list(search.columns),
        "sort": [[search.view.time, "desc"]],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
    }
    return _object(fixed_id("search", search.id), "search", attributes, [_reference(name, search.view)])


def board_object(board: Board) -> Object:
    """A dashboard with its panels by value (the map by reference)."""
    references: list[Object] = []
    panels = []
    for panel in board.panels:
        made = _lens_panel(panel, references) if isinstance(panel, Panel) else _map_panel(panel, references)
        panels.append(made)
    attributes: Object = {
        "title": board.title,
        "description": board.description,
        "timeRestore": True,
        "timeFrom": board.since,
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": REFRESH_MS},
        "optionsJSON": text({"hidePanelTitles": False, "syncColors": True, "syncCursor": True, "useMargins": True}),
        "panelsJSON": text(panels),
        "version": 1,
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": text({"filter": [], "query": {"language": "kuery", "query": ""}})
        },
    }
    if board.controls:
        attributes["controlGroupInput"] = _controls(board, references)
    return _object(fixed_id("board", board.id), "dashboard", attributes, references)


def _controls(board: Board, references: list[Object]) -> Object:
    panels = {}
    for order, control in enumerate(board.controls):
        id_ = fixed_id("control", board.id, control.field)
        panels[id_] = _control(id_, order, control)
        references.append(_reference(f"controlGroup_{id_}:optionsListDataView", control.view))
    ignore = {"ignoreFilters": False, "ignoreQuery": False, "ignoreTimerange": False, "ignoreValidations": False}
    return {
        "chainingSystem": "HIERARCHICAL",
        "controlStyle": "oneLine",
        "ignoreParentSettingsJSON": text(ignore),
        "panelsJSON": text(panels),
    }


def _control(id_: str, order: int, control: Control) -> Object:
    given = {"id": id_, "fieldName": control.field, "title": control.title, "selectedOptions": [], "enhancements": {}}
    return {"order": order, "width": "medium", "grow": True, "type": "optionsListControl", "explicitInput": given}


def _lens_panel(panel: Panel, references: list[Object]) -> Object:
    references.append(_reference(f"{panel.id}:{_REFERENCE}", panel.view))
    return _panel(panel, "lens", {"attributes": lens(panel), "enhancements": {}})


def lens(panel: Panel) -> Object:
    """The by-value Lens chart of a panel."""
    layer = {
        "columns": {column.id: column_state(column, panel.columns) for column in panel.columns},
        "columnOrder": [column.id for column in panel.columns],
        "incompleteColumns": {},
    }
    state = {
        "datasourceStates": {"formBased": {"layers": {_LAYER: layer}}},
        "visualization": _visualization(panel),
        "query": {"language": "kuery", "query": kuery(panel.where)},
        "filters": [],
        "internalReferences": [],
        "adHocDataViews": {},
    }
    kinds = {"metric": "lnsMetric", "table": "lnsDatatable"}
    return {
        "title": panel.title,
        "type": "lens",
        "visualizationType": kinds.get(panel.chart, "lnsXY"),
        "references": [_reference(_REFERENCE, panel.view)],
        "state": state,
    }


def column_state(column: Column, columns: Iterable[Column]) -> Object:
    """One column of a form-based layer."""
    base: Object = {"label": column.label, "customLabel": True, "isBucketed": column.bucket}
    if column.where:
        base["filter"] = {"language": "kuery", "query": kuery(column.where)}
    if column.operation == "date":
        params: Object = {"interval": column.interval, "includeEmptyRows": False, "dropPartials": False}
        return base | {
            "operationType": "date_histogram", "dataType": "date", "scale": "interval",
            "sourceField": column.field, "params": params,
        }  # fmt: skip
    if column.operation == "terms":
        return base | {
            "operationType": "terms", "dataType": "string", "scale": "ordinal",
            "sourceField": column.field, "params": _terms(column),
        }  # fmt: skip
    names = {"count": "count", "sum": "sum", "average": "average", "unique": "unique_count"}
    return base | {
        "operationType": names[column.operation], "dataType": "number", "scale": "ratio",
        "sourceField": column.field or "___records___", "params": {"emptyAsNull": True},
    }  # fmt: skip


def _terms(column: Column) -> Object:
    order = (
        {"type": "column", "columnId": column.order} if column.order else {"type": "alphabetical", "fallback": False}
    )
    return {
        "size": column.size,
        "orderBy": order,
        "orderDirection": "desc" if column.order else "asc",
        "otherBucket": False,
        "missingBucket": False,
        "parentFormat": {"id": "terms"},
        "include": [],
        "exclude": [],
        "includeIsRegex": False,
        "excludeIsRegex": False,
    }


def _visualization(panel: Panel) -> Object:
    if panel.chart == "metric":
        return {"layerId": _LAYER, "layerType": "data", "metricAccessor": panel.metrics[0].id}
    if panel.chart == "table":
        columns = [{"columnId": column.id, "isTransposed": False} for column in panel.columns]
        return {"layerId": _LAYER, "layerType": "data", "columns": columns}
    layer: Object = {
        "layerId": _LAYER,
        "layerType": "data",
        "seriesType": _SERIES[panel.chart],
        "xAccessor": panel.buckets[0].id,
        "accessors": [column.id for column in panel.metrics],
        "position": "top",
        "showGridlines": False,
    }
    if len(panel.buckets) > 1:
        layer["splitAccessor"] = panel.buckets[1].id
    return {
        "legend": {"isVisible": True, "position": "right"},
        "preferredSeriesType": _SERIES[panel.chart],
        "valueLabels": "hide",
        "fittingFunction": "None",
        "layers": [layer],
    }


def _map_panel(panel: ProvinceMap, references: list[Object]) -> Object:
    name = f"panel_{panel.id}"
    references.append({"id": fixed_id("map", panel.id), "name": f"{panel.id}:{name}", "type": "map"})
    return _panel(panel, "map", {"enhancements": {}}) | {"panelRefName": name}


def map_object(panel: ProvinceMap) -> Object:
    """A map of one vector layer, joined to the counts of documents by commune."""
    source, joined = "layer_0_source_index_pattern", "layer_0_join_0_index_pattern"
    attributes = {
        "title": panel.title,
        "description": "",
        "layerListJSON": text([_map_layer(panel, source, joined)]),
        "mapStateJSON": text(_MAP_STATE),
        "uiStateJSON": text({"isLayerTOCOpen": True, "openTOCDetails": []}),
    }
    references = [_reference(source, panel.shapes), _reference(joined, panel.view)]
    return _object(fixed_id("map", panel.id), "map", attributes, references)


_MAP_STATE: Final = {
    "zoom": 7.5,
    "center": {"lon": 108.3, "lat": 14.85},
    "timeFilters": {"from": "now-30d/d", "to": "now"},
    "refreshConfig": {"isPaused": False, "interval": REFRESH_MS},
    "query": {"language": "kuery", "query": ""},
    "filters": [],
    "settings": {"initialLocation": "AUTO_FIT_TO_BOUNDS", "backgroundColor": "#ffffff", "autoFitToDataBounds": True},
}


def _map_layer(panel: ProvinceMap, source: str, joined: str) -> Object:
    join = fixed_id("join", panel.id)
    field = {"name": f"__kbnjoin__count__{join}", "origin": "join"}
    colours = {"field": field, "color": "Reds", "type": "ORDINAL", "fieldMetaOptions": {"isEnabled": True, "sigma": 3}}
    return {
        "id": fixed_id("layer", panel.id),
        "label": panel.title,
        "type": "GEOJSON_VECTOR",
        "visible": True,
        "alpha": 0.8,
        "minZoom": 0,
        "maxZoom": 24,
        "includeInFitToBounds": True,
        "sourceDescriptor": {
            "id": fixed_id("source", panel.id),
            "type": "ES_SEARCH",
            "indexPatternRefName": source,
            "geoField": "shape",
            "scalingType": "LIMIT",
            "tooltipProperties": ["name"],
            "filterByMapBounds": False,
            "applyGlobalQuery": False,
            "applyGlobalTime": False,
            "applyForceRefresh": True,
        },
        "style": {
            "type": "VECTOR",
            "isTimeAware": True,
            "properties": {
                "fillColor": {"type": "DYNAMIC", "options": colours},
                "lineColor": {"type": "STATIC", "options": {"color": "#6b7280"}},
                "lineWidth": {"type": "STATIC", "options": {"size": 1}},
                "labelText": {"type": "DYNAMIC", "options": {"field": {"name": "name", "origin": "source"}}},
            },
        },
        "joins": [
            {
                "leftField": "code",
                "right": {
                    "type": "ES_TERM_SOURCE",
                    "id": join,
                    "indexPatternRefName": joined,
                    "term": panel.term,
                    "size": 200,
                    "metrics": [{"type": "count", "label": "Số bài"}],
                    "applyGlobalQuery": True,
                    "applyGlobalTime": True,
                    "applyForceRefresh": True,
                },
            }
        ],
    }


def _panel(panel: Panel | ProvinceMap, type_: str, config: Object) -> Object:
    return {
        "version": "8.9.0",
        "type": type_,
        "panelIndex": panel.id,
        "title": panel.title,
        "gridData": {"x": panel.x, "y": panel.y, "w": panel.w, "h": panel.h, "i": panel.id},
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
