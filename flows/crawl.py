"""Crawl into a store: the configured sources' new documents go through the one way in (`ingest`), the audit trail follows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from crawlers.audit import take_audit
from crawlers.crawl import crawl
from crawlers.limits import Limits
from duluan.clock import Clock
from duluan.config import Profile, Source
from flows.ingest import IngestReport, Pipeline, Progress
from index.base import Index

LOOPBACK_SWITCH = "DULUAN_ALLOW_LOOPBACK"


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
) -> IngestReport:
    """One try of each source, everything new stored. A source that fails is a failed fetch, not an error.

    The audit events of the crawl are moved into the store's log, also when the crawl is cut short.
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
    )
    try:
        return pipeline.ingest(items, progress=progress)
    finally:
        for event in take_audit(state_dir):
            store.audit(event)


def loopback_allowed() -> bool:
    """The explicit test switch: only with it do crawlers reach this machine."""
    return os.environ.get(LOOPBACK_SWITCH) == "1"
