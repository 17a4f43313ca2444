"""Two news sites with RSS (ETag, 304): one on the markup most Vietnamese newsrooms share, one with JSON-LD; each with faulty pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import urlsplit

from flows.sample.content import Item
from flows.sample.outlets import Outlet
from flows.sample.replicas.http import Request, Response, http_date, not_found, page, revalidated, text, xml
from flows.sample.replicas.portal import WEEKDAYS

FEED_ITEMS: Final = 40


class Newsroom:
    """One news site; `items` newest first. `ld` chooses the markup."""

    def __init__(self, outlet: Outlet, items: Sequence[Item], base: str, *, ld: bool) -> None:
        self._outlet, self._items, self._base, self._ld = outlet, items, base, ld
        self._by_path = {urlsplit(item.url).path: item for item in items}

    def answer(self, request: Request) -> Response:
        """One request."""
        if request.path == "/robots.txt":
            return text(
                f"User-agent: *\nDisallow: /noi-bo/\nDisallow: /tim-kiem\n\nSitemap: {self._base}/sitemap.xml\n"
            )
        if request.path == self._outlet.feed:
            return revalidated(xml(self._feed(), "application/rss+xml; charset=utf-8"), request)
        if request.path == "/sitemap.xml":
            return xml(self._sitemap())
        item = self._by_path.get(request.path)
        return not_found() if item is None else self._page(item)

    def _page(self, item: Item) -> Response:
        if item.fault == "not_article":
            return page(self._gallery(item))
        markup = _with_ld(item, self._outlet.name) if self._ld else _classic(item, self._outlet.name, self._items[:5])
        if (
            item.fault == "truncated"
        ):  # the connection broke behind a cache: the body ends in the middle, the length agrees
            whole = markup.encode()
            return Response(whole[: whole.index(item.paragraphs[-1][:20].encode()) + 30])
        if item.fault == "wrong_charset":
            return Response(markup.encode(), "text/html; charset=iso-8859-1")
        return page(markup)

    def _gallery(self, item: Item) -> str:
        links = "".join(f'<li><a href="{i.url}">{escape(i.title)}</a></li>' for i in self._items[:25])
        return _document(escape(item.title), f'<h1>Chùm ảnh trong ngày</h1><ul class="list-news">{links}</ul>', "")

    def _feed(self) -> str:
        rows = "".join(
            f"<item><title><![CDATA[{i.title}]]></title><link>{i.url}</link><guid>{i.url}</guid>"
            f'<description><![CDATA[<a href="{i.url}"><img src="{self._base}/anh/{i.number}.jpg"></a></br>{escape(i.paragraphs[0])}]]>'
            f"</description><pubDate>{http_date(i.published)}</pubDate><dc:creator>{escape(i.author)}</dc:creator></item>"
            for i in self._items[:FEED_ITEMS]
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
            f"<title>{escape(self._outlet.name)}</title><link>{self._base}/</link><description>Tin mới</description>{rows}</channel></rss>"
        )

    def _sitemap(self) -> str:
        rows = "".join(
            f"<url><loc>{i.url}</loc><lastmod>{i.published.isoformat()}</lastmod></url>" for i in self._items
        )
        return f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'


def _classic(item: Item, site: str, newest: Sequence[Item]) -> str:
    """The markup that most Vietnamese newsroom systems share: title-detail, description, fck_detail."""
    at = item.published
    related = "".join(f'<li><a href="{i.url}">{escape(i.title)}</a></li>' for i in newest if i is not item)
    body = "".join(f'<p class="Normal">{escape(part)}</p>' for part in item.paragraphs[1:])
    head = (
        f'<meta property="article:published_time" content="{at.isoformat()}"><meta name="pubdate" content="{at.isoformat()}">'
        f'<meta property="og:type" content="article"><meta property="og:title" content="{escape(item.title)}">'
        f'<meta property="og:description" content="{escape(item.paragraphs[0])}"><meta name="author" content="{escape(item.author)}">'
    )
    content = (
        f'<section class="section page-detail"><div class="header-content">'
        '<ul class="breadcrumb"><li><a href="/thoi-su">Thời sự</a></li></ul>'
        f'<span class="date">{WEEKDAYS[at.weekday()]}, {at.day}/{at.month}/{at.year}, {at:%H:%M} (GMT+7)</span></div>'
        f'<h1 class="title-detail">{escape(item.title)}</h1><p class="description">{escape(item.paragraphs[0])}</p>'
        f'<article class="fck_detail">{body}'
        f'<p class="author_mail" style="text-align:right"><strong>{escape(item.author)}</strong></p></article>'
        f'<div class="box-tinlienquan"><h3>Tin liên quan</h3><ul>{related}</ul></div></section>'
    )
    return _document(f"{escape(item.title)} - {site}", content, head)


def _with_ld(item: Item, site: str) -> str:
    """A modern theme: JSON-LD tells title, time and author."""
    at = item.published
    data = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": item.title,
        "description": item.paragraphs[0],
        "datePublished": at.isoformat(),
        "dateModified": at.isoformat(),
        "author": {"@type": "Person", "name": item.author},
        "publisher": {"@type": "Organization", "name": site},
        "mainEntityOfPage": item.url,
    }
    head = f'<script type="application/ld+json">{json.dumps(data, ensure_ascii=False)}</script>'
    body = "".join(f"<p>{escape(part)}</p>" for part in item.paragraphs)
    content = (
        f'<main><article class="post"><header class="entry-header"><h1 class="entry-title">{escape(item.title)}</h1>'
        f'<div class="entry-meta"><time datetime="{at.isoformat()}">{at:%H:%M, %d/%m/%Y}</time> '
        f'<span class="byline">{escape(item.author)}</span></div>'
        f'</header><div class="entry-content">{body}</div></article></main>'
        '<aside class="sidebar"><h4>Đọc nhiều</h4><p>Đăng ký nhận bản tin hằng tuần của tòa soạn.</p></aside>'
    )
    return _document(f"{escape(item.title)} | {site}", content, head)


def _document(title: str, content: str, head: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>{title}</title>{head}</head><body>'
        f'<header><nav><a href="/">Trang nhất</a> <a href="/thoi-su">Thời sự</a> <a href="/doi-song">Đời sống</a></nav></header>{content}'
        f"<footer><p>Trang tin mẫu, không phải cơ quan báo chí có thật.</p></footer></body></html>"
    )
