"""List pages: every link of the main part that looks like an article of the same site."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import html as lxml_html
from lxml.etree import LxmlError, _Element

from crawlers.connectors.base import CONNECTORS, Found, Session
from crawlers.outcome import SourceProblem

# What article addresses share on Vietnamese CMSs: a number or date at the end of the last part, or Liferay's content path.
_ARTICLE = re.compile(
    r"(?:-|/)(?:[a-z]{0,6}\d{4,}|[0-9a-f]{7,})(?:\.(?:html?|htm|tpo|ldo|aspx|chn|vnp))?/?$", re.IGNORECASE
)
_LONG_SLUG = re.compile(r"/[^/]*(?:-[^/-]+){4,}(?:\.(?:html?|aspx|vnp))?/?$")
_LIFERAY = re.compile(r"/-/asset_publisher/|/-/[^/]+-[^/]+$")
_SKIPPED = re.compile(
    r"\.(?:jpe?g|png|gif|webp|pdf|docx?|xlsx?|zip|rar|mp[34])$|/(?:tag|tags|tim-kiem|search|rss|print|savefile)/"
)


def article_links(body: bytes, url: str, encoding: str = "utf-8") -> Iterator[str]:
    """Links to articles of the same host, in the page's order, without repeats. Raises SourceProblem where there is no HTML."""
    seen: set[str] = set()
    for link in page_links(body, url, encoding):
        if link not in seen and _is_article(link, url):
            seen.add(link)
            yield link


def page_links(body: bytes, url: str, encoding: str = "utf-8", path: str = "//a[@href]") -> Iterator[str]:
    """Absolute http(s) links of the elements that `path` selects."""
    try:
        tree = lxml_html.fromstring(body, parser=lxml_html.HTMLParser(encoding=encoding, recover=True))
        found = tree.xpath(path)
    except (LxmlError, ValueError, LookupError):
        raise SourceProblem("trang danh mục không phải HTML", action="retry", code="not_html") from None
    base = urljoin(url, str(tree.xpath("string(//base/@href)")).strip())
    for anchor in found if isinstance(found, list) else []:
        if isinstance(anchor, _Element) and (link := _absolute(base, anchor.get("href") or "")):
            yield link


def _absolute(base: str, href: str) -> str | None:
    """`href` as an absolute http(s) address without fragment; None where it is none."""
    try:
        link = urldefrag(urljoin(base, href.strip())).url
        return link if urlsplit(link).scheme in {"http", "https"} else None
    except ValueError:
        return None


def _is_article(link: str, page: str) -> bool:
    there, here = urlsplit(link), urlsplit(page)
    if _site(there.netloc) != _site(here.netloc) or there.path in {"", "/", here.path}:
        return False
    if _SKIPPED.search(there.path.lower()):
        return False
    return any(form.search(there.path) for form in (_ARTICLE, _LONG_SLUG, _LIFERAY))


def _site(netloc: str) -> str:
    return netloc.lower().removeprefix("www.").removeprefix("m.")


@CONNECTORS.register("list")
async def list_page(session: Session) -> AsyncIterator[Found]:
    """The articles that a section page links to."""
    answer = await session.get(session.source.url)
    if answer.unchanged:
        return
    for link in article_links(answer.body, answer.url):
        if lead := session.lead(link):
            yield lead


@CONNECTORS.register("liferay")
async def liferay(session: Session) -> AsyncIterator[Found]:
    """Liferay's asset publisher lists: only content paths (`/-/asset_publisher/…`, `/-/slug`), never portlet actions."""
    answer = await session.get(session.source.url)
    if answer.unchanged:
        return
    home = _site(urlsplit(answer.url).netloc)
    links = (link.partition("?")[0] for link in page_links(answer.body, answer.url))
    for link in dict.fromkeys(links):
        parts = urlsplit(link)
        if _LIFERAY.search(parts.path) and _site(parts.netloc) == home and (lead := session.lead(link)):
            yield lead
