"""kill -9 in the middle of a crawl: every page is fetched at most twice, every document stored exactly once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from samples_crawl import Hit, Reply, article, feed, site

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
