"""Two crawls of one store at once, and a state that cannot be written: nothing is fetched twice, nothing ends in a traceback."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from samples_crawl import Hit, Reply, article, documents, feed, fetches, run, site, source

from crawlers.claims import claimed
from duluan.errors import StoreError
from duluan.model import Document, Fetch, Rejected


def test_a_page_is_fetched_once_by_two_crawls_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The second leaves the sources that are being read to the first, and reads the rest."""

    def slow(hit: Hit) -> Reply:
        time.sleep(0.8)
        number = int(hit.path.strip("/tin-.hml"))
        return Reply(article(f"Tin số {number}", number))

    found: dict[str, list[Document | Rejected | Fetch]] = {}
    with site() as here:
        here.routes |= {f"/tin-{n}.html": slow for n in range(9)} | {"/tin-9.html": Reply(article("Tin khác", 9))}
        here.routes |= {"/a.rss": feed(here.base, [f"/tin-{n}.html" for n in range(9)])}
        here.routes |= {"/b.rss": feed(here.base, ["/tin-9.html"])}
        a, b = source(f"{here.base}/a.rss", id="nguon_a"), source(f"{here.base}/b.rss", id="nguon_b")
        first = threading.Thread(target=lambda: found.update(first=run(a, tmp_path)))
        first.start()
        while not any(hit.path == "/a.rss" for hit in here.hits):
            time.sleep(0.02)
        with caplog.at_level(logging.WARNING):
            found["second"] = run([a, b], tmp_path)
        first.join()
    assert max(Counter(here.paths()).values()) == 1
    assert len(documents(found["first"])) == 9
    assert [document.title for document in documents(found["second"])] == ["Tin khác"]
    assert fetches(found["second"]) == [True], "a source that was left to the other crawl has no fetch line"
    assert "nguồn nguon_a: một lần thu thập khác đang đọc" in caplog.text


def test_a_claim_ends_with_its_holder(tmp_path: Path) -> None:
    one = source("https://bao.example.vn/rss", delay=3)
    with claimed(tmp_path, "s", [one], patience=0) as first:
        assert first.mine == (one,)
        with claimed(tmp_path, "s", [one], patience=0.2) as second:
            assert second.busy == (one,)
        with claimed(tmp_path, "other", [one], patience=0) as third:
            assert third.mine == (one,)
    with claimed(tmp_path, "s", [one], patience=0) as again:
        assert again.mine == (one,)


def test_folders_that_cannot_be_written_are_named_before_anything_is_fetched(tmp_path: Path) -> None:
    """As files in the way: root, who runs these tests in a container, may write everywhere."""
    (tmp_path / "tep").write_text("x")
    with site({"/rss": Reply("")}) as here:
        with pytest.raises(StoreError, match=r"tep/spool: không tạo được"):
            run(source(f"{here.base}/rss"), tmp_path / "state", spool_dir=tmp_path / "tep" / "spool")
        with pytest.raises(StoreError, match="không mở được"):
            run(source(f"{here.base}/rss"), tmp_path / "tep")
    assert here.hits == []
