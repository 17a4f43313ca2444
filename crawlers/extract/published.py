"""Which of the times that a page names is the one of its publication."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from lxml.html import HtmlElement

from crawlers.extract import reasons
from crawlers.extract.reasons import Refused
from crawlers.extract.times import parse_vietnamese_time
from duluan.clock import LOCAL

_SKEW = timedelta(minutes=15)  # clocks of servers differ; a page may be that much "ahead" of its fetch
# A local time sold as UTC is 7 h ahead. Such a claim is not believed, but it does not condemn the page as one of the future.
_WRONG_ZONE = timedelta(hours=12)
_STAMP_CLASSES = ("date", "time", "publish", "ngay", "thoigian", "posted")
_MAX_STAMPS = 12


def choose_time(candidates: Iterable[str], fetched: datetime) -> datetime | None:
    """The first candidate with day and minute that is not after the fetch; None where there is none.

    Raises Refused(future_date) where the page knows only times more than twelve hours after its fetch.
    """
    ahead: list[datetime] = []
    for text in candidates:
        moment = parse_vietnamese_time(text, fetched)
        if moment is None:
            continue
        if moment <= fetched + _SKEW:
            return moment
        ahead.append(moment)
    if ahead and min(ahead) > fetched + _WRONG_ZONE:
        raise Refused(reasons.FUTURE_DATE, min(ahead).isoformat())
    return None


def reconciled(stated: str, visible: Iterable[str], fetched: datetime) -> datetime | None:
    """`stated` as a moment; where it is UTC but a visible stamp shows the same clock, it was local time all along.

    '2026-03-07T08:06:00Z' beside '07/03/2026 08:06' → 08:06+07:00.
    """
    moment = parse_vietnamese_time(stated, fetched)
    if moment is None or not stated.strip().upper().endswith(("Z", "+00:00", "+0000", "GMT")):
        return moment
    wall = moment.astimezone(UTC).replace(tzinfo=None, second=0)
    for text in visible:
        shown = parse_vietnamese_time(text, fetched)
        if shown is not None and shown.replace(tzinfo=None, second=0) == wall:
            return wall.replace(second=moment.second, tzinfo=LOCAL)
    return moment


def with_seconds(shown: datetime, stated: Iterable[str], fetched: datetime) -> datetime:
    """`shown`, with the seconds of a statement in the page's metadata that names the same minute."""
    if shown.second:
        return shown
    moments = (parse_vietnamese_time(text, fetched) for text in stated)
    return next((moment for moment in moments if moment is not None and moment.replace(second=0) == shown), shown)


def visible_stamps(heading: HtmlElement | None) -> Iterator[str]:
    """Texts near the heading that look like the time of publication: `time` elements and boxes with a telling class."""
    if heading is None:
        return
    seen = 0
    for ancestor in list(heading.iterancestors())[:4]:
        for element in ancestor.iter("time", "span", "div", "p", "li", "em", "small"):
            if element.tag != "time" and not _is_stamp(element):
                continue
            if value := element.get("datetime"):
                yield value
            text = element.text_content()
            if 5 < len(text.strip()) < 160:
                yield text
                seen += 1
            if seen >= _MAX_STAMPS:
                return


def _is_stamp(element: HtmlElement) -> bool:
    names = f"{element.get('class') or ''} {element.get('id') or ''}".lower()
    return any(word in names for word in _STAMP_CLASSES)
