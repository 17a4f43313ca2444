"""Readers' comments of VnExpress and Tuổi Trẻ. Off by default: a source of `via = "comments"` with its own recorded purpose.

The source's address is the endpoint; the articles are those that the crawl took in the last days. Every author field is
dropped here, by never being looked at. `__stat=BLOCK` is a refusal: we stop.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from crawlers.connectors.base import CONNECTORS, Found, Session, make_document
from crawlers.connectors.zalo import plain_text
from crawlers.gate import Answer
from crawlers.guard import is_loopback
from crawlers.outcome import SourceProblem
from duluan.clock import LOCAL
from duluan.model import Document, Engagement
from duluan.urls import comment_url

DAYS = 3.0  # how long an article's comments are followed; most come on the first day
ARTICLES = 60  # newest articles a try: two minutes at the slowest allowed pace
PAGE = 100
MAX_PAGES = 50
STOP = 6 * 3600.0
_VNEXPRESS_ID = re.compile(r"-(\d{6,9})\.html$")
_TUOITRE_ID = re.compile(r"-(\d{14,20})\.html?$")


@dataclass(frozen=True, slots=True)
class Article:
    """One article whose comments are asked for: `number` is the platform's id."""

    id: str
    url: str
    title: str
    number: str


@CONNECTORS.register("comments")
async def comments(session: Session) -> AsyncIterator[Found]:
    """New comments below recent articles of the endpoint's site."""
    path = urlsplit(session.source.url).path
    if path.endswith("/index/get"):
        site, number, read = "vnexpress.net", _VNEXPRESS_ID, vnexpress
    elif path.endswith("getlist-comment.api"):
        site, number, read = "tuoitre.vn", _TUOITRE_ID, tuoitre
    else:
        text = "nguồn bình luận chỉ hỗ trợ …/index/get (VnExpress) và …/getlist-comment.api (Tuổi Trẻ)"
        raise SourceProblem(text, action="stop", local=True)
    for article in recent_articles(session, site, number):
        async for document in read(session, article):
            yield document


def recent_articles(session: Session, site: str, number: re.Pattern[str]) -> list[Article]:
    """Articles of `site` that the crawl took within DAYS, newest first; for an endpoint on loopback, those on loopback."""
    rows = session.state.rows(
        "SELECT doc, url, title FROM article WHERE added > ? ORDER BY added DESC", (time.time() - DAYS * 86_400,)
    )
    local = is_loopback(session.source.url)
    found = []
    for doc, url, title in rows:
        host = urlsplit(str(url)).hostname or ""
        match = number.search(urlsplit(str(url)).path)
        if match and (host == site or (local and is_loopback(str(url)))):
            found.append(Article(str(doc), str(url), str(title), match[1]))
    return found[:ARTICLES]


async def vnexpress(session: Session, article: Article) -> AsyncIterator[Document]:
    """All comments and replies of one VnExpress article."""
    base = {"objectid": article.number, "objecttype": "1", "siteid": "1000000"}
    query = base | {"limit": str(PAGE), "sort_by": "like", "is_onload": "1"}
    for page in range(MAX_PAGES):
        answer = await session.api(f"{session.source.url}?{urlencode(query | {'offset': str(page * PAGE)})}")
        items, total = read_vnexpress(answer, article)
        for item in items:
            yield _vnexpress_comment(session, article, item)
            async for reply in _replies(session, article, item, base):
                yield reply
        if not items or (page + 1) * PAGE >= total:
            return


async def _replies(
    session: Session, article: Article, item: Mapping[str, Any], base: Mapping[str, str]
) -> AsyncIterator[Document]:
    """The replies that came along, and where there are more, the rest."""
    block = item.get("replys")
    block = block if isinstance(block, dict) else {}
    shown = _own(block.get("items"), article)
    for reply in shown:
        yield _vnexpress_comment(session, article, reply)
    if _int(block.get("total")) <= len(shown):
        return
    address = session.source.url.removesuffix("/get") + "/getreplay"
    query = dict(base) | {"id": str(item.get("comment_id")), "offset": str(len(shown)), "limit": str(PAGE)}
    answer = await session.api(f"{address}?{urlencode(query)}")
    for reply in read_vnexpress(answer, article)[0]:
        yield _vnexpress_comment(session, article, reply)


def read_vnexpress(answer: Answer, article: Article) -> tuple[list[dict[str, Any]], int]:
    """(comments of this very article, how many there are). `data` may be a list when empty. Raises SourceProblem."""
    value = _json(answer)
    if _int(value.get("error")) != 0:
        raise SourceProblem(f"VnExpress: lỗi {_int(value.get('error'))} khi đọc bình luận", action="report")
    data = value.get("data")
    if not isinstance(data, dict):
        return [], 0
    return _own(data.get("items"), article), _int(data.get("totalitem") or data.get("total"))


def _own(items: object, article: Article) -> list[dict[str, Any]]:
    found = items if isinstance(items, list) else []
    return [item for item in found if isinstance(item, dict) and str(item.get("article_id")) == article.number]


def _vnexpress_comment(session: Session, article: Article, item: Mapping[str, Any]) -> Document:
    stamp = _int(item.get("creation_time"))
    published = datetime.fromtimestamp(stamp, UTC) if 0 < stamp < 10**11 else None
    return _comment(
        session, article, item.get("comment_id"), item.get("content"), published, _int(item.get("userlike"))
    )


async def tuoitre(session: Session, article: Article) -> AsyncIterator[Document]:
    """All comments of one Tuổi Trẻ article, until a page is empty."""
    query = {"objId": article.number, "objType": "1", "pagesize": str(PAGE), "sort": "2"}
    for page in range(1, MAX_PAGES + 1):
        answer = await session.api(f"{session.source.url}?{urlencode(query | {'pageindex': str(page)})}")
        items = read_tuoitre(answer)
        for item in items:
            for one in (item, *_children(item)):
                reactions = one.get("reactions")
                liked = sum(map(_int, reactions.values())) if isinstance(reactions, dict) else _int(one.get("likes"))
                published = local_time(one.get("published_date") or one.get("created_date"))
                yield _comment(session, article, one.get("id"), one.get("content"), published, liked)
        if not items:
            return


def read_tuoitre(answer: Answer) -> list[dict[str, Any]]:
    """The list inside `Data`, which is a string of JSON. Raises SourceProblem where we are refused."""
    value = _json(answer)
    if str(value.get("__stat", "")).upper() == "BLOCK":
        raise SourceProblem("Tuổi Trẻ từ chối (BLOCK): dừng đọc bình luận", action="stop", after=STOP)
    data = value.get("Data")
    try:
        items = json.loads(data) if isinstance(data, str) and data else data
    except ValueError:
        raise SourceProblem("Tuổi Trẻ: danh sách bình luận không phải JSON", action="report") from None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _children(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    children = item.get("child_comments")
    yield from (child for child in children if isinstance(child, dict)) if isinstance(children, list) else ()


def local_time(value: object) -> datetime | None:
    """'2026-03-07T08:06:00', '2026-03-07 08:06:00' or '07/03/2026 08:06' in Vietnam's time; None where it is none."""
    text = str(value or "").strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        match = re.match(r"^(\d{1,2})/(\d{1,2})/(\d{4})[ T](\d{1,2}):(\d{2})", text)
        if not match:
            return None
        day, month, year, hour, minute = map(int, match.groups())
        try:
            moment = datetime(year, month, day, hour, minute, tzinfo=LOCAL)
        except ValueError:
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)


def _comment(
    session: Session, article: Article, number: object, content: object, published: datetime | None, likes: int
) -> Document:
    return make_document(
        url=comment_url(article.url, str(number)),
        source=session.source.id,
        kind="comment",
        title=article.title,
        text=plain_text(str(content or "")),
        fetched=session.clock(),
        published=published,
        parent=article.id,
        engagement=Engagement(reactions=likes),
    )


def _json(answer: Answer) -> dict[str, Any]:
    try:
        value = json.loads(answer.body)
    except ValueError:
        value = None
    if answer.status >= 400 or not isinstance(value, dict):
        raise SourceProblem(f"điểm đọc bình luận trả lời lạ (HTTP {answer.status})", action="report")
    return value


def _int(value: object) -> int:
    try:
        return int(str(value or 0))
    except ValueError:
        return 0
