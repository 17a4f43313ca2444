"""Check 6 on a real Elasticsearch: every saved chart, map layer and search gives what SQLite gives; each break is seen."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract_stores import emptied
from samples_index import BA_TO, DAK_HA, NOON, alert, issue, numbered
from typer.testing import CliRunner

from dashboards.kibana import compiled
from dashboards.kibana.boards import BOARDS, SEARCHES
from dashboards.kibana.model import ProvinceMap, fixed_id
from dashboards.kibana.question import Window
from duluan.cli.main import app
from duluan.config import load_province
from duluan.errors import StoreError
from duluan.model import Evidence, Fetch, Rejected
from flows.kibana import saved, shapes
from flows.kibana_numbers import Compared, compare, difference, load
from index import elastic_schema
from index.base import Batch, Index
from index.elastic_index import ElasticIndex
from index.sqlite import SqliteIndex

ROOT = Path(__file__).resolve().parents[1]
PROFILE = load_province(ROOT / "province" / "quang_ngai")
Saved = list[dict[str, Any]]


def filled(store: Index) -> None:
    """Four weeks: news with reprints, people's words, issues (one merged), alerts with verdicts, tries, refusals."""
    store.setup()
    issues = [issue(f"i{n}", title=f"Vấn đề số {n}", voices=n * 3, last=NOON - timedelta(days=n)) for n in range(12)]
    issues.append(issue("i99", title="Vấn đề đã gộp", voices=50, last=NOON, merged_into="i3"))
    tries = [Fetch(f"bao{n % 5}.example.vn", NOON - timedelta(hours=n), n % 7 != 0) for n in range(200)]
    refused = [Rejected("too_short" if n % 3 else "no_text", f"x{n}", f"bao{n % 5}.example.vn") for n in range(40)]
    store.write(Batch(documents=documents(), issues=issues, fetches=tries, rejected=refused))
    for n in range(9):
        _alerted(store, n)


def documents() -> list[Any]:
    chance = random.Random(4)
    topics, tones = ("giao_thong", "y_te", "thien_tai", "khac"), ("neg", "neu", "pos")
    items = []
    for n in range(400):
        first = numbered(chance.randrange(n + 1)).id if chance.random() < 0.2 else None
        published = NOON - timedelta(hours=chance.randrange(24 * 28))
        negative = round(chance.random(), 3)
        items.append(
            numbered(
                n,
                origin=first or numbered(n).id,
                kind=chance.choice(("news", "news", "news", "post", "comment")),
                topic=chance.choice(topics),
                sentiment=chance.choice(tones),
                sentiment_p={"neg": negative, "neu": round(1 - negative, 3), "pos": 0.0},
                source=f"bao{chance.randrange(5)}.example.vn",
                published=published,
                fetched=published + timedelta(minutes=chance.randrange(300)),
                places=tuple(p for p in (DAK_HA, BA_TO) if chance.random() < 0.4),
                keywords=tuple(chance.sample(("sạt_lở", "cầu", "trường_học", "giá_điện", "lũ"), 2)),
                issue=f"i{chance.randrange(12)}",
            )
        )
    crowd = [  # above the minimum cell
        numbered(1000 + n, kind="comment", published=NOON, topic="y_te", issue="i1", places=(DAK_HA,))
        for n in range(20)
    ]
    return [*items, *crowd]


def _alerted(store: Index, n: int) -> None:
    detected = NOON - timedelta(days=n * 11)
    first = detected - timedelta(hours=n + 2)
    quoted = Evidence(id=f"q{n}", url="https://bao.example.vn/a", source="bao", published=first, excerpt="Trích.")
    store.put_alerts(
        [
            alert(
                f"a{n}",
                title=f"Cảnh báo số {n}",
                issue=f"i{n}",
                tier=("mail", "watch", "mail")[n % 3],
                started=detected - timedelta(hours=n),
                detected=detected,
                voices=n + 4,
                share=0.1 * n,
                topic=("giao_thong", "y_te", "thien_tai", "khac")[n % 4],
                evidence=(quoted,) if n != 2 else (),
            )
        ]
    )
    for k, state in enumerate(("open", ("acknowledged", "false_alarm", "closed")[n % 3]) if n % 4 != 3 else ("open",)):
        store.add_alert_event(f"a{n}", {"at": detected + timedelta(hours=k), "state": state})


@pytest.fixture(scope="module")
def stores(
    elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ElasticIndex, SqliteIndex]]:
    """The same documents in both, as `duluan kibana check --load` brings them over."""
    emptied(elasticsearch_url)
    elastic = ElasticIndex(elasticsearch_url)
    oracle = SqliteIndex(tmp_path_factory.mktemp("kibana") / "kho.sqlite")
    filled(oracle)
    load(oracle, elastic)
    yield elastic, oracle
    elastic.close()
    oracle.close()


def wrong(results: Iterator[Compared]) -> list[Compared]:
    return [result for result in results if result.problem]


def test_every_question_has_the_same_answer_in_both_stores(stores: tuple[ElasticIndex, SqliteIndex]) -> None:
    results = list(compare(saved(PROFILE), *stores))
    assert [result for result in results if result.problem] == []
    plain = [result for result in results if "[" not in result.panel]
    parts = sum(len(p.layers) if isinstance(p, ProvinceMap) else 1 for b in BOARDS for p in b.panels)
    assert len(plain) == parts + len(SEARCHES)
    assert len(results) > 2 * len(plain), "controls are tried"
    assert [result for result in plain if result.rows == 0] == [], "a panel that compares nothing proves nothing"


def _lens(items: Saved, board: str, panel: str, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    attributes = next(item for item in items if item["id"] == fixed_id("board", board))["attributes"]
    panels = json.loads(attributes["panelsJSON"])
    state = next(p for p in panels if p["panelIndex"] == panel)["embeddableConfig"]["attributes"]["state"]
    change(state, state["datasourceStates"]["formBased"]["layers"]["layer"]["columns"])
    attributes["panelsJSON"] = json.dumps(panels)


def _set(at: dict[str, Any], **values: Any) -> None:
    at.update(values)


@pytest.mark.parametrize(
    ("board", "panel", "change"),
    [
        ("tong-quan", "so-bai", lambda state, columns: _set(state["query"], query='topic : "y_te"')),
        ("tong-quan", "so-bai", lambda state, columns: _set(state["query"], query="topic like x")),
        ("tong-quan", "bai-goc", lambda state, columns: _set(columns["origins"], sourceField="issue")),
        ("tong-quan", "tieu-cuc", lambda state, columns: _set(columns["negative"], operationType="max")),
        ("tong-quan", "tieu-cuc", lambda state, columns: _set(columns["negative"], operationType="median")),
        ("tong-quan", "theo-ngay", lambda state, columns: _set(columns["time"]["params"], interval="1M")),
        ("tong-quan", "theo-ngay", lambda state, columns: _set(columns["time"], sourceField="fetched")),
        ("tong-quan", "chu-de", lambda state, columns: _set(columns["top_topic"]["params"], size=2)),
        ("tong-quan", "chu-de", lambda state, columns: _set(columns["top_topic"]["params"], orderDirection="asc")),
        ("tong-quan", "nguoi-dan", lambda state, columns: _set(state["query"], query="below : false")),
        ("tong-quan", "nguon", lambda state, columns: columns["failed"].pop("filter")),
        ("van-de", "danh-sach", lambda state, columns: _set(state["query"], query="")),
        ("canh-bao", "do-chinh-xac", lambda state, columns: _set(columns["precision"], sourceField="share")),
        ("canh-bao", "do-tre", lambda state, columns: _set(columns["hours"], sourceField="delay_hours")),
    ],
)
def test_each_break_of_a_saved_chart_is_seen(
    stores: tuple[ElasticIndex, SqliteIndex],
    board: str,
    panel: str,
    change: Callable[[dict[str, Any], dict[str, Any]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = copy.deepcopy(saved(PROFILE))
    _lens(items, board, panel, change)
    monkeypatch.setattr("flows.kibana_numbers.BOARDS", tuple(b for b in BOARDS if b.id == board))
    monkeypatch.setattr("flows.kibana_numbers.SEARCHES", ())
    assert wrong(compare(items, *stores)) != []


def test_breaks_of_map_search_view_and_data_are_seen(
    stores: tuple[ElasticIndex, SqliteIndex], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def after(type_: str, old: str, new: str) -> list[Compared]:
        items = [
            json.loads(json.dumps(item).replace(old, new)) if item["type"] == type_ else item for item in saved(PROFILE)
        ]
        assert items != saved(PROFILE), old
        return wrong(compare(items, *stores))

    monkeypatch.setattr("flows.kibana_numbers.BOARDS", tuple(b for b in BOARDS if b.id == "ban-do"))
    assert {result.panel.partition(" [")[0] for result in after("map", '\\"places\\"', '\\"source\\"')} >= {
        "Số bài báo chí"
    }
    assert after("map", '\\"applyGlobalQuery\\":true', '\\"applyGlobalQuery\\":false') != []
    assert after("search", "neg", "pos") != []
    monkeypatch.setattr("flows.kibana_numbers.BOARDS", tuple(b for b in BOARDS if b.id == "van-de"))
    assert after("index-pattern", '"timeFieldName"', '"noTimeField"') != [], "its range is half of what is stored"
    elastic, _ = stores
    other = SqliteIndex(tmp_path / "kho.sqlite")
    filled(other)
    other.write(Batch(documents=[numbered(5000)]))
    assert wrong(compare(saved(PROFILE), elastic, other)) != []
    other.close()


def test_the_command_compares_and_never_loads_over_data(
    stores: tuple[ElasticIndex, SqliteIndex], tmp_path: Path
) -> None:
    elastic, _ = stores
    oracle = SqliteIndex(tmp_path / "kho.sqlite")
    filled(oracle)
    with pytest.raises(StoreError, match="đã có dữ liệu"):
        load(oracle, elastic)
    oracle.close()
    arguments = ["kibana", "check", "--store", elastic.shown, "--against", f"sqlite:///{tmp_path}/kho.sqlite"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "SAI" not in done.stdout
    last = done.stdout.splitlines()[-1]
    asked = len(done.stdout.splitlines()) - 2
    assert last == f"từng con số: {asked}/{asked} câu hỏi khớp giữa Elasticsearch và SQLite"
    empty = SqliteIndex(tmp_path / "trong.sqlite")
    empty.setup()
    with pytest.raises(StoreError, match="trống"):
        list(compare(saved(PROFILE), elastic, empty))
    empty.close()


def test_an_issue_is_found_by_its_code_in_every_index(stores: tuple[ElasticIndex, SqliteIndex]) -> None:
    """A click on an issue's code in the table filters news, people's counts and alerts alike."""
    elastic, _ = stores
    for index in ("duluan-issues", "duluan-news", "duluan-hourly", "duluan-alerts"):
        body = {"size": 0, "track_total_hits": True, "query": {"term": {"issue": "i1"}}}
        assert elastic.aggregate(index, body)["hits"]["total"]["value"] > 0, index


def test_the_map_has_all_communes_and_they_are_stored(elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trimmed test server lacks geo_shape: there the polygons are kept unread, and the shipped mapping says so clearly."""
    httpx.delete(f"{elasticsearch_url}/duluan-communes")
    elastic = ElasticIndex(elasticsearch_url)
    elastic.setup()
    made = list(shapes(PROFILE.folder))
    assert {shape["code"] for shape in made} == set(PROFILE.commune_names)
    assert len(made) == 96
    assert {shape["shape"]["type"] for shape in made} <= {"Polygon", "MultiPolygon"}
    mapping = elastic_schema.template("communes")
    assert mapping["mappings"]["properties"]["shape"] == {"type": "geo_shape"}
    with pytest.raises(StoreError, match="bản đầy đủ"):
        elastic.put_shapes(made)
    mapping["mappings"]["properties"]["shape"] = {"type": "object", "enabled": False}
    monkeypatch.setattr(elastic_schema, "template", lambda name: mapping)
    assert elastic.put_shapes(made) == 96
    assert elastic.put_shapes(made) == 96
    assert elastic.aggregate("duluan-communes", {"size": 0})["hits"]["total"]["value"] == 96
    elastic.close()
    httpx.delete(f"{elasticsearch_url}/duluan-communes")


def test_differences_are_named() -> None:
    assert difference({("a",): (1,)}, {("a",): (1,)}) == ""
    assert "a" in difference({("a",): (1,)}, {("a",): (2,)})
    assert "khác nhau" in difference({("a",): (1,)}, {("b",): (1,)})
    assert "khác nhau" in difference({("a",): (1,), ("b",): (1,)}, {("b",): (1,), ("a",): (1,)})
    assert difference({(): (None,)}, {(): (0.0,)}) == ""
    assert difference({(): (0.1 + 1e-9,)}, {(): (0.1,)}) == ""
    assert difference({(): (1_773_900_001,)}, {(): (1_773_900_000,)}) != "", "moments are compared to the second"


def test_a_boards_range_begins_with_a_local_day() -> None:
    window = Window.of_days(30, NOON)
    assert window.until == NOON
    assert f"{window.since:%H:%M:%S %z}" == "00:00:00 +0700"
    assert timedelta(days=30) <= window.until - window.since < timedelta(days=31)


@pytest.mark.parametrize("query", ["a", "a : b", 'a : "x" or b : "y"', 'a : ("x" and "y")', "not a : b", "a > 3"])
def test_conditions_that_are_not_ours_are_refused(query: str) -> None:
    with pytest.raises(ValueError, match="không hiểu"):
        compiled.kuery_filters(query)


def test_our_conditions_are_read_back() -> None:
    query = 'a : "x" and b : false and c : ("y" or "z") and not d : *'
    assert compiled.kuery_filters(query) == [
        {"term": {"a": "x"}},
        {"term": {"b": False}},
        {"terms": {"c": ["y", "z"]}},
        {"bool": {"must_not": {"exists": {"field": "d"}}}},
    ]
    assert compiled.kuery_filters("") == []
