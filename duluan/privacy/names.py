"""Private persons' names in people's own words: initials, full names and minority names behind a title such as 'bà', 'anh', 'em'.

A lone given name ('anh Tuấn') says nobody in particular and stays; so do office holders named with their office.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from duluan.privacy.lexicon import (
    BODIES,
    LOWER_SURNAMES,
    MIDDLES,
    NO_NAMES,
    OFFICE,
    PERSONAL_TITLES,
    PLAIN_SURNAMES,
    PLAIN_TITLES,
    SURNAMES,
    WRITTEN_MIDDLES,
    WRITTEN_SURNAMES,
    WRITTEN_TITLES,
)
from duluan.privacy.marks import NAME, Span
from duluan.privacy.view import UPPER, View

_WORD = rf"[{UPPER}][\w\u0300-\u036f'’]*(?:-[\w\u0300-\u036f'’]+)?"
_CAPITAL = re.compile(rf"(?<![\w.’'])[{UPPER}]")
_INITIALS = re.compile(
    rf"[{UPPER}]{{1,2}}\s?\.\s?(?:[{UPPER}]{{1,2}}\s?\.\s?){{0,3}}[{UPPER}]{{1,2}}(?!\w)\.?"
    rf"|[{UPPER}]\.(?=\s|$|[,;:!?)])|[{UPPER}]{{1,4}}(?![\w.'’])"
)
_FULL = re.compile(rf"{_WORD}(?:\s{_WORD}){{1,4}}")
_MINORITY = re.compile(rf"(?:[AY](?:\s|\.\s?|-){_WORD}|[HY][’']\s?{_WORD})(?:\s{_WORD}){{0,2}}")
_BARE_MINORITY = re.compile(rf"(?<!\w)H[’']\s?{_WORD}(?:\s{_WORD}){{0,2}}")
_PLACE_BEFORE = re.compile(r"(?:ia|ea|chu|dak|buon|lang|plei|kon|huyen|xa)\s$")
_LOWER = re.compile(
    rf"(?P<surname>{'|'.join(sorted(LOWER_SURNAMES))}) (?P<middle>{'|'.join(sorted(MIDDLES))}) [a-z]+(?![a-z])"
)

_FAMILY = "me|cha|ba|bo|vo|chong|con|chau|anh|chi|em|ong|co|di|chu|bac|ban|gai|trai"
_TOLD = re.compile(rf"(?:^|[,.!?:;\n]\s?|(?<![a-z])(?:{_FAMILY}) )(?:toi|tui|em|minh|chau|con)(?: ten)? (?:la|ten) $")

_OFFICE_BEFORE = re.compile(rf"(?<![a-z]){OFFICE}(?:\s[\w.]+){{0,6}}\W{{0,3}}$")
_OFFICE_AFTER = re.compile(
    rf"\s?[,(\-–]\s?(?:la\s|nguyen\s)?{OFFICE}(?![a-z])|\s(?:(?:la|lam|giu chuc|giu chuc vu"
    rf"|voi cuong vi)\s)?(?:nguyen\s)?{OFFICE}(?![a-z])"
)


def find_names(view: View) -> Iterator[Span]:
    """Spans of private persons' names; titles stay."""
    for capital in _CAPITAL.finditer(view.text):
        title = _title_before(view, capital.start())
        if title is None and (told := _told_before(view, capital.start())) is not None:
            yield told
        if title is not None and (end := _name_at(view, title, capital.start())):
            span = Span(capital.start(), end, NAME)
            if not _in_office(view.folded, title, span):
                yield span
    yield from _small_letters(view)
    yield from _bare(view)


def _told_before(view: View, start: int) -> Span | None:
    """'tôi là Lê Quang Huy', 'mẹ em tên là …': a name that somebody says is theirs or their family's; a surname is needed."""
    if not _TOLD.search(view.folded[max(0, start - 24) : start]):
        return None
    full = _FULL.match(view.text, start)
    return Span(start, full.end(), NAME) if full and _surname(view, full) in SURNAMES else None


def _bare(view: View) -> Iterator[Span]:
    """'H'Nga' is a woman's name wherever it stands, but for places such as Ia H'Drai."""
    if "'" not in view.folded and "’" not in view.folded:
        return
    for match in _BARE_MINORITY.finditer(view.text):
        if not _PLACE_BEFORE.search(view.folded, max(0, match.start() - 7), match.start()):
            yield Span(match.start(), match.end(), NAME)


def _title_before(view: View, start: int) -> int | None:
    """Where the title begins that stands right before `start`, at most two spaces away.

    A word with marks must have a title's marks ('cầu' is no 'cậu'); one without needs a text without marks, or has none anyway.
    """
    folded = view.folded
    end = start
    while end and folded[end - 1] == " " and start - end < 2:
        end -= 1
    begin = folded.rfind(" ", 0, end) + 1
    word = view.text[begin:end].lower().lstrip("\"'(“-,.:;!?")
    titled = word in WRITTEN_TITLES or (word in PLAIN_TITLES and word.isascii() and not _accented(view))
    return begin if end < start and titled else None


def _accented(view: View) -> bool:
    return not view.text.isascii() and view.text.lower() != view.folded


def _name_at(view: View, title: int, start: int) -> int | None:
    if match := _MINORITY.match(view.text, start):
        return match.end()
    full = _FULL.match(view.text, start)
    if full and _surname(view, full) in SURNAMES:  # before initials: 'PHAN THANH BÌNH'
        return full.end()
    if (match := _INITIALS.match(view.text, start)) and match[0] not in BODIES:
        return match.end()
    return full.end() if full and _is_name(view, title, start, full) else None


def _surname(view: View, match: re.Match[str]) -> str:
    return view.folded[match.start() : match.end()].split()[0].split("-")[0]


def _is_name(view: View, title: int, start: int, match: re.Match[str]) -> bool:
    """Behind 'ông', 'chị' … any two capitalised words that begin no body's or country's name."""
    first = _surname(view, match)
    word = view.text[title:start].strip(" \"'(“-,.:;!?").lower()
    return word in PERSONAL_TITLES and first not in NO_NAMES and not match[0].isupper()


def _small_letters(view: View) -> Iterator[Span]:
    """'anh nguyen van tuan': only with a middle name, since small letters have no other sign of a name."""
    for name in _LOWER.finditer(view.folded):
        begin = name.start()
        surname = view.text[begin : name.end("surname")].lower()
        middle = view.text[name.start("middle") : name.end("middle")].lower()
        written = surname in WRITTEN_SURNAMES and middle in WRITTEN_MIDDLES
        plain = surname in PLAIN_SURNAMES and middle in {"thi", "van"}
        title = _title_before(view, begin)
        if (written or plain) and title is not None and view.text[begin].islower():
            span = Span(begin, name.end(), NAME)
            if not _in_office(view.folded, title, span):
                yield span


def _in_office(folded: str, title: int, span: Span) -> bool:
    return (
        _OFFICE_BEFORE.search(folded, max(0, title - 80), title) is not None
        or _OFFICE_AFTER.match(folded, span.end) is not None
    )
