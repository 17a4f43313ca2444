"""Pace: asserted on the times at which the server was hit."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path

import pytest
from samples_crawl import Hit, Reply, article, documents, feed, run, site, source

from crawlers.limits import Limits
from crawlers.outcome import Deferred
from crawlers.pace import MAX_RETRY_AFTER, Pace, retry_after
from crawlers.state import State


def test_two_crawls_at_once_never_exceed_half_a_request_a_second(tmp_path: Path) -> None:
    """Default delay; two processes with stores of their own share the host's pace."""
    short = Limits(timeout=1.5, source_seconds=3.0, wait_for_page=1.0)
    with site() as here:
        for name in ("a", "b"):
            here.routes |= {f"/{name}-{n}.html": Reply(article(f"Tin {name} {n}", n)) for n in range(9)}
            here.routes[f"/{name}.rss"] = feed(here.base, [f"/{name}-{n}.html" for n in range(9)])
        threads = [
            threading.Thread(
                target=run,
                args=(source(f"{here.base}/{name}.rss", id=f"nguon_{name}", delay=3.0), tmp_path),
                kwargs={"limits": short, "store": name},
            )
            for name in ("a", "b")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    times = sorted(hit.at for hit in here.hits)
    assert len(times) >= 4
    assert min(later - earlier for earlier, later in pairwise(times)) >= 2.0


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_after_retry_after_7_nothing_for_7_seconds(tmp_path: Path, form: str) -> None:
    """Nothing at all for this host: neither the page nor its neighbours, nor another source of the same host."""
    due = [0.0]

    def wait() -> str:
        moment = math.ceil(time.time() + 7) if form == "date" else time.time() + 7
        due[0] = time.monotonic() + moment - time.time()
        return formatdate(moment, usegmt=True) if form == "date" else "7"

    with site() as here:

        def blocked_once(hit: Hit) -> Reply:
            again = here.paths().count("/tin-1.html") > 1
            return Reply(article("Tin một", 1)) if again else Reply("", 429, headers={"Retry-After": wait()})

        here.routes |= {"/tin-1.html": blocked_once, "/tin-2.html": Reply(article("Tin hai", 2))}
        here.routes |= {
            "/rss": feed(here.base, ["/tin-1.html", "/tin-2.html"]),
            "/tin-3.html": Reply(article("Tin ba", 3)),
        }
        here.routes["/khac.rss"] = feed(here.base, ["/tin-3.html"])
        found = run([source(f"{here.base}/rss"), source(f"{here.base}/khac.rss", id="khac")], tmp_path)
    assert sorted(document.title for document in documents(found)) == ["Tin ba", "Tin hai", "Tin một"]
    refused = next(hit.at for hit in here.hits if hit.path == "/tin-1.html")
    assert min(hit.at for hit in here.hits if hit.at > refused) >= due[0]


def test_pace_and_blocks_survive_a_restart(tmp_path: Path) -> None:
    now = [1000.0]

    async def take(state: State, delay: float) -> None:
        async with Pace(state, now=lambda: now[0]).turn("http://a:80", delay):
            return

    first = State(tmp_path)
    asyncio.run(take(first, 200.0))
    first.close()
    second = State(tmp_path)
    with pytest.raises(Deferred) as waiting:
        asyncio.run(take(second, 200.0))
    assert waiting.value.after == pytest.approx(200.0)
    now[0] += 200.0
    asyncio.run(take(second, 200.0))
    assert Pace(second, now=lambda: now[0]).block("http://a:80", 1e9) == MAX_RETRY_AFTER


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        (formatdate(1_700_000_090, usegmt=True), 90.0),
        (formatdate(1_600_000_000, usegmt=True), 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٧", None),
    ],
)
def test_both_forms_of_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(value, 1_700_000_000.0) == seconds
