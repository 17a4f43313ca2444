"""`sources check`: what a look at each source told, beside the source's own history in the store."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from crawlers.check import SourceCheck, check_sources
from crawlers.child import run_child
from crawlers.crawl import make_job
from crawlers.extract import extract
from crawlers.extract.decode import page_markup
from crawlers.extract.page import parse_html
from crawlers.extract.rules import choose_rule, rule_named
from duluan.clock import Clock, format_time
from duluan.config import Profile, Source
from duluan.errors import SourceError
from duluan.model import RawPage, Rejected
from flows.run import CHECKED
from flows.source_days import Trend, daily_counts, trend
from index.base import Index


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One row of the table. `per_day` and `yesterday` come from the store, `usual` is the median of the days before."""

    source: Source
    check: SourceCheck
    yesterday: int | None
    usual: float | None
    trend: Trend

    @property
    def expected(self) -> bool | None:
        """Is the number of items a day within the configured range? None where it is not known."""
        per_day = self.usual if self.usual is not None else self.check.per_day
        low, high = self.source.expected_per_day
        return None if per_day is None else low <= per_day <= high


def check_health(
    store: Index,
    profile: Profile,
    sources: Sequence[Source],
    *,
    state_dir: Path,
    clock: Clock,
    allow_loopback: bool,
    progress: Callable[[int], None] | None = None,
) -> list[SourceHealth]:
    """Look at the sources and compare each with its own past; those that passed are remembered for `duluan run`."""
    checks: dict[str, SourceCheck] = {}
    for check in check_sources(
        sources, state_dir=state_dir, clock=clock, allow_loopback=allow_loopback, contact=profile.province.contact
    ):
        checks[check.source] = check
        if progress is not None:
            progress(len(checks))
    history = daily_counts(store, clock())
    remember_passed(state_dir, checks)
    return [_health(source, checks[source.id], history.get(source.id)) for source in sources if source.id in checks]


def _health(source: Source, check: SourceCheck, days: Sequence[int] | None) -> SourceHealth:
    if not days:
        return SourceHealth(source, check, None, None, "new")
    *before, yesterday = days
    return SourceHealth(source, check, yesterday, float(median(before)) if before else None, trend(days))


def remember_passed(state_dir: Path, checks: Mapping[str, SourceCheck]) -> None:
    """Add the sources that passed to what `duluan run` may use here, and take out those that failed."""
    path = state_dir / CHECKED
    known = set(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else set[str]()
    known = (known - set(checks)) | {name for name, check in checks.items() if check.passed}
    state_dir.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(sorted(known)), encoding="utf-8")
    aside.replace(path)


def record_page(
    url: str,
    name: str,
    folder: Path,
    *,
    profile: Profile,
    state_dir: Path,
    clock: Clock,
    allow_loopback: bool,
    rules: str | None = None,
    nukeviet: bool = False,
) -> tuple[Path, Path]:
    """Fetch one page through the gate and write it with the record that extraction makes of it, for a person to review.

    Returns the paths of NAME.html and NAME.json. Raises SourceError where the page may not be fetched or holds no article,
    ConfigError (before anything is fetched) for a rule that does not exist.
    """
    if rules is not None:
        rule_named(rules)
    source = Source(
        id="record",
        name=name,
        url=url,
        via="nukeviet" if nukeviet else "list",
        rules=rules,
        trust=1,
        expected_per_day=(0, 0),
        verified=False,
    )
    job = make_job(
        "record", [source], state_dir=state_dir, allow_loopback=allow_loopback, contact=profile.province.contact
    )
    for message in run_child(job, clock, lambda ids: set()):
        if "refused" in message:
            raise SourceError(f"{url}: không tải được ({message['refused']}): {message['detail']}")
        if "page" in message:
            body = base64.b64decode(message["body"])
            page = RawPage(message["page"], "record", clock(), body, content_type=message["content_type"])
            return write_fixture(page, name, folder, rules=rules, nukeviet=nukeviet)
    raise SourceError(f"{url}: tiến trình tải trang dừng bất thường")


def write_fixture(page: RawPage, name: str, folder: Path, *, rules: str | None, nukeviet: bool) -> tuple[Path, Path]:
    """The page and its expected record side by side. The page keeps its author's name: review before committing."""
    found = extract(page, rules=rules, nukeviet=nukeviet)
    if isinstance(found, Rejected):
        raise SourceError(f"{page.url}: trang không bóc được ({found.reason}); hãy viết quy tắc cho trang này trước")
    expected = {
        "id": found.id,
        "url": found.url,
        "title": found.title,
        "published": format_time(found.published) if found.published else None,
        "text": found.text,
    }
    rule = choose_rule(parse_html(page_markup(page.body, page.content_type)), page.url, rules)
    record: dict[str, object] = {
        "rule": rule.name if rule else None,
        "rules": rules,
        "url": page.url,
        "fetched": format_time(page.fetched),
        "nukeviet": nukeviet,
        "expected": expected,
        "absent": [],  # for the reviewer: words on the page that must not come out (names, teasers)
    }
    folder.mkdir(parents=True, exist_ok=True)
    html, meta = folder / f"{name}.html", folder / f"{name}.json"
    html.write_bytes(page.body)
    meta.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return html, meta
