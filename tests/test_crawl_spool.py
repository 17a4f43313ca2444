"""The spool: private, short-lived, enough to extract everything again; never a comment, a post or a token."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples_crawl import Reply, article, documents, feed, run, site, source
from typer.testing import CliRunner

from crawlers.audit import Audit, take_audit, without_secrets
from crawlers.frontier import MAX_TRIES, Entry, Frontier
from crawlers.spool import Spool, expire_spool, private_folder, read_spool
from crawlers.state import State
from duluan.cli.main import app
from duluan.errors import InputError, StoreError
from duluan.model import Document, RawPage

AT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
PAGE = RawPage("https://bao.example.vn/tin-1.html", "bao", AT, "Đường xấu".encode(), 200, "text/html; charset=utf-8")


def test_pages_come_back_as_they_were(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder, lambda: AT)
    pages = [PAGE, replace(PAGE, url="https://bao.example.vn/tin-2.html", body=b"", kind="report")]
    for page in pages:
        spool.write(page)
    assert list(read_spool(folder)) == pages
    assert private_folder(folder)
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


@given(body=st.binary(max_size=500))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_body_survives(tmp_path: Path, body: bytes) -> None:
    folder = tmp_path / body.hex()[:20].ljust(3, "0")
    Spool(folder, lambda: AT).write(replace(PAGE, body=body))
    assert [page.body for page in read_spool(folder)][-1] == body


def test_a_record_cut_by_a_crash_loses_only_itself(tmp_path: Path) -> None:
    spool = Spool(tmp_path, lambda: AT)
    spool.write(PAGE)
    spool.write(replace(PAGE, body=b"x" * 5000))
    [path] = tmp_path.glob("*.warc.gz")
    path.write_bytes(path.read_bytes()[:-40])
    assert next(read_spool(tmp_path)) == PAGE
    with pytest.raises(InputError):
        list(read_spool(tmp_path / "nowhere"))


def test_gone_after_seven_days(tmp_path: Path) -> None:
    Spool(tmp_path, lambda: AT).write(PAGE)
    assert expire_spool(tmp_path, AT + timedelta(days=6)) == 0
    assert expire_spool(tmp_path, AT + timedelta(days=7)) == 1
    assert list(read_spool(tmp_path)) == []


def test_the_crawl_spools_pages_and_extract_runs_them_again(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    with site() as here:
        here.routes |= {f"/tin-{n}.html": Reply(article(f"Tin {n}", n)) for n in range(2)}
        here.routes["/rss"] = feed(here.base, ["/tin-0.html", "/tin-1.html"])
        first = documents(run(source(f"{here.base}/rss"), tmp_path, spool_dir=folder))
    result = CliRunner().invoke(app, ["extract", "--spool", str(folder)], catch_exceptions=False)
    again = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(record["id"], record["text"]) for record in again] == [(item.id, item.text) for item in first]
    assert [page.url.rpartition("/")[2] for page in read_spool(folder)] == ["tin-0.html", "tin-1.html"]


def test_audit_is_handed_over_once_and_keeps_no_token(tmp_path: Path) -> None:
    audit = Audit(tmp_path, lambda: AT)
    audit("fetch", url="https://graph.facebook.com/x?access_token=EAAB1&limit=5&appsecret_proof=ff")
    audit("fetch", url="b")
    events = list(take_audit(tmp_path))
    assert [event["url"] for event in events] == [
        "https://graph.facebook.com/x?access_token=***&limit=5&appsecret_proof=***",
        "b",
    ]
    assert list(take_audit(tmp_path)) == []
    audit("fetch", url="c")
    first = next(take_audit(tmp_path))  # an interrupted hand-over begins again
    assert first == next(take_audit(tmp_path))
    assert without_secrets("a?code=1&decode=2") == "a?code=***&decode=2"


def _entry(id: str) -> Entry:
    return Entry(id, "bao", f"https://bao.example.vn/{id}", 0, AT)


def _document(id: str) -> Document:
    return Document(
        id=id, url=f"https://bao.example.vn/{id}", source="bao", kind="news", title="t", text="x", fetched=AT
    )


def test_a_page_that_nobody_stored_is_fetched_once_more_after_each_crash_but_not_for_ever(tmp_path: Path) -> None:
    """It used to be given up, and lost, with the second crash."""
    frontier = Frontier(State(tmp_path))
    assert frontier.add([_entry("a"), _entry("b"), _entry("a")]) == 2
    for _ in range(MAX_TRIES):
        due = frontier.next_due("bao")
        assert due is not None
        assert due[0].id == "a"
        frontier.begin("a")
        frontier.sent("a", "a")
        frontier.take("a", _document("a"), "v1")
        frontier.settle(lambda ids: set())
        frontier.defer("b", 5.0, counted=False)
    assert frontier.next_due("bao") is None
    assert frontier.digest("a") is None
    assert frontier.add([_entry("a")]) == 0


def test_what_was_stored_is_not_fetched_again_and_old_rows_go(tmp_path: Path) -> None:
    frontier = Frontier(State(tmp_path))
    frontier.add([_entry("a")])
    frontier.begin("a")
    frontier.take("a", _document("doc"), "v1")
    frontier.take("", _document("api"), "v2")
    frontier.settle(lambda ids: set(ids) & {"doc", "api"})
    assert frontier.next_due("bao") is None
    assert (frontier.digest("a"), frontier.digest("api")) == ("v1", "v2")
    assert frontier.forget(older_than_days=-1.0) == 2


def test_stores_do_not_share_what_was_seen_but_share_the_pace(tmp_path: Path) -> None:
    one, two = State(tmp_path, "a"), State(tmp_path, "b")
    assert Frontier(one).add([_entry("x")]) == 1
    assert Frontier(two).unseen(["x"]) == ["x"]
    with one.change() as db:
        db.execute("INSERT INTO host (host, next_slot) VALUES ('h', 9)")
    assert two.rows("SELECT next_slot FROM host") == [(9.0,)]
    with pytest.raises(ValueError, match="store key"):
        State(tmp_path, "../etc")


def test_sources_back_off_but_never_for_good(tmp_path: Path) -> None:
    now = [0.0]
    frontier = Frontier(State(tmp_path), now=lambda: now[0])
    waits = [frontier.source_failed("s", "x") for _ in range(40)]
    assert waits[:4] == [0, 60, 120, 240]
    assert max(waits) == 6 * 3600
    assert frontier.source_failed("s", "x", after=1e9) == 24 * 3600
    now[0] += 24 * 3600
    assert frontier.source_wait("s") == 0
    frontier.source_ok("s")
    assert frontier.source_failed("s", "x") == 0


def test_many_may_open_a_fresh_state_at_once(tmp_path: Path) -> None:
    """Turning a new file to WAL from two sides at once used to end in 'database is locked' in one round of thirty."""
    failures: list[str] = []

    def open_it(folder: Path, together: threading.Barrier) -> None:
        together.wait()
        try:
            State(folder).close()
        except StoreError as error:
            failures.append(str(error))

    for number in range(60):
        together = threading.Barrier(4)
        threads = [threading.Thread(target=open_it, args=(tmp_path / str(number), together)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
