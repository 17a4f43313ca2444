"""Pages that need JavaScript: any list page (`browser`), a Zalo OA's public page (`zalo_page`), Facebook's Page Plugin.

Only what is on the allow-list is loaded: the page's own host, and for Zalo its own asset hosts.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urljoin, urlsplit

from lxml import html as lxml_html
from lxml.etree import _Element

from crawlers.connectors.base import CONNECTORS, Found, Session, make_document
from crawlers.connectors.listing import article_links, page_links
from crawlers.outcome import SourceProblem
from duluan.config import Source
from duluan.model import Document

_PLUGIN = re.compile(r"^/(?:v\d+\.\d+/)?plugins/page\.php$")


@CONNECTORS.register("browser")
async def browser(session: Session) -> AsyncIterator[Found]:
    """The articles that a rendered list page links to; for the Page Plugin, the posts that it shows."""
    url = session.source.url
    if is_plugin(url):
        need_permission(session.source)
        answer = await session.render(url)
        for post in plugin_posts(answer.body, answer.url, session.source.id, session.clock()):
            yield post
        return
    answer = await session.render(url)
    for link in article_links(answer.body, answer.url):
        if lead := session.lead(link):
            yield lead


@CONNECTORS.register("zalo_page")
async def zalo_page(session: Session) -> AsyncIterator[Found]:
    """Articles that a public OA page links to: `…/detail/{oaid}?id=…`."""
    answer = await session.render(session.source.url)
    own = urlsplit(session.source.url).netloc
    for link in dict.fromkeys(page_links(answer.body, answer.url)):
        parts = urlsplit(link)
        there = parts.netloc == own or parts.netloc == "rd.zapps.vn"
        if (
            there
            and parts.path.startswith("/detail/")
            and parse_qs(parts.query).get("id")
            and (lead := session.lead(link))
        ):
            yield lead


def is_plugin(url: str) -> bool:
    """True for Facebook's Page Plugin, whatever host serves it."""
    return bool(_PLUGIN.match(urlsplit(url).path))


def need_permission(source: Source) -> None:
    """Raises SourceProblem unless the configuration records who permitted this, when and in which document."""
    if source.permission is None:
        raise SourceProblem(
            f"nguồn {source.id}: Page Plugin chỉ chạy khi sources.toml ghi văn bản cho phép của Meta (permission: by, on, document)",
            action="stop",
            local=True,
        )


def plugin_posts(body: bytes, url: str, source: str, now: datetime) -> Iterator[Document]:
    """The posts that the plugin shows (about five), without the author block."""
    tree = lxml_html.fromstring(body or b"<html/>", parser=lxml_html.HTMLParser(encoding="utf-8"))
    for wrapper in _of_class(tree, "userContentWrapper"):
        texts = [_whole_text(node) for node in _of_class(wrapper, "userContent")]
        stamps = [node for node in wrapper.iter("abbr") if node.get("data-utime")]
        link = next((a for node in stamps for a in node.iterancestors("a") if a.get("href")), None)
        if link is None or not any(texts):
            continue
        yield make_document(
            url=urljoin(url, str(link.get("href"))),
            source=source,
            kind="post",
            title="",
            text="\n".join(text for text in texts if text),
            fetched=now,
            published=_epoch(stamps[0]),
        )


def _whole_text(node: _Element) -> str:
    """The text with what 'See more' would show – it is in the page already – and without that link and its three dots."""
    for name in ("text_exposed_hide", "see_more_link", "text_exposed_link"):
        for hidden in _of_class(node, name):
            hidden.text = ""
            for inner in list(hidden):
                hidden.remove(inner)
    return " ".join("".join(map(str, node.itertext())).split())


def _of_class(node: _Element, name: str) -> list[_Element]:
    return [found for found in node.iter() if name in str(found.get("class") or "").split()]


def _epoch(node: _Element) -> datetime | None:
    stamp = str(node.get("data-utime"))
    return datetime.fromtimestamp(int(stamp), UTC) if stamp.isdigit() and len(stamp) < 12 else None
