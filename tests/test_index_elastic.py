"""What is Elasticsearch's own: many reprints, families of indices, the strict mapping, re-indexing, snapshots, schema versions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from contract_stores import message
from samples_index import NOON, alert, counted, document, numbered, shown

from duluan.errors import StoreError
from duluan.query import Filter
from index import elastic_grid, elastic_schema
from index.base import Batch
from index.elastic import Cluster
from index.elastic_bulk import LANE_ACTIONS
from index.elastic_index import ElasticIndex


def test_a_board_question_with_very_many_reprints_is_estimated(
    elastic_store: ElasticIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [numbered(n, origin=numbered(n // 3).id, topic=f"t{n % 4}") for n in range(30)]
    elastic_store.write(Batch(documents=documents))
    month, by = Filter(since=NOON - timedelta(days=15), until=NOON + timedelta(days=15)), ["hour", "topic"]
    exact = elastic_store.counts(month, by)
    monkeypatch.setattr(elastic_grid, "MANY_REPRINTS", 3)
    assert elastic_store.counts(month, by) == exact == counted(documents, by)


def test_what_staff_said_of_an_alert_is_there_for_the_boards(elastic_store: ElasticIndex, elastic_url: str) -> None:
    elastic_store.put_alerts([alert()])
    elastic_store.add_alert_event("alert-1", {"at": NOON + timedelta(hours=4), "state": "false_alarm"})
    elastic_store.put_alerts([alert(detected=NOON + timedelta(hours=5))])
    elastic_store.alerts()
    source = httpx.get(f"{elastic_url}/duluan-alerts/_doc/alert-1").json()["_source"]
    assert (source["state"], source["verdict"], source["delay_hours"]) == ("false_alarm", "false", 5.0)


def test_a_batch_that_goes_in_several_requests_at_once(elastic_store: ElasticIndex) -> None:
    """Each document keeps its own outcome and its number, wherever in the batch it stands."""
    documents = [numbered(n, **({"lang": "x" * 40_000} if n in (3, 600) else {})) for n in range(LANE_ACTIONS * 3)]
    result = elastic_store.write(Batch(documents=documents))
    refused = [documents[3].id, documents[600].id]
    assert (result.written, [r.where for r in result.rejected]) == (len(documents) - 2, refused)
    kept = [(n, item.id) for n, item in enumerate(documents, start=1) if item.id not in refused]
    assert [(n, item.id) for n, item in elastic_store.ingested()] == kept
    assert elastic_store.write(Batch(documents=[numbered(n) for n in range(len(documents))])).written == 2


def test_months_and_families_have_their_own_indices(elastic_store: ElasticIndex, elastic_url: str) -> None:
    elastic_store.write(
        Batch(documents=[numbered(1), numbered(2, kind="post"), numbered(3, fetched=NOON - timedelta(days=40))])
    )
    names = {
        name for name in httpx.get(f"{elastic_url}/_alias/duluan-news,duluan-voices").json() if "2026.11" not in name
    }
    assert names >= {"duluan-news-2026.03-v1", "duluan-news-2026.01-v1", "duluan-voices-2026.03-v1"}
    elastic_store.write(
        Batch(documents=[numbered(3, title="Mới", fetched=NOON)])
    )  # stays in the month of its first fetch
    assert elastic_store.count(Filter()) == 3


def test_a_field_outside_the_mapping_is_refused(elastic_store: ElasticIndex, elastic_url: str) -> None:
    elastic_store.write(Batch(documents=[document()]))
    answer = httpx.post(f"{elastic_url}/duluan-news-2026.03-v1/_doc", json={"author": "x"})
    assert answer.status_code == 400
    assert "strict_dynamic_mapping_exception" in answer.text


@contextmanager
def reading(url: str) -> Iterator[list[int]]:
    """Another process that counts the news again and again."""
    counts, done = list[int](), threading.Event()

    def read() -> None:
        reader = Cluster(url)
        while not done.is_set():
            counts.append(reader.search("duluan-news", {"size": 0})["hits"]["total"]["value"])
        reader.close()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield counts
    finally:
        done.set()
        thread.join()


def test_a_copy_that_was_cut_off_goes_on_without_a_gap(
    elastic_store: ElasticIndex, elastic_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended after the aliases had moved, before the old indices were removed: the copies are not removed and made anew."""
    elastic_store.write(Batch(documents=[numbered(n) for n in range(30)]))
    monkeypatch.setattr(elastic_schema, "VERSION", elastic_schema.VERSION + 1)
    monkeypatch.setattr(elastic_schema, "MAPPING", 2)
    with monkeypatch.context() as cut:
        cut.setattr(Cluster, "pause", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ElasticIndex(elastic_url).setup()
    made = httpx.get(f"{elastic_url}/duluan-news-2026.03-v2/_settings").json()
    upgraded = ElasticIndex(elastic_url)
    with reading(elastic_url) as counts:
        upgraded.setup()
    assert set(counts) == {30}
    assert httpx.get(f"{elastic_url}/duluan-news-2026.03-v2/_settings").json() == made
    assert httpx.get(f"{elastic_url}/duluan-news-2026.03-v1").status_code == 404
    assert upgraded.write(Batch(documents=[numbered(0)])).skipped == 1
    upgraded.drop()
    upgraded.close()


def test_an_older_mapping_is_copied_without_a_gap(
    elastic_store: ElasticIndex, elastic_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elastic_store.write(Batch(documents=[numbered(n) for n in range(30)]))
    before = list(elastic_store.documents(Filter()))
    monkeypatch.setattr(elastic_schema, "VERSION", elastic_schema.VERSION + 1)
    monkeypatch.setattr(elastic_schema, "MAPPING", 2)
    with reading(elastic_url) as counts:
        upgraded = ElasticIndex(elastic_url)
        upgraded.setup()
    assert set(counts) == {30}
    assert list(upgraded.documents(Filter())) == before
    assert upgraded.write(Batch(documents=[numbered(0)])).skipped == 1, "versions came along"
    upgraded.close()
    monkeypatch.undo()
    with pytest.raises(StoreError, match="nâng cấp duluan"):
        ElasticIndex(elastic_url).count(Filter())
    ElasticIndex(elastic_url).drop()


def test_a_snapshot_and_back(elastic_store: ElasticIndex) -> None:
    elastic_store.write(Batch(documents=[numbered(n) for n in range(5)], state={"x": b"1"}))
    elastic_store.backup("sao-luu")
    elastic_store.takedown(numbered(1).url, NOON)
    assert elastic_store.count(Filter()) == 4
    elastic_store.restore("sao-luu")
    assert elastic_store.count(Filter()) == 5
    assert elastic_store.state("x") == b"1"
    assert elastic_store.check() == []


def test_an_older_schema_says_what_to_do_and_setup_mends_it(elastic_url: str) -> None:
    older = {"doc": {"schema": elastic_schema.VERSION - 1}}
    assert httpx.post(f"{elastic_url}/duluan-state/_update/meta", json=older).is_success
    store = ElasticIndex(elastic_url)
    with pytest.raises(StoreError, match="duluan setup"):
        store.write(Batch(documents=[numbered(1)]))
    store.setup()
    assert store.write(Batch(documents=[numbered(1)])).written == 1
    store.close()


def test_setup_gives_the_months_that_are_there_new_fields(elastic_store: ElasticIndex, elastic_url: str) -> None:
    """Months of before knew no `first_issue`: a merge of their documents was refused by the strict mapping."""
    older = elastic_schema.template("component-documents")
    del older["template"]["mappings"]["properties"]["first_issue"]
    elastic_store.write(Batch(documents=[numbered(1)]))
    (month,) = [
        name for name in httpx.get(f"{elastic_url}/duluan-news-*").json() if numbered(1).id and "2026.03" in name
    ]
    httpx.delete(f"{elastic_url}/{month}").raise_for_status()
    httpx.put(f"{elastic_url}/_component_template/duluan-documents", json=older).raise_for_status()
    httpx.put(f"{elastic_url}/{month}").raise_for_status()
    httpx.post(f"{elastic_url}/duluan-state/_update/meta", json={"doc": {"schema": elastic_schema.VERSION - 1}})
    store = ElasticIndex(elastic_url)
    store.setup()
    store.write(Batch(documents=[numbered(2, issue="i2")]))
    store.write(Batch(merges={"i2": "i1"}))
    assert dict(store.first_issues()) == {numbered(2).id: "i2"}
    store.close()


def test_a_newer_schema_is_left_alone(elastic_store: ElasticIndex, elastic_url: str) -> None:
    def recorded(version: int) -> None:
        assert httpx.post(f"{elastic_url}/duluan-state/_update/meta", json={"doc": {"schema": version}}).is_success

    recorded(elastic_schema.VERSION + 1)
    late = ElasticIndex(elastic_url)
    uses = (late.setup, lambda: late.write(Batch(documents=[numbered(1)])), lambda: late.count(Filter()))
    for use in uses:
        with pytest.raises(StoreError, match="nâng cấp duluan") as raised:
            use()
        assert "\n" not in str(raised.value)
    late.close()
    recorded(elastic_schema.VERSION)
    assert elastic_store.write(Batch(documents=[numbered(1)])).written == 1


@pytest.mark.parametrize("by", [[], ["topic"], ["hour", "topic", "sentiment"], ["issue"], ["place"]])
def test_counts_see_what_was_just_written(elastic_store: ElasticIndex, elastic_url: str, by: list[str]) -> None:
    """Not a second later, when the server refreshes by itself: the board question once left that out."""
    elastic_store.write(Batch(documents=[numbered(0)]))
    assert elastic_store.count(Filter()) == 1
    httpx.put(f"{elastic_url}/duluan-*/_settings", json={"index.refresh_interval": "1h"}).raise_for_status()
    elastic_store.write(Batch(documents=[numbered(1)]))
    scope = Filter(since=NOON - timedelta(days=1), until=NOON + timedelta(days=1))
    assert [row.documents for row in elastic_store.counts(scope, by)] == [2]


def test_what_is_forgotten_is_off_the_disk_with_the_next_upkeep(elastic_store: ElasticIndex, elastic_url: str) -> None:
    """A deleted text stays in its segment until that is merged, and by itself the server waits until a tenth of it is deleted:
    what was taken down or kept too long used to lie on the disk for months."""
    old = numbered(0, kind="post", text="lời riêng", fetched=NOON - timedelta(days=200))
    posts = [numbered(n, kind="post", fetched=NOON - timedelta(days=89)) for n in range(1, 60)]
    elastic_store.write(Batch(documents=[old, *posts, *(numbered(n) for n in range(60, 120))]))
    elastic_store.put_alerts([alert(evidence=(shown(old), shown(posts[0])))])
    elastic_store.outbox_add([message("sent")])
    elastic_store.outbox_mark("sent", sent=NOON)
    assert elastic_store.takedown(posts[0].url, NOON)
    assert elastic_store.retain(NOON)["voice_texts"] == 1
    left = {"before the first upkeep"}
    until = time.monotonic() + 60  # the server lets go of the former state after half a minute
    while left and time.monotonic() < until:
        time.sleep(2)
        elastic_store.retain(NOON)
        left = _holding_deleted(elastic_url)
    assert left == set()


def _holding_deleted(url: str) -> set[str]:
    """Indices of texts with deleted documents in a segment, or with any in the log of writes."""
    asked = httpx.get(f"{url}/duluan-*/_stats/docs,translog").json()["indices"]
    texts = {"news", "voices", "issues", "alerts", "history", "outbox", "labels"}
    held = {name: item["primaries"] for name, item in asked.items() if name.split("-")[1] in texts}
    return {n for n, of in held.items() if of["docs"]["deleted"] or of["translog"]["uncommitted_operations"]}


def test_upkeep_makes_a_month_that_is_over_one_segment(elastic_store: ElasticIndex, elastic_url: str) -> None:
    """The present month, still written to, is left as it is."""
    for n in range(4):
        documents = [numbered(n), numbered(10 + n, fetched=NOON - timedelta(days=40))]
        elastic_store.write(Batch(documents=documents))
        assert elastic_store.count(Filter()) == 2 * (n + 1)  # a refresh ends a segment
    elastic_store.retain(NOON)
    asked = httpx.get(f"{elastic_url}/duluan-news-*/_stats/segments").json()["indices"]
    segments = {name: item["primaries"]["segments"]["count"] for name, item in asked.items()}
    assert segments["duluan-news-2026.01-v1"] == 1
    assert segments["duluan-news-2026.03-v1"] == 4
    assert elastic_store.count(Filter()) == 8
