"""The browser: renders pages that need JavaScript, and cannot get past the gate. Judged by the servers' own logs."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from samples_crawl import QUICK, Reply, article, documents, fetches, reasons, run, site, source

from crawlers.connectors.rendered import plugin_posts
from crawlers.limits import Limits
from duluan.clock import system_clock

CLOSED = Reply("User-agent: *\nDisallow: /cam/\n", type="text/plain")
PATIENT = Limits(timeout=5.0, wait_for_page=5.0)


def _script(code: str) -> Reply:
    return Reply(
        f"<!DOCTYPE html><html><head><meta charset='utf-8'></head><body><div id='o'></div><script>{code}</script></body></html>"
    )


@pytest.mark.browser
@pytest.mark.usefixtures("chromium")
def test_pages_that_need_javascript_and_50_closed_requests(tmp_path: Path) -> None:
    """A list that is built by a script, which also asks fifty times for a closed path, once by a redirect and once elsewhere."""
    with site() as other, site({"/robots.txt": CLOSED}) as here, socket.socket(type=socket.SOCK_DGRAM) as stun:
        stun.bind(("127.0.0.1", 0))
        stun.setblocking(False)
        other.routes["/x"] = Reply("{}", type="application/json")
        here.routes["/tin/bai-viet-ve-sua-duong-12345.html"] = _script(
            f"document.documentElement.innerHTML = decodeURIComponent(`{_quoted(article('Bài dựng bằng script'))}`)"
        )
        here.routes["/sang"] = Reply("", 302, headers={"Location": "/cam/sang"})
        here.routes["/du-lieu.json"] = Reply('["/tin/bai-viet-ve-sua-duong-12345.html"]', type="application/json")
        here.routes["/muc"] = _script(
            "for (let n = 0; n < 50; n++) fetch('/cam/' + n).catch(() => 0);"
            f"fetch('/sang').catch(() => 0); fetch('{other.base}/x').catch(() => 0);"
            "new Image().src = '/anh.png'; navigator.sendBeacon && navigator.sendBeacon('/dem', 'x');"
            f"new WebSocket('{here.base.replace('http', 'ws')}/cam/ws'); new EventSource('/cam/sse');"
            f"navigator.serviceWorker && navigator.serviceWorker.register('/cam/sw.js').catch(() => 0);"
            f"new Worker('/cam/worker.js'); document.head.insertAdjacentHTML('beforeend', '<link rel=preload as=fetch href=/cam/pre>');"
            f"const c = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{stun.getsockname()[1]}'}}]}});"
            "c.createDataChannel('x'); c.createOffer().then(o => c.setLocalDescription(o));"
            f"document.body.insertAdjacentHTML('beforeend', '<iframe src=/cam/khung></iframe><iframe src={other.base}/x></iframe>');"
            "fetch('/du-lieu.json').then(r => r.json()).then(a => { document.getElementById('o').innerHTML ="
            " a.map(u => `<a href='${u}'>bài</a>`).join('') });"
        )
        found = run(source(f"{here.base}/muc", "browser"), tmp_path, limits=PATIENT)
        with pytest.raises(BlockingIOError):
            stun.recv(1)
    assert fetches(found) == [True]
    assert [document.title for document in documents(found)] == ["Bài dựng bằng script"], reasons(found)
    assert sorted(set(here.paths())) == ["/du-lieu.json", "/muc", "/sang", "/tin/bai-viet-ve-sua-duong-12345.html"]
    assert other.hits == []
    assert {hit.headers["user-agent"].split("/")[0] for hit in here.hits} == {"duluan"}


@pytest.mark.browser
@pytest.mark.usefixtures("chromium")
def test_none_of_50_rendered_pages_of_a_closed_path_gets_through_on_first_contact(tmp_path: Path) -> None:
    """Fifty sources at once whose pages need a browser; the host's robots.txt, which nobody has seen yet, is slow."""

    def slow(hit: object) -> Reply:
        time.sleep(0.5)
        return CLOSED

    with site({"/robots.txt": slow}) as here:
        here.routes["/muc"] = _script("document.body.innerHTML = '<p>mở</p>'")
        closed = [source(f"{here.base}/cam/{n}", "browser", id=f"cam{n}") for n in range(50)]
        found = run([*closed, source(f"{here.base}/muc", "browser", id="mo")], tmp_path, limits=PATIENT)
    assert sorted(fetches(found)) == [False] * 50 + [True]
    assert here.paths() == ["/muc"]
    assert [hit.path for hit in here.hits].count("/robots.txt") == 1


@pytest.mark.browser
@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize(
    "answer",
    [Reply("", 503), Reply("<html><body>Trang chủ</body></html>"), Reply(raw=lambda handler: time.sleep(6))],
    ids=["503", "html", "time-out"],
)
def test_a_browser_asks_nothing_of_a_host_whose_robots_file_cannot_be_read(tmp_path: Path, answer: Reply) -> None:
    with site({"/robots.txt": answer, "/muc": _script("1")}) as here:
        assert fetches(run(source(f"{here.base}/muc", "browser"), tmp_path, limits=PATIENT)) == [False]
    assert here.paths() == []


@pytest.mark.browser
@pytest.mark.usefixtures("chromium")
def test_zalo_page_leads_to_its_articles(tmp_path: Path) -> None:
    with site() as here:
        here.routes["/4318"] = _script(
            "document.body.innerHTML = \"<a href='/detail/4318?id=a1'>b</a><a href='/khac'>k</a>\""
        )
        here.routes["/detail/4318"] = Reply(article("Bài của OA"))
        found = run(source(f"{here.base}/4318", "zalo_page", kind="post"), tmp_path, limits=PATIENT)
    assert [document.title for document in documents(found)] == ["Bài của OA"]
    assert here.paths() == ["/4318", "/detail/4318"]


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def test_the_page_plugin_refuses_to_start_without_a_written_permission(tmp_path: Path) -> None:
    with site() as here:
        plugin = source(f"{here.base}/plugins/page.php?href=x&tabs=timeline", "browser", kind="post")
        assert fetches(run(plugin, tmp_path, limits=QUICK)) == [False]
    assert here.hits == []
    assert "văn bản cho phép" in (tmp_path / "audit.jsonl").read_text(encoding="utf-8")


def test_what_the_page_plugin_shows() -> None:
    body = """<div class="userContentWrapper"><h5><a href="/trang">Trang xã</a></h5>
      <a href="/xa/posts/77?ref=embed_page"><abbr data-utime="1763600000">hôm qua</abbr></a>
      <div class="_5pbx userContent"><p>Mời bà con họp thôn,<span class="text_exposed_hide">...</span><span
      class="text_exposed_show"> gọi 0905123456.</span> <a class="see_more_link">Xem thêm</a></p></div></div>
      <div class="userContentWrapper"><div class="userContent">không có liên kết</div></div>"""
    [post] = plugin_posts(body.encode(), "https://www.facebook.com/plugins/page.php", "fb", system_clock())
    assert post.url == "https://facebook.com/xa/posts/77"
    assert post.text == "Mời bà con họp thôn, gọi [điện thoại]."
    assert post.published is not None
    assert post.published.timestamp() == 1763600000
    assert list(plugin_posts(b"", "https://www.facebook.com/", "fb", system_clock())) == []
