"""Every fault of the reference ends in the right outcome."""

from __future__ import annotations

import gzip
import re
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples_crawl import EVERY, Hit, Reply, Route, article, documents, feed, fetches, run, site, source
from test_extract_pages import in_windows_1258

from crawlers.decode import decode_body, looks_cut
from crawlers.frontier import Frontier
from crawlers.limits import Limits
from crawlers.outcome import Refused
from crawlers.state import State
from duluan.model import Document, Fetch, Rejected

GOOD = article("Sửa đường liên thôn", 7)


def _raw(head: str, body: bytes, then: Callable[[BaseHTTPRequestHandler], None] | None = None) -> Reply:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n\r\n".encode() + body)
        handler.wfile.flush()
        if then is not None:
            then(handler)

    return Reply(raw=write)


def _drip(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(40):
        handler.wfile.write(b"<p>")
        time.sleep(0.2)


def _endless(handler: BaseHTTPRequestHandler) -> None:
    while True:
        handler.wfile.write(b"<p>x</p>" * 20_000)


def _gzipped(body: bytes) -> Reply:
    return Reply(body, headers={"Content-Encoding": "gzip"})


CUT = gzip.compress(GOOD.encode())
HTML = "Content-Type: text/html"
FAULTS: dict[str, tuple[Route, str]] = {
    "cut-gzip": (_gzipped(CUT[: len(CUT) * 2 // 3]), "truncated"),
    "cut-page": (Reply(GOOD[: GOOD.index("</article>")]), "truncated"),
    "short-body": (_raw(f"{HTML}\r\nContent-Length: 90000", GOOD.encode()[:900]), "truncated"),
    "bomb": (_gzipped(gzip.compress(b"\0" * (64 << 20))), "too_large"),
    "endless": (_raw(HTML, b"<html><body>", _endless), "too_large"),
    "huge": (_raw(f"{HTML}\r\nContent-Length: 99999999", b"<html>"), "too_large"),
    "cut-chunks": (_raw(f"{HTML}\r\nTransfer-Encoding: chunked", b"400\r\n" + b"<html>" + b"x" * 300), "truncated"),
    "brotli-bomb": (Reply(b"\x1b\x00", headers={"Content-Encoding": "br"}), "bad_encoding"),
    "broken-gzip": (_gzipped(b"\x1f\x8b" + b"nonsense"), "bad_encoding"),
    "loop": (Reply("", 302, headers={"Location": "/tin-loop.html"}), "redirects"),
    "to-file": (Reply("", 302, headers={"Location": "file:///etc/passwd"}), "forbidden_address"),
    "to-private": (Reply("", 302, headers={"Location": "http://10.0.0.1/"}), "forbidden_address"),
    "to-closed": (Reply("", 301, headers={"Location": "/cam/tin.html"}), "robots"),
    "gone": (Reply("", 410), "gone"),
    "missing": (Reply("", 404), "gone"),
    "login": (Reply("", 401), "forbidden"),
    "pdf": (Reply(b"%PDF-1.7", type="application/pdf"), "not_html"),
    "image": (Reply(b"\x89PNG\r\n\x1a\n" + bytes(200), type="text/html"), "not_html"),
    "empty": (Reply(""), "not_html"),
    "list": (Reply("<html><body>" + "<p><a href='/x'>Tin</a></p>" * 30 + "</body></html>"), "not_article"),
    "short": (
        Reply(article("Ngắn").replace("</h1>", "</h1><!--").replace("</article>", "--></article>")),
        "not_article",
    ),
    "english": (
        Reply(
            re.sub(
                "<p>.*?</p>",
                "<p>The committee said on Friday that the road between the villages will be mended before the rains begin.</p>",
                GOOD,
            )
        ),
        "wrong_language",
    ),
    "future": (Reply(article("Ngày mai", published="2099-01-01T08:00:00+07:00")), "future_date"),
}
LATER: dict[str, Route] = {  # nothing is lost: the page waits in the frontier
    "tarpit": Reply(raw=lambda handler: _tarpit(handler)),
    "dripping": _raw(HTML, b"<html>", lambda handler: _drip(handler)),
    "reset": Reply(raw=lambda handler: handler.connection.close()),
    "no-http": Reply(raw=lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 3)),
    "busy": Reply("", 503),
    "slow-down": Reply("", 429, headers={"Retry-After": "600"}),
}


def _tarpit(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(40):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n"[:1])
        time.sleep(0.2)


def _latin(text: str) -> Reply:
    return Reply(text.encode(), type="text/html; charset=iso-8859-1")


GOOD_IN_THE_END: dict[str, tuple[Route, str]] = {
    "wrong-charset": (_latin(GOOD), "Sửa đường liên thôn"),
    "windows-1258": (Reply(in_windows_1258(article("Cầu mới", 9)), type="text/html; charset=windows-1258"), "Cầu mới"),
    "gzip": (_gzipped(gzip.compress(article("Nén", 10).encode())), "Nén"),
    "moved": (Reply("", 301, headers={"Location": "/moi.html"}), "Bài đã chuyển"),
}


def test_each_fault_has_its_outcome(tmp_path: Path) -> None:
    """The reference's table and more, on one host, by one crawl."""
    tries: list[str] = []

    def refused_twice(hit: Hit) -> Reply:
        tries.append(hit.path)
        return Reply("", 429, headers={"Retry-After": "1"}) if len(tries) < 3 else Reply(article("Lần thứ ba", 11))

    with site({"/robots.txt": Reply("User-agent: *\nDisallow: /cam/", type="text/plain")}) as here:
        here.routes |= {f"/tin-{name}.html": route for name, (route, _) in {**FAULTS, **GOOD_IN_THE_END}.items()}
        here.routes |= {"/tin-429-twice.html": refused_twice, "/moi.html": Reply(article("Bài đã chuyển", 8))}
        names = [*FAULTS, *GOOD_IN_THE_END, "429-twice"]
        here.routes["/rss"] = feed(here.base, [f"/tin-{name}.html" for name in names])
        found = run(source(f"{here.base}/rss"), tmp_path)
    told = {
        item.where.rpartition("/tin-")[2].removesuffix(".html"): item.reason
        for item in found
        if isinstance(item, Rejected)
    }
    assert told == {name: reason for name, (_, reason) in FAULTS.items()}
    wanted = ["Lần thứ ba", *(title for _, title in GOOD_IN_THE_END.values())]
    assert sorted(document.title for document in documents(found)) == sorted(wanted)
    assert all("hiến đất" in document.text for document in documents(found))
    assert "/cam/tin.html" not in here.paths()
    assert len(tries) == 3


def test_what_may_be_good_later_waits_and_is_not_stored(tmp_path: Path) -> None:
    with ExitStack() as stack:
        sites = {name: stack.enter_context(site({"/tin-1.html": route})) for name, route in LATER.items()}
        for here in sites.values():
            here.routes["/rss"] = feed(here.base, ["/tin-1.html"])
        sources = [source(f"{here.base}/rss", id=name) for name, here in sites.items()]
        found = run(sources, tmp_path, limits=Limits(timeout=3.0, wait_for_page=1.0))
    assert fetches(found) == [True] * len(LATER)
    assert [item for item in found if not isinstance(item, Fetch)] == []
    assert {name: here.paths().count("/tin-1.html") for name, here in sites.items()} == dict.fromkeys(LATER, 1)
    state = State(tmp_path)
    assert {name: Frontier(state).queued(name) for name in LATER} == dict.fromkeys(LATER, 1)
    state.close()


def test_a_hanging_source_delays_no_other(tmp_path: Path) -> None:
    with site() as bad, site() as good:
        bad.routes |= {"/tin-1.html": _raw(HTML, b"<html>", _drip), "/tin-2.html": _raw(HTML, b"<html>", _drip)}
        bad.routes["/rss"] = feed(bad.base, ["/tin-1.html", "/tin-2.html"])
        good.routes |= {f"/tin-{n}.html": Reply(article(f"Tin {n}", n)) for n in range(5)}
        good.routes["/rss"] = feed(good.base, [f"/tin-{n}.html" for n in range(5)])
        found = run([source(f"{bad.base}/rss", id="treo"), source(f"{good.base}/rss", id="tot")], tmp_path)
    assert [item.source for item in found if isinstance(item, Document)] == ["tot"] * 5
    assert [item.source for item in found if isinstance(item, Fetch)] == ["tot", "treo"]
    assert max(hit.at for hit in good.hits) - min(hit.at for hit in good.hits) < 1.5


def test_seventy_hanging_sources_delay_the_others_by_one_time_out_at_most(tmp_path: Path) -> None:
    """More than exchanges may be under way; each has a good list and page after page that hangs."""
    hanging = _raw(HTML, b"<html>", _drip)
    with site(host=EVERY) as here:
        port = here.base.rpartition(":")[2]
        here.routes |= {f"/treo-{n}.html": hanging for n in range(3)} | {"/tin.html": Reply(article("Tin tốt"))}
        here.routes["/treo.rss"] = lambda hit: feed(
            f"http://{hit.headers['host']}", [f"/treo-{n}.html" for n in range(3)]
        )
        here.routes["/tot.rss"] = lambda hit: feed(f"http://{hit.headers['host']}", ["/tin.html"])
        bad = [source(f"http://127.0.1.{n}:{port}/treo.rss", id=f"treo{n}") for n in range(1, 71)]
        good = [source(f"http://127.0.2.{n}:{port}/tot.rss", id=f"tot{n}") for n in range(1, 4)]
        found = run([*bad, *good], tmp_path)
    ended = [item.source for item in found if isinstance(item, Fetch)]
    assert len(ended) == 73
    assert len(documents(found)) == 3
    third = min(hit.at for hit in here.hits if hit.path == "/treo-2.html")  # a bad source that has waited two time-outs
    assert max(hit.at for hit in here.hits if hit.path == "/tin.html") < third


def test_a_dead_feed_is_a_failed_fetch_and_backs_off(tmp_path: Path) -> None:
    with site({"/rss": Reply("", 500), "/html": Reply("<html><body>không phải RSS</body></html>")}) as here:
        dead, wrong = source(f"{here.base}/rss", id="hong"), source(f"{here.base}/html", id="nham")
        assert fetches(run([dead, wrong], tmp_path)) == [False, False]
        assert fetches(run([dead, wrong], tmp_path)) == [False, False]  # the flow's own retry
        assert fetches(run([dead, wrong], tmp_path)) == []  # backing off now
        assert fetches(run(dead, tmp_path, force=True)) == [False]


@given(st.binary(max_size=2000), st.sampled_from(["", "gzip", "deflate", "gzip, deflate", "identity", "br"]))
@settings(max_examples=150)
def test_decoding_anything_gives_bytes_or_a_refusal(body: bytes, encoding: str) -> None:
    try:
        told = decode_body(body, encoding, 10_000)
    except Refused as refused:
        told = refused.reason
    assert isinstance(told, bytes) or told in {"truncated", "too_large", "bad_encoding"}


@given(st.binary(max_size=3000), st.data())
@settings(max_examples=80)
def test_every_cut_of_a_compressed_body_is_seen(body: bytes, data: st.DataObject) -> None:
    raw = zlib.compressobj(wbits=-15)
    for encoding, whole in (
        ("gzip", gzip.compress(body)),
        ("deflate", zlib.compress(body)),
        ("deflate", raw.compress(body) + raw.flush()),
    ):
        assert decode_body(whole, encoding, 10_000) == body
        if encoding == "gzip":
            cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
            with pytest.raises(Refused):
                decode_body(cut, encoding, 10_000)


def test_a_page_is_cut_when_it_opens_and_does_not_close() -> None:
    assert looks_cut(b"<!DOCTYPE html><html><body><p>a", "text/html")
    assert not looks_cut(b"<!DOCTYPE html><html><body><p>a</body></html>", "text/html")
    assert not looks_cut(b"<p>a", "text/html")
    assert not looks_cut(b"<html>", "application/json")
