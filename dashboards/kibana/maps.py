"""The map: our own polygons in layers, each joined to one measure of documents by commune code. No base map, no outside tiles."""

from __future__ import annotations

from typing import Any, Final

from dashboards.kibana.model import MapLayer, ProvinceMap, fixed_id, kuery

Object = dict[str, Any]

UNITS: Final = 500  # more communes than any province has
_METRICS: Final = {"count": "count", "sum": "sum", "average": "avg"}


def map_attributes(panel: ProvinceMap, centre: tuple[float, float], refresh_ms: int) -> Object:
    """The map's attributes that Kibana wants as text."""
    return {
        "layerListJSON": [_layer(panel, n, layer) for n, layer in enumerate(panel.layers)],
        "mapStateJSON": {
            "zoom": 7.5,
            "center": {"lon": centre[0], "lat": centre[1]},
            "timeFilters": {"from": "now-30d/d", "to": "now"},
            "refreshConfig": {"isPaused": False, "interval": refresh_ms},
            "query": {"language": "kuery", "query": ""},
            "filters": [],
            "settings": {
                "initialLocation": "AUTO_FIT_TO_BOUNDS",
                "backgroundColor": "#ffffff",
                "autoFitToDataBounds": True,
            },
        },
        "uiStateJSON": {"isLayerTOCOpen": True, "openTOCDetails": []},
    }


def joined_field(layer: MapLayer) -> str:
    """The name under which Kibana Maps gives the joined measure."""
    key = (
        "count" if layer.metric.operation == "count" else f"{_METRICS[layer.metric.operation]}_of_{layer.metric.field}"
    )
    return f"__kbnjoin__{key}__{fixed_id('join', layer.id)}"


def _layer(panel: ProvinceMap, number: int, layer: MapLayer) -> Object:
    colours = {
        "field": {"name": joined_field(layer), "origin": "join"},
        "color": "Reds",
        "type": "ORDINAL",
        "fieldMetaOptions": {"isEnabled": True, "sigma": 3},
    }
    return {
        "id": fixed_id("layer", layer.id),
        "label": layer.title,
        "type": "GEOJSON_VECTOR",
        "visible": layer.shown,
        "alpha": 0.8,
        "minZoom": 0,
        "maxZoom": 24,
        "includeInFitToBounds": True,
        "sourceDescriptor": _polygons(panel, number, layer),
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
        "joins": [{"leftField": "code", "right": _join(number, layer)}],
    }


def _polygons(panel: ProvinceMap, number: int, layer: MapLayer) -> Object:
    return {
        "id": fixed_id("source", panel.id, layer.id),
        "type": "ES_SEARCH",
        "indexPatternRefName": f"layer_{number}_source_index_pattern",
        "geoField": "shape",
        "scalingType": "LIMIT",
        "tooltipProperties": ["name"],
        "filterByMapBounds": False,
        "applyGlobalQuery": False,
        "applyGlobalTime": False,
        "applyForceRefresh": True,
    }


def _join(number: int, layer: MapLayer) -> Object:
    metric: Object = {"type": _METRICS[layer.metric.operation], "label": layer.metric.label}
    if layer.metric.field:
        metric["field"] = layer.metric.field
    join = {
        "type": "ES_TERM_SOURCE",
        "id": fixed_id("join", layer.id),
        "indexPatternRefName": f"layer_{number}_join_0_index_pattern",
        "term": layer.term,
        "size": UNITS,
        "metrics": [metric],
        "applyGlobalQuery": not layer.apart,
        "applyGlobalTime": True,
        "applyForceRefresh": True,
    }
    return join | ({"whereQuery": {"language": "kuery", "query": kuery(layer.where)}} if layer.where else {})
