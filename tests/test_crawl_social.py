"""Graph and Zalo replicas that answer with every error of the reference; tokens never come out; refresh tokens are used once."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from samples_crawl import Hit, Reply, Site, documents, fetches, run, site, source

from crawlers.connectors.facebook import read_comment, read_post
from crawlers.connectors.graph import graph_problem, read_graph, regain_seconds, usage_percent
from crawlers.connectors.zalo import zalo_problem
from crawlers.connectors.zalo_token import oauth_address
from crawlers.gate import Answer
from crawlers.outcome import SourceProblem
from duluan.clock import fixed_clock
from duluan.model import Document

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TOKEN, SECRET = "EAABsecretTOKEN123", "appSecret456"


def _json(value: object, status: int = 200, **headers: str) -> Reply:
    return Reply(json.dumps(value), status, "application/json", {k.replace("_", "-"): v for k, v in headers.items()})


def _post(number: int, comments: int = 0) -> dict[str, Any]:
    return {
        "id": f"100_{number}",
        "message": f"Bà con thôn {number} phản ánh đường hư, gọi 0905123456",
        "created_time": f"2026-11-{20 - number % 5:02d}T01:06:00+0000",
        "permalink_url": f"https://www.facebook.com/quenha/posts/{number}",
        "shares": {"count": 2},
        "comments": {"data": [], "summary": {"total_count": comments}},
        "reactions": {"data": [], "summary": {"total_count": 7}},
        "from": {"name": "Người Viết Bài", "id": "42"},
    }


def _graph(here: Site) -> None:
    """Two full pages with an empty one between, comments on the first post."""

    def posts(hit: Hit) -> Reply:
        after = hit.query.get("after", [""])[0]
        link = f"http://169.254.169.254/steal?access_token={TOKEN}&limit=25&after="
        if not after:
            return _json({"data": [_post(1, 2), _post(2)], "paging": {"next": link + "e"}})
        if after == "e":
            return _json({"data": [], "paging": {"next": link + "z"}})
        return _json({"data": [_post(3)], "paging": {"cursors": {"after": "q"}}})

    comment = {
        "id": "100_1_9",
        "message": "Đồng tình, chị Nguyễn Thị Hoa nói đúng",
        "created_time": "2026-11-20T02:00:00+0000",
    }
    here.routes |= {
        "/v26.0/quenha/posts": posts,
        "/v26.0/100_1/comments": _json({"data": [comment | {"like_count": 3}, {"id": "100_1_8", "message": ""}]}),
    }


def test_posts_and_comments_until_next_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DULUAN_FACEBOOK_TOKEN", TOKEN)
    monkeypatch.setenv("DULUAN_FACEBOOK_SECRET", SECRET)
    with site() as here:
        _graph(here)
        page = source(f"{here.base}/v26.0/quenha", "facebook", kind="post")
        first = run(page, tmp_path, clock=fixed_clock(NOW))
        hits = len(here.hits)
        again = run(page, tmp_path, clock=fixed_clock(NOW))
    found = documents(first)
    assert [document.kind for document in found] == ["post", "comment", "post", "post"]
    assert found[1].parent == found[0].id
    assert found[1].url == "https://facebook.com/quenha/posts/1#c=100_1_9"
    assert all(document.fetched == NOW for document in found)
    assert fetches(first) == fetches(again) == [True]
    assert documents(again) == []
    assert "/v26.0/100_1/comments" not in [hit.path for hit in here.hits[hits:]]  # their number did not change
    asked = ",".join(hit.query["fields"][0] for hit in here.hits if "fields" in hit.query)
    assert "from" not in asked
    assert "message_tags" not in asked
    assert all("appsecret_proof" in hit.query for hit in here.hits if hit.path != "/robots.txt")
    everything = repr(first)
    for secret in ("0905123456", "Người Viết Bài", "Nguyễn Thị Hoa", TOKEN):
        assert secret not in everything


ERRORS = {
    1: "retry",
    2: "retry",
    **dict.fromkeys((4, 17, 32, 341, 613, *range(80001, 80015)), "pause"),
    **dict.fromkeys((10, 200, 210, 299, 102, 190, 368), "stop"),
    **dict.fromkeys((100, 803, 999), "report"),
}


def test_each_graph_error_has_its_action_and_no_token_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """All codes inside HTTP 200 or 400, each its own Page; state, spool, audit and logs are searched for the token."""
    monkeypatch.setenv("DULUAN_FACEBOOK_TOKEN", TOKEN)
    with site() as here:
        for code in ERRORS:
            error = {
                "message": f"(#{code}) token {TOKEN}",
                "type": "OAuthException",
                "code": code,
                "error_subcode": 463,
            }
            here.routes[f"/v26.0/p{code}/posts"] = _json({"error": error}, 200 if code % 2 else 400)
        here.routes["/v26.0/html/posts"] = Reply("<html>busy</html>", 502)
        pages = [source(f"{here.base}/v26.0/p{code}", "facebook", id=f"p{code}", kind="post") for code in ERRORS]
        pages.append(source(f"{here.base}/v26.0/html", "facebook", id="html", kind="post"))
        found = run(pages, tmp_path, spool_dir=tmp_path / "spool")
    assert fetches(found) == [False] * len(pages)
    events = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    actions = {event["source"]: event["action"] for event in events if event["what"] == "source_failed"}
    assert actions == {f"p{code}": action for code, action in ERRORS.items()} | {"html": "retry"}
    waits = {event["source"]: event["again_in"] for event in events if event["what"] == "source_failed"}
    assert waits["p1"] == 0
    assert waits["p4"] == 15 * 60
    assert waits["p190"] == waits["p368"] == 6 * 3600
    assert waits["p100"] == waits["p999"] == 3600, "not tried again at once: a person should look first"
    told = capfd.readouterr()
    everything = told.out + told.err + repr(found)
    everything += "".join(p.read_bytes().decode("latin-1") for p in tmp_path.rglob("*") if p.is_file())
    assert TOKEN not in everything
    assert not list((tmp_path / "spool").glob("*"))


def _quoting(status: bytes) -> Any:
    """A server that quotes the request back in places where no server should."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        target = handler.path.encode()
        handler.wfile.write(status.replace(b"TARGET", target) + b"\r\nX-Asked: " + target + b"\r\n\r\n")

    return Reply(raw=write)


def test_no_token_comes_out_whatever_a_server_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Broken protocols, redirects, cut and endless answers, hostile JSON: logs, audit, state, spool and results are searched."""
    monkeypatch.setenv("DULUAN_FACEBOOK_TOKEN", TOKEN)
    monkeypatch.setenv("DULUAN_FACEBOOK_SECRET", SECRET)
    misbehaviour: dict[str, Any] = {
        "status": _quoting(b"HTTP/1.1 TARGET bad"),
        "garbage": _quoting(b"TARGET"),
        "redirect": lambda hit: Reply("", 302, headers={"Location": f"/x?{hit.query['access_token'][0]}"}),
        "refused": lambda hit: Reply(f"no: {hit.query}", 403),
        "robots": lambda hit: Reply(f'{{"error": "{hit.query}"}}', 200),
        "list": lambda hit: Reply(json.dumps([hit.query])),
        "deep": Reply("[" * 100_000),
        "cut": lambda hit: Reply("x", headers={"Content-Length": "999"}),
        "wrong": lambda hit: _json(
            {"data": [{"id": hit.query["access_token"][0], "message": 7}], "paging": {"next": 5}}
        ),
        "nameless": lambda hit: _json({"error": {"code": hit.query["access_token"][0], "error_subcode": []}}),
    }
    with site() as here:
        here.routes |= {f"/v26.0/{name}/posts": route for name, route in misbehaviour.items()}
        pages = [source(f"{here.base}/v26.0/{name}", "facebook", id=name, kind="post") for name in misbehaviour]
        found = run(pages, tmp_path, spool_dir=tmp_path / "spool")
        asked = {hit.path for hit in here.hits}
    assert len(fetches(found)) == len(misbehaviour)
    assert asked == {"/robots.txt", *(f"/v26.0/{name}/posts" for name in misbehaviour)}, "a redirect is not followed"
    told = capfd.readouterr()
    kept = "".join(path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file())
    for secret in (TOKEN, SECRET):
        assert secret not in told.out + told.err + repr(found) + kept


def test_usage_headers_pause_before_facebook_has_to() -> None:
    busy = {"x-business-use-case-usage": json.dumps({"1": [{"call_count": 99, "estimated_time_to_regain_access": 12}]})}
    assert regain_seconds(busy) == 720
    assert usage_percent({"x-app-usage": '{"call_count": 91, "total_time": 3}'}) == 91
    assert graph_problem({"code": 4}, busy).after == 720
    assert usage_percent({"x-app-usage": "not json", "x-business-use-case-usage": "[1]"}) == 0


def test_error_in_http_200_is_an_error() -> None:
    with pytest.raises(SourceProblem) as told:
        read_graph(Answer("u", 200, {}, b'{"error": {"code": 190, "error_subcode": 460}}'))
    assert told.value.action == "stop"
    assert "mật khẩu" in str(told.value)


def test_a_post_without_words_is_rejected_and_times_are_aware() -> None:
    assert not isinstance(read_post({"id": "1"}, "s", NOW), Document)
    post = read_post(_post(1), "s", NOW)
    assert isinstance(post, Document)
    assert post.published == datetime(2026, 11, 19, 1, 6, tzinfo=UTC)
    assert not isinstance(read_comment({"message": "x"}, post, NOW), Document)


class Zalo:
    """A replica: refresh tokens work once; the first access token dies after `calls` calls."""

    def __init__(self, articles: int, calls: int = 1000) -> None:
        self.turn, self.left, self.articles, self.lock = 0, calls, articles, threading.Lock()
        self.refreshed: list[str] = []
        self.kept: Path | None = None
        self.seen: list[tuple[str, str]] = []

    def token(self, hit: Hit) -> Reply:
        form = {key: values[0] for key, values in parse_qs(hit.body.decode()).items()}
        with self.lock:
            self.refreshed.append(form["refresh_token"])
            good = hit.headers.get("secret_key") == SECRET and form["app_id"] == "77"
            if not good or form["refresh_token"] != f"refresh-{self.turn}":
                return _json({"error": -14003, "error_name": "invalid"})
            self.turn += 1
            return _json(
                {"access_token": f"access-{self.turn}", "refresh_token": f"refresh-{self.turn}", "expires_in": "90000"}
            )

    def _good(self, hit: Hit) -> bool:
        self.left -= 1
        if self.left == 0:
            return False
        return hit.headers.get("access_token") == f"access-{self.turn}"

    def account(self, hit: Hit) -> Reply:
        """The profile; at this first use of an access token the new pair must already lie on the disk."""
        if self.kept is not None:
            self.seen.append((hit.headers.get("access_token", ""), json.loads(self.kept.read_text())["refresh_token"]))
        return _json({"error": 0, "data": {"oa_id": "9"}})

    def slice(self, hit: Hit) -> Reply:
        if not self._good(hit):
            return _json({"error": -216, "message": "access_token is invalid"})
        offset, limit = int(hit.query["offset"][0]), int(hit.query["limit"][0])
        if limit > 10:
            return _json({"error": -201})
        count = self.articles if hit.query["type"] == ["normal"] else 0
        when = int((NOW - timedelta(days=1)).timestamp() * 1000)
        medias = [
            {
                "id": f"a{n}",
                "title": f"Bài {n}",
                "status": "show",
                "create_date": when,
                "update_date": when,
                "total_share": n,
            }
            for n in range(offset, min(offset + limit, count))
        ]
        return _json({"error": 0, "data": {"total": count, "medias": medias}})

    def detail(self, hit: Hit) -> Reply:
        if not self._good(hit):
            return _json({"error": -216})
        body = [{"type": "text", "content": "<p>Xã mời bà con <b>họp thôn</b>.</p><p>Gọi 0905123456.</p>"}]
        return _json(
            {"error": 0, "data": {"title": "Họp thôn", "author": "Người Viết", "description": "Tin xã", "body": body}}
        )

    def routes(self) -> dict[str, Any]:
        return {
            "/v4/oa/access_token": self.token,
            "/v2.0/oa/getoa": self.account,
            "/v2.0/article/getslice": self.slice,
            "/v2.0/article/getdetail": self.detail,
        }


@pytest.fixture
def zalo_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("REFRESH_TOKEN", "refresh-0"), ("SECRET", SECRET), ("APP_ID", "77")):
        monkeypatch.setenv(f"DULUAN_ZALO_{name}", value)


@pytest.mark.usefixtures("zalo_secrets")
def test_zalo_articles_and_a_token_that_dies_midway(tmp_path: Path) -> None:
    replica = Zalo(articles=12, calls=6)
    replica.kept = tmp_path / "zalo-nguon_thu.json"
    with site(replica.routes()) as here:
        account = source(f"{here.base}/v2.0", "zalo", kind="post")
        first = run(account, tmp_path, clock=fixed_clock(NOW))
        again = run(account, tmp_path, clock=fixed_clock(NOW))
    found = documents(first)
    assert len(found) == 12
    assert found[0].url == "https://rd.zapps.vn/detail/9?id=a0"
    assert found[0].text == "Tin xã\nXã mời bà con họp thôn.\nGọi [điện thoại]."
    assert "Người Viết" not in repr(first)
    assert fetches(first) == fetches(again) == [True]
    assert documents(again) == []
    assert replica.refreshed == ["refresh-0", "refresh-1"]
    assert replica.seen[0] == ("access-1", "refresh-1"), "the new pair is kept before it is used"
    kept = tmp_path / "zalo-nguon_thu.json"
    assert json.loads(kept.read_text())["refresh_token"] == "refresh-2"
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("zalo_secrets")
def test_two_crawls_at_once_use_each_refresh_token_once(tmp_path: Path) -> None:
    replica = Zalo(articles=2)
    with site(replica.routes()) as here:
        account = source(f"{here.base}", "zalo")
        threads = [
            threading.Thread(target=run, args=(account, tmp_path), kwargs={"store": name, "clock": fixed_clock(NOW)})
            for name in ("a", "b")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert replica.refreshed == ["refresh-0"]


ZALO_ERRORS = {
    -201: "report",
    -202: "stop",
    -211: "stop",
    -209: "report",
    -14003: "stop",
    -216: "stop",
    -32: "pause",
    -999: "report",
}


@pytest.mark.usefixtures("zalo_secrets")
def test_each_zalo_error_has_its_action(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with ExitStack() as stack:
        accounts = []
        for code in ZALO_ERRORS:
            routes = Zalo(1).routes() | {"/v2.0/oa/getoa": _json({"error": code, "message": f"access-1 {SECRET}"})}
            here = stack.enter_context(site(routes))
            accounts.append(source(here.base, "zalo", id=f"oa{-code}"))
        found = run(accounts, tmp_path)
    assert fetches(found) == [False] * len(ZALO_ERRORS)
    events = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    actions = {event["source"]: event["action"] for event in events if event["what"] == "source_failed"}
    assert actions == {f"oa{-code}": action for code, action in ZALO_ERRORS.items()}
    own = {f"zalo-oa{-code}.json" for code in ZALO_ERRORS}  # where the pairs are kept, for their owner alone
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name not in own]
    told = capfd.readouterr().err + b"".join(kept).decode("latin-1") + repr(found)
    for secret in (SECRET, "access-1", "refresh-"):
        assert secret not in told


def test_a_missing_secret_names_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DULUAN_FACEBOOK_TOKEN", raising=False)
    for _ in range(4):  # no server was asked: tried again with the next crawl, however often it failed
        assert fetches(run(source("http://127.0.0.1:9/v26.0/x", "facebook"), tmp_path)) == [False]
    assert "DULUAN_FACEBOOK_TOKEN" in (tmp_path / "audit.jsonl").read_text()


def test_zalo_itself_has_its_own_token_address() -> None:
    assert oauth_address("https://openapi.zalo.me/v2.0") == "https://oauth.zaloapp.com/v4/oa/access_token"
    assert zalo_problem(-32).after > 0
