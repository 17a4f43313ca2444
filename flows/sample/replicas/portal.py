"""A provincial portal on NukeViet 4: its markup, its lists, and all its wrong times (reference/crawling.md, "NukeViet").

True are only `span.h5` of a page and the sitemap's lastmod. Wrong, as in the wild: the feed's minutes (the month's number),
article:published_time (no valid date), the microdata (edit time), Last-Modified (always a day ago).
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from math import ceil
from typing import Final

from flows.sample.content import Item
from flows.sample.replicas.http import Request, Response, not_found, page, text, xml

PER_PAGE: Final = 20
FEED_ITEMS: Final = 30
SITEMAP_ITEMS: Final = 1000
WEEKDAYS: Final = ("Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy", "Chủ nhật")
_ARTICLE = re.compile(r"^/vi/news/(?:[a-z-]+/)?[^/]*?-(\d+)\.html$")
_TWIN = re.compile(r"^/vi/news/(print|savefile)/[^/]+/[^/]*?-(\d+)\.html$")
_LIST = re.compile(r"^/vi/news/(?:tin-trong-tinh/)?(?:page-(\d+)/?)?$")


@dataclass
class FloodBlocker:
    """NukeViet's: 40 requests a minute and 150 in five minutes from one address, then 429 with Retry-After."""

    limits: tuple[tuple[int, float], ...] = ((40, 60.0), (150, 300.0))
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._times: deque[float] = deque()

    def wait(self) -> int:
        """Seconds to wait (0: go on). A refused request does not count."""
        now = self.clock()
        while self._times and self._times[0] < now - self.limits[-1][1]:
            self._times.popleft()
        for most, window in self.limits:
            recent = [moment for moment in self._times if moment > now - window]
            if len(recent) >= most:
                return ceil(recent[0] + window - now) or 1
        self._times.append(now)
        return 0


class Portal:
    """The host. `items` newest first; `now` is the sample's clock."""

    def __init__(self, items: Sequence[Item], base: str, now: datetime, *, blocker: FloodBlocker | None = None) -> None:
        self._items, self._base, self._now, self._blocker = items, base, now, blocker
        self._by_number = {item.number: item for item in items}

    def answer(self, request: Request) -> Response:
        """One request."""
        if request.path == "/robots.txt":
            return text(f"User-agent: *\nDisallow: /admin/\nDisallow: /vi/users/\nSitemap: {self._base}/sitemap.xml\n")
        if self._blocker is not None and (seconds := self._blocker.wait()):
            return Response(b"Flood blocker", "text/plain", 429, (("Retry-After", str(seconds)),))
        response = self._answer(request)
        yesterday = format_datetime(self._now - timedelta(days=1), usegmt=False)
        return Response(
            response.body, response.content_type, response.status, (*response.headers, ("Last-Modified", yesterday))
        )

    def _answer(self, request: Request) -> Response:
        path = request.path
        if path == "/index.php" and request.query.get("op", "").startswith("rss"):
            return xml(self._feed(), "text/xml; charset=utf-8")
        if path == "/sitemap.xml":
            return xml(_SITEMAP_INDEX.format(base=self._base))
        if path == "/sitemap-vi.news.xml":
            return xml(self._sitemap())
        if found := _LIST.match(path):
            return page(self._list(int(found[1] or 1)))
        if (found := _TWIN.match(path)) and (item := self._by_number.get(int(found[2]))):
            return page(_bare(item))
        if (found := _ARTICLE.match(path)) and (item := self._by_number.get(int(found[1]))):
            return page(self._article(item))
        return not_found()

    def _list(self, number: int) -> str:
        chosen = self._items[(number - 1) * PER_PAGE : number * PER_PAGE]
        rows = "".join(
            _ROW.format(url=item.url, title=escape(item.title), lead=escape(item.paragraphs[0])) for item in chosen
        )
        links = "".join(
            f'<li><a href="{self._base}/vi/news/page-{n}/">{n}</a></li>'
            for n in range(1, ceil(len(self._items) / PER_PAGE) + 1)
        )
        return _frame("Tin tức", f'<div class="news_column">{rows}</div><ul class="pagination">{links}</ul>')

    def _article(self, item: Item) -> str:
        at = item.published
        head = (
            f'<meta property="article:published_time" content="{at:%Y-%m-%d}+07{at:%H:%M:%S}">'
            f'<meta property="og:title" content="{escape(item.title)}"><meta property="og:type" content="article">'
            f'<meta property="og:description" content="{escape(item.paragraphs[0])}"><link rel="canonical" href="{item.url}">'
        )
        body = _ARTICLE_BODY.format(
            title=escape(item.title),
            shown=f"{WEEKDAYS[at.weekday()]} - {at:%d/%m/%Y %H:%M}",
            lead=escape(item.paragraphs[0]),
            body="".join(f"<p>{escape(part)}</p>" for part in item.paragraphs[1:]),
            edited=f"{at + timedelta(hours=5, minutes=17):%Y-%m-%dT%H:%M:%S+07:00}",
            author=escape(item.author),
            related="".join(
                f'<li><a href="{i.url}">{escape(i.title)}</a></li>' for i in self._items[:4] if i is not item
            ),
        )
        return _frame(escape(item.title), body, head)

    def _feed(self) -> str:
        rows = "".join(
            f'<item><title>{escape(i.title)}</title><link>{i.url}</link><guid isPermaLink="false">news_{i.number}</guid>'
            f"<description><![CDATA[{escape(i.paragraphs[0])}]]></description><pubDate>{wrong_pub_date(i.published)}</pubDate></item>"
            for i in self._items[:FEED_ITEMS]
        )
        return (
            f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Cổng thông tin tỉnh (mẫu)</title>'
            f"<link>{self._base}/vi/</link><description>Tin trong tỉnh</description>{rows}</channel></rss>"
        )

    def _sitemap(self) -> str:
        rows = "".join(
            f"<url><loc>{i.url}</loc><lastmod>{i.published:%Y-%m-%dT%H:%M:%S+07:00}</lastmod></url>"
            for i in self._items[:SITEMAP_ITEMS]
        )
        return f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'


def wrong_pub_date(at: datetime) -> str:
    """NukeViet's `D, d M Y H:m:s`: `m` is the month, so the minutes are always wrong."""
    return f"{at:%a, %d %b %Y %H}:{at.month:02d}:{at:%S} +0700"


def _frame(title: str, content: str, head: str = "") -> str:
    return (
        f'<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="generator" content="NukeViet v4.5">{head}</head><body><nav><a href="/vi/">Trang chủ</a> '
        f'<a href="/vi/about/">Giới thiệu</a> <a href="/vi/laws/">Văn bản</a></nav><div class="container">{content}</div>'
        f"<footer>Cổng thông tin tỉnh (mẫu). Đây là dữ liệu mẫu.</footer></body></html>"
    )


def _bare(item: Item) -> str:
    body = "".join(f"<p>{escape(part)}</p>" for part in item.paragraphs)
    return (
        f"<html><head><title>{escape(item.title)}</title></head><body><h1>{escape(item.title)}</h1>{body}</body></html>"
    )


_SITEMAP_INDEX: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    "<sitemap><loc>{base}/sitemap-vi.news.xml</loc></sitemap></sitemapindex>"
)
_ROW: Final = (
    '<div class="panel panel-default"><div class="panel-body"><h3><a href="{url}" title="{title}">{title}</a></h3>'
    '<p class="text-justify">{lead}</p></div></div>'
)
_ARTICLE_BODY: Final = (
    '<div class="news_column panel panel-default" itemtype="http://schema.org/NewsArticle" itemscope>'
    '<div class="panel-body"><h1 class="title margin-bottom-lg" itemprop="headline">{title}</h1>'
    '<div class="hidden hide d-none" itemprop="datePublished">{edited}</div>'
    '<div class="hidden hide d-none" itemprop="dateModified">{edited}</div>'
    '<div class="row margin-bottom-lg"><div class="col-md-12"><span class="h5">{shown}</span></div></div>'
    '<div class="clearfix"><div class="hometext m-bottom" itemprop="description">{lead}</div></div>'
    '<div id="news-bodyhtml" class="bodytext margin-bottom-lg">{body}</div>'
    '<div class="margin-bottom-lg"><p class="h5 text-right"><strong>Tác giả bài viết: </strong>{author}</p></div></div></div>'
    '<div id="idcomment"><ul class="comment-list"><li class="media" id="cid_1"><div class="media-body">'
    '<div class="margin-bottom">Xin cảm ơn cổng thông tin.</div><em>{author}</em> '
    '<em class="fa-envelope"><a href="mailto:doc.gia.cong@example.org">doc.gia.cong@example.org</a></em></div></li></ul></div>'
    '<div class="related-news"><p class="h3"><strong>Những tin mới hơn</strong></p><ul class="related">{related}</ul></div>'
)
