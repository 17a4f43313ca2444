"""Counts for Kibana: the minimum cell, and days marked and recounted by several processes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from samples_index import BA_TO, NOON, numbered

from index import elastic_hourly
from index.base import Batch
from index.elastic import Cluster
from index.elastic_bulk import Action, Outcome
from index.elastic_index import ElasticIndex


def hourly(url: str, **where: str) -> list[dict[str, Any]]:
    httpx.post(f"{url}/duluan-hourly/_refresh")
    terms = [{"term": {key: value}} for key, value in where.items()]
    body = {"size": 1000, "query": {"bool": {"filter": terms}}, "sort": ["hour", "topic"]}
    hits = httpx.post(f"{url}/duluan-hourly/_search", json=body).json()["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def test_counts_for_kibana_hide_small_cells_of_peoples_words(elastic_store: ElasticIndex, elastic_url: str) -> None:
    posts = [numbered(n, kind="post") for n in range(4)]
    elastic_store.write(
        Batch(documents=[*posts, *(numbered(n, kind="comment", topic="y_te") for n in range(10, 15)), numbered(99)])
    )
    elastic_store.recount()
    cells = hourly(elastic_url, cut="hour_topic", channel="voices")
    assert [(c["topic"], c["below"], c.get("documents"), c.get("voices")) for c in cells] == [
        ("giao_thong", True, None, None),
        ("y_te", False, 5, 5),
    ]
    (news,) = hourly(elastic_url, cut="hour_topic", channel="news")
    assert (news["documents"], news["voices"], news["below"]) == (1, 1, False)
    elastic_store.write(Batch(documents=[numbered(4, kind="post", places=(BA_TO,))]))
    elastic_store.recount()
    assert {(c["topic"], c.get("voices")) for c in hourly(elastic_url, cut="day_topic", channel="voices")} == {
        ("giao_thong", 5),
        ("y_te", 5),
    }
    assert [c["place"] for c in hourly(elastic_url, cut="day_place", channel="voices") if not c["below"]] == ["23500"]


def test_counts_for_kibana_follow_changes(elastic_store: ElasticIndex, elastic_url: str) -> None:
    elastic_store.write(Batch(documents=[numbered(1), numbered(2, issue="issue-2")]))
    elastic_store.recount()
    assert {c["issue"] for c in hourly(elastic_url, cut="day_issue")} == {"issue-1", "issue-2"}
    elastic_store.write(
        Batch(documents=[numbered(1, topic="y_te", fetched=NOON + timedelta(1))], merges={"issue-2": "issue-1"})
    )
    elastic_store.recount()
    assert [(c["issue"], c["documents"]) for c in hourly(elastic_url, cut="day_issue")] == [("issue-1", 2)]
    assert [(c["topic"], c["documents"]) for c in hourly(elastic_url, cut="hour_topic")] == [
        ("giao_thong", 1),
        ("y_te", 1),
    ]
    assert elastic_store.recount() == 0


def test_marks_of_a_crashed_writer_are_taken_up(elastic_url: str) -> None:
    crashed = ElasticIndex(elastic_url)
    crashed.write(Batch(documents=[numbered(1)]))  # the first batch is counted at once, the next within a minute
    crashed.write(Batch(documents=[numbered(2, topic="y_te")]))
    crashed._cluster.close()  # ended before it recounted
    following = ElasticIndex(elastic_url)
    assert following.recount() == 1
    assert len(hourly(elastic_url, cut="day_topic")) == 2
    following.close()


def test_two_writers_of_one_day_are_both_counted(elastic_url: str) -> None:
    """A writer whose mark the other one has taken away marks again: it used to remember that it had, and was never counted."""
    one, other = ElasticIndex(elastic_url), ElasticIndex(elastic_url)
    one.write(Batch(documents=[numbered(0)]))  # counted at once
    one.write(Batch(documents=[numbered(1)]))
    assert other.recount() == 1
    one.write(Batch(documents=[numbered(2)]))
    assert other.recount() == 1
    assert [c["documents"] for c in hourly(elastic_url, cut="day_topic", channel="news")] == [3]
    assert other.recount() == 0
    one.close()
    other.close()


def test_a_day_marked_while_it_is_counted_stays_marked(elastic_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = ElasticIndex(elastic_url), ElasticIndex(elastic_url)
    one.write(Batch(documents=[numbered(0)]))  # counted at once
    one.write(Batch(documents=[numbered(1)]))
    counted = elastic_hourly.recount

    def meanwhile(cluster: Cluster, day: str) -> None:
        counted(cluster, day)
        one.write(Batch(documents=[numbered(2)]))

    monkeypatch.setattr(elastic_hourly, "recount", meanwhile)
    assert other.recount() == 1
    monkeypatch.undo()
    assert other.recount() == 1
    assert [c["documents"] for c in hourly(elastic_url, cut="day_topic", channel="news")] == [3]
    one.close()
    other.close()


def test_a_day_whose_count_fails_stays_marked(
    elastic_store: ElasticIndex, elastic_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By kill -9 too: the mark goes after the count, not before."""
    elastic_store.write(Batch(documents=[numbered(0)]))  # counted at once
    elastic_store.write(Batch(documents=[numbered(1)]))
    with monkeypatch.context() as broken:
        broken.setattr(elastic_hourly, "counts", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            elastic_store.recount()
    assert httpx.get(f"{elastic_url}/duluan-state/_doc/dirty:2026-03-07").json()["found"]
    assert elastic_store.recount() == 1
    assert len(hourly(elastic_url, cut="day_topic")) == 1


@pytest.mark.parametrize("change", ["write", "merge", "takedown"])
def test_a_day_counted_between_mark_and_change_is_counted_again(
    elastic_store: ElasticIndex, elastic_url: str, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """By another process, which takes the mark away: a take-down or a merge used to leave Kibana's counts stale for good."""
    elastic_store.write(Batch(documents=[numbered(0), numbered(1, issue="issue-2")]))
    other = ElasticIndex(elastic_url)
    other.recount()
    write_all = Cluster.write_all

    def counted_at_once(cluster: Cluster, actions: Iterable[Action]) -> list[Outcome]:
        sent = list(actions)
        outcomes = write_all(cluster, sent)
        if any(action.id.startswith("dirty:") for action in sent):
            monkeypatch.undo()
            other.recount()
        return outcomes

    monkeypatch.setattr(Cluster, "write_all", counted_at_once)
    if change == "write":
        elastic_store.write(Batch(documents=[numbered(2, issue="issue-2")]))
    elif change == "merge":
        elastic_store.write(Batch(merges={"issue-2": "issue-1"}))
    else:
        assert elastic_store.takedown(numbered(1).url, NOON)
    other.recount()
    other.close()
    found = {cell["issue"]: cell["documents"] for cell in hourly(elastic_url, cut="day_issue")}
    expected = {"write": {"issue-1": 1, "issue-2": 2}, "merge": {"issue-1": 2}, "takedown": {"issue-1": 1}}
    assert found == expected[change]


def test_a_long_recount_is_left_alone_for_ten_times_as_long(elastic_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bulk load on a busy machine used to spend half of its time in recounting hundreds of days every minute."""
    seconds, now, took = 0.0, NOON, 30.0
    counted = list[str]()

    def slow(_: Cluster, day: str) -> None:
        nonlocal seconds
        seconds += took
        counted.append(day)

    monkeypatch.setattr(elastic_hourly, "recount", slow)
    monkeypatch.setattr(elastic_hourly.time, "monotonic", lambda: seconds)
    store = ElasticIndex(elastic_url, clock=lambda: now)
    for number in range(8):
        store.write(Batch(documents=[numbered(number)]))
        now += timedelta(minutes=1)
    assert len(counted) == 2, "at once, and five minutes later"
    took = 0.0
    now += timedelta(hours=1)
    for number in range(8, 12):
        store.write(Batch(documents=[numbered(number)]))
        now += timedelta(minutes=1)
    assert len(counted) == 6
    monkeypatch.undo()
    store.close()
