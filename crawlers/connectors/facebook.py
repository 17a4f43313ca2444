"""Facebook Pages over the Graph API: a Page's own posts and the comments below them. `from` is never requested.

The source's address is the endpoint, `https://graph.facebook.com/v26.0/<page>`. Posts of visitors are not read: their
permalinks name personal profiles.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawlers.connectors.base import CONNECTORS, MAX_AGE, Found, Session, make_document
from crawlers.connectors.graph import check_usage, read_graph
from crawlers.credentials import credential, need_credential
from crawlers.gate import Answer
from crawlers.outcome import SourceProblem
from duluan.clock import parse_time
from duluan.model import Document, Engagement, Rejected
from duluan.urls import comment_url, document_id

POST_FIELDS = (
    "id,message,created_time,updated_time,permalink_url,status_type,shares,"
    "comments.limit(0).summary(total_count),reactions.limit(0).summary(total_count)"
)
COMMENT_FIELDS = "id,message,created_time,like_count,comment_count"
PAGE_SIZE = 25  # posts a call; larger ones run into 'reduce the amount of data'
COMMENT_PAGE = 100
REREAD = timedelta(days=7)  # how far back a later try looks, for new comments and changed counts
MAX_CALLS = 200  # pages of one list: an end for a server that never stops saying `next`


@CONNECTORS.register("facebook")
async def facebook(session: Session) -> AsyncIterator[Found]:
    """The Page's posts of the last days, each followed by its comments where their number changed."""
    graph = Graph(session)
    since = session.clock() - (REREAD if read_before(session) else MAX_AGE)
    async for record in graph.pages("posts", {"fields": POST_FIELDS, "limit": str(PAGE_SIZE)}, since):
        post = read_post(record, session.source.id, session.clock())
        yield post
        if isinstance(post, Document) and post.engagement and post.engagement.comments:
            async for comment in _comments(graph, session, str(record["id"]), post):
                yield comment


def read_before(session: Session) -> bool:
    """True where a try of this source succeeded before."""
    rows = session.state.rows("SELECT last_ok FROM source WHERE id = ?", (session.source.id,))
    return bool(rows) and rows[0][0] is not None


async def _comments(graph: Graph, session: Session, post_id: str, post: Document) -> AsyncIterator[Found]:
    total = str(post.engagement.comments if post.engagement else 0)
    if session.known_version(post.url, total):
        return
    parameters = {
        "fields": COMMENT_FIELDS,
        "filter": "stream",
        "order": "reverse_chronological",
        "limit": str(COMMENT_PAGE),
    }
    async for record in graph.pages(f"/{post_id}/comments", parameters, None):
        yield read_comment(record, post, session.clock())
    session.note_version(post.url, total)


class Graph:
    """Calls below one Page's endpoint with its token; the token is in no error, log or stored address."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._endpoint = session.source.url.rstrip("/")
        self._token = need_credential("DULUAN_FACEBOOK_TOKEN", session.source.id)
        self._secret = credential("DULUAN_FACEBOOK_SECRET", session.source.id)

    async def pages(
        self, edge: str, parameters: Mapping[str, str], since: datetime | None
    ) -> AsyncIterator[dict[str, Any]]:
        """All records of an edge: until `paging.next` is absent (short and empty pages are legal).

        A cursor that is too deep (error 100 behind the first page) is replaced once by `until` the oldest record seen.
        """
        query = dict(parameters) | ({"since": str(int(since.timestamp()))} if since else {})
        following: dict[str, str] | None = query
        oldest, restarted = "", False
        for call in range(MAX_CALLS):
            if following is None:
                return
            try:
                answer, headers = await self._call(edge, following)
            except SourceProblem as problem:
                if problem.code != "100" or call == 0 or restarted or not oldest:
                    raise
                following, restarted = query | {"until": oldest}, True
                continue
            for record in answer.get("data") or []:
                if isinstance(record, dict):
                    oldest = _epoch(record.get("created_time")) or oldest
                    yield record
            following = _next(answer)
            if following is not None:
                check_usage(headers)
        raise SourceProblem("Graph API không ngừng báo còn trang sau", action="report")

    async def _call(self, edge: str, query: Mapping[str, str]) -> tuple[dict[str, Any], Mapping[str, str]]:
        secrets = {"access_token": self._token}
        if self._secret:
            digest = hmac.new(self._secret.encode(), self._token.encode(), hashlib.sha256)
            secrets["appsecret_proof"] = digest.hexdigest()
        answer = await self._session.api(f"{self._address(edge)}?{urlencode({**query, **secrets})}")
        return read_graph(_without(answer, secrets.values())), answer.headers

    def _address(self, edge: str) -> str:
        """'posts' is below the Page; '/{post}/comments' below the version."""
        if edge.startswith("/"):
            return self._endpoint.rpartition("/")[0] + edge
        return f"{self._endpoint}/{edge}"


def _without(answer: Answer, secrets: Iterable[str]) -> Answer:
    """The answer with our secrets starred out: a server that quotes its request must not bring them into a document."""
    body = answer.body
    for secret in secrets:
        body = body.replace(secret.encode(), b"***")
    return replace(answer, body=body)


def _next(answer: Mapping[str, Any]) -> dict[str, str] | None:
    """Query of `paging.next`. Only its query is used: the token never goes to an address that an answer names."""
    paging = answer.get("paging")
    link = paging.get("next") if isinstance(paging, dict) else None
    if not isinstance(link, str):
        return None
    query = dict(parse_qsl(urlsplit(link).query))
    return {key: value for key, value in query.items() if key not in {"access_token", "appsecret_proof"}}


def read_post(record: Mapping[str, Any], source: str, fetched: datetime) -> Document | Rejected:
    """One post → a document of kind post; the title is left empty, a Page's post has none."""
    post_id = str(record.get("id") or "")
    url = str(record.get("permalink_url") or f"https://www.facebook.com/{post_id}")
    message = str(record.get("message") or "").strip()
    if not post_id or not message:
        return Rejected("empty", url if post_id else source, source, "bài không có chữ")
    return make_document(
        url=url,
        source=source,
        kind="post",
        title="",
        text=message,
        fetched=fetched,
        published=graph_time(record.get("created_time")),
        engagement=Engagement(
            reactions=_total(record.get("reactions")),
            comments=_total(record.get("comments")),
            shares=_count(record.get("shares")),
        ),
    )


def read_comment(record: Mapping[str, Any], post: Document, fetched: datetime) -> Document | Rejected:
    """One comment → a document; its title is what it answers."""
    comment_id, message = str(record.get("id") or ""), str(record.get("message") or "").strip()
    if not comment_id or not message:
        return Rejected("empty", comment_url(post.url, comment_id or "?"), post.source, "bình luận không có chữ")
    likes = record.get("like_count")
    return make_document(
        url=comment_url(post.url, comment_id),
        source=post.source,
        kind="comment",
        title=post.title or post.text[:120],
        text=message,
        fetched=fetched,
        published=graph_time(record.get("created_time")),
        parent=document_id(post.url),
        engagement=Engagement(reactions=int(likes) if isinstance(likes, int) else None),
    )


def graph_time(value: object) -> datetime | None:
    """'2026-03-07T01:06:00+0000' → aware datetime; None where it is none."""
    try:
        return parse_time(str(value))
    except ValueError:
        return None


def _epoch(value: object) -> str:
    moment = graph_time(value)
    return str(int(moment.timestamp())) if moment else ""


def _total(value: object) -> int | None:
    summary = value.get("summary") if isinstance(value, dict) else None
    total = summary.get("total_count") if isinstance(summary, dict) else None
    return total if isinstance(total, int) else None


def _count(value: object) -> int | None:
    count = value.get("count") if isinstance(value, dict) else None
    return count if isinstance(count, int) else None
