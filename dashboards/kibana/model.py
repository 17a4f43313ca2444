"""What a Kibana board is made of, as far as we use it. Everything here compiles to a saved object and to an aggregation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from uuid import NAMESPACE_URL, uuid5

Chart = Literal["bar", "line", "area", "rows", "share", "metric", "table"]
Operation = Literal["count", "sum", "average", "unique", "latest", "date", "terms"]
Interval = Literal["1h", "1d", "1w", "1M"]
Value = str | bool | tuple[str, ...] | None  # equal to; any of; absent
Where = tuple[tuple[str, Value], ...]  # all of these fields have these values

COLUMNS = 48  # of Kibana's grid
BUCKETS: frozenset[Operation] = frozenset({"date", "terms"})


def fixed_id(*names: str) -> str:
    """The same UUID for the same names, so that a board built again is the same to the byte and replaces itself."""
    return str(uuid5(NAMESPACE_URL, "urn:duluan:kibana:" + ":".join(names)))


class Box(NamedTuple):
    """Where a panel lies on the grid, in columns and rows from the top left."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class DataView:
    """An index (or alias) as Kibana sees it."""

    index: str
    name: str
    time: str | None  # its time field
    fields: Mapping[str, str] = field(default_factory=dict)  # field → what people read above it
    named: tuple[str, ...] = ()  # fields whose codes people read as names, see labels.py

    @property
    def id(self) -> str:
        """Fixed id."""
        return fixed_id("view", self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a layer. `order` names the metric that ranks a `terms` column, largest first; empty ranks by name."""

    id: str
    label: str
    operation: Operation
    field: str = ""
    interval: Interval = "1d"
    size: int = 10
    order: str = ""
    rising: bool = False  # smallest first
    where: Where = ()

    @property
    def bucket(self) -> bool:
        """Whether it splits the rows (rather than measuring them)."""
        return self.operation in BUCKETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart: a single layer of columns over one data view. Buckets come before metrics.

    `apart` panels do not follow the controls: their index lacks a field of one, and would show nothing.
    """

    id: str
    title: str
    chart: Chart
    view: DataView
    columns: tuple[Column, ...]
    box: Box
    where: Where = ()
    apart: bool = False

    @property
    def buckets(self) -> tuple[Column, ...]:
        """Columns that split."""
        return tuple(column for column in self.columns if column.bucket)

    @property
    def metrics(self) -> tuple[Column, ...]:
        """Columns that measure."""
        return tuple(column for column in self.columns if not column.bucket)


@dataclass(frozen=True, slots=True)
class Control:
    """A list of values above a board that filters all its panels but those apart."""

    title: str
    view: DataView
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLayer:
    """The communes coloured by one measure of the documents of `view` that name them."""

    id: str
    title: str
    view: DataView
    term: str  # the field of `view` that holds commune codes
    metric: Column  # count, sum or average
    where: Where = ()
    apart: bool = False
    shown: bool = True  # else a click in the list of layers shows it


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvinceMap:
    """Our own polygons in layers; no outside tiles."""

    id: str
    title: str
    shapes: DataView  # documents with `code`, `name`, `shape`
    layers: tuple[MapLayer, ...]
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A saved search: a list of documents, newest first."""

    id: str
    title: str
    description: str
    view: DataView
    columns: tuple[str, ...]
    where: Where = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A saved search shown on a board."""

    id: str
    title: str
    search: Search
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard, opened on its last `days` days."""

    id: str
    title: str
    description: str
    panels: tuple[Panel | ProvinceMap | Listing, ...]
    controls: tuple[Control, ...] = ()
    days: int = 30


@dataclass(frozen=True, slots=True)
class Local:
    """What the boards show of one province: names for codes (field → code → name) and where it lies (longitude, latitude)."""

    names: Mapping[str, Mapping[str, str]]
    centre: tuple[float, float]


def kuery(where: Where) -> str:
    """Kibana's query text of `where`."""
    return " and ".join(_clause(field, value) for field, value in where)


def _clause(field: str, value: Value) -> str:
    if value is None:
        return f"not {field} : *"
    if isinstance(value, bool):
        return f"{field} : {str(value).lower()}"
    if isinstance(value, str):
        return f'{field} : "{value}"'
    either = " or ".join(f'"{one}"' for one in value)
    return f"{field} : ({either})"
