"""What the contract tests share: the two stores as fixtures, empty ones and filled ones, and the helpers that read them.

The contract is in test_index_{documents,search,counts,ledgers,retention}.py: the same documents, order, counts, folding and failures,
whatever store lies beneath. Each of them takes the fixtures over by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from samples_index import NOON

from duluan.clock import system_clock
from duluan.model import Clustered
from duluan.query import parse_query
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
        assert http.put("/duluan-alerts", json=elastic_schema.ledger(elastic_schema.ALERTS)).is_success


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


def cells(rows: list[CountRow], *keys: str) -> dict[tuple[object, ...], tuple[int, int]]:
    return {tuple(getattr(row, key) for key in keys): (row.documents, row.voices) for row in rows}


def message(id: str = "m1", **changes: object) -> Outgoing:
    base: dict[str, object] = {
        "id": id,
        "alert": "alert-1",
        "created": NOON,
        "payload": b"Subject: x\r\n\r\n\xff",
        "recipients": ("a@example.vn",),
    }
    return Outgoing(**base | changes)  # type: ignore[arg-type]
