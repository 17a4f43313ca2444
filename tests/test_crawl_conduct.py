"""What a host asks for and what an operator has not switched on: told by the servers' hit logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from samples_crawl import Hit, Reply, article, documents, feed, run, site, source
from samples_index import numbered

from crawlers.connectors.base import allow_list
from crawlers.connectors.graph import graph_problem
from duluan.clock import fixed_clock, local, system_clock
from duluan.config import load_province
from flows.run import CHECKED, startable
from flows.sources import check_health
from index import open_store
from index.base import Batch

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_crawl_delay_holds_between_any_two_requests(tmp_path: Path) -> None:
    robots = Reply("User-agent: *\nCrawl-delay: 2.5\n", type="text/plain")
    with site({"/robots.txt": robots, "/tin-1.html": Reply(article("Một", 1))}) as here:
        here.routes["/rss"] = feed(here.base, ["/tin-1.html"])
        assert len(documents(run(source(f"{here.base}/rss"), tmp_path))) == 1
    first, second = [hit.at for hit in here.hits if hit.path != "/robots.txt"]
    assert second - first >= 2.5


def test_a_portal_whose_headers_lie_is_judged_by_its_content(tmp_path: Path) -> None:
    """NukeViet: Last-Modified is always now minus a day, and 304 would be the answer to whoever believes it."""
    listed = ["/vi/news/tin-tuc/bai-mot-1.html"]

    def portal(hit: Hit) -> Reply:
        if "if-modified-since" in hit.headers:
            return Reply("", 304)
        links = "".join(
            f"<div class='news_column'><div class='panel-body'><h3><a href='{path}'>x</a></h3></div></div>"
            for path in listed
        )
        yesterday = formatdate((datetime.now(UTC) - timedelta(days=1)).timestamp(), usegmt=True)
        return Reply(f"<html><body>{links}</body></html>", headers={"Last-Modified": yesterday})

    with site({"/vi/news/tin-tuc/": portal}) as here:
        here.routes |= {
            f"/vi/news/tin-tuc/bai-{word}-{n}.html": Reply(article(f"Bài {word}", n))
            for n, word in ((1, "mot"), (2, "hai"))
        }
        one = source(f"{here.base}/vi/news/tin-tuc/", "nukeviet")
        found = [documents(run(one, tmp_path)), documents(run(one, tmp_path))]
        listed.insert(0, "/vi/news/tin-tuc/bai-hai-2.html")
        found.append(documents(run(one, tmp_path)))
    assert [len(some) for some in found] == [1, 0, 1]
    assert not any("if-modified-since" in hit.headers for hit in here.hits)


def test_a_nearly_used_up_quota_stops_before_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DULUAN_FACEBOOK_TOKEN", "EAABx")
    usage = json.dumps(
        {"1": [{"call_count": 95, "total_time": 1, "total_cputime": 1, "estimated_time_to_regain_access": 7}]}
    )
    post = {"id": "1_1", "message": "Đường thôn hư", "created_time": "2026-11-20T01:00:00+0000"}
    answer = {"data": [post], "paging": {"next": "https://graph.facebook.com/v26.0/x/posts?after=b"}}
    reply = Reply(json.dumps(answer), type="application/json", headers={"X-Business-Use-Case-Usage": usage})
    with site({"/v26.0/x/posts": reply}) as here:
        page = source(f"{here.base}/v26.0/x", "facebook", kind="post")
        found = run(page, tmp_path, clock=fixed_clock(NOW))
        run(page, tmp_path, clock=fixed_clock(NOW))
    assert here.paths() == ["/v26.0/x/posts"], "neither the next page nor the next crawl asks"
    assert len(documents(found)) == 1
    told = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["action"], row["again_in"]) for row in told if row["what"] == "source_failed"] == [("pause", 420)]


@pytest.mark.parametrize(
    ("subcode", "words"),
    [
        (458, "bị gỡ"),
        (459, "đăng nhập lại"),
        (460, "mật khẩu"),
        (463, "hết hạn"),
        (467, "không còn hiệu lực"),
        (0, "bị từ chối"),
    ],
)
@pytest.mark.parametrize("code", [102, 190])
def test_the_operator_is_told_why_a_token_died(code: int, subcode: int, words: str) -> None:
    problem = graph_problem({"code": code, "error_subcode": subcode}, {})
    assert problem.action == "stop"
    assert words in str(problem)
    assert "DULUAN_FACEBOOK_TOKEN" in str(problem)


def test_readers_comments_stay_off_until_the_profile_says_so(tmp_path: Path, province_dir: Path) -> None:
    """A passed check switches on a feed, never people's own words."""
    profile = load_province(province_dir)
    voices = {one.id for one in profile.sources if one.via == "comments"}
    assert len(voices) == 2
    (tmp_path / CHECKED).write_text(json.dumps([one.id for one in profile.sources]), encoding="utf-8")
    may, skipped = startable(profile, tmp_path)
    assert {one.id for one, why in skipped if "mặc định tắt" in why} == voices
    assert not voices & {one.id for one in may}
    assert len(may) == len(profile.sources) - 2
    assert all(one.purpose and one.lawful_basis for one in profile.sources if one.id in voices)


@pytest.mark.parametrize(
    ("page", "url", "allowed"),
    [
        ("https://zalo.me/4318", "https://stc-oa.zdn.vn/x.js", True),
        ("https://zalo.me/4318", "https://rd.zapps.vn/detail/4318?id=a", True),
        ("https://rd.zapps.vn/detail/4318?id=a", "https://s120.zadn.vn/x.json", True),
        ("https://zalo.me/4318", "https://evilzalo.me/x.js", False),
        ("https://zalo.me/4318", "https://www.google-analytics.com/x.js", False),
        ("https://zalo.me/4318", "http://169.254.169.254/", False),
        ("https://zalo.me.evil.vn/4318", "https://zalo.me/x", False),
        ("https://bao.vn/muc", "https://bao.vn/x.js", True),
        ("https://bao.vn/muc", "https://bao.vn:8443/x.js", False),
        ("https://bao.vn/muc", "https://cdn.bao.vn/x.js", False),
        ("https://bao.vn/muc", "https://stc-oa.zdn.vn/x.js", False),
        ("https://bao.vn/muc", "file:///etc/passwd", False),
    ],
)  # fmt: skip
def test_what_a_rendered_page_may_load(page: str, url: str, allowed: bool) -> None:
    assert allow_list(page)(url) is allowed


@pytest.mark.parametrize(
    ("of_day", "trend"),
    [(lambda day: 0 if day == 20 else 30 + day % 3, "silent"), (lambda day: 75 if day == 20 else 30 + day % 3, "doubled"),
     (lambda day: 31, "usual")],
)  # fmt: skip
def test_check_compares_a_source_with_its_own_past(
    tmp_path: Path, province_dir: Path, of_day: Callable[[int], int], trend: str
) -> None:
    """The whole way: 21 days in the store, the list of today on a server. The configured range plays no part in the verdict."""
    today = local(system_clock()).replace(hour=12, minute=0, second=0, microsecond=0)
    numbers = iter(range(10_000))
    stored: list[Any] = [
        numbered(next(numbers), source="nguon_thu", published=today - timedelta(days=21 - day), fetched=today)
        for day in range(21)
        for _ in range(of_day(day))
    ]
    store = open_store(f"sqlite:///{tmp_path}/kho.sqlite")
    store.setup()
    store.write(Batch(documents=stored))
    with site({"/tin-1.html": Reply(article("Một", 1))}) as here:
        here.routes["/rss"] = feed(here.base, ["/tin-1.html"])
        one = source(f"{here.base}/rss", expected_per_day=(0, 500))
        [health] = check_health(
            store,
            load_province(province_dir),
            [one],
            state_dir=tmp_path / "state",
            clock=system_clock,
            allow_loopback=True,
        )
    store.close()
    assert health.check.passed
    assert health.trend == trend
