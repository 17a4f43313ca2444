"""Generates places.toml and map.geojson of a province from the gazetteer: `python scripts/build_places.py GAZETTEER province/quang_ngai`.

GAZETTEER holds legacy_units_*.csv.xz, new_communes_*.csv.xz, old_to_new_communes.csv.xz and geojson/. The result is committed;
a test compares it with a fresh run where the gazetteer is at hand.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NEW_SINCE = "2025-07-01"
OLD_UNTIL = "2025-06-30"
TYPES = {
    "Xã": "xã", "Phường": "phường", "Đặc khu": "đặc khu", "Huyện": "huyện", "Thị xã": "thị xã",
    "Thành phố": "thành phố", "Thị trấn": "thị trấn", "Tỉnh": "tỉnh",
}  # fmt: skip
CORRECTIONS = {"Ya ly": "Ya Ly"}  # a slip of the source
# Other spellings in use, beyond what folding, hyphens and apostrophes already cover. Key: (era, level, name).
ALIASES: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("now", "commune", "Bờ Y"): ("Pờ Y",),
    ("old", "commune", "Pờ Y"): ("Bờ Y",),
    ("old", "district", "Đắk Glei"): ("Đăk Lei", "Đắk Lây"),
    ("old", "district", "Ia H'Drai"): ("Ia Drai",),
    ("old", "district", "Kon Plông"): ("Kông Plông", "Kon Plong"),
    ("now", "commune", "Kon Plông"): ("Kông Plông",),
    ("now", "commune", "Sa Loong"): ("Sa Lông",),
    ("now", "commune", "Dục Nông"): (),
    ("old", "province", "Kon Tum"): ("Kông Tum", "Công Tum"),
    ("now", "commune", "Rờ Kơi"): ("Rơ Kơi",),
    ("old", "commune", "Rờ Kơi"): ("Rơ Kơi",),
    ("now", "commune", "Măng Đen"): ("Măng Đeng",),
    ("old", "commune", "Bình Thạnh"): (),
}
TOLERANCE = 0.0009  # degrees, about 100 m: keeps the map of 96 communes under 400 KB
DECIMALS = 4


@dataclass(slots=True)
class Row:
    """One unit on its way to places.toml."""

    code: str
    era: str
    level: str
    type: str
    name: str
    parent: str | None = None
    now: list[str] = field(default_factory=list)
    lat: float | None = None
    lon: float | None = None


def read(path: Path) -> list[dict[str, str]]:
    """All rows of a compressed CSV file."""
    with lzma.open(path, "rt", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def one(folder: Path, pattern: str) -> Path:
    """The single file of `folder` that fits `pattern`."""
    (found,) = folder.glob(pattern)
    return found


def units(gazetteer: Path) -> list[Row]:
    """Both eras: provinces, then districts, then communes, each by code."""
    new = read(one(gazetteer, "new_communes_*.csv.xz"))
    old = read(one(gazetteer, "legacy_units_*.csv.xz"))
    successors = _successors(read(one(gazetteer, "old_to_new_communes.csv.xz")))
    present = [
        Row(
            r["wardCode"],
            "now",
            "commune",
            TYPES[r["wardType"]],
            r["wardShort"],
            "51",
            [r["wardCode"]],
            *_point(r, "ward"),
        )
        for r in new
    ]
    former = [_former(r, successors) for r in old if r["wardCode"]]
    districts = _districts(old, former, successors)
    provinces = _provinces(old, districts)
    today = Row("51", "now", "province", "tỉnh", "Quảng Ngãi", None, [row.code for row in present])
    for row in (today, *present, *provinces, *districts, *former):
        row.now = sorted(set(row.now))
    order = {"now": 0, "old": 1}
    levels = {"province": 0, "district": 1, "commune": 2}
    return sorted(
        [today, *present, *provinces, *districts, *former], key=lambda r: (order[r.era], levels[r.level], r.code)
    )


def _successors(rows: Iterable[dict[str, str]]) -> dict[str, list[str]]:
    mapping: dict[str, list[str]] = {}
    for row in rows:
        mapping.setdefault(row["old_ward_code"] or row["old_ward"], []).append(row["new_ward_code"])
    return mapping


def _point(row: dict[str, str], prefix: str) -> tuple[float | None, float | None]:
    lat, lon = row[f"{prefix}Lat"], row[f"{prefix}Lon"]
    return (round(float(lat), 4), round(float(lon), 4)) if lat and lon else (None, None)


def _former(row: dict[str, str], successors: dict[str, list[str]]) -> Row:
    name = CORRECTIONS.get(row["wardShort"], row["wardShort"])
    now = list(successors[row["wardCode"]])
    return Row(
        row["wardCode"], "old", "commune", TYPES[row["wardType"]], name, row["districtCode"], now, *_point(row, "ward")
    )


def _districts(old: list[dict[str, str]], former: list[Row], successors: dict[str, list[str]]) -> list[Row]:
    found: dict[str, Row] = {}
    for row in old:
        code = row["districtCode"]
        unit = found.setdefault(
            code,
            Row(
                code,
                "old",
                "district",
                TYPES[row["districtType"]],
                row["districtShort"],
                row["provinceCode"],
                [],
                *_point(row, "district"),
            ),
        )
        if not row["wardCode"]:  # Lý Sơn had no communes since 2020
            unit.now += successors[f"{row['provinceKey']}_{row['districtKey']}_"]
    for row_ in former:
        found[str(row_.parent)].now += row_.now
    return list(found.values())


def _provinces(old: list[dict[str, str]], districts: list[Row]) -> list[Row]:
    names = {row["provinceCode"]: row["provinceShort"] for row in old}
    return [
        Row(code, "old", "province", "tỉnh", name, None, [n for d in districts if d.parent == code for n in d.now])
        for code, name in names.items()
    ]


def toml(rows: Iterable[Row]) -> str:
    """places.toml as text."""
    head = "# Generated by scripts/build_places.py from the gazetteer; do not edit by hand.\n"
    return head + "".join(_toml_unit(row) for row in rows)


def _toml_unit(row: Row) -> str:
    values: dict[str, Any] = {
        "code": row.code, "era": row.era, "level": row.level, "type": row.type, "name": row.name, "parent": row.parent,
        "now": row.now, "lat": row.lat, "lon": row.lon,
        "aliases": list(ALIASES.get((row.era, row.level, row.name), ())) or None,
    }  # fmt: skip
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if value is not None]
    lines.append(f"valid_from = {NEW_SINCE}" if row.era == "now" else f"valid_until = {OLD_UNTIL}")
    return "\n[[unit]]\n" + "\n".join(lines) + "\n"


def geojson(folder: Path, rows: Iterable[Row]) -> str:
    """One simplified feature for each of today's communes: properties code, name, type."""
    communes = {row.code: row for row in rows if row.era == "now" and row.level == "commune"}
    features = []
    for code, row in sorted(communes.items()):
        raw = json.loads(lzma.open(one(folder, f"{code}_*.geojson.xz"), "rt", encoding="utf-8").read())
        geometry = _simplified(_geometry(raw))
        properties = {"code": code, "name": row.name, "type": row.type}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    body = ",\n".join(json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in features)
    return '{"type":"FeatureCollection","features":[\n' + body + "\n]}\n"


def _geometry(raw: dict[str, Any]) -> dict[str, Any]:
    if raw["type"] == "FeatureCollection":
        raw = raw["features"][0]
    return dict(raw["geometry"] if raw["type"] == "Feature" else raw)


def _simplified(geometry: dict[str, Any]) -> dict[str, Any]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    kept = [rings for polygon in polygons if (rings := list(_rings(polygon)))]
    if len(kept) == 1:
        return {"type": "Polygon", "coordinates": kept[0]}
    return {"type": "MultiPolygon", "coordinates": kept}


def _rings(polygon: list[list[list[float]]]) -> Iterator[list[list[float]]]:
    for ring in polygon:
        points = [(float(x), float(y)) for x, y, *_ in ring]
        middle = len(points) // 2  # a ring starts where it ends: cut it in two, so that each half has distinct ends
        line = _line(points[: middle + 1])[:-1] + _line(points[middle:])
        rounded = [[round(x, DECIMALS), round(y, DECIMALS)] for x, y in line]
        rounded[-1] = rounded[0]
        if len(rounded) >= 4:
            yield rounded


def _line(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Douglas and Peucker 1973, iterative."""
    keep = {0, len(points) - 1}
    stack = [(0, len(points) - 1)]
    while stack:
        first, last = stack.pop()
        far, distance = first, 0.0
        for index in range(first + 1, last):
            d = _distance(points[index], points[first], points[last])
            if d > distance:
                far, distance = index, d
        if distance > TOLERANCE:
            keep.add(far)
            stack += [(first, far), (far, last)]
    return [points[index] for index in sorted(keep)]


def _distance(p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    t = 0.0 if length == 0 else max(0.0, min(1.0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length))
    return math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy)


def main() -> None:
    """Writes both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gazetteer", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    rows = units(given.gazetteer)
    (given.out / "places.toml").write_text(toml(rows), encoding="utf-8")
    (given.out / "map.geojson").write_text(geojson(given.gazetteer / "geojson", rows), encoding="utf-8")


if __name__ == "__main__":
    main()
