"""The contract of both stores: what is found, in which order, page by page."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

import contract_stores
import pytest
from contract_stores import found, write
from samples_index import DAK_HA, NOON, commune, document, numbered

from duluan.clock import LOCAL
from duluan.errors import InputError
from duluan.query import Filter, Term, parse_query
from index.base import Index

opener = contract_stores.opener
store = contract_stores.store
filled = contract_stores.filled


class TestOneDocument:
    DOCUMENTS = (document(),)

    @pytest.mark.parametrize(
        "text",
        [
            "dak ha",
            "Đăk Hà",
            unicodedata.normalize("NFD", "Đăk Hà"),
            "duong xau",
            "ĐƯỜNG XẤU",
            '"đường xấu"',
            '"duong xau them"',
            "sạt OR lũ",
            "lũ OR ngập OR sạt",
            "sat*",
            "ca*",
            '"cau cay su*"',
            "sạt topic:giao_thong",
            "topic:giao_thong sentiment:neg kind:news",
            "source:bao.example.vn",
            "place:23500",
            "issue:issue-1",
            "sạt -bão",
            'đường -"cầu Cây Quéo"',
            "Sạt   lở!!!",
            "người_dân OR người",
        ],
    )
    def test_what_is_found(self, filled: Index, text: str) -> None:
        assert found(filled, text) == [document().id]

    @pytest.mark.parametrize(
        "text",
        [
            "bão",
            "dakha",
            '"xấu đường"',
            '"Đăk Hà Mưa"',  # ends the title and begins the text
            "sạt -lở",
            'sạt -"cầu Cây Sung"',
            "sạt -cầ*",
            "lũ OR bão",
            "sạt topic:y_te",
            "sentiment:pos",
            "place:21484",
            "source:khac.example.vn",
            "issue:issue-2",
            "sa",
            '"duong xau theo*"',
        ],
    )
    def test_what_is_not_found(self, filled: Index, text: str) -> None:
        assert found(filled, text) == []

    @pytest.mark.parametrize("after", ["rác", "", "x.y", "12"])
    def test_a_broken_mark_is_refused(self, filled: Index, after: str) -> None:
        with pytest.raises(InputError, match="dấu trang"):
            filled.search(parse_query("sạt"), after=after)


def test_text_stored_decomposed_is_found_composed(store: Index) -> None:
    item = document(title=unicodedata.normalize("NFD", "Cầu Trà Khúc"), text=unicodedata.normalize("NFD", "kẹt xe"))
    write(store, item)
    assert found(store, '"trà khúc" "kẹt xe"') == [item.id]


def test_a_source_with_capitals_spaces_and_a_port(store: Index) -> None:
    names = ["Báo Quảng Ngãi", "báo quảng ngãi", "127.0.0.1:8080", "a:b c"]
    items = [numbered(n, source=name) for n, name in enumerate(names)]
    write(store, *items)
    for item in items:
        assert [h.document.id for h in store.search(Filter(sources=(item.source,))).hits] == [item.id]


def test_a_prefix_never_matches_a_field(store: Index) -> None:
    write(store, document(topic="xyz"))
    assert found(store, "xy*") == []


def test_only_exclusions_beside_a_field(store: Index) -> None:
    write(store, numbered(1), numbered(2, title="Bão số 13"))
    assert found(store, "topic:giao_thong -bão") == [numbered(1).id]


def test_exclusion_alone_in_a_typed_filter(store: Index) -> None:
    write(store, numbered(1), numbered(2, title="Bão số 13"))
    assert store.count(Filter(must_not=(Term(("bao",)),))) == 1


def test_in_province(store: Index) -> None:
    write(store, numbered(1), numbered(2, in_province=False))
    assert store.count(Filter(in_province=False)) == 1
    assert store.count(Filter(in_province=True)) == 1
    assert store.count(Filter()) == 2


def test_ids_and_origins(store: Index) -> None:
    first = numbered(1)
    write(store, first, numbered(2, origin=first.id), numbered(3))
    assert store.count(Filter(ids=(first.id, numbered(3).id, "none"))) == 2
    assert store.count(Filter(origins=(first.id,))) == 2
    assert store.count(Filter(origins=(first.id,), ids=(numbered(2).id,))) == 1


def test_members_are_alternatives_and_parts_are_conditions(store: Index) -> None:
    write(store, numbered(1, topic="y_te"), numbered(2, topic="giao_duc"), numbered(3, topic="y_te", sentiment="pos"))
    assert store.count(Filter(topics=("y_te", "giao_duc"))) == 3
    assert store.count(Filter(topics=("y_te", "giao_duc"), sentiments=("neg",))) == 2


def test_a_district_stands_for_its_communes_only_where_no_commune_is_named(store: Index) -> None:
    district = commune("529", "Ba Tơ", era="old", level="district", now=("21484", "21490"))
    province = commune("51", "Quảng Ngãi", level="province", now=tuple(str(n) for n in range(21000, 21096)))
    write(
        store, numbered(1, places=(district,)), numbered(2, places=(DAK_HA, district)), numbered(3, places=(province,))
    )
    assert store.count(Filter(places=("21490",))) == 1
    assert store.count(Filter(places=("23500",))) == 1
    assert store.count(Filter(places=("21000",))) == 0


def test_dates_across_tet_and_the_time_zone(store: Index) -> None:
    """Tết Bính Ngọ: 17 February 2026, local midnight is 17:00 UTC the day before."""
    eve = datetime(2026, 2, 16, 23, 59, 59, tzinfo=LOCAL)
    tet = datetime(2026, 2, 17, 0, 0, tzinfo=LOCAL)
    write(store, numbered(1, published=eve), numbered(2, published=tet))
    assert found(store, "sạt", since=tet) == [numbered(2).id]
    assert found(store, "sạt", until=tet.astimezone(UTC)) == [numbered(1).id]
    assert store.count(Filter(since=eve, until=tet + timedelta(seconds=1))) == 2
    assert store.count(Filter(since=tet, until=tet)) == 0


def test_a_date_range_alone(store: Index) -> None:
    write(store, *(numbered(n, published=NOON + timedelta(days=n)) for n in range(10)))
    query = Filter(since=NOON + timedelta(days=2), until=NOON + timedelta(days=5))
    assert [h.document.id for h in store.search(query).hits] == [numbered(n).id for n in (4, 3, 2)]


def test_without_published_the_fetch_counts(store: Index) -> None:
    write(store, document(published=None))
    assert store.count(Filter(since=NOON, until=NOON + timedelta(seconds=1))) == 1


def test_order_is_newest_first_and_ties_by_id(store: Index) -> None:
    same = [numbered(n) for n in range(50)]
    newest = numbered(99, published=NOON)
    write(store, *same, newest)
    assert found(store, "sạt") == [newest.id, *sorted(item.id for item in same)]


def test_ids_that_are_no_hashes_are_ordered_as_text(store: Index) -> None:
    ids = ["zz", "A1", "doc-10", "doc-2", "0a", "~", "abc", "abd", "ab", "Đ"]
    write(store, *(numbered(n, id=id_) for n, id_ in enumerate(ids)))
    assert found(store, "sạt") == sorted(ids)


def test_pages_join_without_gap_or_repeat(store: Index) -> None:
    write(store, *(numbered(n, published=NOON - timedelta(minutes=n % 7)) for n in range(53)))
    pages, after = list[str](), None
    while True:
        page = store.search(parse_query("sạt"), limit=10, after=after)
        assert page.total == 53
        pages += [hit.document.id for hit in page.hits]
        after = page.after
        if after is None:
            break
    assert pages == found(store, "sạt")


def test_paging_survives_writes(store: Index) -> None:
    write(store, *(numbered(n, published=NOON - timedelta(minutes=n)) for n in range(20)))
    first = store.search(parse_query("sạt"), limit=10)
    write(store, *(numbered(n, published=NOON + timedelta(minutes=n)) for n in range(100, 110)))
    second = store.search(parse_query("sạt"), limit=10, after=first.after)
    assert [h.document.id for h in (*first.hits, *second.hits)] == [numbered(n).id for n in range(20)]
    assert second.after is None


def test_paging_survives_the_removal_of_the_last_hit_shown(store: Index) -> None:
    write(store, *(numbered(n, published=NOON - timedelta(minutes=n)) for n in range(4)))
    first = store.search(parse_query("sạt"), limit=2)
    assert store.takedown(numbered(1).url, NOON)
    second = store.search(parse_query("sạt"), limit=2, after=first.after)
    assert [h.document.id for h in second.hits] == [numbered(n).id for n in (2, 3)]


def test_a_page_of_nothing(store: Index) -> None:
    page = store.search(parse_query("không có gì"))
    assert (page.hits, page.total, page.after) == ((), 0, None)


def test_ten_thousand_documents_of_one_second_are_paged_in_order(store: Index) -> None:
    ids = [f"{n:016x}" for n in range(10_000)]
    for start in range(0, len(ids), 2000):
        write(store, *(numbered(0, id=id_, text="", keywords=()) for id_ in ids[start : start + 2000]))
    read, after = list[str](), None
    while True:
        page = store.search(parse_query("sạt"), limit=1000, after=after)
        read += [hit.document.id for hit in page.hits]
        if (after := page.after) is None:
            break
    assert read == ids


def test_hits_show_where_they_match(store: Index) -> None:
    write(store, document(text="Chữ đầu. " * 60 + "Cầu Cây Sung bị cuốn trôi, đường xấu. " + "Chữ cuối. " * 60))
    (hit,) = store.search(parse_query('"cay sung" xau')).hits
    assert "Cầu ⟦Cây Sung⟧ bị cuốn trôi, đường ⟦xấu⟧." in hit.excerpt
    assert hit.excerpt.startswith("…")
    assert hit.excerpt.endswith("…")
    assert len(hit.excerpt) <= 310


def test_a_match_in_the_title_only_shows_the_title(store: Index) -> None:
    write(store, document())
    (hit,) = store.search(parse_query("sạt")).hits
    assert hit.excerpt == "⟦Sạt⟧ lở trên đường vào xã Đăk Hà"


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(InputError, match="không có trường"):
        parse_query("chude:y_te")
