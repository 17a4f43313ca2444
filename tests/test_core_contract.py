"""The contract's id vectors, records and errors: what others' tests rest on."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duluan.clock import parse_time
from duluan.errors import InputError
from duluan.query import Term, parse_query
from duluan.records import document_from, dumps, fetch_from, to_record, unknown_keys
from duluan.text import excerpt, fold, nfc, search_tokens
from duluan.urls import canonical_url, comment_url, document_id

VECTORS = [
    (
        "HTTP://www.TuoiTre.vn/hang-me-tay-tram-tuoi-o-quang-ngai-20250809121229855.htm?utm_source=fb&fbclid=x#top",
        "https://tuoitre.vn/hang-me-tay-tram-tuoi-o-quang-ngai-20250809121229855.htm",
        "e09036c21e3bf28e",
    ),
    ("https://example.vn:443", "https://example.vn/", "2a4fdd4f2e4d3b3a"),
    ("https://m.example.vn//tin/?b=2&a=1&ref=z", "https://example.vn/tin?a=1&b=2", "fa04fa5e3057e106"),
    (
        "https://example.vn/xã-đắk-hà",
        "https://example.vn/x%C3%A3-%C4%91%E1%BA%AFk-h%C3%A0",
        "db49992bf0dbc67c",
    ),
]
NUKEVIET = "https://sonongnghiep.example.gov.vn/news/4821"


@pytest.mark.parametrize(("url", "canonical", "id"), VECTORS)
def test_id_vectors(url: str, canonical: str, id: str) -> None:
    assert canonical_url(url) == canonical
    assert document_id(url) == id


def test_comment_vector() -> None:
    url = comment_url("https://vnexpress.net/bao-so-13-4959000.html", "123456")
    assert url == "https://vnexpress.net/bao-so-13-4959000.html#c=123456"
    assert document_id(url) == "77914743f84741d4"


@pytest.mark.parametrize(
    "path",
    ["vi/news/tin-tuc/sat-lo-4821.html", "vi/news/print/tin-tuc/sat-lo-4821.html", "vi/news/savefile/tin-tuc/sat-lo-4821.html",
     "news/sat-lo-4821.html", "vi/news/sat-lo-4821.html?utm_medium=x"],
)  # fmt: skip
def test_nukeviet_twins_are_one_page(path: str) -> None:
    url = f"https://sonongnghiep.example.gov.vn/{path}"
    assert canonical_url(url, nukeviet=True) == NUKEVIET
    assert document_id(url, nukeviet=True) == "1a93844b45e65dc6"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://a.vn/tin/bai.amp", "https://a.vn/tin/bai"),
        ("https://a.vn/tin/bai/amp/", "https://a.vn/tin/bai"),
        ("http://a.vn:8080/x", "https://a.vn:8080/x"),
        ("https://a.vn/%7euser/%c3%a0%2f", "https://a.vn/~user/%C3%A0%2F"),
        ("https://a.vn/?q=a+b&q=A%2BB", "https://a.vn/?q=A%2BB&q=a+b"),
        ("https://a.vn/x?_ga=1&mibextid=2&zarsrc=3", "https://a.vn/x"),
        ("urn:duluan:report:00ff", "urn:duluan:report:00ff"),
    ],
)
def test_canonical_forms(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@pytest.mark.parametrize("url", ["", "tin/bai.html", "mailto:a@b.vn", "javascript:alert(1)", "https://"])
def test_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not a web address"):
        canonical_url(url)


@given(
    st.from_regex(r"https?://[a-z]{1,8}\.vn(/[^\s#?\x00-\x1f]{0,12}){0,3}(\?[^\s#\x00-\x1f]{0,15})?", fullmatch=True)
)
@settings(max_examples=200)
def test_canonical_is_a_fixed_point(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_folding_is_stable_and_encodable(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    nfc(text).encode("utf-8")
    assert search_tokens(text) == search_tokens(fold(text))


def test_folding_sees_through_marks_and_nfd() -> None:
    assert fold("Đăk Hà") == "dak ha" == fold("Đăk Hà")
    assert search_tokens("Đường xấu, ĐƯỜNG XẤU!") == ["duong", "xau", "duong", "xau"]


def test_excerpt_ends_at_a_word() -> None:
    text = "Người dân phản ánh đường liên xã xuống cấp. " * 20
    assert len(excerpt(text)) <= 300
    assert excerpt(text).endswith("…")
    assert excerpt("ngắn  gọn\n") == "ngắn gọn"


def test_document_round_trip_drops_the_author() -> None:
    record = {
        "url": "https://baomau.example/a.html?utm_source=x", "source": "baomau", "kind": "news", "title": "Tiêu đề",
        "text": "Nội dung", "fetched": "2026-03-07T08:06:00+07:00", "author": "ai đó", "engagement": {"shares": 3},
    }  # fmt: skip
    document = document_from(record)
    assert unknown_keys(record) == ["author"]
    written = to_record(document)
    assert written["url"] == "https://baomau.example/a.html"
    assert written["engagement"] == {"shares": 3}
    assert "published" not in written
    assert "ai đó" not in dumps(written)
    assert document_from(json.loads(dumps(written))) == document


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("kind", "blog", "kind"),
        ("fetched", "2026-03-07T08:06:00", "offset"),
        ("text", None, "text"),
        ("title", 3, "title"),
    ],
)
def test_bad_values_name_their_key(key: str, value: object, message: str) -> None:
    record = {
        "url": "https://a.vn/x",
        "source": "a",
        "kind": "news",
        "title": "t",
        "text": "x",
        "fetched": "2026-03-07T08:06:00Z",
    }
    with pytest.raises(ValueError, match=message):
        document_from({**record, key: value})


def test_fetch_line() -> None:
    fetch = fetch_from({"fetch": {"source": "a", "at": "2026-03-07T08:00:00+07:00", "ok": True}})
    assert fetch is not None
    assert fetch.at == datetime(2026, 3, 7, 1, tzinfo=UTC)
    assert fetch_from({"url": "https://a.vn"}) is None
    assert parse_time("2026-03-07T08:52:11.000 +07:00").minute == 52


def test_query_syntax() -> None:
    query = parse_query(
        'sạt lở "cầu Cây Sung" -bão OR lũ topic:thien_tai place:"Đăk Hà" sat*', places={"dak ha": ("23500",)}
    )
    assert Term(("cau", "cay", "sung")) in query.must[2]
    assert query.must[2][1] == Term(("lu",))
    assert query.must_not == (Term(("bao",)),)
    assert query.places == ("23500",)
    assert query.must[-1] == (Term(("sat",), prefix=True),)


@pytest.mark.parametrize(
    "text", ["author:ai", "kind:blog", '"chưa đóng', "OR lũ", "lũ OR", "-bão", "place:Huế", "topic:"]
)
def test_bad_queries_say_why(text: str) -> None:
    with pytest.raises(InputError, match="truy vấn"):
        parse_query(text)
