"""Kibana boards without a Kibana: the bytes, the six checks, what each check finds, and the import over HTTP."""

from __future__ import annotations

import copy
import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from samples_index import BA_TO, DAK_HA, NOON, alert, issue, numbered
from test_index_contract import emptied
from typer.testing import CliRunner

from dashboards.kibana import checks
from dashboards.kibana.boards import BOARDS, NEWS, OVERVIEW, SEARCHES, VIEWS
from dashboards.kibana.model import COLUMNS, Column, Panel, ProvinceMap
from dashboards.kibana.saved import objects
from duluan.cli.main import app
from duluan.errors import StoreError
from duluan.model import Fetch, Rejected
from flows.kibana import build, check_files, check_numbers, difference, push, shapes, template_fields
from index import elastic_schema
from index.base import Batch, Index
from index.elastic_index import ElasticIndex
from index.sqlite import SqliteIndex

Saved = list[dict[str, Any]]


@pytest.fixture
def saved() -> Saved:
    return copy.deepcopy(objects(BOARDS, SEARCHES, VIEWS))


def board(items: Saved, number: int = 0) -> dict[str, Any]:
    return [item for item in items if item["type"] == "dashboard"][number]


def with_panels(items: Saved, change: Callable[[list[dict[str, Any]]], None]) -> list[str]:
    """What the checks say after `change` of the first board's panels."""
    attributes = board(items)["attributes"]
    panels = json.loads(attributes["panelsJSON"])
    change(panels)
    attributes["panelsJSON"] = json.dumps(panels)
    return list(checks.saved_objects(items))


def layer(panel: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = panel["embeddableConfig"]["attributes"]["state"]["datasourceStates"]["formBased"]["layers"][
        "layer"
    ]
    return found


def test_the_boards_pass_all_checks() -> None:
    assert check_files() == []


def test_the_same_bytes_every_time() -> None:
    assert build() == build()
    assert len(build().splitlines()) == len(VIEWS) + len(SEARCHES) + 1 + len(BOARDS)


def test_titles_are_vietnamese_and_there_are_five_boards() -> None:
    assert [b.title for b in BOARDS] == ["Tổng quan dư luận", "Một vấn đề qua thời gian", "Cảnh báo", "Nguồn", "Bản đồ"]
    labels = [column.label for b in BOARDS for p in b.panels if isinstance(p, Panel) for column in p.columns]
    assert all(re.search(r"[^\x00-\x7f]", label) or label == "Trang" for label in labels), labels


def test_no_board_reads_peoples_own_words_or_authors() -> None:
    text = build()
    for word in ("duluan-voices", "duluan-outbox", "duluan-audit", "duluan-history", "author", "duluan-*"):
        assert word not in text
    assert {p.view.index for b in BOARDS for p in b.panels} <= {view.index for view in VIEWS}


def test_no_outside_tiles_and_no_formula() -> None:
    text = build()
    assert "EMS" not in text
    assert "formula" not in text
    assert "http" not in text


def test_schema_refuses_unknown_keys(saved: Saved) -> None:
    board(saved)["attributes"]["colour"] = "red"
    assert any("colour" in problem for problem in checks.saved_objects(saved))


def test_schema_wants_json_as_text(saved: Saved) -> None:
    board(saved)["attributes"]["panelsJSON"] = []
    assert any(problem.startswith("lược đồ") for problem in checks.schema(saved))


def test_references_that_lead_nowhere(saved: Saved) -> None:
    saved[:] = [item for item in saved if item["attributes"].get("title") != NEWS.index]
    assert any("trỏ đến đối tượng không có" in problem for problem in checks.saved_objects(saved))


def test_references_that_are_missing_or_idle(saved: Saved) -> None:
    reference = board(saved)["references"].pop()
    assert any(f"thiếu tham chiếu {reference['name']}" in problem for problem in checks.saved_objects(saved))
    board(saved)["references"] += [reference, {**reference, "name": "thừa"}]
    assert any("thừa không ai dùng" in problem for problem in checks.saved_objects(saved))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda panels: layer(panels[0])["columnOrder"].append("x"), "columnOrder"),
        (lambda panels: layer(panels[4])["columnOrder"].reverse(), "phải đứng trước"),
        (lambda panels: layer(panels[0])["columns"].clear(), "columnOrder"),
        (
            lambda panels: panels[0]["embeddableConfig"]["attributes"]["state"]["visualization"].update(
                metricAccessor="x"
            ),
            "không có cột 'x'",
        ),
        (
            lambda panels: layer(panels[5])["columns"]["top_topic"]["params"]["orderBy"].update(columnId="x"),
            "xếp hạng theo cột không có",
        ),
        (lambda panels: panels[0]["gridData"].update(x=40), "nằm ngoài lưới"),
        (lambda panels: panels[0]["gridData"].update(x=5), "chồng lên"),
        (lambda panels: panels[0].update(panelIndex=panels[1]["panelIndex"]), "hai ô cùng mã"),
    ],
)
def test_layers_and_grid(saved: Saved, change: Callable[[list[dict[str, Any]]], None], said: str) -> None:
    assert any(said in problem for problem in with_panels(saved, change))


def test_the_grid_is_filled_to_its_edge() -> None:
    for b in BOARDS:
        assert max(panel.x + panel.w for panel in b.panels) == COLUMNS


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (Column(id="x", label="x", operation="terms", field="khong_co"), "không có trường"),
        (Column(id="x", label="x", operation="terms", field="title"), "không dùng được"),
        (Column(id="x", label="x", operation="sum", field="topic"), "không dùng được"),
        (Column(id="x", label="x", operation="date", field="topic"), "không dùng được"),
        (Column(id="x", label="x", operation="terms", field="url"), "không dùng được"),
        (Column(id="x", label="x", operation="sum"), "thiếu trường"),
        (Column(id="x", label="x", operation="count", where=(("topic", True),)), "không dùng được"),
    ],
)
def test_fields(column: Column, said: str) -> None:
    first = OVERVIEW.panels[0]
    assert isinstance(first, Panel)
    wrong = replace(OVERVIEW, panels=(replace(first, columns=(column,)),))
    assert any(said in problem for problem in checks.fields([wrong], (), template_fields()))


def filled(store: Index) -> None:
    """The same four weeks in any store: news with reprints, people's words, issues, alerts with verdicts, tries, refusals."""
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
    items += [
        numbered(1000 + n, kind="comment", published=NOON, topic="y_te") for n in range(20)
    ]  # above the minimum cell
    issues = [issue(f"i{n}", title=f"Vấn đề số {n}", voices=n * 3, last=NOON - timedelta(days=n)) for n in range(12)]
    tries = [Fetch(f"bao{n % 5}.example.vn", NOON - timedelta(hours=n), n % 7 != 0) for n in range(200)]
    refused = [Rejected("too_short" if n % 3 else "no_text", f"x{n}", f"bao{n % 5}.example.vn") for n in range(40)]
    store.write(Batch(documents=items, issues=issues, fetches=tries, rejected=refused))
    for n in range(9):
        detected = NOON - timedelta(days=n * 11)
        store.put_alerts(
            [
                alert(
                    f"a{n}",
                    title=f"Cảnh báo số {n}",
                    tier=("mail", "watch", "mail")[n % 3],
                    started=detected - timedelta(hours=n),
                    detected=detected,
                    voices=n + 4,
                    share=0.1 * n,
                    topic=topics[n % 4],
                )
            ]
        )
        if n % 4 != 3:
            state = ("acknowledged", "false_alarm", "closed")[n % 3]
            store.add_alert_event(f"a{n}", {"at": detected + timedelta(hours=2), "state": state})


def test_every_panel_shows_on_elasticsearch_what_sqlite_says(elasticsearch_url: str, tmp_path: Path) -> None:
    emptied(elasticsearch_url)
    elastic, oracle = ElasticIndex(elasticsearch_url), SqliteIndex(tmp_path / "kho.sqlite")
    oracle.setup()
    for store in (elastic, oracle):
        filled(store)
    results = list(check_numbers(elastic, oracle))
    assert [result for result in results if result[3]] == []
    assert len(results) == sum(len(b.panels) for b in BOARDS)
    assert all(rows > 0 for *_, rows, _ in results), "a panel that compares nothing proves nothing"
    oracle.write(Batch(documents=[numbered(5000)]))  # and a difference is seen
    assert any(problem for *_, problem in check_numbers(elastic, oracle))
    elastic.close()
    oracle.close()


def test_the_map_has_all_communes_and_they_are_stored(
    elasticsearch_url: str, province_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trimmed test server lacks geo_shape: there the polygons are kept unread, and the shipped mapping says so clearly."""
    httpx.delete(f"{elasticsearch_url}/duluan-communes")
    elastic = ElasticIndex(elasticsearch_url)
    elastic.setup()
    made = list(shapes(province_dir))
    assert len({shape["code"] for shape in made}) == 96
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
    assert difference({("a",): (1.0,)}, {("a",): (1.0,)}) == ""
    assert "a" in difference({("a",): (1.0,)}, {("a",): (2.0,)})
    assert "khác nhau" in difference({("a",): (1.0,)}, {("b",): (1.0,)})
    assert difference({(): (None,)}, {(): (0.0,)}) == ""


@contextmanager
def kibana(problem: str = "") -> Iterator[tuple[str, Saved]]:
    """A loopback stand-in that enforces the documented import API."""
    taken: Saved = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/api/saved_objects/_import?overwrite=true" or "kbn-xsrf" not in self.headers:
                return self.reply(400, {"message": "Request must contain a kbn-xsrf header."})
            if problem == "login":
                return self.reply(401, {})
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            (part,) = BytesParser().parsebytes(head + body).get_payload()
            if part.get_param("name", header="content-disposition") != "file" or not (
                part.get_filename() or ""
            ).endswith(".ndjson"):
                return self.reply(400, {"message": "expected file.ndjson"})
            lines = part.get_payload(decode=True).decode().splitlines()
            taken.extend(json.loads(line) for line in lines)
            if problem == "refused":
                error = {"id": "x", "type": "dashboard", "title": "T", "error": {"type": "missing_references"}}
                return self.reply(200, {"success": False, "successCount": 0, "errors": [error]})
            return self.reply(200, {"success": True, "successCount": len(taken)})

        def reply(self, status: int, answer: dict[str, Any]) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_push_imports_everything() -> None:
    with kibana() as (url, taken):
        assert push(url, ("a", "b"), None) == len(taken)
    assert taken == objects(BOARDS, SEARCHES, VIEWS)


@pytest.mark.parametrize(("problem", "said"), [("login", "đăng nhập"), ("refused", "missing_references")])
def test_push_that_is_refused(problem: str, said: str) -> None:
    with kibana(problem) as (url, _), pytest.raises(StoreError, match=said):
        push(url, None, "key")


def test_push_without_kibana() -> None:
    with pytest.raises(StoreError, match="không kết nối được"):
        push("http://127.0.0.1:1", None, None)


def test_the_commands(tmp_path: Path) -> None:
    out = tmp_path / "boards.ndjson"
    assert CliRunner().invoke(app, ["kibana", "build", "--out", str(out)]).exit_code == 0
    assert out.read_text(encoding="utf-8") == build()
    assert CliRunner().invoke(app, ["kibana", "build"]).stdout == build()
    checked = CliRunner().invoke(app, ["kibana", "check"])
    assert (checked.exit_code, "đạt" in checked.stdout) == (0, True)


def test_maps_join_on_a_field_of_codes() -> None:
    maps = [p for b in BOARDS for p in b.panels if isinstance(p, ProvinceMap)]
    assert [(m.term, m.view.index) for m in maps] == [("places", "duluan-news")]
