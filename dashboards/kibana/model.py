"""What a Kibana board is made of, as far as we use it. Everything here compiles to a saved object and to an aggregation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

Chart = Literal["bar", "line", "area", "rows", "metric", "table"]
Operation = Literal["count", "sum", "average", "unique", "date", "terms"]
Interval = Literal["1h", "1d", "1w", "1M"]
Scalar = str | bool
Where = tuple[tuple[str, Scalar], ...]  # all of these fields have these values

COLUMNS = 48  # of Kibana's grid
BUCKETS: frozenset[Operation] = frozenset({"date", "terms"})


def fixed_id(*names: str) -> str:
    """The same UUID for the same names, so that a board built again is the same to the byte and replaces itself."""
    return str(uuid5(NAMESPACE_URL, "urn:duluan:kibana:" + ":".join(names)))


@dataclass(frozen=True, slots=True)
class DataView:
    """An index (or alias) as Kibana sees it."""

    index: str
    name: str
    time: str | None  # its time field

    @property
    def id(self) -> str:
        """Fixed id."""
        return fixed_id("view", self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a layer. `order` names the metric that ranks a `terms` column; empty ranks by name."""

    id: str
    label: str
    operation: Operation
    field: str = ""
    interval: Interval = "1d"
    size: int = 10
    order: str = ""
    where: Where = ()

    @property
    def bucket(self) -> bool:
        """Whether it splits the rows (rather than measuring them)."""
        return self.operation in BUCKETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart: a single layer of columns over one data view. Buckets come before metrics."""

    id: str
    title: str
    chart: Chart
    view: DataView
    columns: tuple[Column, ...]
    where: Where = ()
    x: int
    y: int
    w: int
    h: int

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
    """A list of values above a board that filters all its panels."""

    title: str
    view: DataView
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvinceMap:
    """Our own polygons, coloured by how many documents of `view` name each commune; no outside tiles."""

    id: str
    title: str
    shapes: DataView  # documents with `code`, `name`, `shape`
    view: DataView
    term: str  # the field of `view` that holds commune codes
    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A saved search."""

    id: str
    title: str
    view: DataView
    columns: tuple[str, ...]
    where: Where = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard."""

    id: str
    title: str
    description: str
    panels: tuple[Panel | ProvinceMap, ...]
    controls: tuple[Control, ...] = ()
    since: str = "now-30d/d"


def kuery(where: Where) -> str:
    """Kibana's query text of `where`."""
    return " and ".join(f"{field} : {_literal(value)}" for field, value in where)


def _literal(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'
