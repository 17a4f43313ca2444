"""The shipped province: complete, and each rule of its files broken once gives one clear line."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest

from duluan.config import load_province
from duluan.errors import ConfigError

BREAKS = [
    ("profile.toml", 'code = "51"', "", "code"),
    ("profile.toml", "since = 2025-07-01", 'since = "hôm nay"', "since"),
    ("profile.toml", "[province]", '[province]\nmau = "xanh"', "mau"),
    ("places.toml", 'era = "now"', 'era = "mai"', "era"),
    ("places.toml", 'level = "commune"', 'level = "thôn"', "level"),
    ("places.toml", 'now = ["21025"]', 'now = ["99999"]', "99999"),
    ("places.toml", 'now = ["21025"]', "now = []", "now"),
    ("places.toml", 'parent = "51"', 'parent = "77"', "77"),
    ("places.toml", 'code = "21028"', 'code = "21025"', "lặp"),
    ("sources.toml", 'via = "rss"', 'via = "telnet"', "via"),
    ("sources.toml", "trust = 4", "trust = 9", "trust"),
    ("sources.toml", "expected_per_day = [120, 400]", "expected_per_day = [400, 120]", "expected_per_day"),
    ("sources.toml", "\nverified = false", "\nverified = false\ndelay = 0.5", "delay"),
    ("sources.toml", "\nverified = false", "", "verified"),
    ("sources.toml", 'id = "vnexpress_thoi_su"', 'id = "vnexpress_moi_nhat"', "lặp"),
    ("taxonomy.toml", 'code = "khac"', 'code = "y_te"', "lặp"),
    ("taxonomy.toml", 'code = "khac"', 'code = "Khác!"', "code"),
    ("agencies.toml", 'topics = ["giao_duc"]', 'topics = ["hoc_hanh"]', "hoc_hanh"),
    ("agencies.toml", 'topics = ["giao_duc"]', "topics = []", "giao_duc"),
    ("agencies.toml", 'id = "so_y_te"', 'id = "so_xay_dung"', "lặp"),
    ("alerts.toml", "min_voices = 4", "min_voices = 1", "min_voices"),
    ("alerts.toml", "quiet_from = 22", "quiet_from = 31", "quiet_from"),
    ("alerts.toml", 'topics = ["y_te"]', 'topics = ["benh"]', "benh"),
    ("alerts.toml", 'id = "chung"', 'id = "y_te_su_co"', "lặp"),
    ("alerts.toml", "mail_per_week = 0.5", "mail_per_week = = 1", "TOML"),
]


def test_the_shipped_province_is_complete(province_dir: Path) -> None:
    profile = load_province(province_dir)
    count = {key: 0 for key in (("now", "commune"), ("old", "commune"), ("old", "district"), ("old", "province"))}
    for unit in profile.units:
        if (unit.era, unit.level) in count:
            count[unit.era, unit.level] += 1
    # 272 communes and the island district without any make the 273 old units
    assert list(count.values()) == [96, 272, 23, 2]
    assert {code for unit in profile.units if unit.era == "old" for code in unit.now} == set(profile.commune_names)
    assert all(len(topic.cues) >= 12 for topic in profile.topics)
    assert len(profile.topics) == 15
    assert all(not source.verified and source.purpose and source.lawful_basis for source in profile.sources)
    assert {topic for rule in profile.alerts.rule for topic in rule.topics} <= set(profile.topic_names)


def test_the_map_has_each_commune_once(province_dir: Path) -> None:
    path = province_dir / "map.geojson"
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert sorted(f["properties"]["code"] for f in features) == sorted(load_province(province_dir).commune_names)
    assert path.stat().st_size <= 400_000


@pytest.mark.parametrize(("file", "old", "new", "named"), BREAKS)
def test_each_broken_rule_is_one_line(
    tmp_path: Path, province_dir: Path, file: str, old: str, new: str, named: str
) -> None:
    folder = tmp_path / "tinh"
    shutil.copytree(province_dir, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_province(folder)
    message = str(caught.value)
    assert file in message
    assert named in message
    assert "\n" not in message


@pytest.mark.parametrize("file", ["profile", "places", "sources", "taxonomy", "agencies", "alerts"])
def test_a_missing_file_is_named(tmp_path: Path, province_dir: Path, file: str) -> None:
    folder = tmp_path / "tinh"
    shutil.copytree(province_dir, folder)
    (folder / f"{file}.toml").unlink()
    with pytest.raises(ConfigError, match=rf"{file}\.toml"):
        load_province(folder)


def test_places_come_from_the_gazetteer(shared: Path, province_dir: Path) -> None:
    path = Path(__file__).parents[1] / "scripts" / "build_places.py"
    spec = importlib.util.spec_from_file_location("build_places", path)
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    sys.modules["build_places"] = build
    spec.loader.exec_module(build)
    here = build.province(province_dir)
    rows = build.units(shared / "data" / "gazetteer", here)
    assert build.toml(rows, here) == (province_dir / "places.toml").read_text(encoding="utf-8")
    assert build.geojson(shared / "data" / "gazetteer" / "geojson", rows) == (province_dir / "map.geojson").read_text(
        "utf-8"
    )
