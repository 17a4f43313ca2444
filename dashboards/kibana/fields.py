"""Check 5 of generated boards: every field exists in the template that `duluan setup` installs and can do what is asked of it,
every code that people would see has a name, and every panel can follow its board's controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from dashboards.kibana.model import (
    Board,
    Column,
    Control,
    DataView,
    Listing,
    Local,
    MapLayer,
    Panel,
    ProvinceMap,
    Search,
    Where,
)

Fields = Mapping[str, Mapping[str, Any]]  # index → field → mapping

_NUMBERS: Final = {"long", "integer", "float", "half_float", "double", "short"}
_AGGREGATABLE: Final = {"keyword", "date", "boolean", *_NUMBERS}


def fields(
    boards: Sequence[Board], searches: Sequence[Search], views: Sequence[DataView], local: Local, known: Fields
) -> Iterator[str]:
    """One line for each field that is missing, of a wrong type, unnamed, or that a control asks of a panel without it."""
    for view in views:
        yield from _view_fields(view, local, known)
    for board in boards:
        for control in board.controls:
            yield from _needs(board.title, control.view.index, control.field, _AGGREGATABLE, known)
        for panel in board.panels:
            yield from _asked(board, panel, known)
            yield from _followed(board, panel, known)
    for search in searches:
        for name in search.columns:
            yield from _needs(search.title, search.view.index, name, {*_AGGREGATABLE, "text"}, known)
        yield from _where_fields(search.title, search.view.index, search.where, known)


def _view_fields(view: DataView, local: Local, known: Fields) -> Iterator[str]:
    if view.time:
        yield from _needs(view.name, view.index, view.time, {"date"}, known)
    for name in chain(view.fields, view.named):
        if name not in known.get(view.index, {}):
            yield f"trường: {view.name}: {view.index} không có trường {name!r}"
    yield from (
        f"trường: {view.name}: mã của {name!r} không có tên" for name in view.named if not local.names.get(name)
    )


def _asked(board: Board, panel: Panel | ProvinceMap | Listing, known: Fields) -> Iterator[str]:
    where = f"{board.title} / {panel.title}"
    if isinstance(panel, Panel):
        yield from _columns(where, panel.view.index, panel.columns, known)
        yield from _where_fields(where, panel.view.index, panel.where, known)
    elif isinstance(panel, ProvinceMap):
        yield from _needs(where, panel.shapes.index, "shape", {"geo_shape"}, known)
        yield from _needs(where, panel.shapes.index, "code", {"keyword"}, known)
        for layer in panel.layers:
            yield from _needs(where, layer.view.index, layer.term, {"keyword"}, known)
            yield from _columns(where, layer.view.index, (layer.metric,), known)
            yield from _where_fields(where, layer.view.index, layer.where, known)


def _columns(where: str, index: str, columns: Sequence[Column], known: Fields) -> Iterator[str]:
    for column in columns:
        yield from _where_fields(where, index, column.where, known)
        if column.field:
            yield from _needs(where, index, column.field, _types(column), known)
        elif column.operation != "count":
            yield f"trường: {where}: cột {column.label!r} thiếu trường"


def _types(column: Column) -> set[str]:
    if column.operation in {"date", "latest"}:
        return {"date"}
    return _NUMBERS if column.operation in {"sum", "average"} else _AGGREGATABLE


def _followed(board: Board, panel: Panel | ProvinceMap | Listing, known: Fields) -> Iterator[str]:
    """A control's filter on a field that an index lacks empties the panel: such a panel must stand apart."""
    for part in panel.layers if isinstance(panel, ProvinceMap) else (panel,):
        view = part.search.view if isinstance(part, Listing) else part.view
        if isinstance(part, (Panel, MapLayer)) and part.apart:
            continue
        for control in board.controls:
            if control.field not in known.get(view.index, {}):
                yield _unfollowed(board, part.title, control, view)


def _unfollowed(board: Board, title: str, control: Control, view: DataView) -> str:
    return f"trường: {board.title} / {title}: thanh lọc {control.title!r} làm trống ô này vì {view.index} không có {control.field!r}"


def _where_fields(where: str, index: str, condition: Where, known: Fields) -> Iterator[str]:
    for name, value in condition:
        types = {"boolean"} if isinstance(value, bool) else {"keyword"}
        yield from _needs(where, index, name, _AGGREGATABLE if value is None else types, known)


def _needs(where: str, index: str, name: str, types: set[str], known: Fields) -> Iterator[str]:
    mapping = known.get(index, {}).get(name)
    if mapping is None:
        yield f"trường: {where}: {index} không có trường {name!r}"
    elif mapping["type"] not in types or mapping.get("doc_values") is False:
        yield f"trường: {where}: {index}.{name} kiểu {mapping['type']} không dùng được ở đây"


def flat(properties: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    """A mapping's fields by their full names: multi-fields included ('title.raw'), aliases as what they stand for."""
    found: dict[str, Any] = {}
    for name, mapping in properties.items():
        if "properties" in mapping:
            found |= flat(mapping["properties"], f"{head}{name}.")
            continue
        found[head + name] = mapping
        found |= flat(mapping.get("fields", {}), f"{head}{name}.")
    return {name: found[m["path"]] if m["type"] == "alias" else m for name, m in found.items()}
