"""What a connector is: an async generator that reads one source through a session and yields leads or finished documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from crawlers.browser import Renderer
from crawlers.decode import MAX_BODY
from crawlers.frontier import Frontier
from crawlers.gate import Answer, Ask, Conditional, Gate
from crawlers.guard import host_key
from crawlers.outcome import Refused, SourceProblem
from crawlers.state import State
from duluan.config import Source
from duluan.model import Document, Engagement, Kind, Rejected
from duluan.privacy import redact
from duluan.registry import Registry
from duluan.text import nfc
from duluan.urls import canonical_url, document_id

RENDERED = frozenset({"browser", "zalo_page"})  # whose pages need a browser
_ZALO = (".zalo.me", ".zapps.vn", ".zadn.vn", ".zdn.vn")

# An older page is not worth a request: a news body is kept for 30 days only (design.md §4.5).
MAX_AGE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Lead:
    """A page that a list points to. `published` only where that list tells it truly (NukeViet's RSS does not)."""

    url: str
    published: datetime | None = None


Found = Lead | Document | Rejected


@dataclass(frozen=True, slots=True)
class Session:
    """What a connector may do for one source: ask through the gate, read the clock, keep state."""

    source: Source
    gate: Gate
    state: State
    clock: Callable[[], datetime]
    fresh: bool = False  # a check: as if nothing had been seen before
    renderer: Renderer | None = None

    @property
    def rendered(self) -> bool:
        """Do this source's pages need a browser?"""
        return self.source.via in RENDERED

    async def get(self, url: str, *, conditional: Conditional = "headers", limit: int = MAX_BODY) -> Answer:
        """A list, feed or sitemap. Raises Refused or Deferred."""
        return await self.gate.fetch(
            Ask(
                url=url,
                source=self.source.id,
                purpose="list",
                delay=self.source.delay,
                conditional="no" if self.fresh else conditional,
                limit=limit,
            )
        )

    async def page(self, url: str) -> Answer:
        """An article page, rendered where the source needs it. Raises Refused or Deferred."""
        if self.rendered:
            return await self.render(url)
        return await self.gate.fetch(Ask(url=url, source=self.source.id, purpose="page", delay=self.source.delay))

    async def render(self, url: str) -> Answer:
        """A page as a browser shows it; all that the browser asks for goes through the gate. Raises Refused or Deferred."""
        if self.renderer is None:
            raise SourceProblem("lần thu thập này không có trình duyệt", action="stop", local=True)
        permission = self.source.permission

        async def fetch(address: str) -> Answer:
            document = permission.document if permission else ""
            ask = Ask(
                url=address, source=self.source.id, purpose="browser", delay=self.source.delay, permission=document
            )
            return await self.gate.fetch(ask)

        return await self.renderer.render(url, fetch, allow_list(url))

    async def api(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        delay: float | None = None,
    ) -> Answer:
        """An API's answer, whatever its status. A recorded permission answers for an API host that closes itself to crawlers."""
        permission = self.source.permission
        return await self.gate.fetch(
            Ask(
                url=url,
                source=self.source.id,
                purpose="api",
                delay=self.source.delay if delay is None else delay,
                headers=headers or {},
                form=form,
                permission=permission.document if permission else "",
            )
        )

    def known_version(self, url: str, version: str) -> bool:
        """True where the API document at `url` was handed over in this version and was not lost since."""
        if self.fresh:
            return False
        rows = self.state.rows("SELECT etag FROM validator WHERE url = ?", (f"version {url}",))
        return bool(rows) and rows[0][0] == version and Frontier(self.state).digest(document_id(url)) is not None

    def note_version(self, url: str, version: str) -> None:
        """Remember the version of an API document, once all that this try found was handed over."""
        self.gate.note(self.source.id, f"version {url}", version)

    def lead(self, url: str, published: datetime | None = None) -> Lead | None:
        """A lead, unless its page is too old to be kept."""
        if published is not None and published < self.clock() - MAX_AGE:
            return None
        return Lead(url, published)


def allow_list(page: str) -> Callable[[str], bool]:
    """Which addresses a rendered page may load from: its own host (with its port); for Zalo its asset hosts too."""
    own = host_key(page)
    zalo = f".{urlsplit(page).hostname}".endswith(_ZALO)

    def allowed(url: str) -> bool:
        try:
            return host_key(url) == own or (zalo and f".{urlsplit(url).hostname}".endswith(_ZALO))
        except Refused:
            return False

    return allowed


class Connector(Protocol):
    """Reads one source. Raises SourceProblem, Refused or Deferred where the source as a whole cannot be read."""

    def __call__(self, session: Session) -> AsyncIterator[Found]: ...


CONNECTORS: Registry[Connector] = Registry("cách thu thập (via)")


def make_document(
    *,
    url: str,
    source: str,
    kind: Kind,
    title: str,
    text: str,
    fetched: datetime,
    published: datetime | None,
    parent: str | None = None,
    engagement: Engagement | None = None,
) -> Document:
    """A document of an API's answer: NFC, redacted, under its canonical address. The caller has dropped every author field."""
    return Document(
        id=document_id(url),
        url=canonical_url(url),
        source=source,
        kind=kind,
        title=redact(nfc(title).strip(), kind),
        text=redact(nfc(text).strip(), kind),
        fetched=fetched,
        published=published,
        parent=parent,
        engagement=engagement,
    )
