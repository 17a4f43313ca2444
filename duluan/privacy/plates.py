"""Number plates: '82A-123.45', '76C1 234.56', '76-H1 123.45', '51g12345', old four-digit ones (Circular 79/2024/TT-BCA)."""

from __future__ import annotations

import re

from duluan.privacy.marks import PLATE, Span
from duluan.privacy.view import View

_SEP = r"[\s.\-–_]{0,3}"
_PLATE = re.compile(
    rf"(?<![\w/.,])(?P<head>[1-9]\d{_SEP}(?P<series>[a-z]{{1,2}})\d??)(?P<sep>{_SEP})"  # lazy: five digits behind the letter first
    r"(?P<tail>\d{3}[.\s]\d{2}|\d{4,5})(?![\w/]|[.,]\d)"
)
_ANNOUNCED = re.compile(
    r"(?:bien(?:\s(?:so|kiem soat|xanh|vang|trang))?|bks|bsx?|bien so xe|xe|oto|o to)\W{0,3}(?:\w+\W{1,3}){0,2}$"
)
_AMBIGUOUS = frozenset("kmhgldvtpsc")  # 20k 5000, 10h 2025, 50m …: units, unless written in capitals or announced
_MONEY_AFTER = re.compile(r"\s?(?:dong|d|vnd|trieu|ty|nghin|ngan|usd)\b")


def find_plates(view: View) -> list[Span]:
    """Spans of number plates."""
    return [Span(m.start(), m.end(), PLATE) for m in _PLATE.finditer(view.folded) if _is_plate(view, m)]


def _is_plate(view: View, match: re.Match[str]) -> bool:
    folded = view.folded
    series, tail = match["series"], match["tail"]
    if _MONEY_AFTER.match(folded, match.end()):
        return False
    if _ANNOUNCED.search(folded, max(0, match.start() - 40), match.start()):
        return True
    if not tail.isdigit():  # the 123.45 shape is a plate's alone
        return True
    written = view.text[match.start("series") : match.end("series")]
    loose = match["sep"] in {"", " "}
    if len(tail) == 4:
        return not loose and written.isascii() and written.isupper()
    return written.isascii() and (written.isupper() or match["sep"].strip() != "" or series not in _AMBIGUOUS)
