"""The main job on the sample province: import the older weeks, crawl the last day, detect, mail, brief – offline, on its own clock."""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from alerts.delivery import SmtpMailer
from dashboards.page import write_page
from duluan.clock import fixed_clock, format_time
from duluan.config import Profile
from duluan.model import Alert, Document, Fetch
from duluan.query import Filter
from flows.brief import Period, build_page, last_week
from flows.briefing_files import write_briefing
from flows.crawl import crawl_into
from flows.importing import Item, read_files, read_map
from flows.ingest import IngestReport, Pipeline
from flows.mailsink import mail_sink
from flows.sample.content import DEMO_CLOCK, Sample, build
from flows.sample.history import write_history
from flows.sample.outlets import PORTS, Host
from flows.sample.profile import profile as sample_profile
from flows.sample.server import Site, serve
from flows.watch import WatchReport, watch
from index import open_store
from index.base import Index
from nlp.enrich import Enricher

STORE: Final = "duluan.sqlite"
SENDER: Final = "duluan@tinh-mau.example"
RECIPIENT: Final = "truc-ban@tinh-mau.example"
ROUNDS: Final = 8  # over the last day, three hours apart: no source is unread long enough to count as an outage

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo did and where its files lie."""

    imported: IngestReport
    crawled: IngestReport
    watched: WatchReport
    stored_alerts: tuple[Alert, ...]  # oldest first
    documents: int  # in the store afterwards
    issues: int
    mails: tuple[Path, ...]  # all that lie in the folder
    briefing: tuple[Path, ...]
    page: Path
    store: Path
    profile: Profile


def demo(out: Path, base: Profile, *, tell: Told = lambda _: None, ports: Mapping[Host, int] = PORTS) -> DemoReport:
    """Run everything below `out`; running it again adds nothing and mails nothing again, as long as its outlets have the same `ports`.

    Raw pages, the history files (they hold the planted personal data) and the crawler's state lie in a temporary folder, never
    under `out`.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="duluan-demo-") as scratch:
        tell("Mở kho dữ liệu")
        store = open_store(f"sqlite:///{out / STORE}")
        store.setup()
        try:
            tell("Dựng tỉnh mẫu: năm tuần tin, bài, bình luận")
            with serve(build(DEMO_CLOCK), ports=ports) as site:
                return _run(out, base, store, site, Path(scratch), tell)
        finally:
            store.close()


def _run(out: Path, base: Profile, store: Index, site: Site, scratch: Path, tell: Told) -> DemoReport:
    clock = fixed_clock(DEMO_CLOCK)
    with _environment(site.environ), mail_sink(out / "thu") as mailbox:
        profile = _with_recipient(sample_profile(site, base))
        pipeline = Pipeline(store, Enricher(profile).enrich, agency_of=profile.agency_id)
        tell("Nhập các tuần trước")
        imported = pipeline.ingest(_history(site.sample, scratch / "lich-su"))
        tell("Thu thập ngày cuối theo từng vòng, phát hiện vấn đề chuyển xấu, gửi cảnh báo")
        crawled, watched = _last_day(store, profile, pipeline, site, scratch, SmtpMailer.at(mailbox.url, SENDER))
    tell("Soạn bản tin tuần và trang tổng quan")
    files = write_briefing(store, profile, Period.week(last_week(DEMO_CLOCK)), ("docx", "html"), out, clock=clock)
    page = out / "tong-quan.html"
    write_page(build_page(store, profile, clock=clock), page)
    store.audit({"at": format_time(clock()), "what": "demo"})
    return DemoReport(
        imported=imported,
        crawled=crawled,
        watched=watched,
        stored_alerts=tuple(sorted(store.alerts(), key=lambda alert: (alert.detected, alert.id))),
        documents=store.count(Filter()),
        issues=sum(issue.merged_into is None for issue in store.issues()),
        mails=tuple(sorted(mailbox.folder.glob("*.eml"))),
        briefing=tuple(files),
        page=page,
        store=out / STORE,
        profile=profile,
    )


def _last_day(
    store: Index, profile: Profile, pipeline: Pipeline, site: Site, scratch: Path, mailer: SmtpMailer
) -> tuple[IngestReport, WatchReport]:
    """Rounds of crawl and watch over the last day, as the schedule would run them; what each did is added up."""
    crawled, rounds = IngestReport(), list[WatchReport]()
    for ago in range(ROUNDS - 1, -1, -1):
        now = DEMO_CLOCK - timedelta(hours=24 / ROUNDS * ago)
        site.show(now)
        report = crawl_into(
            store,
            profile,
            profile.sources,
            pipeline=pipeline,
            state_dir=scratch / "state",
            spool_dir=scratch / "spool",
            clock=fixed_clock(now),
            allow_loopback=True,
        )
        crawled.add(report)
        rounds.append(watch(store, profile, clock=fixed_clock(now), mailer=mailer))
    watched = rounds[-1]
    watched.alerts = [alert for one in rounds for alert in one.alerts]
    watched.sent = sum(one.sent for one in rounds)
    return crawled, watched


def _history(content: Sample, folder: Path) -> Iterator[Item]:
    """Both history files as one stream by fetch time, as the sources would have brought them."""
    files = write_history(content, folder)
    return heapq.merge(read_files([files.jsonl]), read_files([files.csv], read_map(files.map)), key=_moment)


def _moment(item: Item) -> float:
    if isinstance(item, Document):
        return item.fetched.timestamp()
    return item.at.timestamp() if isinstance(item, Fetch) else 0.0


def _with_recipient(profile: Profile) -> Profile:
    rules = profile.alerts.model_copy(update={"recipients": (RECIPIENT,)})
    return profile.model_copy(update={"alerts": rules})


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """The replicas' credentials in the environment while the block runs, where connectors look for an operator's."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
