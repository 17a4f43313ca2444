"""Home addresses: a house number with its street or hamlet where the text says that somebody lives there. Roads themselves stay.

Found from the digits outwards: few texts hold any, so that the many without cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from duluan.privacy.lexicon import words
from duluan.privacy.marks import ADDRESS, Span
from duluan.privacy.view import UPPER, View

_WHO = (
    r"(?:\s(?:toi|em|minh|tui|tao|chung toi|ong|ba|co|chi|anh|bac|chu|ay|cua|rieng|cha|me|bo|con|chau|no|ho|nay|do))*"
)
_LIVES = re.compile(
    rf"(?<![a-z])(?:nha(?:\s(?:o|rieng|tro))?{_WHO}(?:\s(?:o|tai|thi o|dang o|la|thuoc))?"
    rf"|gia dinh{_WHO}(?:\s(?:o|tai|dang o))?|(?:giao hang|gui hang) (?:ve|den|toi)"
    rf"|dia chi(?:\snha)?{_WHO}|d/c|dc|ngu(?:\s(?:tai|o))?|(?:thuong|tam|cu)\stru(?:\s(?:tai|o))?"
    r"|tru\s(?:tai|o)|(?:song|tro|dang)\s(?:o|tai)|(?:toi|em|minh|tui|chi|anh|ong|ba|co|bac|chu)\so"
    r"|ho khau(?:\so)?|gui ve|giao (?:ve|den|toi)|ship (?:ve|den|toi))"
    r"\s?[:,\-]?\s?(?:(?:la|o|tai|so)\s)?$"
)
_HOUSE_WORD = re.compile(r"(?<![a-z])(?:so nha|nha so|sn|so)\s?[:.]?\s?$")
_LANE_WORD = re.compile(r"(?<![a-z])(?:hem|kiet|ngo|ngach)\s?(?:so\s)?$")
_GROUP_WORD = re.compile(r"(?<![a-z])(?:to(?:\s(?:dan pho|dp))?|doi|khu pho|kp)\s?(?:so\s)?$")

_NUMBER = re.compile(r"(?<![\w.,/])[kh]?\d{1,4}[a-z]?(?:\s?[/\-]\s?\d{1,4}[a-z]?){0,4}(?!\w|[.,]\d|%)")
_STREET = re.compile(
    rf"[,\s]{{0,2}}(?:(?i:đường|duong|phố|pho|hẻm|hem|kiệt|kiet|ngõ|ngo|ngách|ngach|đ\.)\s?(?:số\s?"
    rf"|so\s?)?(?:\d{{1,3}}(?:/\d{{1,3}})*(?!\w)|[{UPPER}]\w*(?:\s[{UPPER}]\w*){{0,3}}"
    rf"|\w+(?:\s\w+){{0,2}}))"
    rf"|[,\s]\s?[{UPPER}]\w+(?:\s[{UPPER}]\w+){{1,3}}|[,\s]\s?\d{{1,2}}/\d{{1,2}}(?!\w|/)"
)
_HAMLET = re.compile(
    rf"\s?,?\s?(?i:khu phố|khu pho|kp|thôn|thon|làng|lang|khu|khối|khoi|kdc|xóm|xom|tdp|ấp)\s(?:\d{{1,2}}"
    rf"|[{UPPER}]\w*)(?:\s[{UPPER}\d][\w'’]*){{0,3}}"
)
_LATER_NUMBER = re.compile(r"\s?,\s?(?i:số|so)(?:\s(?i:nhà|nha))?\s\d{1,4}\w?(?!\w|[.,]\d)")  # 'kiệt 53 Lê Lợi, số 59'
_ONE_WORD_STREET = re.compile(rf"\s[{UPPER}][^\W\d_]{{2,}}(?!\w)")  # 'hộ khẩu 540 Ure': only where somebody lives
_PLAIN_HOME = re.compile(
    r"(?<![a-z])(?:dia chi(?: nha)?|so nha|nha so|nha (?:em|toi|minh|tui) (?:o )?(?:so )?"
    r")\s?[:,]?\s?(?:la|o|so)?\s?$"
)
_PLAIN_STREET = re.compile(r"(?:\s[a-z]+){2,3}")  # '26 le hong phong', all in small letters
_OFFICE = re.compile(
    r"(?:ubnd|uy ban|chung cu|khu dan cu|ky tuc xa|san van dong|cong vien|nha nghi|tru so|cong ty"
    r"|(?<![a-z])so (?:y|xay|cong|noi|giao|nong|tu|tai|van|dan|khoa)|cong an"
    r"|benh vien|truong|van phong|trung tam|ngan hang|cua hang|chi nhanh|(?<![a-z])quan|toa nha"
    r"|nha (?:van hoa|hang|xe|sach|thuoc|may|tho|khach|ga|hat)|khach san|(?<![a-z])cho(?![a-z])|sieu thi"
    r"|toa an|tiep dan|tram|thanh tra|buu dien|dau gia)[^.\n]{0,40}$"
)

# The last words of _LIVES, _HOUSE_WORD, _LANE_WORD and _GROUP_WORD: behind no other word these need be searched.
_LEADS = words(
    """
    nha o rieng tro toi em minh tui tao ong ba co chi anh bac chu ay cua cha me bo con chau no ho nay do tai la thuoc
    dinh ve den c dc ngu tru khau so sn hem kiet ngo ngach to pho dp doi kp
    """
)
_WORD_BEFORE = re.compile(r"([a-z]+)[\s:.,\-]{0,4}$")


def find_addresses(view: View) -> Iterator[Span]:
    """Spans of home addresses: number, lane and street; names of communes that follow are left for the place finder."""
    for number in _NUMBER.finditer(view.folded):
        if _may_be_house(view.folded, number) and (span := _at(view, number)) is not None:
            yield span


def _may_be_house(folded: str, number: re.Match[str]) -> bool:
    """Cheap: behind a word that leads to a house's number, or with a slash and no date."""
    lead = _WORD_BEFORE.search(folded, max(0, number.start() - 12), number.start())
    if lead is not None and lead[1] in _LEADS:
        return True
    return "/" in number[0] and not _is_date(number[0].replace(" ", ""))


def _at(view: View, number: re.Match[str]) -> Span | None:
    folded, start = view.folded, number.start()
    low = max(0, start - 60)
    begin = start
    lane = _LANE_WORD.search(folded, low, start)
    house = lane or _HOUSE_WORD.search(folded, low, start)
    group = _GROUP_WORD.search(folded, low, start)
    if word := house or group:
        begin = word.start()
    lives = _LIVES.search(folded, low, begin) is not None
    if group and not house:
        return _group(view, begin, number.end()) if lives else None
    street = _STREET.match(view.text, number.end())
    if not (lives or house) and "/" not in number[0]:
        return None
    if street is None and lives and _PLAIN_HOME.search(folded, low, begin) and view.text[number.end() :].islower():
        street = _PLAIN_STREET.match(folded, number.end())
    if street is None and lives and len(number[0]) > 1:
        street = _ONE_WORD_STREET.match(view.text, number.end())
    if _OFFICE.search(folded, low, begin) or not _is_house(folded, number, street, house, lives):
        return None
    return Span(begin, max(street.end() if street else 0, _street_end(view, number.end())), ADDRESS)


def _is_house(
    folded: str, number: re.Match[str], street: re.Match[str] | None, house: re.Match[str] | None, lives: bool
) -> bool:
    """A number is a house's where its street follows, or where 'số nhà' or a lane with a slash leaves no other reading."""
    written = number[0].replace(" ", "")
    if house and ("nha" in house[0] or house[0].startswith("sn")):
        return True
    if _is_date(written):
        return street is not None and (lives or house is not None) and "/" in written
    if street is None:
        return house is not None and "/" in written and house[0].strip() != "so"
    return lives or house is not None or "/" in written


def _is_date(written: str) -> bool:
    parts = [int(part) for part in re.findall(r"\d+", written)]
    return len(parts) >= 2 and ((parts[0] <= 31 and parts[1] <= 12) or parts[-1] > 1900)


def _street_end(view: View, end: int) -> int:
    for _ in range(3):
        street = _STREET.match(view.text, end)
        if street is None:
            break
        end = street.end()
    later = _LATER_NUMBER.match(view.text, end)
    return later.end() if later else end


def _group(view: View, begin: int, end: int) -> Span:
    hamlet = _HAMLET.match(view.text, end)
    return Span(begin, hamlet.end() if hamlet else end, ADDRESS)
