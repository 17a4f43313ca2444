"""What goes wrong with an Elasticsearch: back-pressure, poison documents, a full disk, a red cluster, a removed month."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from samples_crawl import Hit, Reply, site
from samples_index import NOON, numbered

from duluan.errors import StoreError
from duluan.query import Filter
from index import elastic
from index.base import Batch
from index.elastic import Cluster
from index.elastic_bulk import Action
from index.elastic_index import ElasticIndex
from index.elastic_state import Counters


def test_a_poison_document_never_loses_its_batch(elastic_store: ElasticIndex) -> None:
    poison = numbered(1, lang="x" * 40_000)  # more than Lucene holds in one term
    result = elastic_store.write(Batch(documents=[numbered(0), poison, numbered(2)]))
    assert (result.written, [(r.reason, r.where) for r in result.rejected]) == (2, [("refused_by_store", poison.id)])
    assert elastic_store.count(Filter()) == 2


@contextmanager
def stand_in(answers: list[tuple[int, dict[str, Any]]]) -> Iterator[tuple[str, list[list[str]]]]:
    """A loopback server that gives `answers` one after the other and keeps the ids of each bulk request."""
    seen: list[list[str]] = []

    def bulk(hit: Hit) -> Reply:
        ids = [json.loads(line)["index"]["_id"] for line in hit.body.decode().splitlines()[::2]]
        seen.append(ids)
        status, body = answers.pop(0) if answers else (200, {"items": [{"index": {"status": 201}} for _ in ids]})
        return Reply(json.dumps(body), status, "application/json", {"X-Elastic-Product": "Elasticsearch"})

    with site({"/_bulk": bulk}) as here:
        yield here.base, seen


def actions(count: int) -> list[Action]:
    return [Action("i", str(n), "{}") for n in range(count)]


def test_what_is_pushed_back_is_sent_again_and_only_that() -> None:
    full = {"index": {"status": 429, "error": {"type": "es_rejected_execution_exception"}}}
    waits: list[float] = []
    first = {"items": [{"index": {"status": 201}}, full, full]}
    second = {"items": [full, {"index": {"status": 201}}]}
    with stand_in([(200, first), (200, second)]) as (url, seen):
        cluster = Cluster(url, sleep=waits.append)
        outcomes = cluster.bulk(actions(3))
        cluster.close()
    assert sorted(o.action.id for o in outcomes if not o.error) == ["0", "1", "2"]
    assert seen == [["0", "1", "2"], ["1", "2"], ["1"]]
    assert waits == [0.5, 1.0]


FULL = {"items": [{"index": {"status": 429, "error": {"type": "es_rejected_execution_exception"}}}]}


@pytest.mark.parametrize("answer", [(200, FULL), (429, {"error": {"type": "es_rejected_execution_exception"}})])
def test_a_server_that_pushes_back_for_ever_is_one_clear_line(answer: tuple[int, dict[str, Any]]) -> None:
    waits: list[float] = []
    with stand_in([answer] * 20) as (url, seen):
        cluster = Cluster(url, sleep=waits.append)
        with pytest.raises(StoreError, match="quá tải"):
            cluster.write_all(actions(1))
        cluster.close()
    assert len(waits) == 5
    assert seen == [["0"]] * 6


def test_a_request_pushed_back_whole_is_no_fault_of_its_documents() -> None:
    """It used to be halved down to single documents, which were then rejected as poison."""
    with stand_in([(429, {"error": {"type": "circuit_breaking_exception"}})] * 40) as (url, seen):
        cluster = Cluster(url, sleep=lambda _: None)
        outcomes = cluster.bulk(actions(4))
        cluster.close()
    assert {len(ids) for ids in seen} == {4}
    assert [(o.foreign, o.poison) for o in outcomes] == [(True, False)] * 4


def test_a_full_disk_is_not_waited_for() -> None:
    blocked = {"items": [{"index": {"status": 429, "error": {"type": "cluster_block_exception"}}}]}
    waits: list[float] = []
    with stand_in([(200, blocked)]) as (url, _):
        cluster = Cluster(url, sleep=waits.append)
        with pytest.raises(StoreError, match="đĩa"):
            cluster.write_all(actions(1))
        cluster.close()
    assert waits == []


def test_a_request_that_is_refused_whole_is_halved() -> None:
    refused: tuple[int, dict[str, Any]] = (413, {"error": "too large"})
    with stand_in([refused, refused, refused]) as (url, seen):
        cluster = Cluster(url)
        outcomes = cluster.bulk(actions(4))
        cluster.close()
    assert seen == [["0", "1", "2", "3"], ["0", "1"], ["0"], ["1"], ["2", "3"]]
    assert [(o.action.id, o.status) for o in outcomes] == [("0", 413), ("1", 201), ("2", 201), ("3", 201)]


def test_a_nearly_full_disk_is_one_line_and_rejects_nothing(elastic_store: ElasticIndex, elastic_url: str) -> None:
    """The block is the one that Elasticsearch's own disk monitor sets, and takes away when there is room again."""
    elastic_store.write(Batch(documents=[numbered(1)]))
    setting = f"{elastic_url}/duluan-news-2026.03-v1/_settings"
    assert httpx.put(setting, json={"index.blocks.read_only_allow_delete": True}).is_success
    with pytest.raises(StoreError, match="đĩa gần đầy") as raised:
        elastic_store.write(Batch(documents=[numbered(1, title="Mới", fetched=NOON + timedelta(hours=1)), numbered(2)]))
    assert "\n" not in str(raised.value)
    assert elastic_store.count(Filter()) == 1, "reading goes on"
    assert "duluan-news-2026.03-v1: bị khóa ghi" in elastic_store.check()
    assert httpx.put(setting, json={"index.blocks.read_only_allow_delete": None}).is_success
    assert (
        elastic_store.write(
            Batch(documents=[numbered(1, title="Mới", fetched=NOON + timedelta(hours=1)), numbered(2)])
        ).written
        == 2
    )
    assert elastic_store.rejections() == []
    assert [d.id for _, d in elastic_store.ingested()] == [numbered(1).id, numbered(2).id]


def test_a_red_cluster_is_one_line_and_work_goes_on_when_it_is_mended(
    elastic_store: ElasticIndex, elastic_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elastic, "SHARD_WAIT", "1s")
    monkeypatch.setattr(elastic, "BULK_WAIT", "1s")
    april = numbered(2, fetched=NOON + timedelta(days=45))
    elastic_store.write(Batch(documents=[numbered(1)]))
    with shards_stay_away(elastic_url):
        for use in (lambda: elastic_store.write(Batch(documents=[april])), lambda: elastic_store.search(Filter())):
            with pytest.raises(StoreError, match="đỏ") as raised:
                use()
            assert "\n" not in str(raised.value)
        assert elastic_store.check() == ["cụm ở trạng thái đỏ: có phân mảnh không đọc được"]
        opened, begun = ElasticIndex(elastic_url), time.monotonic()
        with pytest.raises(StoreError, match="đỏ"):
            opened.count(Filter())
        assert time.monotonic() - begun < 20, "a refresh waited a minute for the shard"
        opened.close()
    monkeypatch.undo()
    assert elastic_store.write(Batch(documents=[april])).written == 1
    assert elastic_store.count(Filter()) == 2
    assert elastic_store.rejections() == []
    assert elastic_store.check() == []


@contextmanager
def shards_stay_away(url: str) -> Iterator[None]:
    """A new month's shard finds no node: the cluster is red until the block ends."""
    setting = "cluster.routing.allocation.enable"
    assert httpx.put(f"{url}/_cluster/settings", json={"persistent": {setting: "none"}}).is_success
    try:
        yield
    finally:
        assert httpx.put(f"{url}/_cluster/settings", json={"persistent": {setting: None}}).is_success


def test_a_month_that_somebody_removed_comes_again(elastic_store: ElasticIndex, elastic_url: str) -> None:
    elastic_store.write(Batch(documents=[numbered(1)]))
    assert httpx.delete(f"{elastic_url}/duluan-news-2026.03-v1").is_success
    with pytest.raises(StoreError):
        elastic_store.write(Batch(documents=[numbered(2)]))
    assert elastic_store.write(Batch(documents=[numbered(2)])).written == 1
    assert elastic_store.rejections() == []


@pytest.mark.parametrize(
    ("status", "kind"), [(429, "es_rejected_execution_exception"), (409, "version_conflict_engine_exception")]
)
def test_numbers_are_found_behind_what_went_with_them(
    elastic_store: ElasticIndex, elastic_url: str, monkeypatch: pytest.MonkeyPatch, status: int, kind: str
) -> None:
    """A counter that is pushed back answers last; one that others change all the while is one line, never a number made up."""
    elastic_store.write(Batch(documents=[numbered(1)]))
    cluster = Cluster(elastic_url, sleep=lambda _: None)
    counters = Counters(cluster, lambda: NOON)
    request = Cluster._bulk_request

    def refusing(of: Cluster, lines: str) -> Any:
        change, script, *marks = lines.splitlines()
        if not marks:  # sent again
            return request(of, lines)
        assert "update" in change
        assert "script" in script
        written = request(of, "\n".join([*marks, ""]))
        assert isinstance(written, dict)
        return {"items": [{"update": {"status": status, "error": {"type": kind}}}, *written["items"]]}

    monkeypatch.setattr(Cluster, "_bulk_request", refusing)
    mark = Action("duluan-state", "dirty:2026-03-07", json.dumps({"kind": "dirty", "name": "2026-03-07"}))
    if status == 429:
        assert counters.reserve("sequence", 3, [mark]) == 2
        assert counters.last("sequence") == 4
    else:
        with pytest.raises(StoreError, match=r"bộ đếm.*hãy chạy lại"):
            counters.reserve("sequence", 3, [mark])
    cluster.close()
