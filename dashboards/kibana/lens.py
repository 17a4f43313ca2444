"""One chart as the by-value Lens object that stands in a dashboard (form-based layers, no formulas)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from dashboards.kibana.model import Column, Panel, kuery

Object = dict[str, Any]

LAYER: Final = "layer"  # each chart has one
REFERENCE: Final = f"indexpattern-datasource-layer-{LAYER}"
RECORDS: Final = "___records___"  # Lens's name of "the documents themselves"

_SERIES: Final = {
    "bar": "bar_stacked",
    "line": "line",
    "area": "area",
    "rows": "bar_horizontal",
    "share": "bar_percentage_stacked",
}
_METRICS: Final = {
    "count": "count",
    "sum": "sum",
    "average": "average",
    "unique": "unique_count",
    "latest": "max",
}
# What a colour means is the same on every board; the tones are told apart by the colour-blind too.
_COLOURS: Final = {
    "sentiment": {"neg": "#c4392b", "neu": "#b4bac4", "pos": "#2f7d6b"},
    "ok": {"true": "#2f7d6b", "false": "#c4392b"},
}


def lens(panel: Panel) -> Object:
    """The by-value Lens chart of a panel."""
    layer: Object = {
        "columns": {column.id: column_state(column, panel.columns) for column in panel.columns},
        "columnOrder": [column.id for column in panel.columns],
        "incompleteColumns": {},
        "sampling": 1,
    }
    if panel.apart:
        layer["ignoreGlobalFilters"] = True
    kinds = {"metric": "lnsMetric", "table": "lnsDatatable"}
    return {
        "title": panel.title,
        "type": "lens",
        "visualizationType": kinds.get(panel.chart, "lnsXY"),
        "references": [{"id": panel.view.id, "name": REFERENCE, "type": "index-pattern"}],
        "state": {
            "datasourceStates": {"formBased": {"layers": {LAYER: layer}}},
            "visualization": _visualization(panel),
            "query": {"language": "kuery", "query": kuery(panel.where)},
            "filters": [],
            "internalReferences": [],
            "adHocDataViews": {},
        },
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
        kind = "boolean" if column.field == "ok" else "string"
        return base | {
            "operationType": "terms", "dataType": kind, "scale": "ordinal",
            "sourceField": column.field, "params": _terms(column, columns),
        }  # fmt: skip
    return base | {
        "operationType": _METRICS[column.operation],
        "dataType": "date" if column.operation == "latest" else "number",
        "scale": "ratio",
        "sourceField": column.field or RECORDS,
        "params": {"emptyAsNull": True},
    }


def _terms(column: Column, columns: Iterable[Column]) -> Object:
    order: Object = {"type": "alphabetical", "fallback": False}
    if column.order:
        # Lens would fall back to the alphabet without a word where the ranking column is missing.
        ranked = next((other.id for other in columns if other.id == column.order and not other.bucket), None)
        if ranked is None:
            raise ValueError(f"column {column.id!r} is ranked by {column.order!r}, which is no metric of its panel")
        order = {"type": "column", "columnId": ranked}
    return {
        "size": column.size,
        "orderBy": order,
        "orderDirection": "desc" if column.order and not column.rising else "asc",
        "otherBucket": False,
        "missingBucket": False,
        "accuracyMode": True,  # at least 1,000 candidates of each monthly index: the counts of the ten shown are exact
        "parentFormat": {"id": "terms"},
        "include": [],
        "exclude": [],
        "includeIsRegex": False,
        "excludeIsRegex": False,
    }


def _visualization(panel: Panel) -> Object:
    if panel.chart == "metric":
        return {"layerId": LAYER, "layerType": "data", "metricAccessor": panel.metrics[0].id}
    if panel.chart == "table":
        columns = [{"columnId": column.id, "isTransposed": False} for column in panel.columns]
        return {"layerId": LAYER, "layerType": "data", "columns": columns}
    layer: Object = {
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": _SERIES[panel.chart],
        "xAccessor": panel.buckets[0].id,
        "accessors": [column.id for column in panel.metrics],
        "position": "top",
        "showGridlines": False,
    }
    if len(panel.buckets) > 1:
        layer["splitAccessor"] = panel.buckets[1].id
        if colours := _COLOURS.get(panel.buckets[1].field):
            layer["colorMapping"] = _colour_mapping(colours)
    return {
        "legend": {"isVisible": True, "position": "right"},
        "preferredSeriesType": _SERIES[panel.chart],
        "valueLabels": "hide",
        "fittingFunction": "None",
        "layers": [layer],
    }


def _colour_mapping(colours: dict[str, str]) -> Object:
    return {
        "assignments": [
            {
                "rule": {"type": "matchExactly", "values": [value]},
                "color": {"type": "colorCode", "colorCode": colour},
                "touched": True,
            }
            for value, colour in colours.items()
        ],
        "specialAssignments": [{"rule": {"type": "other"}, "color": {"type": "loop"}, "touched": False}],
        "paletteId": "eui_amsterdam_color_blind",
        "colorMode": {"type": "categorical"},
    }
