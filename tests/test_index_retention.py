"""The contract of both stores: retention, take-down, several at once."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import contract_stores
import pytest
from contract_stores import Open, found, message, write
from samples_index import NOON, alert, document, issue, numbered, shown

from duluan.errors import StoreError
from duluan.query import Filter
from index import open_store
from index.base import Batch, CountRow, Index

opener = contract_stores.opener
store = contract_stores.store


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
