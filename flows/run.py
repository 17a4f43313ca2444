"""One round on the configured real sources: crawl → enrich → index → watch. `duluan run` and the schedule call it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alerts.delivery import Mailer
from alerts.webhook import Webhook
from duluan.clock import Clock, format_time
from duluan.config import Profile, Source
from duluan.errors import ConfigError
from flows.crawl import crawl_into
from flows.ingest import IngestReport, Pipeline, Progress
from flows.watch import WatchReport, watch
from index.base import Index
from nlp.enrich import Enricher

CHECKED = "checked_sources.json"  # in the state folder: sources that passed `duluan sources check` on this installation


@dataclass(frozen=True, slots=True)
class RoundReport:
    """What one round did; `skipped` names each source that may not run yet, and why."""

    crawled: IngestReport
    watched: WatchReport
    skipped: tuple[tuple[Source, str], ...]


def run_round(
    store: Index,
    profile: Profile,
    *,
    clock: Clock,
    mailer: Mailer | None,
    webhook: Webhook | None = None,
    state_dir: Path,
    allow_loopback: bool = False,
    progress: Progress | None = None,
) -> RoundReport:
    """One round over all sources that may run. A source that fails lowers what is expected; the round goes on."""
    may, skipped = startable(profile, state_dir)
    pipeline = Pipeline(store, Enricher(profile).enrich, agency_of=profile.agency_id)
    crawled = IngestReport()
    if may:
        crawled = crawl_into(
            store,
            profile,
            may,
            pipeline=pipeline,
            state_dir=state_dir,
            spool_dir=state_dir / "spool",
            clock=clock,
            allow_loopback=allow_loopback,
            progress=progress,
        )
    watched = watch(store, profile, clock=clock, mailer=mailer, webhook=webhook)
    store.audit(
        {
            "at": format_time(clock()),
            "what": "round",
            "sources": len(may),
            "written": crawled.written,
            "mails": watched.sent,
        }
    )
    return RoundReport(crawled, watched, tuple(skipped))


def startable(
    profile: Profile, state_dir: Path, wanted: Sequence[str] = ()
) -> tuple[list[Source], list[tuple[Source, str]]]:
    """(sources that may run, [(skipped, why)]): verified in the profile, or passed `sources check` here.

    Raises ConfigError where `wanted` names a source that is not configured.
    """
    for name in wanted:
        if name not in profile.source_by_id:
            raise ConfigError(
                f"{profile.folder / 'sources.toml'}: không có nguồn {name!r}; hiện có: {', '.join(profile.source_by_id)}"
            )
    chosen = [profile.source_by_id[name] for name in wanted] if wanted else list(profile.sources)
    checked = checked_sources(state_dir)
    may: list[Source] = []
    skipped: list[tuple[Source, str]] = []
    for source in chosen:
        if not (source.purpose and source.lawful_basis):
            skipped.append((source, "chưa ghi mục đích (purpose) và căn cứ (lawful_basis)"))
        elif source.switched_off:
            skipped.append((source, "ý kiến bạn đọc mặc định tắt; muốn đọc, đặt verified = true cho nguồn này"))
        elif not source.verified and source.id not in checked:
            skipped.append((source, "chưa kiểm chứng (hãy chạy duluan sources check)"))
        else:
            may.append(source)
    return may, skipped


def checked_sources(state_dir: Path) -> set[str]:
    """Sources that passed `duluan sources check` on this installation. Raises ConfigError where the list is damaged."""
    path = state_dir / CHECKED
    if not path.is_file():
        return set()
    try:
        return set(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        raise ConfigError(f"{path}: tệp hỏng; xóa tệp rồi chạy lại: duluan sources check") from None
