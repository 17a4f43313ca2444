"""The crawl as a flow sees it, asserted on what the server saw."""

from __future__ import annotations

from pathlib import Path

from samples_crawl import Reply, article, documents, feed, fetches, reasons, run, site, source


def test_feed_leads_to_whole_pages(tmp_path: Path) -> None:
    with site() as here:
        here.routes |= {f"/tin-{n}.html": Reply(article(f"Sửa đường liên thôn đợt {n}", n)) for n in (1, 2, 3)}
        here.routes["/rss"] = feed(here.base, [f"/tin-{n}.html" for n in (1, 2, 3)])
        first = run(source(f"{here.base}/rss"), tmp_path)
        again = run(source(f"{here.base}/rss"), tmp_path)
    found = documents(first)
    assert [document.title for document in found] == [f"Sửa đường liên thôn đợt {n}" for n in (1, 2, 3)]
    assert all("hiến đất" in document.text for document in found)
    assert {document.published.isoformat() for document in found if document.published} == {"2026-11-20T08:15:00+07:00"}
    assert fetches(first) == [True]
    assert reasons(first) == []
    assert documents(again) == []
    assert fetches(again) == [True]
    assert here.paths() == ["/rss", "/tin-1.html", "/tin-2.html", "/tin-3.html", "/rss"]
