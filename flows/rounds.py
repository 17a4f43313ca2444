"""What the schedule calls: each function opens what it needs from plain strings, does one thing, and closes it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crawlers.spool import expire_spool
from duluan.clock import Clock
from duluan.config import Profile, load_province, province_folder
from duluan.settings import loopback_allowed, state_folder, store_url
from flows.brief import Period, last_week
from flows.briefing_files import write_briefing
from flows.outbox import outlets_from_environment
from flows.run import run_round
from index import open_store
from index.base import Index


def collect_and_watch(province: str | None, store: str | None, state: str | None, *, clock: Clock) -> dict[str, Any]:
    """One round; returns counts only (they land in the scheduler's database)."""
    outlets = outlets_from_environment()
    with opened(province, store) as (profile, index):
        report = run_round(
            index,
            profile,
            clock=clock,
            mailer=outlets.mailer,
            webhook=outlets.webhook,
            state_dir=state_folder(state),
            allow_loopback=loopback_allowed(),
        )
        return {
            "written": report.crawled.written,
            "rejected": report.crawled.rejections,
            "skipped_sources": len(report.skipped),
            "alerts": len(report.watched.alerts),
            "mails": report.watched.sent,
            "waiting": report.watched.waiting,
        }


def write_last_week(province: str | None, store: str | None, out: str, *, clock: Clock) -> list[str]:
    """The briefing of the reporting week that ended last; returns the files."""
    with opened(province, store) as (profile, index):
        period = Period.week(last_week(clock()))
        return [str(path) for path in write_briefing(index, profile, period, ("docx", "html"), Path(out), clock=clock)]


def retain(store: str | None, state: str | None, *, clock: Clock) -> dict[str, int]:
    """Retention in the store and of raw pages; what was shortened or removed, by rule."""
    index = open_store(store_url(store))
    try:
        index.setup()
        removed = index.retain(clock())
    finally:
        index.close()
    return {**removed, "raw_pages": expire_spool(state_folder(state) / "spool", clock())}


@contextmanager
def opened(province: str | None, store: str | None) -> Iterator[tuple[Profile, Index]]:
    """The province profile and the store, set up; the store is closed at the end."""
    profile = load_province(province_folder(province))
    index = open_store(store_url(store))
    try:
        index.setup()
        yield profile, index
    finally:
        index.close()
