"""The contract of both stores: documents written, read back, streamed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import contract_stores
import pytest
from contract_stores import found, write
from samples_index import NOON, document, numbered

from duluan.clock import LOCAL
from duluan.errors import StoreError
from duluan.model import Engagement
from duluan.query import Filter, parse_query
from index.base import Batch, DuplicatePolicy, Index

opener = contract_stores.opener
store = contract_stores.store


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
