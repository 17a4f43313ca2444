"""Articles of a Zalo Official Account that we administer, over the OA API. Messages sent to an OA are private: see `zalo_webhook`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from lxml import html as lxml_html
from lxml.etree import LxmlError

from crawlers.connectors.base import CONNECTORS, MAX_AGE, Found, Session, make_document
from crawlers.connectors.zalo_token import STOP, ZaloTokens, read_json
from crawlers.outcome import SourceProblem
from duluan.config import Source
from duluan.model import Document, Engagement, Rejected

SLICE = 10  # getslice refuses more (-201)
MAX_SLICES = 100
PAUSE = 15 * 60.0  # seconds; Zalo publishes no rate, so a refusal is given time
_VISIBLE = {"", "show", "1", "true"}


@CONNECTORS.register("zalo")
async def zalo(session: Session) -> AsyncIterator[Found]:
    """Articles changed within the last 30 days, newest first; one that is known in this version costs no request."""
    api = ZaloApi(session)
    profile = await api.call("oa/getoa", {})
    account = str(profile.get("oa_id") or profile.get("oaid") or session.source.id)
    for kind in ("normal", "video"):
        async for media in api.medias(kind):
            if str(media.get("status", "")).lower() not in _VISIBLE:
                continue
            article = str(media.get("id") or "")
            changed = millis(media.get("update_date")) or millis(media.get("create_date"))
            if changed is not None and changed < session.clock() - MAX_AGE:
                break
            url, version = article_address(account, article), f"{media.get('update_date')}/{media.get('total_share')}"
            if not article or session.known_version(url, version):
                continue
            detail = await api.call("article/getdetail", {"id": article})
            yield read_article(media, detail, url, session.source, session.clock())
            session.note_version(url, version)


class ZaloApi:
    """Calls with the current access token, renewed once where it is refused; 1 request/s at most."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tokens = ZaloTokens(session)
        self._base = api_base(session.source.url)

    async def medias(self, kind: str) -> AsyncIterator[Mapping[str, Any]]:
        """All entries of the article list of one type ('normal', 'video')."""
        offset = 0
        for _ in range(MAX_SLICES):
            data = await self.call("article/getslice", {"offset": str(offset), "limit": str(SLICE), "type": kind})
            medias = [media for media in data.get("medias") or [] if isinstance(media, dict)]
            for media in medias:
                yield media
            offset += SLICE
            total = data.get("total")
            if not medias or (isinstance(total, int) and offset >= total):
                return

    async def call(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """`data` of a good answer. Raises SourceProblem by the error table."""
        token = await self._tokens.access()
        value = await self._get(path, query, token)
        if zalo_error(value) == -216:
            token = await self._tokens.access(refused=token)
            value = await self._get(path, query, token)
        if code := zalo_error(value):
            raise zalo_problem(code)
        data = value.get("data")
        return data if isinstance(data, dict) else {}

    async def _get(self, path: str, query: Mapping[str, str], token: str) -> dict[str, Any]:
        url = f"{self._base}/{path}" + (f"?{urlencode(query)}" if query else "")
        return read_json(await self._session.api(url, headers={"access_token": token}))


def api_base(url: str) -> str:
    """'https://openapi.zalo.me', '…/v2.0' and '…/v2.0/article/getslice' all mean '…/v2.0'."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/v2.0"


def zalo_error(value: Mapping[str, Any]) -> int:
    """The `error` of an answer; 0: none."""
    try:
        return int(str(value.get("error") or 0))
    except ValueError:
        return -1


def zalo_problem(code: int) -> SourceProblem:
    """Zalo's error table. An unknown code is not tried again: a person should look."""
    name = f"Zalo lỗi {code}"
    if code == -32:
        return SourceProblem(f"{name}: gọi quá nhanh, tạm dừng", action="pause", after=PAUSE, code=str(code))
    if code in {-216, -14003}:
        text = f"{name}: mã truy cập hoặc tham số OAuth bị từ chối; cấp lại mã cho Zalo OA"
        return SourceProblem(text, action="stop", after=STOP, code=str(code))
    if code in {-202, -211}:
        text = f"{name}: ứng dụng chưa được Zalo OA cấp quyền đọc bài viết"
        return SourceProblem(text, action="stop", after=STOP, code=str(code))
    if code in {-201, -209}:
        text = f"{name}: tham số không hợp lệ hoặc hàm không được hỗ trợ"
        return SourceProblem(text, action="report", code=str(code))
    return SourceProblem(f"{name}: lỗi chưa biết, cần người xem", action="report", code=str(code))


def article_address(account: str, article: str) -> str:
    """The public page of an OA article."""
    return f"https://rd.zapps.vn/detail/{account}?{urlencode({'id': article})}"


def read_article(
    media: Mapping[str, Any], detail: Mapping[str, Any], url: str, source: Source, fetched: datetime
) -> Document | Rejected:
    """List entry + detail → document. `author` and cover are not looked at."""
    title = str(detail.get("title") or media.get("title") or "")
    parts = [str(detail.get("description") or "")]
    for block in detail.get("body") or []:
        if isinstance(block, dict) and block.get("type") in {"text", "video", "image"}:
            parts.append(plain_text(str(block.get("content") or "")))
    text = "\n".join(part.strip() for part in parts if part.strip())
    if not text:
        return Rejected("empty", url, source.id, "bài không có chữ")
    shares = media.get("total_share")
    return make_document(
        url=url,
        source=source.id,
        kind=source.kind,
        title=title,
        text=text,
        fetched=fetched,
        published=millis(media.get("create_date")),
        engagement=Engagement(shares=shares) if isinstance(shares, int) else None,
    )


def plain_text(markup: str) -> str:
    """The text of an HTML fragment, a line a block."""
    if "<" not in markup:
        return markup
    try:
        tree = lxml_html.fragment_fromstring(markup, create_parent="div")
    except (LxmlError, ValueError):
        return ""
    for block in tree.iter("p", "br", "div", "li"):
        block.tail = "\n" + (block.tail or "")
    return "\n".join(line.strip() for line in str(tree.text_content()).splitlines() if line.strip())


def millis(value: object) -> datetime | None:
    """Milliseconds since 1970 → aware datetime (UTC); None where it is none."""
    try:
        return datetime.fromtimestamp(int(str(value)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
