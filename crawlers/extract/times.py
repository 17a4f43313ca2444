"""Vietnamese time stamps → aware datetimes in +07:00, to the minute or not at all.

dateparser reads 14 of the 16 forms seen on Vietnamese sites, but it fills in what is missing (a bare date becomes midnight,
a bare clock today), and the rule here is: empty rather than guessed. So a small grammar over the folded text (no diacritics)
says exactly which parts are present. Relative times count from the fetch; `tests/test_extract_times.py` lists every form.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from duluan.clock import LOCAL
from duluan.text import fold

_LONGEST = 300  # a time stamp is short; the cap bounds the regular expressions on hostile input
_EARLIEST = 1995  # no Vietnamese site is older; epoch 0 and the like are defaults, not times

_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:t|\s+|\s*,\s*)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?"
    r"\s*(z\b|[+-]\d{2}:?\d{2}|[+-]\d{2}\b)?"
)
# PHP's `T` is the zone's name, so NukeViet's 'Y-m-dTH:i:s' prints 2023-12-01+0709:19:05.
_NUKEVIET = re.compile(r"(\d{4})-(\d{2})-(\d{2})([+-]\d{2})(\d{2}):(\d{2}):(\d{2})")
_EPOCH = re.compile(r"(\d{10})(\d{3})?(?:\.\d+)?")

_AGO = re.compile(
    r"(?:(\d{1,2})\s*(?:gio|tieng|h|hours?|hrs?)\s*)?(?:(\d{1,3})\s*(?:phut|minutes?|mins?)\s*)?(?:\d{1,3}\s*(?:giay|seconds?|secs?)\s*)?"
    r"(?:truoc|ago)\b"
)
_COARSE_AGO = re.compile(r"\d\s*(?:ngay|tuan|thang|nam|days?|weeks?|months?|years?)\b.*(?:truoc|ago)\b")
_JUST_NOW = re.compile(r"\b(?:vua xong|vua moi|just now|vai giay truoc)\b")

_CLOCK = re.compile(
    r"(?<![\d:])(\d{1,2})\s*(?::|h|g|gio)\s*(\d{2})(?!\d)(?:\s*(?::|phut|m|')\s*(\d{2})(?!\d))?(?:\.\d+)?(?:\s*(?:phut|s|giay)\b)?"
    r"\s*(sa|ch|am|pm|a\.m|p\.m|sang|trua|chieu|toi|dem)?\b"
)
_ZONE = re.compile(r"\.?\s*\(?\s*(?:(gmt|utc|z)\b)?\s*(?:([+-])\s*(\d{1,2}):?(\d{2})?)?")

_EN_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS_EN = {name: i for i, name in enumerate(_EN_NAMES, start=1)}
_EN = rf"({'|'.join(_EN_NAMES)})[a-z]*\.?"
_MONTHS_VI = {
    "gieng": 1, "mot": 1, "hai": 2, "ba": 3, "tu": 4, "bon": 4, "nam": 5, "sau": 6, "bay": 7, "tam": 8, "chin": 9,
    "muoi": 10, "muoi mot": 11, "muoi hai": 12, "chap": 12,
}  # fmt: skip
_VI = r"(\d{1,2}|muoi mot|muoi hai|muoi|gieng|mot|hai|ba|tu|bon|nam|sau|bay|tam|chin|chap)"
_WEEKDAYS = {"hai": 0, "2": 0, "ba": 1, "3": 1, "tu": 2, "4": 2, "nam": 3, "5": 3, "sau": 4, "6": 4, "bay": 5, "7": 5}

_YMD = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_DMY = re.compile(r"(?<!\d)(\d{1,2})\s?[/.-]\s?(\d{1,2})\s?[/.-]\s?(\d{4}|\d{2})(?![\d:])")
# .NET's en-US default, 'M/d/yyyy h:mm:ss tt', is month first; padded dates with AM/PM (24h.com.vn) are day first.
_MDY_NET = re.compile(r"(?<!\d)([1-9]|1[0-2])/([1-9]|[12]\d|3[01])/(\d{4}) (?=\d{1,2}:\d{2}:\d{2} [ap]m\b)")
_PADDED = re.compile(r"(?<!\d)0\d")
_WORDS = re.compile(rf"(?<!\d)(\d{{1,2}})\s*,?\s*(?:thang|thg|th)\.?\s*{_VI}\b(?:\s*(?:,|nam|/|-)?\s*(\d{{4}}))?")
_EN_DMY = re.compile(rf"(?<!\d)(\d{{1,2}})[\s-]+{_EN}[\s,-]+(\d{{4}})")
_EN_MDY = re.compile(rf"\b{_EN}\s+(\d{{1,2}}),?\s+(\d{{4}})")
_DM = re.compile(r"(?<![\d/:])(\d{1,2})/(\d{1,2})(?![\d/:])")
_DAY_NAME = re.compile(r"\b(hom nay|today|hom qua|yesterday|hom kia)\b")
_WEEKDAY = re.compile(r"\b(?:thu|t)\s?(hai|ba|tu|nam|sau|bay|[2-7])\b|\b(chu nhat|cn)\b")

_LABEL = re.compile(
    r"(?=\b(?:cap nhat|chinh sua|sua lan|lan cuoi|updated?|modified|dang luc|ngay dang|xuat ban|published|posted))"
)
_UPDATE = ("cap nhat", "chinh sua", "sua lan", "lan cuoi", "update", "modified")
_POSTED = ("dang luc", "ngay dang", "xuat ban", "published", "posted")


@dataclass(frozen=True, slots=True)
class _Day:
    day: date
    rest: str  # the text with the date taken out, so that its digits are not read as a clock


def parse_vietnamese_time(text: str, fetched: datetime) -> datetime | None:
    """The moment that `text` names, in Asia/Ho_Chi_Minh, or None where day or minute is missing or impossible.

    'Thứ sáu - 01/12/2023 09:19', 'Cập nhật: 08:15, 20/11/2025', '14 Tháng 11 lúc 09:30', '3 giờ trước', '2023-12-01+0709:19:05',
    RFC 3339, RFC 2822, epoch seconds or milliseconds. A time without a zone is Vietnam's. `fetched` (aware) is the only clock:
    it anchors relative times and a missing year. Never raises on text.
    """
    folded = " ".join(fold(html.unescape(text[:_LONGEST])).split())
    try:
        moment = _machine(folded) or _relative(folded, fetched) or _written(folded, fetched)
        local = moment.astimezone(LOCAL) if moment else None
    except (ValueError, OverflowError):  # 31/02, 25:00, a year out of range
        return None
    return local if local is not None and local.year >= _EARLIEST else None


def _machine(text: str) -> datetime | None:
    if match := _ISO.search(text):
        year, month, day, hour, minute = (int(part) for part in match.group(1, 2, 3, 4, 5))
        return datetime(year, month, day, hour, minute, int(match[6] or 0), tzinfo=_offset(match[7]))
    if match := _NUKEVIET.match(text):
        year, month, day = (int(part) for part in match.group(1, 2, 3))
        hour, minute, second = (int(part) for part in match.group(5, 6, 7))
        return datetime(year, month, day, hour, minute, second, tzinfo=_offset(match[4]))
    if match := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(match[1]), tz=LOCAL)
    return None


def _offset(text: str | None) -> tzinfo:
    """'z', '+07', '+0700', '+07:00' → zone; None → Vietnam's."""
    if not text:
        return LOCAL
    if text == "z":
        return UTC
    digits = text[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-shift if text[0] == "-" else shift)


def _relative(text: str, fetched: datetime) -> datetime | None:
    """'3 giờ trước', '1 giờ 20 phút trước', 'vừa xong'. Days and weeks ago say no minute and are left out."""
    base = fetched.astimezone(LOCAL)
    if _JUST_NOW.search(text):
        return base
    if _COARSE_AGO.search(text):
        return None
    for match in _AGO.finditer(text):
        if match[0].strip() not in {"truoc", "ago"}:
            return base - timedelta(hours=int(match[1] or 0), minutes=int(match[2] or 0))
    return None


def _written(text: str, fetched: datetime) -> datetime | None:
    """Day and clock as people write them; the time of posting goes before the time of an update."""
    segments = sorted((part for part in _LABEL.split(text) if part), key=_rank)
    for segment in segments:
        if (day := _day(segment, fetched)) and (moment := _at_clock(day)):
            return moment
    return None


def _rank(segment: str) -> int:
    if segment.startswith(_POSTED):
        return 0
    return 2 if segment.startswith(_UPDATE) else 1


def _at_clock(day: _Day) -> datetime | None:
    match = _CLOCK.search(day.rest)
    if match is None:
        return None
    clock = time(_hour(int(match[1]), match[4]), int(match[2]), int(match[3] or 0))
    return datetime.combine(day.day, clock, tzinfo=_zone(day.rest[match.end() :]))


def _hour(hour: int, half: str | None) -> int:
    """Twelve-hour clocks: SA/sáng/am, CH/chiều/tối/pm, trưa, đêm."""
    if half in {"sa", "am", "a.m", "sang"}:
        return 0 if hour == 12 else hour
    if half in {"ch", "pm", "p.m", "chieu", "toi"}:
        return hour if hour >= 12 else hour + 12
    if half == "trua":
        return hour if hour >= 10 else hour + 12
    if half == "dem":
        return 0 if hour == 12 else hour + 12 if 8 <= hour < 12 else hour
    return hour


def _zone(tail: str) -> tzinfo:
    """The zone written right behind the clock: '(GMT+7)', '+0700', 'GMT'; else Vietnam's."""
    match = _ZONE.match(tail)
    if match is None or not (match[1] or match[2]):
        return LOCAL
    if match[2] is None:
        return UTC
    shift = timedelta(hours=int(match[3]), minutes=int(match[4] or 0))
    return timezone(-shift if match[2] == "-" else shift)


def _day(text: str, fetched: datetime) -> _Day | None:
    today = fetched.astimezone(LOCAL).date()
    return _full_date(text) or _date_in_words(text, today) or _near_day(text, today)


def _full_date(text: str) -> _Day | None:
    if (match := _MDY_NET.search(text)) and not _PADDED.match(match[0]):
        return _Day(date(int(match[3]), int(match[1]), int(match[2])), _without(text, match))
    if match := _DMY.search(text):
        year = int(match[3]) + (2000 if len(match[3]) == 2 else 0)
        return _Day(date(year, int(match[2]), int(match[1])), _without(text, match))
    if match := _YMD.search(text):
        return _Day(date(int(match[1]), int(match[2]), int(match[3])), _without(text, match))
    if match := _EN_DMY.search(text):
        return _Day(date(int(match[3]), _MONTHS_EN[match[2]], int(match[1])), _without(text, match))
    if match := _EN_MDY.search(text):
        return _Day(date(int(match[3]), _MONTHS_EN[match[1]], int(match[2])), _without(text, match))
    return None


def _date_in_words(text: str, today: date) -> _Day | None:
    """'20 tháng 11 năm 2025', '14 Tháng Mười Một, 2025', '14 Tháng 11', '14/11'."""
    if match := _WORDS.search(text):
        month = int(match[2]) if match[2].isdecimal() else _MONTHS_VI[match[2]]
        year = int(match[3]) if match[3] else _last_year_of(int(match[1]), month, today)
        return _Day(date(year, month, int(match[1])), _without(text, match))
    if match := _DM.search(text):
        day, month = int(match[1]), int(match[2])
        return _Day(date(_last_year_of(day, month, today), month, day), _without(text, match))
    return None


def _near_day(text: str, today: date) -> _Day | None:
    """'hôm nay', 'hôm qua', 'Thứ Hai lúc 08:30' (the latest such day, today included)."""
    if match := _DAY_NAME.search(text):
        back = {"hom nay": 0, "today": 0, "hom qua": 1, "yesterday": 1, "hom kia": 2}[match[1]]
        return _Day(today - timedelta(days=back), _without(text, match))
    if match := _WEEKDAY.search(text):
        wanted = 6 if match[2] else _WEEKDAYS[match[1]]
        return _Day(today - timedelta(days=(today.weekday() - wanted) % 7), _without(text, match))
    return None


def _last_year_of(day: int, month: int, today: date) -> int:
    """The latest year in which this day was not after tomorrow (a fetch near midnight may be a day behind)."""
    tomorrow = today + timedelta(days=1)
    return next(year for year in (tomorrow.year, tomorrow.year - 1) if (year, month, day) <= _ymd(tomorrow))


def _ymd(day: date) -> tuple[int, int, int]:
    return day.year, day.month, day.day


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} ¦ {text[match.end() :]}"
