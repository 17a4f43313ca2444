"""Real article pages, served on loopback and crawled by the real flow: title, minute with zone and body as in gold.csv."""

from __future__ import annotations

import csv
import json
import lzma
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from duluan.clock import fixed_clock, parse_time
from duluan.config import Source, load_province
from duluan.model import Clustered
from duluan.query import Filter
from duluan.text import squeeze
from flows.crawl import crawl_into
from flows.ingest import IngestReport, Pipeline
from index import open_store
from nlp.enrich import Enricher

NOW = datetime(2026, 3, 8, 3, tzinfo=UTC)
RULES = {"nld.com.vn": "vccorp", "tuoitre.vn": "vccorp", "vietnamnet.vn": "vietnamnet", "vnexpress.net": "vnexpress"}
ENTRY = "<item><title>{title}</title><link>{link}</link><pubDate>{date}</pubDate></item>"
FEED = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Mẫu</title>{items}</channel></rss>'


def _unpacked(path: Path) -> bytes:
    return lzma.decompress(path.read_bytes())


def _gold(folder: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader((folder / "gold.csv").read_text(encoding="utf-8").splitlines()))
    meta = json.loads(_unpacked(folder / "fundus_vnexpress_meta.json.xz"))
    gold = json.loads(_unpacked(folder / "fundus_vnexpress_gold.json.xz"))["V1"]
    rows.append(
        {
            "file": "fundus_vnexpress_article_2025_10_22.html",
            "url": next(iter(meta.values()))["url"],
            "title": gold["title"],
            "published_at": gold["publishing_date"],
            "text_contains": gold["body"]["sections"][0]["paragraphs"][0],
            "text_not_contains": "",
        }
    )
    return rows


@pytest.fixture(scope="module")
def crawled(
    shared: Path, province_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[dict[str, str]], list[Clustered], IngestReport]]:
    folder = shared / "data" / "html_fixtures"
    gold = _gold(folder)
    pages = {urlsplit(row["url"]).path: _unpacked(folder / f"{row['file']}.xz") for row in gold}
    lists = {f"/list/{path.name.removesuffix('.xz')}": _unpacked(path) for path in folder.glob("*_list.html.xz")}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            base = f"http://127.0.0.1:{self.server.server_address[1]}"
            path = urlsplit(self.path).path
            content = {**pages, **lists}.get(path)
            kind = "text/html; charset=utf-8"
            if path.startswith("/feed/"):
                wanted = [p for p in (*pages, *lists) if path == f"/feed/{_site(p, gold)}"]
                date = format_datetime(NOW)
                items = "".join(ENTRY.format(title="x", link=base + p, date=date) for p in wanted)
                content, kind = FEED.format(items=items).encode(), "application/rss+xml"
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    work = tmp_path_factory.mktemp("real")
    store = open_store(f"sqlite:///{work / 's.sqlite'}")
    store.setup()
    profile = load_province(province_dir)
    sources = [_source(site, server.server_address[1]) for site in (*RULES, "list")]
    try:
        report = crawl_into(
            store,
            profile,
            sources,
            pipeline=Pipeline(store, Enricher(profile, keywords=False).enrich),
            state_dir=work / "state",
            spool_dir=None,
            clock=fixed_clock(NOW),
            allow_loopback=True,
        )
        yield gold, list(store.documents(Filter())), report
    finally:
        store.close()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _site(path: str, gold: list[dict[str, str]]) -> str:
    return next((urlsplit(row["url"]).netloc for row in gold if urlsplit(row["url"]).path == path), "list")


def _source(site: str, port: int) -> Source:
    return Source(
        id=site,
        name=site,
        url=f"http://127.0.0.1:{port}/feed/{site}",
        via="rss",
        rules=RULES.get(site),
        trust=3,
        expected_per_day=(0, 10),
        delay=0,
        verified=True,
        purpose="kiểm thử",
        lawful_basis="trang mẫu trên máy này",
    )


def test_every_article_comes_out_right(crawled: tuple[list[dict[str, str]], list[Clustered], IngestReport]) -> None:
    gold, documents, _ = crawled
    by_path = {urlsplit(document.url).path: document for document in documents}
    for row in gold:
        document = by_path[urlsplit(row["url"]).path]
        published = parse_time(row["published_at"])
        assert squeeze(document.title) == squeeze(row["title"])
        assert document.published is not None
        assert document.published.utcoffset() == published.utcoffset()
        assert document.published.replace(second=0, microsecond=0) == published.replace(second=0, microsecond=0)
        assert squeeze(row["text_contains"]) in squeeze(document.text)
        if row["text_not_contains"]:
            assert row["text_not_contains"] not in document.text


def test_list_pages_are_no_articles(crawled: tuple[list[dict[str, str]], list[Clustered], IngestReport]) -> None:
    gold, documents, report = crawled
    assert len(documents) == len(gold)
    refused = {reason: count for (source, reason), count in report.rejected.items() if source == "list"}
    assert refused == {"not_article": 3}
