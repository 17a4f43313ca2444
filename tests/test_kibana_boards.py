"""Kibana boards without a Kibana: the bytes, checks 1–5, and what each of them finds when one thing is broken."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dashboards.kibana import checks, labels
from dashboards.kibana.boards import ALERT, BOARDS, ISSUE, MAP, OVERVIEW, SEARCHES, SOURCE, VIEWS
from dashboards.kibana.boards.parts import COUNT, FETCHES, NEWS
from dashboards.kibana.fields import fields
from dashboards.kibana.lens import lens
from dashboards.kibana.model import Board, Column, Control, DataView, Local, Panel, ProvinceMap, kuery
from duluan.cli.main import app
from duluan.config import Profile, load_province
from flows import kibana
from flows.kibana import build, check_files, saved, template_fields

ROOT = Path(__file__).resolve().parents[1]
Saved = list[dict[str, Any]]


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_province(ROOT / "province" / "quang_ngai")


@pytest.fixture
def items(profile: Profile) -> Saved:
    return copy.deepcopy(saved(profile))


def of_type(items: Saved, type_: str, number: int = 0) -> dict[str, Any]:
    return [item for item in items if item["type"] == type_][number]


def with_panels(items: Saved, change: Callable[[list[dict[str, Any]]], None]) -> list[str]:
    """What the checks say after `change` of the first board's panels."""
    attributes = of_type(items, "dashboard")["attributes"]
    panels = json.loads(attributes["panelsJSON"])
    change(panels)
    attributes["panelsJSON"] = json.dumps(panels)
    return list(checks.saved_objects(items))


def state(panel: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = panel["embeddableConfig"]["attributes"]["state"]
    return found


def layer(panel: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = state(panel)["datasourceStates"]["formBased"]["layers"]["layer"]
    return found


def test_the_boards_pass_all_checks(profile: Profile) -> None:
    assert check_files(profile) == []


def test_the_same_bytes_whatever_the_hash_seed(profile: Profile) -> None:
    made = build(profile).encode()
    for seed in ("0", "1", "4711"):
        env = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "duluan", "kibana", "build", "--province", str(profile.folder)]
        assert subprocess.run(command, env=env, capture_output=True, check=True, cwd=ROOT).stdout == made
    assert len(made.splitlines()) == len(VIEWS) + len(SEARCHES) + 1 + len(BOARDS)


def test_the_order_of_the_profile_does_not_matter(profile: Profile) -> None:
    turned = profile.model_copy(
        update={name: getattr(profile, name)[::-1] for name in ("units", "sources", "topics", "agencies")}
    )
    assert build(turned) == build(profile)


def test_what_is_referred_to_comes_first(items: Saved) -> None:
    seen: set[tuple[str, str]] = set()
    for item in items:
        assert {(reference["type"], reference["id"]) for reference in item["references"]} <= seen
        seen.add((item["type"], item["id"]))


def test_five_boards_with_what_the_staff_asked_for() -> None:
    assert [b.title for b in BOARDS] == ["Tổng quan dư luận", "Một vấn đề qua thời gian", "Cảnh báo", "Nguồn", "Bản đồ"]
    asked = {
        OVERVIEW.id: ("theo ngày", "Sắc thái", "Chủ đề", "Tình trạng nguồn"),
        ISSUE.id: ("theo giờ", "Xã, phường", "Từ khóa", "Tin bài"),
        ALERT.id: ("Đang mở", "Đã tiếp nhận", "theo tháng", "bài đăng đầu tiên"),
        SOURCE.id: ("Độ phủ", "Khoảng lặng", "Độ trễ"),
        MAP.id: ("Xã, phường, đặc khu",),
    }
    for board in BOARDS:
        titles = " | ".join(panel.title for panel in board.panels)
        assert [words for words in asked[board.id] if words not in titles] == []


def test_everything_people_read_is_vietnamese(items: Saved, profile: Profile) -> None:
    labels_ = [column.label for b in BOARDS for p in b.panels if isinstance(p, Panel) for column in p.columns]
    titles = [item["attributes"]["title"] for item in items if item["type"] != "index-pattern"]
    names = [view.name for view in VIEWS] + [label for view in VIEWS for label in view.fields.values()]
    named = [name for field in labels.local(profile).names.values() for name in field.values()]
    plain = {"Trang", "Lý do", "Khai thác"}
    texts = [text for text in (*labels_, *titles, *names, *named) if text not in plain and " " in text]
    assert [text for text in texts if not re.search(r"[^\x00-\x7f]", text)] == []


def test_every_code_that_people_would_see_has_a_name(items: Saved, profile: Profile) -> None:
    view = next(item for item in items if item["attributes"]["title"] == "duluan-news")
    formats = json.loads(view["attributes"]["fieldFormatMap"])
    assert formats["places"]["id"] == "static_lookup"
    shown = {entry["key"]: entry["value"] for entry in formats["places"]["params"]["lookupEntries"]}
    assert len(shown) == 96
    assert {code: name.casefold() for code, name in shown.items()} == {
        code: name.casefold() for code, name in profile.commune_names.items()
    }
    nameless = Local({**labels.local(profile).names, "topic": {}}, (0.0, 0.0))
    assert any("không có tên" in p for p in fields(BOARDS, SEARCHES, VIEWS, nameless, template_fields()))


def test_no_board_reads_peoples_own_words_or_authors(items: Saved, profile: Profile) -> None:
    text = build(profile)
    for word in ("duluan-voices", "duluan-outbox", "duluan-audit", "duluan-history", "author", "duluan-*", '"url"'):
        assert word not in text
    targets = {item["attributes"]["title"] for item in items if item["type"] == "index-pattern"}
    assert targets == {view.index for view in VIEWS}


def test_a_view_closed_to_readers_is_found(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kibana, "VIEWS", (*VIEWS, DataView("duluan-voices", "Lời người dân", "at")))
    assert any("không mở cho vai trò duluan_reader" in problem for problem in check_files(profile))


def test_people_are_shown_above_the_minimum_cell_only() -> None:
    counted = [p for b in BOARDS for p in b.panels if isinstance(p, Panel) and p.view.index == "duluan-hourly"]
    counted_on_map = [m for p in MAP.panels if isinstance(p, ProvinceMap) for m in p.layers if "hourly" in m.view.index]
    assert len(counted) == 2
    for asked in (*counted, *counted_on_map):
        assert ("below", False) in asked.where
        assert ("channel", "voices") in asked.where
        assert any(name == "cut" for name, _ in asked.where), "two cuts added up would count everyone twice"


def test_no_outside_tiles_and_no_formula(profile: Profile) -> None:
    text = build(profile)
    assert [word for word in ("EMS", "formula", "http:", "https:", "WMS", "TMS") if word in text] == []


def test_schema_refuses_unknown_keys(items: Saved) -> None:
    of_type(items, "dashboard")["attributes"]["colour"] = "red"
    assert any("colour" in problem for problem in checks.saved_objects(items))


def test_schema_wants_json_as_text(items: Saved) -> None:
    of_type(items, "dashboard")["attributes"]["panelsJSON"] = []
    assert any(problem.startswith("lược đồ") for problem in checks.schema(items))


@pytest.mark.parametrize("type_", ["index-pattern", "search", "map", "dashboard"])
def test_schema_pins_the_form_of_each_type(items: Saved, type_: str) -> None:
    of_type(items, type_)["typeMigrationVersion"] = "10.3.0"
    assert any("typeMigrationVersion" in problem for problem in checks.schema(items))


@pytest.mark.parametrize(
    "change",
    [
        lambda panels: panels[0].update(colour="red"),
        lambda panels: panels[0].update(panelRefName="panel_x"),
        lambda panels: panels[0]["gridData"].update(w="12"),
        lambda panels: state(panels[0]).pop("adHocDataViews"),
        lambda panels: state(panels[0])["visualization"].update(metric="count"),
        lambda panels: layer(panels[0])["columns"]["count"].update(operationType="formula"),
        lambda panels: layer(panels[0])["columns"]["count"].update(sourceField="topic"),
        lambda panels: layer(panels[0])["columns"]["count"].pop("label"),
        lambda panels: layer(panels[5])["columns"]["top_topic"].update(isBucketed=False),
        lambda panels: layer(panels[5])["columns"]["top_topic"]["params"].update(orderBy={"type": "column"}),
        lambda panels: layer(panels[4])["columns"]["time"]["params"].update(interval="1 ngày"),
        lambda panels: state(panels[4])["visualization"]["layers"][0].update(seriesType="pie"),
        lambda panels: state(panels[4])["query"].update(language="lucene"),
    ],
)
def test_schema_reads_what_lies_in_the_texts(items: Saved, change: Callable[[list[dict[str, Any]]], None]) -> None:
    assert any(problem.startswith("lược đồ: Tổng quan dư luận: panelsJSON.") for problem in with_panels(items, change))


def test_schema_of_controls_formats_and_layers(items: Saved) -> None:
    for type_, name in (
        ("dashboard", "controlGroupInput"),
        ("index-pattern", "fieldFormatMap"),
        ("map", "layerListJSON"),
    ):
        broken = copy.deepcopy(items)
        attributes = of_type(broken, type_)["attributes"]
        holder, key = (attributes[name], "panelsJSON") if type_ == "dashboard" else (attributes, name)
        made = json.loads(holder[key])
        first = made[0] if isinstance(made, list) else next(iter(made.values()))
        first["colour"] = "red"
        holder[key] = json.dumps(made)
        assert any("colour" in problem and name in problem for problem in checks.schema(broken)), type_


def test_references_that_lead_nowhere(items: Saved) -> None:
    items[:] = [item for item in items if item["attributes"].get("title") != NEWS.index]
    assert any("trỏ đến đối tượng không có" in problem for problem in checks.saved_objects(items))


def test_references_that_are_missing_idle_or_twice(items: Saved) -> None:
    for type_ in ("dashboard", "map", "search"):
        reference = of_type(items, type_)["references"].pop()
        assert any(f"thiếu tham chiếu {reference['name']}" in problem for problem in checks.saved_objects(items))
        of_type(items, type_)["references"].append(reference)
    assert list(checks.saved_objects(items)) == []
    of_type(items, "dashboard")["references"].append({**reference, "name": "thừa"})
    assert any("thừa không ai dùng" in problem for problem in checks.saved_objects(items))
    items.append(items[0])
    assert any("hai đối tượng cùng mã" in problem for problem in checks.saved_objects(items))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda panels: layer(panels[0])["columnOrder"].append("x"), "columnOrder"),
        (lambda panels: layer(panels[4])["columnOrder"].reverse(), "phải đứng trước"),
        (lambda panels: layer(panels[0])["columns"].clear(), "columnOrder"),
        (lambda panels: state(panels[0])["visualization"].update(metricAccessor="x"), "không có cột 'x'"),
        (lambda panels: state(panels[4])["visualization"]["layers"][0].pop("splitAccessor"), "không hiện ở đâu"),
        (
            lambda panels: layer(panels[5])["columns"]["top_topic"]["params"]["orderBy"].update(columnId="x"),
            "xếp hạng theo cột không có",
        ),
        (lambda panels: panels[0]["gridData"].update(x=40), "nằm ngoài lưới"),
        (lambda panels: panels[0]["gridData"].update(x=5), "chồng lên"),
        (lambda panels: panels[0].update(panelIndex=panels[1]["panelIndex"]), "hai ô cùng mã"),
    ],
)
def test_layers_and_grid(items: Saved, change: Callable[[list[dict[str, Any]]], None], said: str) -> None:
    assert any(said in problem for problem in with_panels(items, change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda made: made["sourceDescriptor"].update(type="EMS_FILE"), "từ bên ngoài"),
        (lambda made: made["joins"][0]["right"].update(id="x"), "tô màu theo"),
        (lambda made: made["joins"][0]["right"]["metrics"][0].update(type="sum", field="voices"), "tô màu theo"),
    ],
)
def test_map_layers(items: Saved, change: Callable[[dict[str, Any]], None], said: str) -> None:
    attributes = of_type(items, "map")["attributes"]
    made = json.loads(attributes["layerListJSON"])
    change(made[0])
    attributes["layerListJSON"] = json.dumps(made)
    assert any(said in problem for problem in checks.saved_objects(items))


def told(profile: Profile, board: Board) -> list[str]:
    return list(fields([board], (), VIEWS, labels.local(profile), template_fields()))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (Column(id="x", label="x", operation="sum", field="nothing"), "không có trường 'nothing'"),
        (Column(id="x", label="x", operation="sum", field="topic"), "không dùng được"),
        (Column(id="x", label="x", operation="terms", field="title"), "không dùng được"),
        (Column(id="x", label="x", operation="unique", field="url"), "không dùng được"),
        (Column(id="x", label="x", operation="latest", field="topic"), "không dùng được"),
        (Column(id="x", label="x", operation="sum"), "thiếu trường"),
        (Column(id="x", label="x", operation="count", where=(("topic", True),)), "không dùng được"),
        (Column(id="x", label="x", operation="count", where=(("uncertain", ("a", "b")),)), "không dùng được"),
    ],
)
def test_fields(profile: Profile, column: Column, said: str) -> None:
    first = OVERVIEW.panels[0]
    assert isinstance(first, Panel)
    assert any(
        said in problem for problem in told(profile, replace(OVERVIEW, panels=(replace(first, columns=(column,)),)))
    )


def test_a_control_never_empties_a_panel_unseen(profile: Profile) -> None:
    """A filter on a field that the panel's index lacks shows nothing: such a panel stands apart, or it is found."""
    following = tuple(replace(p, apart=False) if isinstance(p, Panel) else p for p in OVERVIEW.panels)
    problems = told(profile, replace(OVERVIEW, panels=following))
    assert sum("làm trống ô này" in problem for problem in problems) >= 4
    aparts = [p for b in BOARDS for p in b.panels if isinstance(p, Panel) and p.apart]
    assert all(layer({"embeddableConfig": {"attributes": lens(p)}})["ignoreGlobalFilters"] is True for p in aparts)
    assert all("không theo thanh lọc" in p.title for p in aparts), "people must see which panels do not follow"
    wrong = replace(SOURCE, controls=(Control("Sắc thái", FETCHES, "sentiment"),))
    assert any("không có trường 'sentiment'" in problem for problem in told(profile, wrong))


def test_a_missing_or_foreign_polygon_is_found(profile: Profile, tmp_path: Path) -> None:
    drawn = json.loads((profile.folder / "map.geojson").read_text(encoding="utf-8"))
    drawn["features"].pop()["properties"]["name"]
    drawn["features"][0]["properties"]["code"] = "99999"
    (tmp_path / "map.geojson").write_text(json.dumps(drawn), encoding="utf-8")
    problems = check_files(profile.model_copy(update={"folder": tmp_path}))
    assert sum("thiếu ranh giới" in problem for problem in problems) == 2
    assert any("99999" in problem for problem in problems)


def test_ranking_by_no_metric_is_refused() -> None:
    first = OVERVIEW.panels[5]
    assert isinstance(first, Panel)
    topic = replace(first.columns[0], order="gone")
    with pytest.raises(ValueError, match="gone"):
        lens(replace(first, columns=(topic, COUNT)))


def test_conditions_in_kibanas_query_language() -> None:
    assert kuery((("a", "x"), ("b", False))) == 'a : "x" and b : false'
    assert kuery((("state", ("open", "reopened")), ("merged_into", None))) == (
        'state : ("open" or "reopened") and not merged_into : *'
    )


def test_the_commands(tmp_path: Path, profile: Profile) -> None:
    out = tmp_path / "boards.ndjson"
    assert CliRunner().invoke(app, ["kibana", "build", "--out", str(out)]).exit_code == 0
    assert out.read_text(encoding="utf-8") == build(profile)
    assert CliRunner().invoke(app, ["kibana", "build"]).stdout == build(profile)
    checked = CliRunner().invoke(app, ["kibana", "check"])
    assert (checked.exit_code, "đạt" in checked.stdout) == (0, True)


def test_a_failed_check_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kibana, "VIEWS", VIEWS[1:])
    checked = CliRunner().invoke(app, ["kibana", "check"])
    assert (checked.exit_code, "có lỗi" in checked.stdout) == (1, True)
    assert "trỏ đến đối tượng không có" in checked.stderr
