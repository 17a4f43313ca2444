"""The contract that every store passes: the same documents, order, counts, folding and failures, whatever lies beneath."""

from __future__ import annotations

import random
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from samples_index import BA_TO, DAK_HA, NOON, alert, commune, counted, document, issue, numbered, shown

from duluan.clock import LOCAL, system_clock
from duluan.errors import InputError, StoreError
from duluan.model import Clustered, Engagement, Fetch, Label, Rejected
from duluan.query import Filter, Term, parse_query
from index import elastic_schema, open_store
from index.base import Batch, CountRow, DuplicatePolicy, Index, Outgoing

Open = Callable[[], Index]


def emptied(url: str) -> None:
    """Empty a cluster's indices; those that nothing was written to stay, which saves two seconds a test.

    Indices with external versions are dropped, not emptied: Elasticsearch remembers a deleted document's version for a minute
    and would refuse the next test's copy of it.
    """
    now = system_clock()
    with httpx.Client(base_url=url, timeout=60) as http:
        if http.get("/duluan-state/_doc/meta").status_code == 200:
            http.post("/duluan-*/_refresh")
            rows = http.get("/_cat/indices/duluan-*?format=json&h=index,docs.count,docs.deleted").json()
            used = [row["index"] for row in rows if (row["docs.count"], row["docs.deleted"]) != ("0", "0")]
            months = [
                row["index"]
                for row in rows
                if re.search(r"-(news|voices)-", row["index"]) and f"-{now:%Y.%m}-" not in row["index"]
            ]
            versioned = [*months, *(name for name in used if name == "duluan-alerts")]
            for name in versioned:
                assert http.delete(f"/{name}").is_success
            if versioned:
                recreated(http, versioned)
            ledgers = ",".join(set(used) - set(versioned))
            everything = {"query": {"bool": {"must_not": {"ids": {"values": ["meta"]}}}}}
            assert http.post(f"/{ledgers}/_delete_by_query?refresh=true&conflicts=proceed", json=everything).is_success
        else:
            store = open_store(url)
            store.setup()
            store.close()
        meta = {"schema": elastic_schema.VERSION, "kind": "meta", "counters": {}, "open": {}}
        assert http.put("/duluan-state/_doc/meta?refresh=true", json=meta).is_success


def recreated(http: httpx.Client, names: list[str]) -> None:
    """What `setup` would create of the dropped indices: the alert index; a month comes again with its first document."""
    if "duluan-alerts" in names:
        assert http.put("/duluan-alerts", json=elastic_schema.template("alerts")).is_success


STORES = ["sqlite", "elasticsearch"]


def url_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """An empty store, set up."""
    if kind == "sqlite":
        url = f"sqlite:///{folder}/kho.sqlite"
        store = open_store(url)
        store.setup()
        store.close()
        return url
    url = str(request.getfixturevalue("elasticsearch_url"))
    emptied(url)
    return url


@pytest.fixture(params=STORES)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same empty store any number of times, as several processes would."""
    opened: list[Index] = []
    url = url_of(request.param, request, tmp_path)

    def open_() -> Index:
        opened.append(open_store(url))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def store(opener: Open) -> Index:
    return opener()


@pytest.fixture(scope="class", params=STORES)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A store that holds the class's DOCUMENTS; its tests only read."""
    store = open_store(url_of(request.param, request, tmp_path_factory.mktemp("kho")))
    store.write(Batch(documents=request.cls.DOCUMENTS))
    yield store
    store.close()


def write(store: Index, *documents: Clustered, policy: DuplicatePolicy = DuplicatePolicy.NEWER) -> tuple[int, int]:
    result = store.write(Batch(documents=documents), policy=policy)
    return result.written, result.skipped


def found(store: Index, text: str, **parts: object) -> list[str]:
    query = replace(parse_query(text), **parts)  # type: ignore[arg-type]
    return [hit.document.id for hit in store.search(query, limit=100).hits]


# --- documents ---------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back_whole(store: Index) -> None:
    item = document(engagement=Engagement(reactions=3, shares=0), parent="abc", topic2="thien_tai")
    assert write(store, item) == (1, 0)
    assert store.get(item.id) == item


def test_times_keep_their_offset(store: Index) -> None:
    item = document(
        published=datetime(2026, 3, 7, 8, 6, tzinfo=LOCAL), fetched=datetime(2026, 3, 7, 2, 0, 0, 123456, tzinfo=UTC)
    )
    write(store, item)
    read = store.get(item.id)
    assert read is not None
    assert read.published is not None
    assert (read.published.isoformat(), read.fetched.isoformat()) == (
        "2026-03-07T08:06:00+07:00",
        "2026-03-07T02:00:00.123456+00:00",
    )


def test_an_unknown_id_is_none(store: Index) -> None:
    assert store.get("0000000000000000") is None


def test_the_same_document_twice_changes_nothing(store: Index) -> None:
    item = document()
    assert write(store, item) == (1, 0)
    assert write(store, item) == (0, 1)
    assert store.count(Filter()) == 1


def test_a_newer_version_replaces(store: Index) -> None:
    write(store, document())
    later = document(title="Đã thông đường", fetched=NOON + timedelta(hours=1))
    assert write(store, later) == (1, 0)
    assert store.get(later.id) == later
    assert found(store, "sạt") == []
    assert found(store, "thông") == [later.id]


def test_an_older_version_never_replaces(store: Index) -> None:
    item = document()
    write(store, item)
    assert write(store, document(title="Cũ", fetched=NOON - timedelta(seconds=1))) == (0, 1)
    assert store.get(item.id) == item


def test_the_same_version_enriched_again_replaces(store: Index) -> None:
    write(store, document())
    assert write(store, document(topic="thien_tai")) == (1, 0)
    assert store.count(Filter(topics=("giao_thong",))) == 0
    assert store.count(Filter(topics=("thien_tai",))) == 1


def test_a_microsecond_decides_which_version_is_newer(store: Index) -> None:
    newer = document(title="Mới", fetched=NOON + timedelta(microseconds=1))
    write(store, newer)
    assert write(store, document(title="Cũ")) == (0, 1)
    assert store.get(newer.id) == newer


def test_skip_keeps_the_first(store: Index) -> None:
    write(store, document())
    later = document(title="Khác", fetched=NOON + timedelta(hours=1))
    assert write(store, later, policy=DuplicatePolicy.SKIP) == (0, 1)
    assert store.get(later.id) == document()


def test_fail_writes_nothing_of_the_batch(store: Index) -> None:
    write(store, numbered(1))
    with pytest.raises(StoreError, match=numbered(1).id):
        write(store, numbered(2), numbered(1), policy=DuplicatePolicy.FAIL)
    assert store.get(numbered(2).id) is None


def test_one_id_twice_in_a_batch_keeps_the_newest(store: Index) -> None:
    newer = document(title="Mới", fetched=NOON + timedelta(hours=1))
    assert write(store, newer, document()) == (1, 1)
    assert store.get(newer.id) == newer


def test_known_names_the_stored_version(store: Index) -> None:
    write(store, numbered(1), numbered(2, fetched=NOON + timedelta(microseconds=7)))
    ids = [numbered(n).id for n in (1, 2, 3)]
    assert store.known(ids) == {ids[0]: NOON, ids[1]: NOON + timedelta(microseconds=7)}


def test_known_of_nothing(store: Index) -> None:
    assert store.known([]) == {}


def test_a_document_that_no_store_can_hold_is_rejected_and_the_rest_goes_on(store: Index) -> None:
    result = store.write(Batch(documents=[numbered(1, text="hỏng \ud800"), numbered(2)]))
    assert (result.written, [item.reason for item in result.rejected]) == (1, ["bad_text"])
    assert store.rejections() == [("bao.example.vn", "bad_text", 1)]


@pytest.mark.parametrize("changes", [{"toxic_p": float("nan")}, {"published": datetime(1500, 1, 1, tzinfo=UTC)}])
def test_a_value_out_of_range_is_rejected(store: Index, changes: dict[str, object]) -> None:
    result = store.write(Batch(documents=[document(**changes)]))
    assert [item.reason for item in result.rejected] == ["bad_value"]


def test_emoji_and_a_megabyte_of_text(store: Index) -> None:
    text = "Đường xấu quá 😡👍🏽 " + "cát bụi mịt mù " * 70_000 + "kim đáy bể"
    item = document(text=text)
    write(store, item)
    assert store.get(item.id) == item
    assert found(store, '"kim đáy bể"') == [item.id]


def test_a_word_of_a_hundred_thousand_letters(store: Index) -> None:
    item = document(text="x" * 100_000 + " sau")
    write(store, item)
    assert found(store, "sau") == [item.id]
    assert found(store, "x" * 90_000) == [item.id]


def test_an_empty_text(store: Index) -> None:
    item = document(text="", title="", keywords=(), places=())
    write(store, item)
    assert store.get(item.id) == item


def test_every_kind_is_stored(store: Index) -> None:
    items = [numbered(n, kind=kind) for n, kind in enumerate(("news", "post", "comment", "report", "survey"))]
    write(store, *items)
    assert {store.get(item.id) for item in []} == set()
    assert sorted(d.kind for d in store.documents(Filter())) == ["comment", "news", "post", "report", "survey"]
    assert store.count(Filter(kinds=("post", "comment"))) == 2


def test_a_document_may_change_its_kind(store: Index) -> None:
    write(store, document())
    write(store, document(kind="post", fetched=NOON + timedelta(hours=1)))
    assert [d.kind for d in store.documents(Filter())] == ["post"]


# --- search ------------------------------------------------------------------------------------------------------


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


# --- streams -----------------------------------------------------------------------------------------------------


def test_documents_stream_in_both_directions(store: Index) -> None:
    write(store, *(numbered(n, published=NOON - timedelta(seconds=n // 3)) for n in range(9)))
    newest = [d.id for d in store.documents(Filter())]
    expected = sorted(range(9), key=lambda n: (n // 3, numbered(n).id))
    assert newest == [numbered(n).id for n in expected]
    oldest = [d.id for d in store.documents(Filter(), oldest_first=True)]
    assert oldest == [numbered(n).id for n in sorted(range(9), key=lambda n: (-(n // 3), numbered(n).id))]


def test_a_stream_sees_the_store_as_it_was(store: Index) -> None:
    write(store, *(numbered(n, published=NOON - timedelta(minutes=n)) for n in range(1200)))
    stream = store.documents(Filter())
    read = [next(stream).id]
    write(store, numbered(5000, published=NOON - timedelta(minutes=600)))
    write(store, numbered(1199, title="Mới", published=NOON, fetched=NOON + timedelta(hours=1)))
    store.takedown(numbered(700).url, NOON)
    read += [item.id for item in stream]
    assert read == [numbered(n).id for n in range(1200)]


def test_a_stream_can_be_left(store: Index) -> None:
    write(store, numbered(1), numbered(2))
    stream = store.documents(Filter())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert write(store, numbered(3)) == (1, 0)


def test_documents_stream_by_filter(store: Index) -> None:
    write(store, numbered(1), numbered(2, topic="y_te"))
    assert [d.id for d in store.documents(Filter(topics=("y_te",)))] == [numbered(2).id]
    assert [d.id for d in store.documents(parse_query("sạt topic:y_te"))] == [numbered(2).id]


def test_ingested_is_the_order_of_first_writing(store: Index) -> None:
    write(store, numbered(3), numbered(1))
    write(store, numbered(2))
    write(store, numbered(3, title="Mới", fetched=NOON + timedelta(hours=1)))
    got = list(store.ingested())
    assert [d.id for _, d in got] == [numbered(n).id for n in (3, 1, 2)]
    numbers = [number for number, _ in got]
    assert numbers == sorted(set(numbers))
    assert [d.id for _, d in store.ingested(after=numbers[0])] == [numbered(n).id for n in (1, 2)]
    assert store.last_sequence() == numbers[-1]
    assert list(store.ingested(after=numbers[-1])) == []


def test_an_empty_store_has_sequence_zero(store: Index) -> None:
    assert store.last_sequence() == 0
    assert list(store.ingested()) == []


def test_a_sequence_number_is_never_given_twice(store: Index) -> None:
    write(store, numbered(1), numbered(2))
    last = store.last_sequence()
    store.takedown(numbered(2).url, NOON)
    write(store, numbered(3))
    assert [d.id for _, d in store.ingested(after=last)] == [numbered(3).id]


def test_voices_come_by_fetch_time(store: Index) -> None:
    write(
        store,
        numbered(2, fetched=NOON + timedelta(seconds=1)),
        numbered(1),
        numbered(3, fetched=NOON + timedelta(days=1)),
    )
    voices = list(store.voices(NOON, NOON + timedelta(days=1)))
    assert [v.id for v in voices] == [numbered(1).id, numbered(2).id]
    first = voices[0]
    assert (first.origin, first.issue, first.topic, first.sentiment) == (numbered(1).id, "issue-1", "giao_thong", "neg")
    assert (first.p_neg, first.uncertain, first.places, first.fetched) == (0.7, False, ("23500",), NOON)
    assert first.published == NOON - timedelta(hours=1)
    assert len(list(store.voices())) == 3


# --- counts ------------------------------------------------------------------------------------------------------


def cells(rows: list[CountRow], *keys: str) -> dict[tuple[object, ...], tuple[int, int]]:
    return {tuple(getattr(row, key) for key in keys): (row.documents, row.voices) for row in rows}


def test_counts_by_topic_and_tone(store: Index) -> None:
    write(
        store,
        numbered(1),
        numbered(2, topic="y_te"),
        numbered(3, topic="y_te", sentiment="pos"),
        numbered(4, topic="y_te"),
    )
    rows = store.counts(Filter(), ["topic", "sentiment"])
    assert cells(rows, "topic", "sentiment") == {
        ("giao_thong", "neg"): (1, 1),
        ("y_te", "neg"): (2, 2),
        ("y_te", "pos"): (1, 1),
    }
    assert [row.topic for row in rows] == ["giao_thong", "y_te", "y_te"]


def test_counts_without_keys_is_one_row(store: Index) -> None:
    assert store.counts(Filter(), []) == []
    write(store, numbered(1), numbered(2))
    assert store.counts(Filter(), []) == [CountRow(documents=2, voices=2)]


def test_hours_and_days_are_local(store: Index) -> None:
    late = datetime(2026, 3, 7, 23, 30, tzinfo=LOCAL)
    write(store, numbered(1, published=late), numbered(2, published=late + timedelta(hours=1)))
    hours = store.counts(Filter(), ["hour"])
    assert [row.hour for row in hours] == [late.replace(minute=0), late.replace(minute=0) + timedelta(hours=1)]
    days = store.counts(Filter(), ["day"])
    assert [row.day for row in days] == [datetime(2026, 3, d, tzinfo=LOCAL) for d in (7, 8)]
    assert days[0].day is not None
    assert days[0].day.utcoffset() == timedelta(hours=7)


REPRINTS = [  # (number, origin, hour, topic)
    (1, 1, 0, "y_te"),
    (2, 1, 0, "y_te"),  # reprint in the same cell: no new voice
    (3, 1, 5, "y_te"),  # reprint in another hour: there it is the one voice
    (4, 1, 5, "y_te"),  # and again
    (5, 5, 5, "giao_duc"),
    (6, 999, 5, "giao_duc"),  # its original is not stored
]


class TestReprints:
    DOCUMENTS = tuple(
        numbered(n, origin=numbered(o).id, published=NOON + timedelta(hours=h), topic=t, source=f"s{n}", issue=f"i{o}")
        for n, o, h, t in REPRINTS
    )

    @pytest.mark.parametrize(
        ("by", "query", "expected"),
        [
            ([], Filter(), {(): (6, 3)}),
            (["topic"], Filter(), {("giao_duc",): (2, 2), ("y_te",): (4, 1)}),
            (["issue"], Filter(), {("i1",): (4, 1), ("i5",): (1, 1), ("i999",): (1, 1)}),
            (["topic"], Filter(since=NOON + timedelta(hours=3)), {("giao_duc",): (2, 2), ("y_te",): (2, 1)}),
            (["topic"], Filter(since=NOON + timedelta(hours=3, minutes=1)), {("giao_duc",): (2, 2), ("y_te",): (2, 1)}),
            (["topic"], Filter(topics=("y_te",)), {("y_te",): (4, 1)}),
            (["place"], Filter(), {("23500",): (6, 3)}),
            (["place", "topic"], Filter(places=("23500",)), {("23500", "giao_duc"): (2, 2), ("23500", "y_te"): (4, 1)}),
            (["topic"], Filter(places=("23500", "21484")), {("giao_duc",): (2, 2), ("y_te",): (4, 1)}),
            (["kind"], Filter(issues=("i1",)), {("news",): (4, 1)}),
            (["source"], Filter(origins=(numbered(1).id,)), {(f"s{n}",): (1, 1) for n in (1, 2, 3, 4)}),
            (["topic"], Filter(sources=("s3", "s4", "s6")), {("giao_duc",): (1, 1), ("y_te",): (2, 1)}),
            (["topic"], Filter(in_province=False), {}),
            (["topic"], Filter(issues=("i1", "i5")), {("giao_duc",): (1, 1), ("y_te",): (4, 1)}),
        ],
    )
    def test_a_voice_is_a_distinct_origin(
        self, filled: Index, by: list[str], query: Filter, expected: dict[tuple[object, ...], tuple[int, int]]
    ) -> None:
        assert cells(filled.counts(query, by), *by) == expected

    def test_reprints_by_hour(self, filled: Index) -> None:
        rows = filled.counts(Filter(), ["hour", "topic"])
        at, later = NOON.replace(minute=0), NOON.replace(minute=0) + timedelta(hours=5)
        assert cells(rows, "hour", "topic") == {
            (at, "y_te"): (2, 1),
            (later, "giao_duc"): (2, 2),
            (later, "y_te"): (2, 1),
        }


@pytest.mark.parametrize("topics", [3, 20])  # 20: more than Elasticsearch is asked for in one answer
def test_the_board_question_is_exact_and_in_order(store: Index, topics: int) -> None:
    """Documents and distinct origins of every cell, reprints within and across cells included."""
    documents = [
        numbered(
            n,
            origin=numbered(n if n % 3 else n * 7 % 60).id,
            published=NOON + timedelta(minutes=37 * n),
            topic=f"t{n * 11 % topics:02}",
            sentiment=("neg", "neu", "pos")[n % 3],
        )
        for n in range(60)
    ]
    write(store, *documents)
    month = Filter(since=NOON - timedelta(days=15), until=NOON + timedelta(days=15))
    for by in (["hour", "topic", "sentiment"], ["sentiment", "day", "topic"], ["topic", "kind"]):
        origins: dict[tuple[object, ...], list[str]] = {}
        for item in documents:
            assert item.published is not None
            at = item.published.astimezone(LOCAL)
            hour = at.replace(minute=0, second=0, microsecond=0)
            known = {"hour": hour, "day": hour.replace(hour=0), "topic": item.topic, "sentiment": item.sentiment}
            origins.setdefault(tuple({**known, "kind": item.kind}[key] for key in by), []).append(item.origin)
        expected = {key: (len(held), len(set(held))) for key, held in origins.items()}
        found = cells(store.counts(month, by), *by)
        assert found == expected
        assert list(found) == sorted(expected)


def test_reprints_of_reprints(store: Index) -> None:
    """1 and 2 name each other, 3 names 1: two distinct origins, none of them of an original."""
    pairs = ((1, 2), (2, 1), (3, 1))
    write(store, *(numbered(n, origin=numbered(o).id) for n, o in pairs))
    for by in ([], ["topic"], ["issue"], ["hour", "topic", "sentiment"], ["source"]):
        assert [(row.documents, row.voices) for row in store.counts(Filter(), by)] == [(3, 2)], by


BY_CHANCE = [
    ["hour", "topic", "sentiment"],
    ["topic", "hour", "sentiment"],
    ["hour", "day", "topic"],
    ["day", "place"],
    ["issue", "hour"],
    ["sentiment", "topic", "kind"],
    ["place", "source", "topic"],
    ["hour"],
]


def test_counts_say_what_the_documents_say(store: Index) -> None:
    """Reprints near and far, of the same group and of others, some of their originals outside the question."""
    chance = random.Random(7)
    documents = [
        numbered(
            n,
            origin=numbered(chance.randrange(n + 1)).id if n % 2 else numbered(n).id,
            published=NOON + timedelta(hours=chance.randrange(4) * 5, minutes=chance.randrange(3)),
            topic=chance.choice(["giao_thong", "y_te"]),
            sentiment=chance.choice(["neg", "pos"]),
            issue=chance.choice(["a", "b"]),
            places=tuple(place for place in (DAK_HA, BA_TO) if chance.random() < 0.5),
        )
        for n in range(80)
    ]
    store.write(Batch(documents=documents))
    for query in (Filter(), Filter(since=NOON + timedelta(hours=5), until=NOON + timedelta(hours=11))):
        covered = list(store.documents(query))
        for by in BY_CHANCE:
            assert store.counts(query, by) == counted(covered, by), by


def test_a_document_counts_once_in_each_of_its_communes(store: Index) -> None:
    write(store, numbered(1, places=(DAK_HA, BA_TO)), numbered(2, places=(BA_TO, BA_TO)), numbered(3, places=()))
    assert cells(store.counts(Filter(), ["place"]), "place") == {("21484",): (2, 2), ("23500",): (1, 1)}
    assert store.counts(Filter(places=("23500", "21484")), []) == [CountRow(documents=2, voices=2)]
    assert store.counts(Filter(places=("21484",)), []) == [CountRow(documents=2, voices=2)]


def test_counts_follow_a_changed_document(store: Index) -> None:
    write(store, document())
    write(store, document(topic="y_te", places=(BA_TO,), published=NOON, fetched=NOON + timedelta(hours=1)))
    assert cells(store.counts(Filter(), ["topic", "place"]), "topic", "place") == {("y_te", "21484"): (1, 1)}
    assert [row.hour for row in store.counts(Filter(), ["hour"])] == [NOON]


def test_counts_refuse_words_and_unknown_keys(store: Index) -> None:
    with pytest.raises(ValueError, match="words"):
        store.counts(parse_query("sạt"), ["topic"])
    with pytest.raises(ValueError, match="author"):
        store.counts(Filter(), ["author"])
    with pytest.raises(ValueError, match="twice"):
        store.counts(Filter(), ["topic", "topic"])


# --- issues ------------------------------------------------------------------------------------------------------


def test_issues_are_replaced_by_id(store: Index) -> None:
    store.write(Batch(issues=[issue(), issue("issue-2")]))
    store.write(Batch(issues=[issue(title="Tên mới", voices=9)]))
    assert list(store.issues()) == [issue(title="Tên mới", voices=9), issue("issue-2")]
    assert list(store.issues(["issue-2", "none"])) == [issue("issue-2")]
    assert list(store.issues([])) == []


def test_a_title_by_staff_stays(store: Index) -> None:
    store.write(Batch(issues=[issue(title="Do cán bộ đặt", title_by_staff=True)]))
    store.write(Batch(issues=[issue(title="Do máy đặt", voices=7)]))
    assert list(store.issues()) == [issue(title="Do cán bộ đặt", title_by_staff=True, voices=7)]


def test_a_merge_moves_documents_and_counts(store: Index) -> None:
    store.write(Batch(documents=[numbered(1), numbered(2, issue="issue-2")], issues=[issue(), issue("issue-2")]))
    store.write(Batch(documents=[numbered(3, issue="issue-2")], merges={"issue-2": "issue-1"}))
    assert store.count(Filter(issues=("issue-1",))) == 3
    assert store.count(Filter(issues=("issue-2",))) == 0
    assert cells(store.counts(Filter(), ["issue"]), "issue") == {("issue-1",): (3, 3)}
    assert {i.id: i.merged_into for i in store.issues()} == {"issue-1": None, "issue-2": "issue-1"}
    read = store.get(numbered(2).id)
    assert read is not None
    assert read.issue == "issue-1"


def test_a_merged_issue_takes_in_late_documents(store: Index) -> None:
    store.write(Batch(documents=[numbered(1)], merges={"issue-2": "issue-1"}))
    store.write(Batch(documents=[numbered(2, issue="issue-2")]))
    assert store.count(Filter(issues=("issue-1",))) == 2
    assert write(store, numbered(2, issue="issue-2")) == (0, 1)


def test_merges_run_in_chains(store: Index) -> None:
    store.write(
        Batch(documents=[numbered(n, issue=f"i{n}") for n in (1, 2, 3)], issues=[issue(f"i{n}") for n in (1, 2, 3)])
    )
    store.write(Batch(merges={"i1": "i2", "i2": "i3"}))
    assert store.count(Filter(issues=("i3",))) == 3
    assert {i.id: i.merged_into for i in store.issues()} == {"i1": "i3", "i2": "i3", "i3": None}
    store.write(Batch(merges={"i3": "i4"}))
    store.write(Batch(documents=[numbered(4, issue="i1")]))
    assert store.count(Filter(issues=("i4",))) == 4


def test_a_merge_may_be_turned_round(store: Index) -> None:
    store.write(Batch(documents=[numbered(1, issue="a"), numbered(2, issue="b")], issues=[issue("a"), issue("b")]))
    store.write(Batch(merges={"a": "b"}))
    store.write(Batch(merges={"b": "a"}))
    store.write(Batch(documents=[numbered(3, issue="b"), numbered(4, issue="a")]))
    assert store.count(Filter(issues=("a",))) == 4
    assert {i.id: i.merged_into for i in store.issues()} == {"a": None, "b": "a"}


# --- ledgers -----------------------------------------------------------------------------------------------------


def test_labels_are_kept_apart_answer_by_answer(store: Index) -> None:
    store.put_labels([Label(id="a", at=NOON, topic="khac", feedback=False), Label(id="b", at=NOON, sentiment="pos")])
    store.put_labels([Label(id="a", at=NOON + timedelta(hours=1), topic="y_te"), Label(id="c", at=NOON)])
    store.put_labels([Label(id="a", at=NOON - timedelta(hours=1), topic="kinh_te", in_province=True)])
    expected = Label(id="a", at=NOON + timedelta(hours=1), topic="y_te", feedback=False, in_province=True)
    assert store.labels(["a", "x"]) == {"a": expected}
    assert list(store.labels()) == ["a", "b"]
    assert store.labels([]) == {}


def test_a_takedown_takes_the_label_along(store: Index) -> None:
    write(store, numbered(1))
    store.put_labels([Label(id=numbered(1).id, at=NOON, topic="khac")])
    store.takedown(numbered(1).url, NOON)
    assert store.labels() == {}


def test_the_fetch_ledger(store: Index) -> None:
    tries = [Fetch("b", NOON, True), Fetch("a", NOON, False), Fetch("a", NOON - timedelta(hours=1), True)]
    store.write(Batch(fetches=tries))
    store.write(Batch(fetches=tries))
    assert list(store.fetches()) == [tries[2], tries[1], tries[0]]
    assert list(store.fetches(NOON, NOON + timedelta(seconds=1))) == [tries[1], tries[0]]
    assert list(store.fetches(until=NOON)) == [tries[2]]


def test_rejections_are_counted_once_a_page(store: Index) -> None:
    refused = [
        Rejected("too_short", "https://a.vn/1", "a"),
        Rejected("too_short", "https://a.vn/2", "a"),
        Rejected("dup", "x", "b"),
    ]
    store.write(Batch(rejected=refused))
    store.write(Batch(rejected=refused[:1]))
    assert store.rejections() == [("a", "too_short", 2), ("b", "dup", 1)]


def test_state_is_written_with_the_batch(store: Index) -> None:
    assert store.state("clusterer") is None
    store.write(Batch(documents=[document()], state={"clusterer": b"\x00\xff", "detector": b""}))
    assert store.state("clusterer") == b"\x00\xff"
    assert store.state("detector") == b""
    store.put_state("clusterer", b"2" * 3_000_000)
    assert store.state("clusterer") == b"2" * 3_000_000


def test_alerts_and_their_history(store: Index) -> None:
    first = alert()
    promoted = alert(tier="mail", detected=NOON + timedelta(hours=5), voices=30)
    store.put_alerts([first])
    store.put_alerts([first])
    store.add_alert_event("alert-1", {"at": NOON + timedelta(hours=4), "state": "acknowledged", "note": "đã báo Sở"})
    store.put_alerts([promoted])
    assert store.alerts() == [promoted]
    history = store.alert_history("alert-1")
    assert [entry["state"] for entry in history] == ["version", "acknowledged", "version"]
    assert history[0]["alert"]["tier"] == "watch"
    assert history[1] == {"at": "2026-03-07T16:00:00+07:00", "state": "acknowledged", "note": "đã báo Sở"}
    assert history[2]["alert"]["voices"] == 30


def test_a_late_older_version_only_joins_the_history(store: Index) -> None:
    newer = alert(detected=NOON + timedelta(hours=9))
    store.put_alerts([newer])
    store.put_alerts([alert()])
    assert store.alerts() == [newer]
    assert [entry["at"] for entry in store.alert_history("alert-1")] == [
        "2026-03-07T15:00:00+07:00",
        "2026-03-07T21:00:00+07:00",
    ]


def test_a_turn_has_one_holder_until_it_ends(opener: Open) -> None:
    one, other = opener(), opener()
    until = NOON + timedelta(minutes=15)
    assert one.lease("watch", "a", now=NOON, until=until) == "a"
    assert other.lease("watch", "b", now=NOON + timedelta(minutes=5), until=until + timedelta(hours=1)) == "a"
    assert other.lease("another", "b", now=NOON, until=until) == "b"
    renewed = one.lease("watch", "a", now=NOON + timedelta(minutes=5), until=until + timedelta(minutes=5))
    assert renewed == "a"
    assert other.lease("watch", "b", now=until, until=until + timedelta(hours=1)) == "a"
    assert other.lease("watch", "b", now=until + timedelta(minutes=5), until=until + timedelta(hours=1)) == "b"  # over
    assert one.lease("watch", "a", now=until + timedelta(minutes=6), until=until + timedelta(hours=1), over="x") == "b"
    assert one.lease("watch", "a", now=until + timedelta(minutes=6), until=until + timedelta(hours=1), over="b") == "a"
    assert one.lease("watch", "a", now=until + timedelta(minutes=7), until=until + timedelta(minutes=7)) == "a"  # back
    assert other.lease("watch", "b", now=until + timedelta(minutes=7), until=until + timedelta(hours=1)) == "b"


def test_a_mark_of_another_process_is_seen_at_once(opener: Open) -> None:
    """Whoever takes over from a killed process must not send again what that one sent."""
    one, other = opener(), opener()
    one.outbox_add([Outgoing(id="m", alert="a", created=NOON, payload=b"x", recipients=("t@x.vn",))])
    assert [m.id for m in other.outbox()] == ["m"]
    one.outbox_mark("m", sent=NOON)
    assert other.outbox() == []


def test_alerts_come_newest_first(store: Index) -> None:
    store.put_alerts([alert(f"a{n}", detected=NOON + timedelta(hours=n % 3)) for n in range(6)])
    assert [a.id for a in store.alerts()] == ["a2", "a5", "a1", "a4", "a0", "a3"]
    assert [a.id for a in store.alerts(since=NOON + timedelta(hours=1), until=NOON + timedelta(hours=2))] == [
        "a1",
        "a4",
    ]


def test_an_event_needs_its_alert_and_its_time(store: Index) -> None:
    with pytest.raises(StoreError, match="không có cảnh báo"):
        store.add_alert_event("none", {"at": NOON, "state": "closed"})
    store.put_alerts([alert()])
    with pytest.raises(ValueError, match="at"):
        store.add_alert_event("alert-1", {"state": "closed"})
    assert store.alert_history("none") == []


def message(id: str = "m1", **changes: object) -> Outgoing:
    base: dict[str, object] = {
        "id": id,
        "alert": "alert-1",
        "created": NOON,
        "payload": b"Subject: x\r\n\r\n\xff",
        "recipients": ("a@example.vn",),
    }
    return Outgoing(**base | changes)  # type: ignore[arg-type]


def test_the_outbox(store: Index) -> None:
    assert store.outbox_add([message("m2", created=NOON + timedelta(hours=1)), message()]) == 2
    assert store.outbox_add([message(payload=b"changed"), message("m3", created=NOON + timedelta(hours=2))]) == 1
    assert [m.id for m in store.outbox()] == ["m1", "m2", "m3"]
    assert store.outbox()[0] == message()
    store.outbox_mark("m1", sent=None, error="451 hãy thử lại")
    store.outbox_mark("m1", sent=NOON)
    assert [m.id for m in store.outbox()] == ["m2", "m3"]
    assert store.outbox(pending=False)[0] == message(sent=NOON, tries=2)


def test_an_unknown_message_cannot_be_marked(store: Index) -> None:
    with pytest.raises(StoreError, match="không có thư"):
        store.outbox_mark("none", sent=NOON)


def test_the_audit_log_only_grows(store: Index) -> None:
    store.audit({"at": NOON, "what": "login"})
    store.audit({"at": NOON - timedelta(hours=1), "what": "search", "n": 3})
    assert list(store.audit_log()) == [
        {"at": "2026-03-07T12:00:00+07:00", "what": "login"},
        {"at": "2026-03-07T11:00:00+07:00", "what": "search", "n": 3},
    ]


# --- retention and take-down -------------------------------------------------------------------------------------


def test_retention_by_kind_and_age(store: Index) -> None:
    body = "Đoạn văn dài về con đường. " * 40
    old_news = numbered(1, fetched=NOON - timedelta(days=31), text=body)
    new_news = numbered(2, fetched=NOON - timedelta(days=29), text=body)
    old_post = numbered(3, kind="post", fetched=NOON - timedelta(days=91), title="Bài của dân", text="lời nói riêng")
    new_post = numbered(4, kind="post", fetched=NOON - timedelta(days=89))
    comment = numbered(5, kind="comment", fetched=NOON - timedelta(days=91), text="lời nói riêng")
    write(store, old_news, new_news, old_post, new_post, comment)
    done = store.retain(NOON)
    assert (done["news_bodies"], done["voice_texts"]) == (1, 2)
    kept = {d.id: d for d in store.documents(Filter())}
    assert kept[old_news.id].title == old_news.title
    assert 200 < len(kept[old_news.id].text) <= 300
    assert kept[new_news.id] == new_news
    assert (kept[old_post.id].title, kept[old_post.id].text, kept[old_post.id].keywords) == ("", "", ())
    assert kept[new_post.id] == new_post
    assert (kept[comment.id].title, kept[comment.id].text) == (comment.title, "")
    assert found(store, '"lời nói riêng"') == []
    assert store.counts(Filter(), []) == [CountRow(documents=5, voices=5)]
    assert store.retain(NOON) == dict.fromkeys(done, 0)
    assert write(store, old_post) == (0, 1), "the same version again does not bring the text back"


def test_retention_of_excerpts_and_mails(store: Index) -> None:
    post = numbered(1, kind="post", fetched=NOON)
    news = numbered(2)
    write(store, post, news)
    store.put_alerts([alert(evidence=(shown(post), shown(news)))])
    store.outbox_add([message("sent"), message("waiting")])
    store.outbox_mark("sent", sent=NOON)
    done = store.retain(NOON + timedelta(days=100))
    assert (done["alert_excerpts"], done["mails"]) == (1, 1)
    (kept,) = store.alerts()
    assert [bool(item.excerpt) for item in kept.evidence] == [False, True]
    version = store.alert_history("alert-1")[0]["alert"]
    assert [bool(item["excerpt"]) for item in version["evidence"]] == [False, True]
    assert {m.id: bool(m.payload) for m in store.outbox(pending=False)} == {"sent": False, "waiting": True}


def test_takedown_leaves_nothing_but_a_tombstone(store: Index) -> None:
    gone, stays = numbered(1, text="lời kín"), numbered(2)
    reply = numbered(3, kind="comment", parent=gone.id, title=gone.title)
    store.write(Batch(documents=[gone, stays, reply], issues=[issue(title=gone.title)]))
    store.put_alerts([alert(evidence=(shown(gone), shown(stays)))])
    store.outbox_add([message("waiting"), message("sent")])
    store.outbox_mark("sent", sent=NOON)
    assert store.takedown(gone.url + "?utm_source=x", NOON)
    assert store.get(gone.id) is None
    assert found(store, "kín") == []
    assert [e.id for e in store.alerts()[0].evidence] == [stays.id]
    assert [e["id"] for e in store.alert_history("alert-1")[0]["alert"]["evidence"]] == [stays.id]
    assert [(m.id, m.payload) for m in store.outbox(pending=False)] == [("sent", b"")]
    left = store.get(reply.id)
    assert left is not None
    assert left.title == ""
    assert next(iter(store.issues())).title == ""
    assert store.counts(Filter(), []) == [CountRow(documents=2, voices=2)]
    assert list(store.audit_log())[-1]["hash"] == gone.id
    assert gone.url not in str(list(store.audit_log()))


def test_what_was_taken_down_stays_away(store: Index) -> None:
    write(store, document())
    store.takedown(document().url, NOON)
    result = store.write(Batch(documents=[document(fetched=NOON + timedelta(days=1))]))
    assert [item.reason for item in result.rejected] == ["taken_down"]
    assert store.count(Filter()) == 0


def test_takedown_of_an_unknown_address(store: Index) -> None:
    assert not store.takedown("https://bao.example.vn/khong-co.html", NOON)


# --- several at once ---------------------------------------------------------------------------------------------


def test_a_second_object_reads_what_the_first_wrote(opener: Open) -> None:
    first, second = opener(), opener()
    write(first, document())
    first.close()
    assert second.get(document().id) == document()


def test_setup_again_changes_nothing(store: Index) -> None:
    write(store, document())
    store.setup()
    assert store.get(document().id) == document()


def test_concurrent_writers_lose_and_repeat_nothing(opener: Open) -> None:
    def run(part: int) -> None:
        own = opener()
        for start in range(0, 120, 30):
            # every fourth document is written by all writers
            write(own, *(numbered(n if n % 4 == 0 else n + 1000 * part) for n in range(start, start + 30)))

    threads = [threading.Thread(target=run, args=(part,)) for part in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = opener()
    assert store.count(Filter()) == 30 + 3 * 90
    assert len({d.id for _, d in store.ingested()}) == 300
    assert len([n for n, _ in store.ingested()]) == 300
    assert store.counts(Filter(), []) == [CountRow(documents=300, voices=300)]


def test_a_store_without_schema_says_what_to_do(opener: Open, tmp_path: Path) -> None:
    store = opener()
    if hasattr(store, "drop"):
        store.drop()
        fresh = opener()
    else:
        fresh = open_store(f"sqlite:///{tmp_path}/khac.sqlite")
    with pytest.raises(StoreError, match="duluan setup"):
        fresh.count(Filter())
    fresh.close()


@pytest.mark.parametrize("url", ["postgres://x", "sqlite:///", "", "kho.sqlite"])
def test_an_unknown_kind_of_store(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///"):
        open_store(url)
