"""Generates places.toml and map.geojson of a province from the gazetteer: `python scripts/build_places.py GAZETTEER province/quang_ngai`.

The folder's own profile.toml says which province it is and since when, its spellings.toml which other spellings are in use.
GAZETTEER holds legacy_units_*.csv.xz, new_communes_*.csv.xz, old_to_new_communes.csv.xz and geojson/. The result is committed;
a test compares it with a fresh run where the gazetteer is at hand.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import math
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

TYPES = {
    "Xã": "xã", "Phường": "phường", "Đặc khu": "đặc khu", "Huyện": "huyện", "Thị xã": "thị xã",
    "Thành phố": "thành phố", "Thị trấn": "thị trấn", "Tỉnh": "tỉnh",
}  # fmt: skip
CORRECTIONS = {"Ya ly": "Ya Ly"}  # a slip of the source
TOLERANCE = 0.0005  # degrees, about 55 m: keeps the map of 96 communes under 400 KB
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
    aliases: tuple[str, ...] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Province:
    """What profile.toml and spellings.toml of the province say."""

    name: str
    code: str
    since: date
    aliases: dict[str, tuple[str, ...]]
    shared: frozenset[str]


def province(folder: Path) -> Province:
    """Read profile.toml and spellings.toml of `folder`."""
    profile = tomllib.loads((folder / "profile.toml").read_text(encoding="utf-8"))["province"]
    spellings = tomllib.loads((folder / "spellings.toml").read_text(encoding="utf-8"))
    aliases = {key: tuple(names) for key, names in spellings["aliases"].items()}
    return Province(profile["name"], profile["code"], profile["since"], aliases, frozenset(spellings["shared"]))


def read(path: Path) -> list[dict[str, str]]:
    """All rows of a compressed CSV file."""
    with lzma.open(path, "rt", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def one(folder: Path, pattern: str) -> Path:
    """The single file of `folder` that fits `pattern`."""
    (found,) = folder.glob(pattern)
    return found


def units(gazetteer: Path, here: Province) -> list[Row]:
    """Both eras: provinces, then districts, then communes, each by code."""
    new = read(one(gazetteer, "new_communes_*.csv.xz"))
    old = read(one(gazetteer, "legacy_units_*.csv.xz"))
    successors = _successors(read(one(gazetteer, "old_to_new_communes.csv.xz")))
    present = [_present(r, here) for r in new]
    former = [_former(r, successors) for r in old if r["wardCode"]]
    districts = _districts(old, former, successors)
    provinces = _provinces(old, districts)
    today = Row(here.code, "now", "province", "tỉnh", here.name, None, [row.code for row in present])
    for row in (today, *present, *provinces, *districts, *former):
        row.now = sorted(set(row.now))
        row.aliases = here.aliases.get(f"{row.era} {row.level} {row.name}", ())
        row.shared = row.shared or (row.level != "province" and row.name in here.shared)
    unknown = set(here.aliases) - {
        f"{row.era} {row.level} {row.name}" for row in (today, *present, *provinces, *districts, *former)
    }
    if unknown:
        raise SystemExit(f"spellings.toml: không có đơn vị {sorted(unknown)}")
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


def _present(row: dict[str, str], here: Province) -> Row:
    code = row["wardCode"]
    unit = Row(
        code, "now", "commune", TYPES[row["wardType"]], row["wardShort"], here.code, [code], *_point(row, "ward")
    )
    unit.shared = row["wardUnique"] == "0"
    return unit


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


def toml(rows: Iterable[Row], here: Province) -> str:
    """places.toml as text."""
    head = "# Generated by scripts/build_places.py from the gazetteer; do not edit by hand.\n"
    return head + "".join(_toml_unit(row, here) for row in rows)


def _toml_unit(row: Row, here: Province) -> str:
    values: dict[str, Any] = {
        "code": row.code, "era": row.era, "level": row.level, "type": row.type, "name": row.name, "parent": row.parent,
        "now": row.now, "lat": row.lat, "lon": row.lon,
        "aliases": list(row.aliases) or None, "shared": row.shared or None,
    }  # fmt: skip
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if value is not None]
    lines.append(
        f"valid_from = {here.since}" if row.era == "now" else f"valid_until = {here.since - timedelta(days=1)}"
    )
    return "\n[[unit]]\n" + "\n".join(lines) + "\n"


def geojson(folder: Path, rows: Iterable[Row]) -> str:
    """One simplified feature for each of today's communes: properties code, name, type."""
    communes = {row.code: row for row in rows if row.era == "now" and row.level == "commune"}
    features = []
    for code, row in sorted(communes.items()):
        raw = json.loads(lzma.decompress(one(folder, f"{code}_*.geojson.xz").read_bytes()))
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
    here = province(given.out)
    rows = units(given.gazetteer, here)
    (given.out / "places.toml").write_text(toml(rows, here), encoding="utf-8")
    (given.out / "map.geojson").write_text(geojson(given.gazetteer / "geojson", rows), encoding="utf-8")


if __name__ == "__main__":
    main()
