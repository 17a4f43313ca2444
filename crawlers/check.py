"""Is a source alive? One look at its list and one of its pages: reachability, robots verdict, pace of items, quality of times.

Nothing is queued, stored or remembered as seen: a check changes only pace, robots answers and the audit log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from crawlers.child import run_child
from crawlers.connectors import CONNECTORS, Found, Lead, Session
from crawlers.connectors.sitemap import dated_addresses
from crawlers.crawl import DEFAULT_CONTACT, make_job
from crawlers.intake import intake_files
from crawlers.limits import Limits
from crawlers.outcome import Deferred, Refused, SourceProblem
from crawlers.pages import extract_page
from duluan.clock import LOCAL, Clock, format_time, parse_time
from duluan.config import Source
from duluan.errors import InputError
from duluan.model import Document, RawPage, Rejected

LOOKED_AT = 40  # items of a list: enough for its pace, few enough for one visit
AGREE = timedelta(minutes=1)  # list and page tell the same time

Stamp = Literal["minute", "day", "missing", "differs", "future", ""]


TRIED = 3  # pages: one that is cut short or no article says nothing of the source


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What one look told. `stamp` is the quality of the publication time; `problem` is empty where all is well."""

    source: str
    reachable: bool
    robots: str  # rules, none, refused, unreachable, '' (not asked)
    listed: int = 0
    newest: datetime | None = None
    per_day: float | None = None  # by the times in the list
    sample: str = ""  # address of the page that was read
    stamp: Stamp = ""
    problem: str = ""
    note: str = ""  # worth knowing, no fault

    @property
    def passed(self) -> bool:
        """May `duluan run` use the source on this installation?"""
        return self.reachable and not self.problem


async def check_source(session: Session) -> SourceCheck:
    """Look at one source; never raises for what the source does."""
    source = session.source
    try:
        address = dated_addresses(source.url, session.clock())[0]
        answer = await session.gate.robots.answer(address, delay=source.delay, fresh=True)
        verdict = answer.verdict if answer.allows(address) else "refused"
        if answer.verdict == "unreachable":
            return SourceCheck(
                source.id, False, "unreachable", problem="không đọc được robots.txt: coi như không cho phép"
            )
        if verdict == "refused" and source.permission is None:
            return SourceCheck(source.id, True, "refused", problem="robots.txt không cho phép")
        found = await _some(session)
        return await _judged(session, verdict, found)
    except (Refused, Deferred, SourceProblem) as error:
        return SourceCheck(source.id, False, "", problem=str(error))


async def _some(session: Session) -> list[Found]:
    found: list[Found] = []
    async for item in CONNECTORS.get(session.source.via)(session):
        found.append(item)
        if len(found) >= LOOKED_AT:
            break
    return found


async def _judged(session: Session, verdict: str, found: Sequence[Found]) -> SourceCheck:
    source = session.source
    times = sorted(item.published for item in found if not isinstance(item, Rejected) and item.published)
    listed = [item for item in found if not isinstance(item, Rejected)]
    newest = times[-1] if times else None
    base = SourceCheck(source.id, True, verdict, len(listed), newest, items_per_day(times, session.clock()))
    if not listed and source.via == "comments":  # they hang below articles, and there may be no recent one here
        return replace(base, note="chưa có bài nào gần đây để hỏi bình luận")
    if not listed:
        return replace(base, problem="đọc được nhưng không thấy mục nào")
    first = listed[0]
    if isinstance(first, Document):
        stamp = stamp_quality(first.published, None, session.clock())
        return replace(base, sample=first.url, stamp=stamp, problem=_complaint(stamp))
    for lead in [item for item in listed if isinstance(item, Lead)][:TRIED]:
        stamp, problem, seen = await _sample(session, lead)
        first = lead
        if not problem:
            break
    return replace(base, newest=newest or seen, sample=first.url, stamp=stamp, problem=problem)


async def _sample(session: Session, lead: Lead) -> tuple[Stamp, str, datetime | None]:
    """Read one page: (quality of its time, what is wrong, its time)."""
    answer = await session.page(lead.url)
    page = RawPage(
        answer.url,
        session.source.id,
        session.clock(),
        answer.body,
        answer.status,
        answer.content_type,
        session.source.kind,
    )
    result = extract_page(page, session.source)
    if isinstance(result, Rejected):
        return "", f"không bóc được bài mẫu: {result.reason}", None
    stamp = stamp_quality(result.published, lead.published, session.clock())
    return stamp, _complaint(stamp), result.published


def stamp_quality(page: datetime | None, listed: datetime | None, now: datetime) -> Stamp:
    """How good a publication time is: exact to the minute, only a day, missing, in the future, or other than the list says."""
    if page is None:
        return "missing"
    if page > now + timedelta(minutes=10):
        return "future"
    if listed is not None and abs(page - listed) > AGREE:
        return "differs"
    local = page.astimezone(LOCAL)
    return "day" if (local.hour, local.minute, local.second) == (0, 0, 0) else "minute"


def _complaint(stamp: Stamp) -> str:
    """'differs' is shown, not held against the source: the page is what counts, and NukeViet's feed is known to be wrong."""
    return {"missing": "trang không có giờ đăng", "future": "giờ đăng ở tương lai"}.get(stamp, "")


def items_per_day(times: Sequence[datetime], now: datetime) -> float | None:
    """Items a day by the times of a list, from its oldest item to now; None for fewer than three."""
    if len(times) < 3:
        return None
    days = max((now - times[0]).total_seconds(), 3600.0) / 86_400
    return round(len(times) / days, 1)


def to_plain(check: SourceCheck) -> dict[str, Any]:
    """A JSON object."""
    return asdict(check) | {"newest": format_time(check.newest) if check.newest else None}


def from_plain(record: Mapping[str, Any]) -> SourceCheck:
    """What `to_plain` made."""
    return SourceCheck(**{**record, "newest": parse_time(record["newest"]) if record["newest"] else None})


def check_files(source: Source, now: datetime) -> SourceCheck:
    """A source of handed-in files: is its folder there, how many files wait, when did the last one come."""
    try:
        files = intake_files(source)
        changed = [datetime.fromtimestamp(path.stat().st_mtime, now.tzinfo) for path in files]
    except InputError as error:
        return SourceCheck(source.id, False, "", problem=str(error))
    except OSError as error:
        return SourceCheck(source.id, False, "", problem=f"không đọc được thư mục: {error.strerror}")
    note = "" if files else "thư mục chưa có tệp nào"
    return SourceCheck(source.id, True, "", listed=len(files), newest=max(changed, default=None), note=note)


def check_sources(
    sources: Sequence[Source],
    *,
    state_dir: Path,
    clock: Clock,
    allow_loopback: bool = False,
    contact: str = DEFAULT_CONTACT,
    limits: Limits | None = None,
) -> Iterator[SourceCheck]:
    """A look at each source, in the order in which they answer; one that the worker could not finish is unreachable."""
    lawful = []
    for source in sources:
        if not (source.purpose and source.lawful_basis):
            yield SourceCheck(source.id, False, "", problem="chưa ghi mục đích (purpose) và căn cứ (lawful_basis)")
        elif source.via == "file":
            yield check_files(source, clock())
        else:
            lawful.append(source)
    if not lawful:
        return
    left = {source.id for source in lawful}
    job = make_job("check", lawful, state_dir=state_dir, allow_loopback=allow_loopback, contact=contact, limits=limits)
    for message in run_child(job, clock, lambda ids: set()):
        if "check" in message:
            check = from_plain(message["check"])
            left.discard(check.source)
            yield check
    for source_id in sorted(left):
        yield SourceCheck(source_id, False, "", problem="tiến trình kiểm tra dừng bất thường")
