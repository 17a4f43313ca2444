"""The province's communes as an inline SVG, shaded by the share of negative voices; drawn from our own polygons, no outside tiles."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from dashboards.words import cell, percent
from duluan.errors import ConfigError
from duluan.privacy import MIN_CELL
from duluan.tone import Tone

WIDTH = 760
STEPS = ((0.6, "#b3261e"), (0.45, "#e0664f"), (0.3, "#f3b08f"), (0.0, "#cfe3d4"))  # from which share, colour
QUIET = "#eceff1"  # fewer voices than may be shown
Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One commune: outer rings in degrees (longitude, latitude)."""

    code: str
    name: str
    rings: tuple[Ring, ...]


def read_shapes(path: Path) -> tuple[Shape, ...]:
    """The polygons of map.geojson; none where the province has no such file. Raises ConfigError for a damaged one."""
    if not path.is_file():
        return ()
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        return tuple(_shape(feature) for feature in features)
    except (ValueError, KeyError, TypeError, IndexError):
        raise ConfigError(f"{path}: không phải GeoJSON gồm các đa giác có mã (code) và tên (name)") from None


def _shape(feature: dict[str, dict[str, object]]) -> Shape:
    geometry: dict[str, object] = feature["geometry"]
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    rings = tuple(tuple((float(x), float(y)) for x, y in polygon[0]) for polygon in polygons)  # type: ignore[attr-defined]
    properties = feature["properties"]
    return Shape(str(properties["code"]), f"{properties['type']} {properties['name']}", rings)


def draw_map(shapes: Sequence[Shape], communes: Mapping[str, Tone]) -> Markup | None:
    """The SVG, with a title for each commune; None where there are no shapes."""
    if not shapes:
        return None
    points = [point for shape in shapes for ring in shape.rings for point in ring]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    across = math.cos(math.radians((south + north) / 2))  # a degree of longitude is shorter than one of latitude
    scale = WIDTH / ((east - west) * across)
    height = round((north - south) * scale)

    def path(ring: Ring) -> str:
        return "M" + "L".join(f"{(x - west) * across * scale:.1f} {(north - y) * scale:.1f}" for x, y in ring) + "Z"

    parts = [
        f'<path d="{"".join(path(ring) for ring in shape.rings)}" fill="{_colour(tone)}"><title>{escape(_told(shape, tone))}</title></path>'
        for shape in shapes
        for tone in [communes.get(shape.code, Tone())]
    ]
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Bản đồ xã, phường theo tỷ lệ ý kiến tiêu cực">'
        f'<g stroke="#fff" stroke-width="1">{"".join(parts)}</g></svg>'
    )


def _colour(tone: Tone) -> str:
    if tone.voices < MIN_CELL:
        return QUIET
    return next(colour for least, colour in STEPS if tone.share >= least)


def _told(shape: Shape, tone: Tone) -> str:
    if tone.voices < MIN_CELL:
        return f"{shape.name}: {cell(tone.voices)} lượt ý kiến"
    return f"{shape.name}: {tone.voices} lượt ý kiến, {percent(tone.share)} tiêu cực"
