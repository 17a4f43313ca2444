"""The contract of both stores: grouped counts, voices."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import contract_stores
import pytest
from contract_stores import cells, write
from samples_index import BA_TO, DAK_HA, NOON, counted, document, numbered

from duluan.clock import LOCAL
from duluan.query import Filter, parse_query
from index.base import Batch, CountRow, Index

opener = contract_stores.opener
store = contract_stores.store
filled = contract_stores.filled


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
