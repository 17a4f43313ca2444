"""Every fault of the reference ends in the right outcome."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples_crawl import EVERY, Reply, Route, article, documents, feed, fetches, run, site, source

from crawlers.decode import decode_body, looks_cut
from crawlers.outcome import Refused
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
    for _ in range(20):
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
    "brotli": (Reply(b"\x1b\x00", headers={"Content-Encoding": "br"}), "bad_encoding"),
    "broken-gzip": (_gzipped(b"\x1f\x8b" + b"nonsense"), "bad_encoding"),
    "loop": (Reply("", 302, headers={"Location": "/tin-loop.html"}), "redirects"),
    "to-file": (Reply("", 302, headers={"Location": "file:///etc/passwd"}), "forbidden_address"),
    "to-private": (Reply("", 302, headers={"Location": "http://10.0.0.1/"}), "forbidden_address"),
    "to-closed": (Reply("", 301, headers={"Location": "/cam/tin.html"}), "robots"),
    "gone": (Reply("", 410), "gone"),
    "missing": (Reply("", 404), "gone"),
    "login": (Reply("", 401), "forbidden"),
    "pdf": (Reply(b"%PDF-1.7", type="application/pdf"), "not_html"),
    "empty": (Reply(""), "not_article"),
}


def _latin(text: str) -> Reply:
    return Reply(text.encode(), type="text/html; charset=iso-8859-1")


def test_each_fault_has_its_outcome(tmp_path: Path) -> None:
    with site({"/robots.txt": Reply("User-agent: *\nDisallow: /cam/", type="text/plain")}) as here:
        here.routes |= {f"/tin-{name}.html": route for name, (route, _) in FAULTS.items()}
        here.routes["/tin-wrong-charset.html"] = _latin(GOOD)
        here.routes["/tin-moved.html"] = Reply("", 301, headers={"Location": "/moi.html"})
        here.routes["/moi.html"] = Reply(article("Bài đã chuyển", 8))
        names = [*FAULTS, "wrong-charset", "moved"]
        here.routes["/rss"] = feed(here.base, [f"/tin-{name}.html" for name in names])
        found = run(source(f"{here.base}/rss"), tmp_path)
    told = {
        item.where.rpartition("/tin-")[2].removesuffix(".html"): item.reason
        for item in found
        if isinstance(item, Rejected)
    }
    expected = {name: reason for name, (_, reason) in FAULTS.items()}
    assert {name: told.get(name) for name in expected if name != "empty"} == {
        name: reason for name, reason in expected.items() if name != "empty"
    }
    assert "empty" in told
    assert sorted(document.title for document in documents(found)) == ["Bài đã chuyển", "Sửa đường liên thôn"]
    assert "/cam/tin.html" not in here.paths()


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
