"""The replicas speak their platforms' protocols, the documented faults included; the hit log is the witness."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from duluan.config import load_province
from flows.sample.content import build
from flows.sample.outlets import DAK_BLA, PORTAL, QUE_NHA, SONG_TRA
from flows.sample.profile import profile
from flows.sample.replicas.graph import TOKEN
from flows.sample.replicas.portal import FloodBlocker
from flows.sample.server import FREE, Site, serve


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve(build(), ports=FREE) as running:
        yield running


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as http:
        yield http


def _graph(site: Site, client: httpx.Client, path: str, **query: str) -> httpx.Response:
    return client.get(f"{site.bases['graph']}/v26.0/{path}?{urlencode({'access_token': TOKEN, **query})}")


def test_every_host_has_robots_and_every_request_is_logged(site: Site, client: httpx.Client) -> None:
    before = len(site.hits)
    for base in site.bases.values():
        answer = client.get(f"{base}/robots.txt", headers={"User-Agent": "kiem-thu"})
        assert "User-agent: *" in answer.text
    seen = site.hits[before:]
    assert {hit.host for hit in seen} == set(site.bases)
    assert {(hit.path, hit.status, hit.user_agent) for hit in seen} == {("/robots.txt", 200, "kiem-thu")}


def test_portal_shows_the_true_time_only_in_page_and_sitemap(site: Site, client: httpx.Client) -> None:
    item = next(i for i in reversed(site.sample.items) if i.outlet == PORTAL.id and i.published.minute != 3)
    answer = client.get(item.url)
    assert f"{item.published:%d/%m/%Y %H:%M}</span>" in answer.text
    assert f'content="{item.published:%Y-%m-%d}+07{item.published:%H:%M:%S}"' in answer.text
    assert f'itemprop="datePublished">{item.published:%Y-%m-%dT%H:%M}' not in answer.text
    assert answer.headers["Last-Modified"].startswith("Thu, 19 Mar 2026")
    assert "ETag" not in answer.headers
    feed = client.get(f"{site.bases['portal']}/index.php?language=vi&nv=news&op=rss").text
    assert f"{item.published:%a, %d %b %Y %H}:03:{item.published:%S} +0700" in feed
    assert feed.count("<item>") <= 30
    sitemap = client.get(f"{site.bases['portal']}/sitemap-vi.news.xml").text
    assert f"<loc>{item.url}</loc><lastmod>{item.published:%Y-%m-%dT%H:%M:%S}+07:00" in sitemap


def test_portal_lists_twenty_a_page_and_has_print_twins(site: Site, client: httpx.Client) -> None:
    first = client.get(f"{site.bases['portal']}/vi/news/").text
    assert len(re.findall(r'class="panel-body"', first)) == 20
    second = client.get(f"{site.bases['portal']}/vi/news/page-2/").text
    assert set(re.findall(r"-(\d+)\.html", first)).isdisjoint(re.findall(r"-(\d+)\.html", second))
    item = next(i for i in site.sample.items if i.outlet == PORTAL.id)
    twin = client.get(item.url.replace("/vi/news/", "/vi/news/print/"))
    assert twin.status_code == 200
    assert item.title in unescape(twin.text)


def test_flood_blocker_refuses_the_41st_request_of_a_minute() -> None:
    now = [0.0]
    blocker = FloodBlocker(clock=lambda: now[0])
    assert [blocker.wait() for _ in range(40)] == [0] * 40
    assert blocker.wait() == 60
    now[0] = 61.0
    assert blocker.wait() == 0
    with serve(build(), ports=FREE, flood_blocker=True) as guarded, httpx.Client() as client:
        url = f"{guarded.bases['portal']}/sitemap.xml"
        statuses = [client.get(url).status_code for _ in range(42)]
        assert statuses == [200] * 40 + [429] * 2
        assert int(client.get(url).headers["Retry-After"]) > 0


def test_feeds_revalidate_by_etag(site: Site, client: httpx.Client) -> None:
    for outlet in (SONG_TRA, DAK_BLA):
        url = site.bases[outlet.host] + outlet.feed
        first = client.get(url)
        assert "<rss" in first.text
        again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(url, headers={"If-None-Match": '"khac"'}).status_code == 200


def test_faulty_pages_are_faulty(site: Site, client: httpx.Client) -> None:
    faults = {item.fault: item for item in site.sample.items if item.fault}
    assert set(faults) == {"truncated", "not_article", "robots", "wrong_charset"}
    cut = client.get(faults["truncated"].url)
    assert cut.status_code == 200
    assert int(cut.headers["Content-Length"]) == len(cut.content)
    assert b"</html>" not in cut.content
    wrong = client.get(faults["wrong_charset"].url)
    assert "iso-8859-1" in wrong.headers["Content-Type"]
    assert faults["wrong_charset"].title in unescape(wrong.content.decode())
    robots = client.get(f"{site.bases['song_tra']}/robots.txt").text
    assert "Disallow: /noi-bo/" in robots
    assert "/noi-bo/" in faults["robots"].url


def test_two_newsrooms_use_two_markups(site: Site, client: httpx.Client) -> None:
    classic = next(i for i in site.sample.items if i.outlet == SONG_TRA.id and not i.fault)
    modern = next(i for i in site.sample.items if i.outlet == DAK_BLA.id and not i.fault)
    first, second = client.get(classic.url).text, client.get(modern.url).text
    assert "fck_detail" in first
    assert "application/ld+json" not in first
    assert f'"datePublished": "{modern.published.isoformat()}"' in second
    assert classic.author in first
    assert modern.author in second


def test_graph_pages_through_an_empty_page_to_the_end(site: Site, client: httpx.Client) -> None:
    got, empty, url = [], 0, ""
    answer = _graph(site, client, "quenha/posts", fields="id,message,created_time", limit="2")
    for _ in range(200):
        body = answer.json()
        got += [record["id"] for record in body["data"]]
        empty += not body["data"]
        url = body.get("paging", {}).get("next", "")
        if not url:
            break
        answer = client.get(url)
    assert url == ""
    assert empty == 1
    assert len(got) == len(set(got)) > 4
    assert "call_count" in answer.headers["X-App-Usage"]
    assert "estimated_time_to_regain_access" in answer.headers["X-Business-Use-Case-Usage"]


def test_graph_gives_authors_only_to_who_asks(site: Site, client: httpx.Client) -> None:
    plain = _graph(site, client, "quenha/posts", fields="id,message,comments.limit(0).summary(total_count)").json()[
        "data"
    ]
    assert all(set(record) == {"id", "message", "comments"} for record in plain)
    asked = _graph(site, client, "quenha/posts", fields="id,from").json()["data"]
    assert all(record["from"]["name"] for record in asked)
    post = next(record for record in plain if record["comments"]["summary"]["total_count"])
    comments = _graph(site, client, f"{post['id']}/comments", fields="id,message", limit="100").json()["data"]
    assert len(comments) == post["comments"]["summary"]["total_count"]
    assert not any("from" in record for record in comments)


def test_graph_errors_come_as_the_platform_sends_them(site: Site, client: httpx.Client) -> None:
    no_token = client.get(f"{site.bases['graph']}/v26.0/quenha/posts")
    assert no_token.json()["error"]["code"] == 190
    assert _graph(site, client, "khong_co/posts").json()["error"]["code"] == 100
    with serve(build(), ports=FREE, throttle_once=True) as throttled:
        first = _graph(throttled, client, "quenha/posts")
        assert (first.status_code, first.json()["error"]["code"]) == (200, 32)
        assert "data" in _graph(throttled, client, "quenha/posts").json()


def test_graph_obeys_since(site: Site, client: httpx.Client) -> None:
    since = int(site.sample.crawl_from.timestamp())
    records = _graph(site, client, "quenha/posts", since=str(since), limit="100").json()["data"]
    expected = [
        i
        for i in site.sample.items
        if i.outlet == QUE_NHA.id and i.kind == "post" and i.published >= site.sample.crawl_from
    ]
    assert len(records) == len(expected)


def test_zalo_refresh_token_works_once_and_slices_are_small(client: httpx.Client) -> None:
    with serve(build(), ports=FREE) as site:
        base, env = site.bases["zalo"], site.environ
        form = {
            "refresh_token": env["DULUAN_ZALO_REFRESH_TOKEN"],
            "app_id": env["DULUAN_ZALO_APP_ID"],
            "grant_type": "refresh_token",
        }
        head = {"secret_key": env["DULUAN_ZALO_SECRET"]}
        pair = client.post(f"{base}/v4/oa/access_token", data=form, headers=head).json()
        assert {"access_token", "refresh_token", "expires_in"} <= set(pair)
        assert client.post(f"{base}/v4/oa/access_token", data=form, headers=head).json()["error"] == -14003
        token = {"access_token": pair["access_token"]}
        assert (
            client.get(f"{base}/v2.0/article/getslice?offset=0&limit=11&type=normal", headers=token).json()["error"]
            == -201
        )
        assert client.get(f"{base}/v2.0/article/getslice?offset=0&limit=10&type=normal").json()["error"] == -216
        data = client.get(f"{base}/v2.0/article/getslice?offset=0&limit=10&type=normal", headers=token).json()["data"]
        detail = client.get(f"{base}/v2.0/article/getdetail?id={data['medias'][0]['id']}", headers=token).json()["data"]
        assert detail["title"] == data["medias"][0]["title"]
        assert detail["author"] in site.sample.secrets
        assert client.get(f"{base}/v2.0/oa/getoa", headers=token).json()["data"]["is_verified"] is True


def test_a_taken_port_is_replaced_and_said(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    taken = int(site.bases["portal"].rpartition(":")[2])
    with serve(build(), ports={**FREE, "portal": taken}) as other:
        assert other.bases["portal"] != site.bases["portal"]
        assert all(i.url.startswith(other.bases["portal"]) for i in other.sample.items if i.outlet == PORTAL.id)
    assert "đang bận" in caplog.text


def test_profile_is_the_shipped_province_with_the_samples_sources(site: Site, province_dir: Path) -> None:
    base = load_province(province_dir)
    made = profile(site, base)
    assert (made.units, made.topics, made.alerts) == (base.units, base.topics, base.alerts)
    assert all(
        source.verified and source.delay == 0 and source.purpose and source.lawful_basis for source in made.sources
    )
    assert {source.via for source in made.sources} == {"nukeviet", "rss", "facebook", "zalo"}


def test_outlets_can_be_taken_to_an_earlier_moment(client: httpx.Client) -> None:
    with serve(build(), ports=FREE) as site:
        middle = site.sample.crawl_from
        late = next(i for i in reversed(site.sample.items) if i.outlet == SONG_TRA.id and not i.fault)
        feed = site.bases["song_tra"] + SONG_TRA.feed
        site.show(middle)
        assert client.get(late.url).status_code == 404
        assert late.url not in client.get(feed).text
        posts = _graph(site, client, "quenha/posts", fields="id,created_time", limit="100").json()["data"]
        assert max(post["created_time"] for post in posts) <= f"{middle.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+0000"
        site.show(site.sample.end)
        assert client.get(late.url).status_code == 200
        assert late.url in client.get(feed).text
