"""NukeViet portals: by RSS, sitemap or list page, whichever the source's address turns out to be.

Only the page's own `span.h5` and the sitemap's lastmod tell the true time. The feed's pubDate writes the month where the
minutes belong, the microdata hold the edit time, Last-Modified is always yesterday: all three are left alone.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urljoin, urlsplit

from crawlers.connectors.base import CONNECTORS, MAX_AGE, Found, Lead, Session
from crawlers.connectors.feeds import read_feed
from crawlers.connectors.listing import page_links
from crawlers.connectors.sitemap import walk_sitemap
from crawlers.frontier import Frontier
from crawlers.gate import Answer
from crawlers.outcome import Deferred, Refused
from duluan.urls import document_id

MAX_LIST_PAGES = 5  # of 20 items; further back only while everything on a page is new
_ARTICLE = re.compile(r"^/(?:[a-z]{2}/)?[a-z0-9-]+/(?:.*/)?[^/]*-\d+\.html$", re.IGNORECASE)
_TWIN = re.compile(r"/(?:print|savefile|sendmail|rating|rss)/", re.IGNORECASE)
# The theme's own column first; other themes keep the structure, not the class.
_LISTED = (
    "//div[contains(concat(' ', @class, ' '), ' news_column ')]//*[self::h2 or self::h3 or self::h4]/a[@href]",
    "//a[@href]",
)


@CONNECTORS.register("nukeviet")
async def nukeviet(session: Session) -> AsyncIterator[Found]:
    """The portal's recent articles."""
    url = session.source.url
    if urlsplit(url).path.endswith(".xml"):
        async for lead in _by_sitemap(session, url):
            yield lead
        return
    answer = await session.get(url, conditional="hash")
    if answer.unchanged:
        return
    leads = _by_feed(session, answer) if _is_feed(answer) else _by_list(session, answer)
    async for lead in leads:
        yield lead


def _is_feed(answer: Answer) -> bool:
    return b"<rss" in answer.body[:2000] or b"<feed" in answer.body[:2000]


async def _by_feed(session: Session, answer: Answer) -> AsyncIterator[Lead]:
    for item in read_feed(answer.body, answer.url, answer.content_type):
        # The wrong minutes still tell the day: enough to leave old pages out.
        if session.lead(item.url, item.published):
            yield Lead(item.url)


async def _by_sitemap(session: Session, url: str) -> AsyncIterator[Lead]:
    async for entry in walk_sitemap(session, url, conditional="hash"):
        recent = entry.modified is None or entry.modified >= session.clock() - MAX_AGE
        if recent and _ARTICLE.match(urlsplit(entry.url).path):
            yield Lead(entry.url, entry.modified if entry.exact else None)


async def _by_list(session: Session, answer: Answer) -> AsyncIterator[Lead]:
    """The list page and those behind it, while all that a page lists is new."""
    frontier = Frontier(session.state)
    for number in range(2, MAX_LIST_PAGES + 2):
        links = list(listed_articles(answer.body, answer.url))
        for link in links:
            yield Lead(link)
        ids = [document_id(link, nukeviet=True) for link in links]
        if not links or len(frontier.unseen(ids)) < len(set(ids)) or number > MAX_LIST_PAGES:
            return
        try:
            answer = await session.get(next_page(session.source.url, number), conditional="no")
        except (Refused, Deferred):  # fewer pages than we may read
            return


def next_page(url: str, number: int) -> str:
    """Address of the n-th list page: '/news/tin-tuc/' → '/news/tin-tuc/page-2/'."""
    return urljoin(url if url.endswith("/") else url + "/", f"page-{number}/")


def listed_articles(body: bytes, url: str) -> Iterator[str]:
    """Articles that a list page names, in its order, without the print and download twins."""
    for path in _LISTED:
        links = [link for link in page_links(body, url, path=path) if is_article(link, url)]
        if links:
            yield from dict.fromkeys(links)
            return


def is_article(link: str, page: str) -> bool:
    """True for `/{lang}/{module}/{cat}/{slug}-{id}.html` on the page's own host."""
    parts = urlsplit(link)
    same = parts.netloc.lower() == urlsplit(page).netloc.lower()
    return same and bool(_ARTICLE.match(parts.path)) and not _TWIN.search(parts.path)
