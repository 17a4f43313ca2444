"""Time: aware datetimes everywhere; the province's zone only where a person reads. The clock is passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def fixed_clock(moment: datetime) -> Clock:
    """A clock that always says `moment` (aware)."""
    if moment.tzinfo is None:
        raise ValueError("a clock needs an aware datetime")
    return lambda: moment


def parse_time(text: str) -> datetime:
    """RFC 3339 text with an offset → aware datetime. Raises ValueError for anything else, a naive time included."""
    moment = datetime.fromisoformat(text.strip().replace(" +", "+"))
    if moment.tzinfo is None:
        raise ValueError(f"time without an offset: {text!r}")
    return moment


def format_time(moment: datetime) -> str:
    """Aware datetime → RFC 3339 with its offset, whole seconds where there is no fraction ('2026-03-07T08:06:00+07:00')."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    return moment.isoformat()


def local(moment: datetime) -> datetime:
    """The same moment in Vietnam's time, for a person to read."""
    return moment.astimezone(LOCAL)
