"""One try of each source: read its lists through its connector, queue what is new, fetch and extract what is due."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from crawlers.audit import Audit, without_secrets
from crawlers.browser import Renderer
from crawlers.connectors import CONNECTORS, Found, Lead, Session
from crawlers.decode import looks_cut
from crawlers.frontier import MAX_BACKOFF, MAX_TRIES, Entry, Frontier, version_digest
from crawlers.gate import Answer, Gate
from crawlers.limits import Limits
from crawlers.outcome import Deferred, Refused, SourceProblem
from crawlers.pages import extract_page
from crawlers.spool import Spool
from crawlers.state import State
from duluan.config import Source
from duluan.model import Document, Fetch, RawPage, Rejected
from duluan.records import to_record
from duluan.urls import document_id

log = logging.getLogger(__name__)

_BATCH = 200  # leads that are looked up in the frontier and the store at once


class Out(Protocol):
    """Where results go, and who knows what is stored."""

    async def send(self, value: dict[str, Any]) -> None: ...

    async def known(self, ids: Sequence[str]) -> set[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """Runs the sources of one crawl side by side; none can fail another."""

    gate: Gate
    state: State
    clock: Callable[[], datetime]
    audit: Audit
    spool: Spool | None
    limits: Limits
    out: Out
    renderer: Renderer | None = None

    async def run(self, sources: Sequence[Source], *, force: bool = False) -> None:
        """One try of each source. `force` passes over the sources' own back-off, never over a host's."""
        if self.spool is not None:
            self.spool.expire()
        places = asyncio.Semaphore(self.limits.sources_at_once)

        async def one(source: Source) -> None:
            async with places:
                await self._source(source, force)

        ended = await asyncio.gather(*(one(source) for source in sources), return_exceptions=True)
        for source, error in zip(sources, ended, strict=True):
            if error is not None:
                await self._broken(source, error)

    async def _broken(self, source: Source, error: BaseException) -> None:
        """A bug of ours that one source's data brought out: that source failed, the others do not notice."""
        where = traceback.extract_tb(error.__traceback__)[-1]  # the place, not the message: it may quote a page
        log.error("nguồn %s: lỗi chương trình %s (%s:%s)", source.id, type(error).__name__, where.name, where.lineno)
        Frontier(self.state).source_failed(source.id, f"lỗi chương trình {type(error).__name__}")
        self.audit("source_failed", source=source.id, action="report", problem=type(error).__name__)
        await self.out.send({"fetch": to_record(Fetch(source.id, self.clock(), ok=False))["fetch"]})

    async def _source(self, source: Source, force: bool) -> None:
        frontier = Frontier(self.state)
        wait = frontier.source_wait(source.id)
        if wait > 0 and not force:
            self.audit("source_waits", source=source.id, seconds=round(wait))
            return
        at = self.clock()
        try:
            await self._list(source, frontier)
            ok = True
            frontier.source_ok(source.id)
        except (Refused, Deferred, SourceProblem) as problem:
            ok = False
            self._report(source, frontier, problem)
        await self._pages(source, frontier)
        await self.out.send({"fetch": to_record(Fetch(source.id, at, ok))["fetch"]})

    def _report(self, source: Source, frontier: Frontier, problem: Refused | Deferred | SourceProblem) -> None:
        """A source that cannot be read: back-off, audit, one line for the operator."""
        action = problem.action if isinstance(problem, SourceProblem) else "retry"
        local = isinstance(problem, SourceProblem) and problem.local
        after = 0.0 if isinstance(problem, Refused) else problem.after
        text = without_secrets(str(problem))
        wait = 0.0 if local else frontier.source_failed(source.id, text, after)
        self.audit("source_failed", source=source.id, action=action, problem=text, again_in=round(wait))
        log.warning("nguồn %s: %s", source.id, text)

    async def _list(self, source: Source, frontier: Frontier) -> None:
        """Run the connector: leads into the frontier, documents out. Validators are kept only once all of it is safe."""
        session = Session(source, self.gate, self.state, self.clock, renderer=self.renderer)
        leads: list[Lead] = []
        async for found in CONNECTORS.get(source.via)(session):
            if isinstance(found, Lead):
                leads.append(found)
            else:
                await self._hand_over(found, frontier)
            if len(leads) >= _BATCH:
                await self._queue(source, frontier, leads)
                leads = []
        await self._queue(source, frontier, leads)
        self.gate.keep_validators(source.id)

    async def _hand_over(self, found: Found, frontier: Frontier) -> None:
        """A finished document of an API, unless this very version was handed over before."""
        if isinstance(found, Document):
            digest = version_digest(found)
            if frontier.digest(found.id) != digest:
                await self.out.send({"document": to_record(found), "digest": digest})
        elif isinstance(found, Rejected):
            await self.out.send({"rejected": _rejected(found), "page": ""})

    async def _queue(self, source: Source, frontier: Frontier, leads: Sequence[Lead]) -> None:
        entries: dict[str, Entry] = {}
        for lead in leads:
            try:
                id = document_id(lead.url, nukeviet=source.via == "nukeviet")
            except ValueError:
                await self._reject(Rejected("forbidden_address", lead.url[:200], source.id, "địa chỉ sai dạng"))
                continue
            entries.setdefault(id, Entry(id, source.id, lead.url, 0, lead.published))
        unseen = frontier.unseen(entries)
        stored = await self.out.known(unseen) if unseen else set()
        frontier.add([entries[id] for id in unseen if id not in stored])

    async def _pages(self, source: Source, frontier: Frontier) -> None:
        """Fetch what is due, in order, within the limits of one crawl."""
        until = time.monotonic() + self.limits.source_seconds
        for _ in range(self.limits.source_pages):
            horizon = min(self.limits.wait_for_page, until - time.monotonic())
            due = frontier.next_due(source.id, horizon) if horizon > 0 else None
            if due is None:
                return
            entry, wait = due
            if wait:
                await asyncio.sleep(wait)
            await self._page(source, frontier, entry)

    async def _page(self, source: Source, frontier: Frontier, entry: Entry) -> None:
        """One page: a document, a rejection, or another try later."""
        if entry.tries >= MAX_TRIES:
            await self._reject(Rejected("unreachable", entry.url, source.id, f"đã thử {entry.tries} lần"), entry.id)
            return
        session = Session(source, self.gate, self.state, self.clock, renderer=self.renderer)
        frontier.begin(entry.id)
        try:
            answer = await session.page(entry.url)
        except SourceProblem:
            frontier.defer(entry.id, MAX_BACKOFF, counted=False)  # no browser here: nothing was sent
            return
        except Refused as refused:
            await self._reject(Rejected(refused.reason, entry.url, source.id, refused.detail), entry.id)
            return
        except Deferred as deferred:
            sent = deferred.reason not in {"host_busy", "robots_unreachable"}
            frontier.defer(entry.id, deferred.after or _backoff(entry.tries), counted=sent)
            return
        await self._extract(source, entry, answer)

    async def _extract(self, source: Source, entry: Entry, answer: Answer) -> None:
        page = RawPage(
            url=answer.url,
            source=source.id,
            fetched=self.clock(),
            body=answer.body,
            status=answer.status,
            content_type=answer.content_type,
            kind=source.kind,
        )
        if looks_cut(page.body, page.content_type):
            await self._reject(Rejected("truncated", entry.url, source.id, "trang bị cắt giữa chừng"), entry.id)
            return
        if self.spool is not None:
            self.spool.write(page)
        result = extract_page(page, source)
        if isinstance(result, Rejected):
            await self._reject(result, entry.id)
            return
        if result.published is None and entry.published is not None:
            result = replace(result, published=entry.published)
        Frontier(self.state).sent(entry.id, result.id)
        await self.out.send({"document": to_record(result), "page": entry.id, "digest": version_digest(result)})

    async def _reject(self, rejected: Rejected, page: str = "") -> None:
        if page:
            Frontier(self.state).sent(page)
        await self.out.send({"rejected": _rejected(rejected), "page": page})


def _backoff(tries: int) -> float:
    """Seconds before a page is tried again: 30 s, 2 min, 8 min, 32 min, …, at most six hours."""
    return float(min(30.0 * 4**tries, MAX_BACKOFF))


def _rejected(item: Rejected) -> dict[str, str]:
    return {
        "reason": item.reason,
        "where": without_secrets(item.where),
        "source": item.source,
        "detail": without_secrets(item.detail),
    }
