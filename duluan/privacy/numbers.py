"""Phones, papers (CCCD, CMND, passport, insurance) and accounts, also disguised: 'o9o5', '0905.123.456', 'không chín không năm …'.

Text → digit tokens with offsets → runs of tokens that only separators part → the shapes of section 'numbering plan'
(Circular 22/2014/TT-BTTTT and the change of 2018: mobiles 0[35789] + 8, landlines 02 + 9) at token boundaries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from duluan.privacy import context
from duluan.privacy.marks import ACCOUNT, PAPER, PHONE, Span
from duluan.privacy.view import View

_WORDS = {
    "khong": "0", "hong": "0", "ko": "0", "zero": "0", "mot": "1", "hai": "2", "ba": "3", "bon": "4", "tu": "4",
    "nam": "5", "lam": "5", "sau": "6", "bay": "7", "tam": "8", "chin": "9",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_LOOKS = str.maketrans("oil", "011")
_WORD_LIST = "|".join(sorted(_WORDS, key=len, reverse=True))  # 'bay' before 'ba'
_TOKEN = re.compile(
    r"(?<![a-z0-9])[oil]{0,3}\d+(?:[oil]{1,3}\d+)*(?:[oil]{1,3}(?![a-z0-9]))?"
    rf"|\d+|(?<![a-z0-9])(?:[oil]{{1,3}}|(?:{_WORD_LIST})(?:\s?(?:{_WORD_LIST}))*)(?![a-z0-9])"
)
_SINGLE_WORD = re.compile(_WORD_LIST)
_ZEROS = ("khong", "zero", "hong ", "ko ", " o ")
_SPOKEN = re.compile(
    rf"(?:khong|zero|hong|ko|(?<![a-z])o)\W{{1,3}}(?:{_WORD_LIST}|\d)\W{{1,3}}(?:{_WORD_LIST}|\d|o)(?![a-z])"
)
_BETWEEN = r"[\s.\-–_·•*/~|\\()+,\u200b-\u200f\u2060\ufe0f\u20e3\u00ad\u0300-\u036f]{0,4}"
_GAP = re.compile(_BETWEEN)
_SIX = re.compile(rf"(?:[\doil]|{_WORD_LIST})(?:{_BETWEEN}(?:[\doil]|{_WORD_LIST})){{5}}")
_DATE = re.compile(
    r"\d{1,2}\s?[./\-]\s?\d{1,2}\s?[./\-]\s?(?:19|20)\d\d(?!\d)|(?:19|20)\d\d[./\-]\d{1,2}[./\-]\d{1,2}(?!\d)"
)
_PASSPORT = re.compile(r"(?<![a-z0-9])[a-z]\s?\d{7,8}(?![\da-z])")
_INSURANCE = re.compile(r"(?<![a-z0-9])[a-z]{2}\s?\d(?:\s?\d){12}(?!\d)")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+(?!\d)")


@dataclass(frozen=True, slots=True)
class Token:
    """One group of digits as written, and its digits."""

    start: int
    end: int
    digits: str


def find_numbers(view: View, protected: Sequence[tuple[int, int]] = ()) -> list[Span]:
    """Spans of phones, papers and accounts outside the `protected` ranges."""
    if not _may_hold(view):
        return []
    folded = view.folded
    spans: list[Span] = []
    for run in _runs(view.text, folded):
        if not any(start < run[-1].end and run[0].start < end for start, end in protected):
            spans += _in_run(view.text, folded, run)
    spans += _lettered(folded)
    return spans


def _may_hold(view: View) -> bool:
    """Cheap: whatever may stand for a digit six times in a row, as in every number that goes, or a spoken 'không chín …'."""
    folded = view.folded
    if view.has_digit and _SIX.search(folded):
        return True
    return any(zero in folded for zero in _ZEROS) and _SPOKEN.search(folded) is not None


def _runs(text: str, folded: str) -> Iterator[list[Token]]:
    run: list[Token] = []
    for token in _tokens(text, folded):
        if run and not _joined(folded, run[-1], token):
            yield run
            run = []
        run.append(token)
    if run:
        yield run


def _joined(folded: str, left: Token, right: Token) -> bool:
    gap = folded[left.end : right.start]
    if _GAP.fullmatch(gap) is None:
        return False
    spoken = not (folded[left.start].isdigit() and folded[right.start].isdigit())
    return spoken or not ("," in gap and len(gap) > 1)  # '0905123456, 0914…' are two


def _tokens(text: str, folded: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(folded):
        start, end = match.span()
        written = match[0]
        if written.isdigit():
            yield Token(start, end, written)
        elif not written.strip("oil0123456789"):
            if text[start:end].isascii():  # 'ở', 'ò' are words, 'o' is a disguised zero
                yield Token(start, end, written.translate(_LOOKS))
        else:
            for word in _SINGLE_WORD.finditer(folded, start, end):
                yield Token(word.start(), word.end(), _WORDS[word[0]])


def _in_run(text: str, folded: str, run: Sequence[Token]) -> Iterator[Span]:
    index = 0
    while index < len(run):
        date = _DATE.match(folded, run[index].start)
        if date:
            index = _first_after(run, date.end(), index)
            continue
        found = _phone_at(folded, run, index) or _other_at(text, folded, run, index)
        if found:
            stop, span = found
            if span is not None:
                yield span
            index = stop
        else:
            index += 1


def _first_after(run: Sequence[Token], position: int, index: int) -> int:
    while index < len(run) and run[index].start < position:
        index += 1
    return index


Found = tuple[int, Span | None]  # index behind the last token used, and what to replace (None: to be left as it is)


def _phone_at(folded: str, run: Sequence[Token], index: int) -> Found | None:
    first = run[index]
    if first.digits[0] not in "08" and not (first.digits[0] in "35789" and len(first.digits) >= 2):
        return None
    start = _with_prefix(folded, first.start)
    best: Found | None = None
    digits = ""
    for stop in range(index, min(index + 14, len(run))):
        digits += run[stop].digits
        if len(digits) > 14:
            break
        if _is_paper12(folded, digits, run[index : stop + 1]):
            return stop + 1, Span(first.start, run[stop].end, PAPER)
        if best is None and _is_phone(digits, plus=folded[start : first.start] != "", announced=False):
            if context.is_tax_code(folded, first.start) or context.is_public_line(folded, first.start, digits):
                best = stop + 1, None
            else:
                best = stop + 1, Span(start, run[stop].end, PHONE)
    return best


def _with_prefix(folded: str, start: int) -> int:
    """Takes in '(+' and '(' before a number."""
    position = start
    while position and folded[position - 1] in "+(" and start - position < 2:
        position -= 1
    return position


_MOBILE = re.compile(r"0[35789]\d{8}|01[2689]\d{8}|0?0?84[35789]\d{8}|840[35789]\d{8}|0?84[35789]\d{8}")
_LANDLINE = re.compile(r"02\d{9}|0?0?842\d{9}|8402\d{9}|0[56]\d{8}|06\d{8}")


def _is_phone(digits: str, *, plus: bool, announced: bool) -> bool:
    if digits.startswith("84") and len(digits) == 11 and not plus and not announced and digits.endswith("000000"):
        return False
    return _MOBILE.fullmatch(digits) is not None or _LANDLINE.fullmatch(digits) is not None


def _is_paper12(folded: str, digits: str, used: Sequence[Token]) -> bool:
    """A citizen's number: 12 digits, province code 001–096, century and sex 0–3; or 12 announced ones."""
    if len(digits) != 12:
        return False
    if context.announces_paper(folded, used[0].start):
        return True
    return digits[0] == "0" and "001" <= digits[:3] <= "096" and digits[3] in "0123" and len(used) <= 6


def _other_at(text: str, folded: str, run: Sequence[Token], index: int) -> Found | None:
    """Papers and accounts: what announces them decides; bare long numbers that are no amount go as well."""
    first = run[index]
    if not folded[first.start].isdigit():
        return None
    stop = _group_end(folded, run, index)
    digits = "".join(token.digits for token in run[index:stop])
    written = folded[first.start : run[stop - 1].end]
    after = run[stop - 1].end
    if len(digits) < 6 or (first.start and folded[first.start - 1].isalpha()):  # 'IB2500123456' is a code
        return None
    if context.is_tax_code(folded, first.start) or context.is_public_line(folded, first.start, digits):
        return stop, None
    mark = None
    if not context.is_money(text, folded, after):
        mark = _announced_mark(folded, first.start, after, digits)
    if mark is None and not context.is_amount(text, folded, first.start, after):
        mark = _bare_mark(written, digits)
    return stop, Span(first.start, after, mark) if mark else None


def _group_end(folded: str, run: Sequence[Token], index: int) -> int:
    """Tokens that belong together: same-line groups of at least two digits, at most 19 digits."""
    stop, count = index, 0
    while stop < len(run) and count + len(run[stop].digits) <= 19:
        alone = len(run[stop].digits) < 2 and not _by_fours(run[index:stop])
        if stop > index and (alone or "/" in folded[run[stop - 1].end : run[stop].start]):
            break
        if stop > index and _DATE.match(folded, run[stop].start):
            break
        count += len(run[stop].digits)
        stop += 1
    return max(stop, index + 1)


def _by_fours(tokens: Sequence[Token]) -> bool:
    """'6747 9547 6077 5': an account cut by fours may end in a single digit."""
    return len(tokens) >= 2 and all(len(token.digits) == 4 for token in tokens)


def _announced_mark(folded: str, start: int, end: int, digits: str) -> str | None:
    if context.announces_account(folded, start, end) and 6 <= len(digits) <= 19:
        return ACCOUNT
    if context.announces_paper(folded, start) and 8 <= len(digits) <= 15:
        return PAPER
    if context.announces_phone(folded, start) and 9 <= len(digits) <= 12:
        return PHONE
    return None


def _bare_mark(written: str, digits: str) -> str | None:
    if _THOUSANDS.fullmatch(written) or digits.endswith("000") or not 9 <= len(digits) <= 19:
        return None
    if len(digits) == 9:
        grouped = written.isdigit() or re.fullmatch(r"\d{3}[ \-]\d{3}[ \-]\d{3}", written)
        return (PHONE if digits[0] in "35789" else PAPER) if grouped else None
    compact = written.isdigit() or re.fullmatch(r"\d{4}(?:[ \-]\d{4}){2,3}(?:[ \-]\d{1,3})?", written)
    return ACCOUNT if compact and len(digits) >= 10 else None


def _lettered(folded: str) -> Iterator[Span]:
    for match in _INSURANCE.finditer(folded):
        yield Span(match.start(), match.end(), PAPER)
    for match in _PASSPORT.finditer(folded):
        if context.announces_paper(folded, match.start()):
            yield Span(match.start(), match.end(), PAPER)
