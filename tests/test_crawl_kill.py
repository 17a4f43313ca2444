"""A crawl that is killed (-9) or stopped (Ctrl-C): every page is fetched at most twice, every document stored exactly once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from samples_crawl import Hit, Reply, article, documents, feed, fetches, run, site, source

PAGES = 24

# A consumer with a store of its own that keeps a batch at a time, as the flow does.
CONSUMER = """
import sqlite3, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from samples_crawl import source, QUICK
from crawlers.crawl import crawl
from duluan.clock import system_clock
from duluan.model import Document
url, folder = sys.argv[1], Path(sys.argv[2])
db = sqlite3.connect(folder / "store.sqlite", isolation_level=None)
db.execute("CREATE TABLE IF NOT EXISTS document (id TEXT, title TEXT)")
def known(ids):
    return {id for id in ids if db.execute("SELECT 1 FROM document WHERE id = ?", (id,)).fetchone()}
batch = []
def keep():
    db.execute("BEGIN")
    db.executemany("INSERT INTO document VALUES (?, ?)", batch)
    db.execute("COMMIT")
    batch.clear()
for item in crawl([source(url)], state_dir=folder, spool_dir=None, clock=system_clock, known=known, allow_loopback=True, limits=QUICK):
    if isinstance(item, Document):
        batch.append((item.id, item.title))
        if len(batch) == 5:
            keep()
keep()
"""


def test_killed_in_the_middle_and_started_again(tmp_path: Path) -> None:
    def page(hit: Hit) -> Reply:
        time.sleep(0.05)
        number = int(hit.path.strip("/tin-.hml"))
        return Reply(article(f"Tin số {number}", number))

    command = [sys.executable, "-c", CONSUMER]
    with site() as here:
        here.routes |= {f"/tin-{n}.html": page for n in range(PAGES)}
        here.routes["/rss"] = feed(here.base, [f"/tin-{n}.html" for n in range(PAGES)])
        arguments = [f"{here.base}/rss", str(tmp_path), str(Path(__file__).parent)]
        victim = subprocess.Popen(command + arguments)
        while len(here.paths()) < PAGES // 2:
            time.sleep(0.02)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        time.sleep(0.5)  # the orphan child sees the closed pipe and ends
        orphan = len(here.hits)
        time.sleep(0.3)
        assert len(here.hits) == orphan
        subprocess.run(command + arguments, check=True, timeout=60)
    hits = Counter(path for path in here.paths() if path != "/rss")
    assert set(hits) == {f"/tin-{n}.html" for n in range(PAGES)}
    assert max(hits.values()) <= 2
    titles = [row[0] for row in sqlite3.connect(tmp_path / "store.sqlite").execute("SELECT title FROM document")]
    assert sorted(titles) == sorted(f"Tin số {n}" for n in range(PAGES))


def _province(folder: Path, province_dir: Path, url: str) -> Path:
    """The shipped profile with one source."""
    folder.mkdir()
    for path in province_dir.iterdir():
        if path.is_file() and path.name != "sources.toml":
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "sources.toml").write_text(
        f'[[source]]\nid = "bao"\nname = "Báo"\nurl = "{url}"\nvia = "rss"\ntrust = 3\nexpected_per_day = [0, 9]\n'
        'delay = 0\nverified = true\npurpose = "Kiểm thử"\nlawful_basis = "Trang của ta"\n',
        encoding="utf-8",
    )
    return folder


def _hears_ctrl_c() -> None:
    """A shell that runs the suite in the background has SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_the_real_command_stopped_in_the_middle_and_started_again(
    tmp_path: Path, province_dir: Path, number: signal.Signals
) -> None:
    """`duluan crawl` with its real store. Ctrl-C reaches parent and worker, as from a terminal; kill -9 the parent alone."""

    def page(hit: Hit) -> Reply:
        time.sleep(0.15)
        which = int(hit.path.strip("/tin-.hml"))
        return Reply(article(f"Tin số {which}", which))

    with site() as here:
        here.routes |= {f"/tin-{n}.html": page for n in range(12)}
        here.routes["/rss"] = feed(here.base, [f"/tin-{n}.html" for n in range(12)])
        store = tmp_path / "kho.sqlite"
        places = {
            "DULUAN_STATE": str(tmp_path / "state"),
            "DULUAN_STORE": f"sqlite:///{store}",
            "DULUAN_PROVINCE": str(_province(tmp_path / "tinh", province_dir, f"{here.base}/rss")),
        }
        environ = {**os.environ, **places, "DULUAN_ALLOW_LOOPBACK": "1"}
        command = [sys.executable, "-m", "duluan", "crawl"]
        with subprocess.Popen(
            command, env=environ, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=_hears_ctrl_c
        ) as victim:
            while len(here.paths()) < 6:
                time.sleep(0.02)
            if number is signal.SIGINT:
                os.killpg(victim.pid, number)
            else:
                os.kill(victim.pid, number)
            told = victim.communicate(timeout=60)[1]
        again = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert victim.returncode == (130 if number is signal.SIGINT else -number)
    assert "Traceback" not in told + again.stderr
    assert again.returncode == 0, again.stderr
    hits = Counter(path for path in here.paths() if path != "/rss")
    assert set(hits) == {f"/tin-{n}.html" for n in range(12)}
    assert max(hits.values()) <= 2
    with closing(sqlite3.connect(store)) as db:
        stored = [row[0] for row in db.execute("SELECT id FROM documents")]
    assert len(stored) == len(set(stored)) == 12


def test_a_worker_that_dies_fails_its_sources_and_loses_nothing(tmp_path: Path) -> None:
    """As a page that crashes a C library would: the parent lives on and says so."""

    def page(hit: Hit) -> Reply:
        if len(here.paths()) == 5:
            os.kill(_worker(), signal.SIGKILL)
        which = int(hit.path.strip("/tin-.hml"))
        return Reply(article(f"Tin số {which}", which))

    with site() as here:
        here.routes |= {f"/tin-{n}.html": page for n in range(9)}
        here.routes["/rss"] = feed(here.base, [f"/tin-{n}.html" for n in range(9)])
        first = run(source(f"{here.base}/rss"), tmp_path)
        second = run(source(f"{here.base}/rss"), tmp_path)
    assert fetches(first) == [False]
    assert fetches(second) == [True]
    titles = [document.title for document in documents([*first, *second])]
    assert sorted(titles) == sorted(f"Tin số {n}" for n in range(9))
    assert max(Counter(path for path in here.paths() if path != "/rss").values()) <= 2
    assert '"what": "crawl_died"' in (tmp_path / "audit.jsonl").read_text()


def _worker() -> int:
    """Process id of this test's own crawl worker: the child of ours that runs it."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"crawlers.worker" in (path / "cmdline").read_bytes():
                return int(path.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    raise AssertionError("no worker runs")
