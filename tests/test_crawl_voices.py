"""Where people's own words come in – comments, messages, staff's files: counted or redacted, never with who wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from samples_crawl import Hit, Reply, article, documents, feed, fetches, run, site, source

from crawlers.connectors.comments import local_time, read_tuoitre
from crawlers.gate import Answer
from crawlers.outcome import SourceProblem
from duluan.clock import LOCAL

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _json(value: object) -> Reply:
    return Reply(json.dumps(value), type="application/json")


def _said(number: int, article: int = 4959000, **more: object) -> dict[str, Any]:
    return {
        "article_id": article,
        "comment_id": number,
        "parent_id": number,
        "content": f"Đường hư quá, ý kiến {number}<br/>gọi 0905123456",
        "full_name": "Người Bình Luận",
        "userid": 991,
        "creation_time": 1_763_600_000,
        "userlike": number,
    } | more


def _vnexpress(hit: Hit) -> Reply:
    if hit.query["objectid"] != ["4959000"]:
        return _json({"error": 0, "data": []})  # a list when empty
    replies = {"total": 3, "items": [_said(21)]}
    items = [_said(1, replys=replies), _said(2), _said(3, article=7)]  # the last belongs to another article
    return _json({"error": 0, "data": {"total": 3, "totalitem": 3, "items": items}})


def _tuoitre(hit: Hit) -> Reply:
    child = {
        "id": "c2",
        "content": "Đồng ý",
        "created_date": "2026-11-20T09:00:00",
        "likes": 1,
        "sender_fullname": "Tên Người",
    }
    item = {
        "id": "c1",
        "content": "Cần sửa đường",
        "published_date": "2026-11-20T08:00:00",
        "reactions": {"1": 4, "3": 2},
    }
    rows = (
        [item | {"child_comments": [child], "sender_fullname": "Tên Người"}] if hit.query["pageindex"] == ["1"] else []
    )
    return _json({"Data": json.dumps(rows)})


def test_comments_below_articles_that_were_crawled(tmp_path: Path) -> None:
    with site() as here:
        paths = ["/bao-so-13-4959000.html", "/lu-o-at-4959001.html", "/sua-duong-20261120080000123.htm"]
        here.routes |= {path: Reply(article(f"Bài {n}", n)) for n, path in enumerate(paths)}
        here.routes |= {"/rss": feed(here.base, paths), "/index/get": _vnexpress, "/api/getlist-comment.api": _tuoitre}
        here.routes["/index/getreplay"] = _json({"error": 0, "data": {"items": [_said(22), _said(23)], "total": 3}})
        news = source(f"{here.base}/rss", id="bao")
        voices = [
            source(f"{here.base}/index/get", "comments", id="vnx", kind="comment"),
            source(f"{here.base}/api/getlist-comment.api", "comments", id="tto", kind="comment"),
        ]
        articles = documents(run(news, tmp_path))
        first = run(voices, tmp_path, spool_dir=tmp_path / "spool")
        again = run(voices, tmp_path)
    found = documents(first)
    assert fetches(first) == [True, True]
    assert sorted(d.url.rpartition("#c=")[2] for d in found) == ["1", "2", "21", "22", "23", "c1", "c2"]
    assert {d.parent for d in found} <= {d.id for d in articles}
    assert {d.title for d in found} == {"Bài 0", "Bài 2"}
    assert next(d.engagement.reactions for d in found if d.url.endswith("#c=c1") and d.engagement) == 6
    everything = repr(first)
    for name in ("Người Bình Luận", "Tên Người", "0905123456", "991"):
        assert name not in everything
    assert not list((tmp_path / "spool").glob("*"))
    assert documents(again) == []


def test_a_block_is_a_refusal() -> None:
    with pytest.raises(SourceProblem) as told:
        read_tuoitre(Answer("u", 200, {}, b'{"__stat": "BLOCK"}'))
    assert told.value.action == "stop"
    assert read_tuoitre(Answer("u", 200, {}, b'{"Data": ""}')) == []


def test_local_times() -> None:
    eight = datetime(2026, 3, 7, 8, 6, tzinfo=LOCAL)
    assert {local_time("2026-03-07T08:06:00"), local_time("2026-03-07 08:06"), local_time("07/03/2026 08:06")} == {
        eight
    }
    assert local_time("31/02/2026 08:06") is None
    assert local_time(None) is None
