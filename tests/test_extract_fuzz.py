"""1,000 mutated pages – bit flips, cuts, swapped encodings, hostile markup – raise nothing and end in a known outcome."""

from __future__ import annotations

import gzip
import json
import lzma
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.extract import extract, reasons
from duluan.model import Document, RawPage, Rejected

PAGES = Path(__file__).parent / "fixtures" / "pages"
HOSTS = {"vnexpress": "vnexpress.net", "nld": "nld.com.vn", "tuoitre": "tuoitre.vn", "vietnamnet": "vietnamnet.vn"}
ENCODINGS = ["utf-16", "utf-16-le", "cp1258", "latin-1", "shift_jis", "utf-8-sig", "gb18030"]
CONTENT_TYPES = [
    "", "text/html", "text/html; charset=utf-8", "text/html; charset=iso-8859-1", "text/html; charset=windows-1258",
    "text/html; charset=idna", "text/html; charset=", "application/json",
]  # fmt: skip
HOSTILE = [
    b"<" * 500, b"<div>" * 3000, b"</div>" * 3000, b"<table><tr><td>" * 400, b"<li>" * 2000, b"<br>" * 5000, b"<b><i>" * 2000,
    b"<!--", b"-->", b"<script>", b"</script>", b"<![CDATA[", b"]]>", b"<plaintext>", b"<xmp>", b"<template>", b"<noscript>",
    b"<textarea>", b"<title>", b"<select><option>", b"<frameset>", b"<svg><math><annotation-xml>", b"<object><embed>",
    b"\x00", b"\xff\xfe", b"\x0b\x0c\x1b", "\u202e\u200f".encode() * 50, "\ufffe\uffff".encode(), b"\xed\xa0\x80",
    b"&#x110000;", b"&#xD800;", b"&#0;", b"&#1;&#8;&#11;", b"&" + b"a" * 5000 + b";",
    b'<a href="' + b"x" * 10000 + b'">', b"<p " + b" a=1" * 5000 + b">", b"<p style='text-align:right' class='caption'>",
    b'<?xml version="1.0" encoding="utf-16"?>', b"<meta charset=punycode>", b"<meta charset=utf-7>", b"<base href='javascript:1'>",
    b"<link rel=canonical href='http://[::1'>", b"<link rel=canonical href='//[x'>", b"<link rel=canonical href='http://a:99999/'>",
    b'<script type="application/ld+json">' + b"[" * 20000 + b"</script>",
    b'<script type="application/ld+json">' + b'{"@graph":' * 3000 + b"</script>",
    b'<script type="application/ld+json">{"@type":"NewsArticle","datePublished":9e99,"author":[[[]]],"headline":{}}</script>',
    b'<script type="application/ld+json">{"@type":["NewsArticle",null],"author":{"name":["x"]},"articleBody":[1]}</script>',
    b'<meta property="article:published_time" content="0001-01-01T00:00:00+07:00">',
    b'<meta property="article:published_time" content="9999-12-31T23:59:59-12:00">',
    b'<time itemprop=datePublished datetime="2025-02-30T99:99:99+99:99">', b"<h1 itemprop=headline>" * 50, b"<h1></h1>" * 200,
]  # fmt: skip


def flip(body: bytes, rng: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(rng.randint(1, 100)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(body: bytes, rng: random.Random) -> bytes:
    return body[: rng.randrange(len(body))]


def hole(body: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(body))
    return body[:start] + body[start + rng.randrange(1, 5000) :]


def insert(body: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(body))
    return body[:place] + rng.choice(HOSTILE) + body[place:]


def reencode(body: bytes, rng: random.Random) -> bytes:
    return body.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


def reorder(body: bytes, rng: random.Random) -> bytes:
    one, other = sorted((rng.randrange(len(body)), rng.randrange(len(body))))
    return body[one:other] + body[:one] + body[other:]


def pack(body: bytes, rng: random.Random) -> bytes:
    packed = gzip.compress(body, 1)
    return packed if rng.random() < 0.5 else packed[: rng.randrange(2, len(packed))]


def swap(body: bytes, rng: random.Random) -> bytes:
    old = rng.choice([b">", b"<", b'"', b"</", b"div", b"p"])
    return body.replace(old, rng.choice([b"", b">>", b"<", b"\x00"]), rng.randint(1, 200))


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    flip,
    cut,
    hole,
    insert,
    insert,
    reencode,
    reorder,
    pack,
    swap,
]


def originals(shared: Path | None) -> list[RawPage]:
    pages = []
    for path in sorted(PAGES.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        pages.append(
            RawPage(
                record["url"], "mau", datetime.fromisoformat(record["fetched"]), path.with_suffix(".html").read_bytes()
            )
        )
    for path in sorted((shared / "data" / "html_fixtures").glob("*.html.xz")) if shared else ():
        url = f"https://{HOSTS[path.name.split('_')[1]]}/a-123456.html"
        pages.append(RawPage(url, "mau", pages[0].fetched + timedelta(days=365), lzma.decompress(path.read_bytes())))
    return pages


def outcome(found: Document | Rejected) -> str:
    """The outcome's name; a document must be one that every store can take."""
    if isinstance(found, Rejected):
        assert found.reason in reasons.REASONS
        return found.reason
    assert found.title
    json.dumps([found.title, found.text], ensure_ascii=False).encode()
    assert "\x00" not in found.text + found.title
    return "document"


@pytest.mark.parametrize("seed", range(5))
def test_two_hundred_mutated_pages(seed: int) -> None:
    shared = Path(__file__).resolve().parents[2] / "shared"
    pages = originals(shared if shared.is_dir() else None)
    rng = random.Random(seed)
    seen: Counter[str] = Counter()
    for _ in range(200):
        page = rng.choice(pages)
        body = page.body
        for _ in range(rng.randint(1, 4)):
            body = rng.choice(MUTATIONS)(body, rng) if body else body
        mutated = RawPage(page.url, page.source, page.fetched, body, content_type=rng.choice(CONTENT_TYPES))
        seen[outcome(extract(mutated, nukeviet=rng.random() < 0.1))] += 1
    assert seen["document"] > 20, "most small damage does not lose a page"
    assert seen["truncated"] > 20
    assert len(seen) >= 5


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: repr(text[:24]))
def test_each_hostile_piece_inside_a_good_page(hostile: bytes) -> None:
    page = originals(None)[-1]
    body = page.body.replace(b"<h1", hostile + b"<h1", 1)
    outcome(extract(RawPage(page.url, page.source, page.fetched, body)))


@pytest.mark.parametrize("url", ["https://bao.example.vn/a-1.html", "https://vnexpress.net/a-1.html"])
def test_a_page_with_more_text_than_any_article_is_refused_before_it_is_cleaned(url: str) -> None:
    paragraph = "<p>Ủy ban nhân dân xã họp với bà con về việc sửa tuyến đường liên thôn hư hỏng.</p>"
    html = f"<html><body><h1 class='title-detail'>Tin</h1><article class='fck_detail'>{paragraph * 9000}</article></body></html>"
    found = extract(RawPage(url, "mau", originals(None)[0].fetched, html.encode()))
    assert isinstance(found, Rejected)
    assert found.reason == reasons.TOO_LARGE


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(CONTENT_TYPES))
def test_any_bytes(body: bytes, content_type: str) -> None:
    fetched = originals(None)[0].fetched
    outcome(extract(RawPage("https://bao.example.vn/a-1.html", "mau", fetched, body, content_type=content_type)))


MARKUP = st.lists(
    st.sampled_from(
        "<p> </p> <div> </div> <br> <h1> </h1> <table> <tr> <td> </table> <a href=x> </a> <b> </b> <li> <ul> </ul> <figure> "
        "<figcaption> </figcaption> </figure> <script> </script> <!-- --> <time> &nbsp; &lt; Mưa lớn hôm_nay 08:15, 14/11/2025 "
        "<p_class=caption> <article_class=fck_detail> </article> <h1_class=title-detail>".replace("_", "\u00a0").split(
            " "
        )
    ),
    max_size=80,
).map(lambda pieces: "<html><body>" + " ".join(pieces).replace("\u00a0", " ") + "</body></html>")


@settings(max_examples=120, deadline=None)
@given(MARKUP)
def test_any_markup(html: str) -> None:
    fetched = originals(None)[0].fetched
    for url in ("https://bao.example.vn/a-1.html", "https://vnexpress.net/a-1.html"):
        outcome(extract(RawPage(url, "mau", fetched, html.encode(), kind="post")))
