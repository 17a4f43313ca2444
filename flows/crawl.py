"""Crawl into a store: the configured sources' new documents go through the one way in (`ingest`), the audit trail follows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from crawlers.audit import take_audit
from crawlers.crawl import Item, crawl
from crawlers.limits import Limits
from duluan.clock import Clock
from duluan.config import Profile, Source
from flows.ingest import IngestReport, Pipeline, Progress
from index.base import Index

STATE_CRAWL = "crawl"  # the store's own name, which its frontier goes by

Watcher = Callable[[Item], None]


def crawl_into(
    store: Index,
    profile: Profile,
    sources: Sequence[Source],
    *,
    pipeline: Pipeline,
    state_dir: Path,
    spool_dir: Path | None,
    clock: Clock,
    allow_loopback: bool = False,
    limits: Limits | None = None,
    force: bool = False,
    progress: Progress | None = None,
    watch: Watcher | None = None,
) -> IngestReport:
    """One try of each source, everything new stored. A source that fails is a failed fetch, not an error.

    `watch` sees every item as it passes. The audit events of the crawl are moved into the store's log, also when the crawl
    is cut short. Pass `force` where a person named the sources: it tries those that are backing off.
    """
    items = crawl(
        sources,
        state_dir=state_dir,
        spool_dir=spool_dir,
        clock=clock,
        known=lambda ids: set(store.known(ids)),
        allow_loopback=allow_loopback,
        contact=profile.province.contact,
        limits=limits,
        force=force,
        store=store_name(store),
    )
    try:
        return pipeline.ingest(_watched(items, watch), progress=progress)
    finally:
        for event in take_audit(state_dir):
            store.audit(event)


def store_name(store: Index) -> str:
    """The random name that a store carries: a store made anew starts with an empty frontier, one that moves keeps its own."""
    name = store.state(STATE_CRAWL)
    if name is None:
        name = secrets.token_hex(8).encode()
        store.put_state(STATE_CRAWL, name)
    return name.decode()


def _watched(items: Iterator[Item], watch: Watcher | None) -> Iterator[Item]:
    for item in items:
        if watch is not None:
            watch(item)
        yield item
