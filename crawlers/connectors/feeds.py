"""RSS 0.9–2.0 and Atom. A feed only leads to pages: its summaries are cut, its titles sometimes lack marks."""

from __future__ import annotations

import calendar
import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import struct_time
from urllib.parse import urljoin

import feedparser

from crawlers.connectors.base import CONNECTORS, Found, Session
from crawlers.outcome import SourceProblem


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One entry: where it leads and when it says it was published (aware, UTC)."""

    url: str
    published: datetime | None


def read_feed(body: bytes, url: str, content_type: str = "") -> list[FeedItem]:
    """The entries of a feed, in its order, relative links resolved against `url`. Raises SourceProblem where it is none."""
    parsed = feedparser.parse(
        io.BytesIO(body),  # never bare: feedparser would open bytes that spell a file's name or an address
        sanitize_html=False,
        resolve_relative_uris=False,
        response_headers={"content-type": content_type, "content-location": url},
    )
    if not parsed.entries and not parsed.get("version"):
        raise SourceProblem("địa chỉ nguồn không trả về RSS hay Atom", action="retry", code="not_a_feed")
    return list(_items(parsed.entries, url))


def _items(entries: list[feedparser.FeedParserDict], url: str) -> Iterator[FeedItem]:
    for entry in entries:
        link = entry.get("link") or (entry.get("id") if str(entry.get("id", "")).startswith("http") else None)
        if link:
            yield FeedItem(urljoin(url, str(link).strip()), _moment(entry.get("published_parsed")))


def _moment(parsed: struct_time | None) -> datetime | None:
    """feedparser's UTC tuple; a feed that writes no zone is read as UTC by it, which its page then corrects."""
    if parsed is None:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError):
        return None


@CONNECTORS.register("rss")
async def rss(session: Session) -> AsyncIterator[Found]:
    """The feed's pages, newest first as listed."""
    answer = await session.get(session.source.url)
    if answer.unchanged:
        return
    for item in read_feed(answer.body, answer.url, answer.content_type):
        if lead := session.lead(item.url, item.published):
            yield lead
