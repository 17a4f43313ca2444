"""What is SQLite's own: crashes, full disks, folders that cannot be written, versions of the schema, backup, self-check."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples_index import BA_TO, DAK_HA, NOON, counted, document, numbered

from duluan.errors import StoreError
from duluan.query import Filter, parse_query
from index.base import ISSUE_EVENTS, Batch
from index.rows import prepare
from index.sqlite import SqliteIndex
from index.sqlite_schema import ON_ISSUES
from index.sqlite_write import id_head

WRITER = """
import sys
from pathlib import Path
from samples_index import numbered
from index.base import Batch, CountRow
from index.sqlite import SqliteIndex
store = SqliteIndex(Path(sys.argv[1]))
store.setup()
for batch in range(int(sys.argv[2]), 10_000):
    items = [numbered(batch * 20 + n, text=f"lô {batch} " + "chữ " * 200) for n in range(20)]
    store.write(Batch(documents=items, state={"last": str(batch).encode()}))
    print(batch, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> SqliteIndex:
    made = SqliteIndex(tmp_path / "kho.sqlite")
    made.setup()
    return made


def writer(path: Path, first: int) -> subprocess.Popen[str]:
    tests = str(Path(__file__).parent)
    env = os.environ | {"PYTHONPATH": tests}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True, env=env
    )


def killed_at(path: Path, first: int, moment: float) -> int:
    """Start a writer, kill it `moment` seconds after its first acknowledgement; the last batch that it acknowledged."""
    process = writer(path, first)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == str(first)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    return int(rest[-1]) if rest else first


def test_kill_9_loses_nothing_acknowledged_and_repeats_nothing(tmp_path: Path) -> None:
    path, chance, first = tmp_path / "kho.sqlite", random.Random(5), 0
    for _ in range(3):
        acknowledged = killed_at(path, first, chance.uniform(0, 0.3))
        store = SqliteIndex(path)
        written = int(store.state("last") or b"-1")
        assert written >= acknowledged
        assert store.count(Filter()) == (written + 1) * 20, "a batch is there whole or not at all"
        assert store.check() == []
        store.close()
        first = written + 1


def fill(store: SqliteIndex) -> None:
    for batch in range(50):
        store.write(Batch(documents=[numbered(batch * 50 + n, text="chữ " * 500) for n in range(50)]))


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    store = SqliteIndex(tmp_path / "kho.sqlite")
    store.setup()
    store.write(Batch(documents=[numbered(90_000)]))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(StoreError, match="đĩa") as raised:
            fill(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(raised.value)
    held = store.count(Filter())
    assert held % 50 == 1, "a batch is there whole or not at all"
    fill(store)  # mended: work goes on by itself
    assert store.count(Filter()) == 2501
    assert store.check() == []
    store.close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "tep").write_text("x")
    with pytest.raises(StoreError, match="không tạo được thư mục"):
        SqliteIndex(tmp_path / "tep" / "kho.sqlite").setup()


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "kho.sqlite").mkdir()
    with pytest.raises(StoreError, match="không mở được"):
        SqliteIndex(tmp_path / "kho.sqlite").setup()


def test_a_read_only_folder(tmp_path: Path) -> None:
    """As an ordinary user in a child process: root may write anywhere."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become an ordinary user")
    folder = tmp_path / "chi-doc"
    folder.mkdir()
    code = f"""
import os
from pathlib import Path
from duluan.errors import StoreError
from index.sqlite import SqliteIndex
os.seteuid(65534)
try:
    SqliteIndex(Path({str(folder / "kho.sqlite")!r})).setup()
except StoreError as error:
    print(error)
"""
    root = Path(tempfile.gettempdir()).resolve()
    for parent in (folder, *folder.parents):  # one level more under xdist
        if parent.is_relative_to(root) and parent != root:
            parent.chmod(0o755)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "quyền" in said


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "kho.sqlite"
    path.write_bytes(b"day khong phai co so du lieu " * 100)
    with pytest.raises(StoreError, match="không phải kho"):
        SqliteIndex(path).setup()


def test_a_missing_file_is_not_created_by_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="duluan setup"):
        SqliteIndex(tmp_path / "kho.sqlite").count(Filter())
    assert not (tmp_path / "kho.sqlite").exists()


def test_a_schema_of_a_newer_program(store: SqliteIndex) -> None:
    store.close()
    with sqlite3.connect(store.path) as db:
        db.execute("INSERT INTO migrations VALUES (99, 'x', 'x')")
    db.close()
    for use in (store.setup, lambda: store.count(Filter())):
        with pytest.raises(StoreError, match="nâng cấp duluan"):
            use()


def test_a_busy_store_waits_and_then_says_so(store: SqliteIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.sqlite_db.BUSY_SECONDS", 0.2)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.close()
    with pytest.raises(StoreError, match="đang bị chương trình khác giữ"):
        store.write(Batch(documents=[document()]))
    other.execute("ROLLBACK")
    other.close()
    assert store.write(Batch(documents=[document()])).written == 1
    store.close()


def test_what_was_applied_is_recorded(store: SqliteIndex) -> None:
    with sqlite3.connect(store.path) as db:
        assert [row[1] for row in db.execute("SELECT * FROM migrations ORDER BY 1")] == [
            "documents",
            "counts",
            "ledgers",
            "reprints",
            "labels",
            "hours",
            "issue_log",
            "alerts_of_an_issue",
            "first_issues",
        ]
    db.close()


def test_a_store_without_rows_by_hour_gets_them(store: SqliteIndex) -> None:
    """One of the schema before: what the boards ask is there after `setup`, a reprint of another hour included."""
    first = numbered(1)
    later = numbered(2, origin=first.id, published=NOON + timedelta(hours=5))
    store.write(Batch(documents=[first, later, numbered(3, topic="y_te")]))
    asked = store.counts(Filter(), ["hour", "topic", "sentiment"])
    store.close()
    with sqlite3.connect(store.path) as db:
        db.execute("DROP TABLE hour_cells")
        db.execute("DROP INDEX audit_issues")
        db.execute("DROP INDEX alerts_issue")
        db.execute("DROP TABLE first_issues")
        db.execute("DELETE FROM migrations WHERE number >= 6")
    db.close()
    store.setup()
    assert [(row.topic, row.documents, row.voices) for row in asked] == [
        ("giao_thong", 1, 1),
        ("y_te", 1, 1),
        ("giao_thong", 1, 1),
    ]
    assert store.counts(Filter(), ["hour", "topic", "sentiment"]) == asked
    store.close()


def test_the_audit_table_refuses_changes(store: SqliteIndex) -> None:
    store.audit({"at": NOON, "what": "x"})
    with sqlite3.connect(store.path) as db:
        for statement in ("UPDATE audit SET event = ''", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)
    db.close()


def test_erased_text_is_gone_from_the_bytes_on_disk(store: SqliteIndex) -> None:
    secret = "chuyện riêng không ai nên đọc"
    store.write(Batch(documents=[document(kind="post", text=secret), *(numbered(n) for n in range(200))]))
    store.takedown(document().url, NOON)
    store.close()
    for path in store.path.parent.iterdir():
        assert secret.encode() not in path.read_bytes()


def test_backup_while_writing_and_restore(store: SqliteIndex, tmp_path: Path) -> None:
    store.write(Batch(documents=[numbered(n) for n in range(100)]))
    store.backup(str(tmp_path / "sao" / "luu.sqlite"))
    store.write(Batch(documents=[numbered(n) for n in range(100, 150)]))
    assert store.count(Filter()) == 150
    store.restore(str(tmp_path / "sao" / "luu.sqlite"))
    assert store.count(Filter()) == 100
    assert store.check() == []
    former = SqliteIndex(tmp_path / "kho.sqlite.truoc")
    assert former.count(Filter()) == 150
    former.close()
    store.close()


def test_a_backup_ends_and_is_one_state_while_another_process_writes(store: SqliteIndex, tmp_path: Path) -> None:
    """Without a snapshot each commit of the other process started the copy anew: it never ended."""
    for batch in range(20):
        store.write(Batch(documents=[numbered(500_000 + batch * 100 + n, text="chữ " * 500) for n in range(100)]))
    process = writer(store.path, 0)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        store.backup(str(tmp_path / "luu.sqlite"))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    copy = SqliteIndex(tmp_path / "luu.sqlite")
    written = int(copy.state("last") or b"-1") + 1
    assert copy.count(Filter()) == 2000 + written * 20, "a batch is there whole or not at all"
    assert copy.check() == []
    for closed in (copy, store):
        closed.close()


def test_a_damaged_backup_is_refused(store: SqliteIndex, tmp_path: Path) -> None:
    store.write(Batch(documents=[numbered(n) for n in range(300)]))
    target = tmp_path / "luu.sqlite"
    store.backup(str(target))
    raw = bytearray(target.read_bytes())
    raw[40_000:60_000] = b"\x7f" * 20_000
    target.write_bytes(raw)
    with pytest.raises(StoreError):
        store.restore(str(target))
    assert store.count(Filter()) == 300
    store.close()


def test_the_self_check_finds_counts_that_do_not_add_up(store: SqliteIndex) -> None:
    store.write(Batch(documents=[document()]))
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE hourly SET documents = 7 WHERE place = ''")
    db.close()
    assert store.check() == ["hourly: 7 ≠ 1"]


@given(st.lists(st.text(max_size=6), min_size=2, max_size=8))
@settings(max_examples=200)
def test_the_head_of_an_id_keeps_the_order_of_text(ids: list[str]) -> None:
    heads = [id_head(id_) for id_ in sorted(ids)]
    assert heads == sorted(heads)


MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # hundreds of small transactions
KEYS = ["hour", "day", "issue", "topic", "sentiment", "place"]
TOPICS, TONES, ISSUES, PLACES = ("y_te", "khac"), ("neg", "pos"), ("a", "b", "c"), (DAK_HA, BA_TO)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 7),  # which document
        st.integers(0, 7),  # its origin
        st.integers(0, 3),  # hour
        st.sampled_from(TOPICS),
        st.sampled_from(TONES),
        st.sampled_from(ISSUES),
        st.sets(st.integers(0, 1)),  # places
        st.sampled_from(["write", "write", "write", "merge", "takedown"]),
    ),
    max_size=14,
)


@given(STEPS, st.lists(st.sampled_from(KEYS), unique=True), st.booleans())
@settings(max_examples=25, deadline=None)
def test_rollups_say_what_the_documents_say(steps: list[tuple[Any, ...]], by: list[str], bounded: bool) -> None:
    """Whatever was written, changed, merged and removed: counts from the rollups = counts from the documents one by one."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        store = SqliteIndex(Path(folder) / "kho.sqlite")
        store.setup()
        for at, (n, origin, hour, topic, tone, issue, places, act) in enumerate(steps):
            if act == "takedown":
                store.takedown(numbered(n).url, NOON)
            elif act == "merge":
                if issue != ISSUES[n % 3]:
                    store.write(Batch(merges={issue: ISSUES[n % 3]}))
            else:
                item = numbered(
                    n,
                    origin=numbered(origin).id,
                    published=NOON + timedelta(hours=hour * 5),
                    fetched=NOON + timedelta(minutes=at),
                    topic=topic,
                    sentiment=tone,
                    issue=issue,
                    places=tuple(PLACES[p] for p in sorted(places)),
                )
                store.write(Batch(documents=[item]))
        query = Filter(since=NOON + timedelta(hours=5), until=NOON + timedelta(hours=15)) if bounded else Filter()
        documents = list(store.documents(query))
        for keys in (by, ["hour", "topic", "sentiment"]):
            assert store.counts(query, keys) == counted(documents, keys)
        assert store.check() == []
        store.close()


def test_the_newest_page_needs_no_sorting_of_all_matches(store: SqliteIndex) -> None:
    """The plan walks the full-text index from its newest end: no temporary B-tree."""
    with store._db.reading() as db:
        plan = db.execute(
            "EXPLAIN QUERY PLAN SELECT rowid FROM search WHERE search MATCH 'x' ORDER BY rowid DESC"
        ).fetchall()
    assert not any("TEMP B-TREE" in row[3] for row in plan)


def test_preparing_names_what_is_wrong() -> None:
    ready, refused = prepare([document(), document(text="\udfff")])
    assert (len(ready), refused[0].reason, refused[0].where) == (1, "bad_text", document().id)


def test_threads_share_one_object(store: SqliteIndex) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.write(Batch(documents=[numbered(n)])), range(40)))
        totals = list(pool.map(lambda _: store.search(parse_query("sạt"), limit=5).total, range(8)))
    assert totals == [40] * 8
    store.close()


def test_many_may_set_up_a_fresh_store_at_once(tmp_path: Path) -> None:
    """Turning a new file to WAL from two sides at once used to end in 'held by another program' in one round of fifteen."""
    failures: list[str] = []

    def set_up(path: Path, together: threading.Barrier) -> None:
        together.wait()
        store = SqliteIndex(path)
        try:
            store.setup()
        except StoreError as error:
            failures.append(str(error))
        finally:
            store.close()

    for number in range(40):
        together = threading.Barrier(4)
        path = tmp_path / str(number) / "kho.sqlite"
        threads = [threading.Thread(target=set_up, args=(path, together)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_the_log_of_issues_is_the_same_in_both_stores() -> None:
    """SQLite's condition is spelled out, for its index was made with it."""
    assert ON_ISSUES.endswith(str(ISSUE_EVENTS))
