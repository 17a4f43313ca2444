"""Kibana boards over a province: build, checks 1–5, and the map's polygons. Check 6 is in kibana_numbers.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from dashboards.kibana import checks, labels
from dashboards.kibana.boards import BOARDS, SEARCHES, VIEWS
from dashboards.kibana.fields import fields, flat
from dashboards.kibana.saved import Object, ndjson, objects
from duluan.config import Profile
from duluan.errors import ConfigError
from index import elastic_schema
from index.elastic_roles import ROLES

Row = dict[str, Any]


def saved(profile: Profile) -> list[Object]:
    """The saved objects of one province."""
    return objects(BOARDS, SEARCHES, VIEWS, labels.local(profile))


def build(profile: Profile) -> str:
    """The NDJSON of all boards."""
    return ndjson(saved(profile))


def check_files(profile: Profile) -> list[str]:
    """Checks 1–5; what is wrong."""
    return [
        *checks.saved_objects(saved(profile)),
        *fields(BOARDS, SEARCHES, VIEWS, labels.local(profile), template_fields()),
        *_closed(),
        *_polygons(profile),
    ]


def template_fields() -> dict[str, dict[str, Any]]:
    """Index (as data views name it) → field → mapping, from the templates that `duluan setup` installs."""
    documents = elastic_schema.template("component-documents")["template"]["mappings"]["properties"]
    found = {elastic_schema.NEWS: flat(documents), elastic_schema.VOICES: flat(documents)}
    for name in (*elastic_schema.LEDGERS, elastic_schema.SHAPES):
        properties = elastic_schema.template(name.removeprefix("duluan-"))["mappings"]["properties"]
        found[name] = flat(properties)
    return found


def _closed() -> Iterator[str]:
    """Data views over what Kibana's readers may not see: people's own words, the audit log."""
    allowed = [name for grant in ROLES["duluan_reader"]["indices"] for name in grant["names"]]
    for view in VIEWS:
        if not any(fnmatchcase(view.index, pattern) for pattern in allowed):
            yield f"trường: {view.name}: {view.index} không mở cho vai trò duluan_reader"


def _polygons(profile: Profile) -> Iterator[str]:
    """The map's polygons are exactly the communes of the province."""
    drawn = [shape["code"] for shape in shapes(profile.folder)]
    if len(set(drawn)) != len(drawn):
        yield f"bản đồ: {profile.folder / 'map.geojson'}: có hai ranh giới cùng mã"
    for code, name in profile.commune_names.items():
        if code not in drawn:
            yield f"bản đồ: thiếu ranh giới của {name} ({code})"
    for code in sorted(set(drawn) - set(profile.commune_names)):
        yield f"bản đồ: ranh giới {code} không phải của xã, phường nào trong places.toml"


def shapes(folder: Path) -> Iterator[Row]:
    """The province's polygons as documents of duluan-communes. Raises ConfigError where map.geojson is missing or damaged."""
    path = folder / "map.geojson"
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        for feature in features:
            named = feature["properties"]
            yield {"code": named["code"], "name": f"{named['type']} {named['name']}", "shape": feature["geometry"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: không đọc được ranh giới xã, phường ({type(error).__name__})") from None
