"""The crawl as the flows see it: sources in, documents, rejections and fetch lines out. The work happens in a child process.

A document counts as taken when the consumer asks for the next item; until then a crash of either side leaves it in the
frontier. Whatever happens to the child becomes failed fetches of the sources that it had not finished.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from crawlers.audit import Audit
from crawlers.child import Known, Message, run_child
from crawlers.claims import Claims, claimed
from crawlers.frontier import Frontier, version_digest
from crawlers.intake import intake_files, read_intake
from crawlers.limits import Limits
from crawlers.spool import make_private
from crawlers.state import State
from duluan import __version__
from duluan.clock import Clock
from duluan.config import Source
from duluan.errors import InputError
from duluan.model import Document, Fetch, Rejected
from duluan.records import document_from, fetch_from

log = logging.getLogger(__name__)

Item = Document | Rejected | Fetch

DEFAULT_CONTACT = "https://example.invalid/duluan"  # replaced by the province's contact; an operator must be reachable


def crawl(
    sources: Sequence[Source],
    *,
    state_dir: Path,
    spool_dir: Path | None,
    clock: Clock,
    known: Known | None = None,
    allow_loopback: bool = False,
    contact: str = DEFAULT_CONTACT,
    limits: Limits | None = None,
    force: bool = False,
    store: str = "default",
) -> Iterator[Item]:
    """Poll each source once; yields redacted documents, rejections and one fetch line a try.

    `known(ids)` says which documents the store has: their pages are not fetched. `state_dir` keeps pace, frontier and audit
    (`audit.jsonl`); the frontier is that of the store called `store`. `spool_dir` None keeps no raw pages. `force` tries
    sources that are backing off. A source that another crawl of this store is reading is left to it: no fetch line.
    Raises StoreError where `state_dir` or `spool_dir` cannot be written; nothing else.
    """
    state = State(state_dir, store)
    try:
        if spool_dir is not None:
            make_private(spool_dir)
        audit = Audit(state_dir, clock)
        allowed, refused = _may_start(sources)
        for source in refused:
            audit("source_refused", source=source.id, reason="not_lawful")
            yield Rejected("not_lawful", source.url, source.id, "chưa ghi purpose và lawful_basis")
        with claimed(state_dir, store, allowed) as claims:
            for source in claims.busy:
                audit("source_busy", source=source.id)
                log.warning("nguồn %s: một lần thu thập khác đang đọc, lần này bỏ qua", source.id)
            job = make_job(
                "crawl",
                [source for source in claims.mine if source.via != "file"],
                state_dir=state_dir,
                allow_loopback=allow_loopback,
                contact=contact,
                limits=limits,
                spool_dir=str(spool_dir) if spool_dir else None,
                force=force,
                store=store,
            )
            yield from _crawl(claims, job, Frontier(state), audit, clock, known)
    finally:
        state.close()


def _crawl(
    claims: Claims, job: Mapping[str, Any], frontier: Frontier, audit: Audit, clock: Clock, known: Known | None
) -> Iterator[Item]:
    """Settle what an earlier crawl left, read the files that were handed in, then let the worker do `job`."""
    frontier.settle(known, {source.id for source in claims.mine})
    for source in claims.mine:
        if source.via == "file":
            yield from _intake(source, frontier, clock)
    remote = [source.id for source in claims.mine if source.via != "file"]
    if remote:
        messages = run_child(job, clock, known or (lambda ids: set()), inherit=claims.handles)
        yield from _items(messages, remote, frontier, audit, clock)


def _may_start(sources: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """(may start, may not): a source without purpose and lawful basis is not read."""
    lawful = [source for source in sources if source.purpose and source.lawful_basis]
    return lawful, [source for source in sources if source not in lawful]


def _intake(source: Source, frontier: Frontier, clock: Clock) -> Iterator[Item]:
    """Files handed in: read here, there is nothing to fetch. A row already taken in this form is passed over."""
    at = clock()
    try:
        files = intake_files(source)
    except InputError as error:
        log.warning("%s", error)
        yield Fetch(source.id, at, ok=False)
        return
    for path in files:
        for item in read_intake(source, path, clock()):
            if isinstance(item, Rejected):
                yield item
            elif frontier.digest(item.id) != (digest := version_digest(item)):
                yield item
                frontier.take("", item, digest)
    yield Fetch(source.id, at, ok=True)


def user_agent(contact: str) -> str:
    """The one User-Agent: who we are and where to complain; never borrowed from a browser."""
    return f"duluan/{__version__} (+{contact})"


def make_job(
    mode: str,
    sources: Sequence[Source],
    *,
    state_dir: Path,
    allow_loopback: bool,
    contact: str,
    limits: Limits | None = None,
    **more: object,
) -> dict[str, Any]:
    """What the worker is told on its standard input."""
    return {
        "mode": mode,
        "sources": [source.model_dump(mode="json") for source in sources],
        "state_dir": str(state_dir),
        "allow_loopback": allow_loopback,
        "agent": user_agent(contact),
        "limits": dataclasses.asdict(limits or Limits()),
        "spool_dir": None,
        "store": "default",
        **more,
    }


def _items(
    messages: Iterator[Message], source_ids: Sequence[str], frontier: Frontier, audit: Audit, clock: Clock
) -> Iterator[Item]:
    """What the child finds; then a failed fetch for each source that it did not come to an end with."""
    open_sources = dict.fromkeys(source_ids)
    for message in messages:
        if "died" in message:
            audit("crawl_died", exit=message["died"], sources=list(open_sources))
            log.warning("tiến trình thu thập dừng bất thường (mã %s)", message["died"])
            for source in open_sources:
                frontier.source_failed(source, "tiến trình thu thập dừng bất thường")
                yield Fetch(source, clock(), ok=False)
        elif "document" in message:
            document = document_from(message["document"])
            yield document
            frontier.take(str(message.get("page") or ""), document, str(message["digest"]))
        elif "rejected" in message:
            yield Rejected(**message["rejected"])
            if page := message.get("page"):
                frontier.close(str(page))
        elif (fetch := fetch_from(dict(message))) is not None:
            open_sources.pop(fetch.source, None)
            yield fetch
