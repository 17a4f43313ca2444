"""The contract of both stores: issues and merges, labels, fetches, alerts, outbox, audit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import contract_stores
import pytest
from contract_stores import Open, cells, message, write
from samples_index import NOON, alert, document, issue, numbered

from duluan.errors import StoreError
from duluan.model import Fetch, Label, Rejected
from duluan.query import Filter
from index.base import Batch, Index, Outgoing

opener = contract_stores.opener
store = contract_stores.store


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


def test_where_a_document_stood_first_is_kept(store: Index) -> None:
    """Through merges, splits and newer versions of the document; only a take-down forgets it."""
    first, second, third = (numbered(n, issue=f"i{n}") for n in (1, 2, 3))
    store.write(Batch(documents=[first, second, third]))
    assert list(store.first_issues()) == []
    store.write(Batch(merges={"i1": "i2"}))
    store.write(Batch(moves={first.id: "tach"}))
    store.write(Batch(merges={"tach": "i3"}))
    assert dict(store.first_issues()) == {first.id: "i1"}
    newer = replace(first, issue="i3", text="Bản sửa của bài báo.", fetched=first.fetched + timedelta(hours=1))
    elsewhere = replace(second, issue="i4", text="Sửa lại.", fetched=second.fetched + timedelta(hours=1))
    store.write(Batch(documents=[newer, elsewhere]))
    assert dict(store.first_issues()) == {first.id: "i1", second.id: "i2"}
    store.write(Batch(merges={"i4": "i2"}))
    assert dict(store.first_issues()) == {first.id: "i1", second.id: "i2"}
    store.takedown(first.url, NOON)
    assert dict(store.first_issues()) == {second.id: "i2"}


def test_a_merge_may_be_turned_round(store: Index) -> None:
    store.write(Batch(documents=[numbered(1, issue="a"), numbered(2, issue="b")], issues=[issue("a"), issue("b")]))
    store.write(Batch(merges={"a": "b"}))
    store.write(Batch(merges={"b": "a"}))
    store.write(Batch(documents=[numbered(3, issue="b"), numbered(4, issue="a")]))
    assert store.count(Filter(issues=("a",))) == 4
    assert {i.id: i.merged_into for i in store.issues()} == {"a": None, "b": "a"}


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


def test_a_merge_takes_the_alerts_along_also_one_written_later(store: Index) -> None:
    store.write(Batch(issues=[issue(), issue("issue-2")]))
    store.put_alerts([alert(), alert("other", issue="issue-9")])
    store.write(Batch(merges={"issue-1": "issue-2"}))
    store.put_alerts([alert("late"), alert()])
    assert {a.id: a.issue for a in store.alerts()} == {"alert-1": "issue-2", "late": "issue-2", "other": "issue-9"}
    assert next(a for a in store.alerts() if a.id == "alert-1") == alert(issue="issue-2")
    assert len(store.alert_history("alert-1")) == 1  # the same version again adds nothing


def test_merges_of_several_batches_name_the_last_issue(store: Index) -> None:
    store.write(Batch(issues=[issue(f"i{n}") for n in (1, 2, 3)]))
    store.write(Batch(merges={"i1": "i2"}))
    store.write(Batch(merges={"i2": "i3"}))
    assert {i.id: i.merged_into for i in store.issues()} == {"i1": "i3", "i2": "i3", "i3": None}


def test_documents_move_to_another_issue_as_they_are(store: Index) -> None:
    reprint = numbered(3, origin=numbered(2).id)
    store.write(Batch(documents=[numbered(1), numbered(2), reprint, numbered(4, issue="issue-9")], issues=[issue()]))
    store.retain(NOON + timedelta(days=40))
    short = store.get(numbered(2).id)
    store.write(Batch(moves={numbered(2).id: "issue-2", reprint.id: "issue-2", "unknown": "issue-2"}))
    store.write(Batch(moves={numbered(2).id: "issue-2"}))
    assert cells(store.counts(Filter(), ["issue"]), "issue") == {
        ("issue-1",): (1, 1),
        ("issue-2",): (2, 1),
        ("issue-9",): (1, 1),
    }
    after = store.get(numbered(2).id)
    assert short is not None
    assert after == replace(short, issue="issue-2")
    assert write(store, numbered(2, issue="issue-2")) == (0, 1)  # the text that was shortened does not come back
    assert store.check() == []


def test_documents_that_move_to_an_ended_issue_go_where_that_went(store: Index) -> None:
    store.write(Batch(documents=[numbered(1)], merges={"issue-2": "issue-3"}))
    store.write(Batch(moves={numbered(1).id: "issue-2"}))
    assert store.count(Filter(issues=("issue-3",))) == 1
