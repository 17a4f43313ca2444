"""robots.txt: asked once a host, before anything else, and closed where it cannot be read. Judged by the servers' own logs."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples_crawl import Reply, Site, article, documents, feed, fetches, reasons, run, site, source

from crawlers.robots import RobotsAnswer, _answer, read_robots

CLOSED = Reply("User-agent: *\nDisallow: /cam/\n", type="text/plain")

CONCURRENT = """
import asyncio, sys
from pathlib import Path
from crawlers.audit import Audit
from crawlers.gate import Ask, Gate
from crawlers.outcome import Refused
from crawlers.scrapy_engine import run_job
from crawlers.state import State
from duluan.clock import system_clock
base, folder = sys.argv[1], Path(sys.argv[2])
async def job(transport):
    gate = Gate(State(folder), transport, audit=Audit(folder, system_clock), agent="duluan/0", allow_loopback=True)
    async def one(n):
        try:
            await gate.fetch(Ask(url=f"{base}/cam/{n}", source="t", delay=0))
        except Refused as refused:
            return refused.reason
    told = await asyncio.gather(*(one(n) for n in range(50)))
    assert set(told) == {"robots"}, told
    await gate.fetch(Ask(url=f"{base}/mo/", source="t", delay=0))
    print("done")
run_job(job, agent="duluan/0", timeout=5, limit=1000000, allow_loopback=True)
"""


def test_none_of_50_concurrent_requests_to_a_closed_path_gets_through(tmp_path: Path) -> None:
    def slow(hit: object) -> Reply:
        time.sleep(0.3)  # long enough for all fifty to wait for the one answer
        return CLOSED

    with site({"/robots.txt": slow, "/mo/": Reply("<html></html>")}) as here:
        ended = subprocess.run(
            [sys.executable, "-c", CONCURRENT, here.base, str(tmp_path)], capture_output=True, text=True, timeout=60
        )
    assert ended.stdout.strip() == "done", ended.stderr
    assert here.paths() == ["/mo/"]
    assert [hit.path for hit in here.hits].count("/robots.txt") == 1


def _hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(2.5)


def test_a_robots_file_that_cannot_be_read_closes_the_host(tmp_path: Path) -> None:
    answers = {
        "busy": Reply("later", 503),
        "hangs": Reply(raw=_hang),
        "html": Reply("<!DOCTYPE html><html><body>Trang chủ</body></html>"),
        "html_as_text": Reply("<html><body>404</body></html>", type="text/plain"),
        "forbidden": Reply("no", 403),
        "loops": Reply("", 302, headers={"Location": "/robots.txt"}),
        "json": Reply('{"error": 1}', type="application/json"),
    }
    with ExitStack() as stack:
        sites: dict[str, Site] = {}
        for name, answer in answers.items():
            here = sites[name] = stack.enter_context(
                site({"/robots.txt": answer, "/tin-1.html": Reply(article("Tin"))})
            )
            here.routes["/rss"] = feed(here.base, ["/tin-1.html"])
        found = run([source(f"{here.base}/rss", id=name) for name, here in sites.items()], tmp_path)
    assert fetches(found) == [False] * len(answers)
    assert {name: here.paths() for name, here in sites.items()} == {name: [] for name in answers}


def test_a_missing_robots_file_opens_and_rules_are_applied(tmp_path: Path) -> None:
    with site() as open_site, site({"/robots.txt": CLOSED}) as ruled:
        for here in (open_site, ruled):
            here.routes |= {"/cam/tin-1.html": Reply(article("Cấm", 1)), "/tin-2.html": Reply(article("Mở", 2))}
            here.routes["/rss"] = feed(here.base, ["/cam/tin-1.html", "/tin-2.html"])
        found = run([source(f"{open_site.base}/rss", id="mo"), source(f"{ruled.base}/rss", id="luat")], tmp_path)
    assert sorted((document.source, document.title) for document in documents(found)) == [
        ("luat", "Mở"),
        ("mo", "Cấm"),
        ("mo", "Mở"),
    ]
    assert reasons(found) == ["robots"]
    assert ruled.paths() == ["/rss", "/tin-2.html"]


@pytest.mark.parametrize(
    ("status", "kind", "body", "verdict"),
    [
        (200, "text/plain", b"User-agent: *\nDisallow: /", "rules"),
        (200, "text/plain", b"", "rules"),
        (200, "", b"# nothing to say\n", "rules"),
        (200, "text/plain", b"\xef\xbb\xbfUser-agent: *\nDisallow: /", "rules"),
        (404, "text/html", b"<html>", "none"),
        (410, "", b"", "none"),
        (200, "text/html; charset=utf-8", b"User-agent: *\nAllow: /", "unreachable"),
        (200, "text/plain", b"Service temporarily down", "unreachable"),
        (401, "text/plain", b"", "unreachable"),
        (429, "text/plain", b"", "unreachable"),
        (500, "text/plain", b"User-agent: *\nAllow: /", "unreachable"),
        (304, "text/plain", b"", "unreachable"),
    ],
)
def test_what_a_robots_answer_means(status: int, kind: str, body: bytes, verdict: str) -> None:
    assert read_robots(status, kind, body)[0] == verdict


@given(st.integers(100, 599), st.text(max_size=20), st.binary(max_size=300))
def test_any_answer_has_a_meaning_and_only_text_or_absence_opens(status: int, kind: str, body: bytes) -> None:
    verdict, text = read_robots(status, kind, body)
    answer = _answer(verdict, text, 0.0)
    assert isinstance(answer, RobotsAnswer)
    if status not in {404, 410} and not 200 <= status < 300:
        assert not answer.allows("https://example.vn/tin")


def test_crawl_delay_and_request_rate_are_read() -> None:
    assert _answer("rules", "User-agent: *\nCrawl-delay: 10\n", 0.0).crawl_delay == 10
    assert _answer("rules", "User-agent: *\nRequest-rate: 1/5\n", 0.0).crawl_delay == 5
    assert (
        _answer("rules", "User-agent: duluan\nCrawl-delay: 4\n\nUser-agent: *\nCrawl-delay: 9\n", 0.0).crawl_delay == 4
    )
