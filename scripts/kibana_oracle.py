"""An independent reading of our boards: kb-dashboard-core's own models of Kibana's types, each part validated, unknown keys refused.

Needs Python 3.12 and a place of its own, for neither is needed by duluan:

    duluan kibana build --out boards.ndjson
    python3.12 -m venv /tmp/kb && /tmp/kb/bin/pip install kb-dashboard-core==0.4.1
    /tmp/kb/bin/python scripts/kibana_oracle.py boards.ndjson

Exit 0 where nothing differs but what KNOWN lists, with the reason for each.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kb_dashboard_core.controls.view import KbnIgnoreParentSettingsJson, KbnOptionsListControl
from kb_dashboard_core.dashboard.view import KbnDashboardOptions
from kb_dashboard_core.panels.charts.datatable.view import KbnDatatableVisualizationState
from kb_dashboard_core.panels.charts.lens.columns.view import (
    KbnLensDateHistogramDimensionColumn,
    KbnLensFieldMetricColumn,
    KbnLensTermsDimensionColumn,
)
from kb_dashboard_core.panels.charts.metric.view import KbnMetricVisualizationState
from kb_dashboard_core.panels.charts.view import KbnFormBasedDataSourceStateLayer
from kb_dashboard_core.panels.charts.xy.view import XYDataLayerConfig
from kb_dashboard_core.panels.search.view import KbnSearchPanel
from kb_dashboard_core.panels.view import KbnGridData
from pydantic import TypeAdapter, ValidationError

# (model, place, kind of error) → why it is right as it is
KNOWN = {
    (
        "KbnLensTermsDimensionColumn",
        "params.accuracyMode",
        "extra_forbidden",
    ): "Lens reads it (terms/index.tsx), this package does not",
    ("KbnLensTermsDimensionColumn", "dataType", "literal_error"): "Lens writes the field's type, here boolean",
    (
        "KbnOptionsListControl",
        "explicitInput.dataViewId",
        "missing",
    ): "stored as a reference, as in Kibana's sample data",
    ("KbnOptionsListControl", "explicitInput.enhancements", "extra_forbidden"): "as in Kibana's sample data",
    (
        "KbnOptionsListControl",
        "explicitInput.searchTechnique",
        "missing",
    ): "newer than the form that we write; has a default",
    ("KbnOptionsListControl", "explicitInput.runPastTimeout", "missing"): "has a default",
    (
        "KbnSearchPanel",
        "embeddableConfig.savedObjectId",
        "missing",
    ): "stored as a reference, as in Kibana's sample data",
    ("KbnSearchPanel", "title", "extra_forbidden"): "every panel of an exported dashboard may have one",
    ("KbnSearchPanel", "version", "extra_forbidden"): "every panel of an exported dashboard may have one",
}
COLUMNS = {"terms": KbnLensTermsDimensionColumn, "date_histogram": KbnLensDateHistogramDimensionColumn}


def parts(board: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """(model, part) of everything in a dashboard that the package has a model for."""
    yield KbnDashboardOptions, json.loads(board["optionsJSON"])
    controls = board.get("controlGroupInput")
    if controls:
        yield KbnIgnoreParentSettingsJson, json.loads(controls["ignoreParentSettingsJSON"])
        for control in json.loads(controls["panelsJSON"]).values():
            yield KbnOptionsListControl, control
    for panel in json.loads(board["panelsJSON"]):
        yield KbnGridData, panel["gridData"]
        if panel["type"] == "search":
            yield KbnSearchPanel, panel
        if panel["type"] == "lens":
            yield from lens(panel["embeddableConfig"]["attributes"])


def lens(chart: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The parts of a chart. Columns are validated one by one: as members of a layer the package tries every kind of column."""
    state = chart["state"]
    for layer in state["datasourceStates"]["formBased"]["layers"].values():
        yield KbnFormBasedDataSourceStateLayer, {**layer, "columns": {}}
        for column in layer["columns"].values():
            yield COLUMNS.get(column["operationType"], KbnLensFieldMetricColumn), column
    shown = state["visualization"]
    if chart["visualizationType"] == "lnsXY":
        yield from ((XYDataLayerConfig, layer) for layer in shown["layers"])
    else:
        table = chart["visualizationType"] == "lnsDatatable"
        yield (KbnDatatableVisualizationState if table else KbnMetricVisualizationState), shown


def main(path: str) -> int:
    """Print what was validated and what differs."""
    objects = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    checked, found = 0, Counter[tuple[str, str, str]]()
    for item in objects:
        for model, part in parts(item["attributes"]) if item["type"] == "dashboard" else ():
            checked += 1
            try:
                TypeAdapter(model).validate_python(part)
            except ValidationError as error:
                found.update((error.title, ".".join(map(str, e["loc"])), e["type"]) for e in error.errors())
    for key, count in sorted(found.items()):
        print(f"{'known' if key in KNOWN else 'WRONG'} {count:>3} × {' '.join(key)}: {KNOWN.get(key, '')}")
    wrong = [key for key in found if key not in KNOWN]
    print(f"{checked} parts validated, {len(wrong)} unexpected differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
