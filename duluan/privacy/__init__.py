"""Privacy before the first write: phones, papers, plates, accounts, e-mails, home addresses, profiles, private names → kind marks.

Law 91/2025/QH15 counts all of these as personal data, hashed or not, so nothing but the kind survives. Money, dates, decision
numbers, laws, roads, kilometres, public hotlines and tax codes of firms are left as they are (design.md, trust rule 2).
"""

from __future__ import annotations

from duluan.model import VOICE_KINDS
from duluan.privacy.addresses import find_addresses
from duluan.privacy.links import find_links
from duluan.privacy.marks import MARKS, Span, replace_spans
from duluan.privacy.names import find_names
from duluan.privacy.numbers import find_numbers
from duluan.privacy.plates import find_plates
from duluan.privacy.view import view
from duluan.text import nfc

__all__ = ["MARKS", "MIN_CELL", "cell", "redact"]

MIN_CELL = 5  # design.md, trust rule 4: breakdowns of posts and comments below it show "<5"
_MAX_PASSES = 8


def cell(n: int) -> str:
    """A count as it may be shown in a breakdown of posts and comments: '<5' below MIN_CELL."""
    return str(n) if n >= MIN_CELL else f"<{MIN_CELL}"


def redact(text: str, kind: str = "comment") -> str:
    """`text` in NFC with everything that points to a private person replaced by its kind's mark.

    'gọi 0905.123.456 gặp bà N.T.H' → 'gọi [điện thoại] gặp bà [tên riêng]'. Names are taken out of people's own words
    only (posts, comments, reports, surveys): news names officials and parties of public cases under its own law.
    Idempotent; never raises, whatever the text.
    """
    current = nfc(text)
    for _ in range(_MAX_PASSES):
        spans = _find(current, kind)
        if not spans:
            break
        current = replace_spans(current, spans)
    return current


def _find(text: str, kind: str) -> list[Span]:
    seen = view(text)
    linked = find_links(seen)
    found = list(linked.spans)
    if seen.has_digit:
        found += [*find_plates(seen), *find_addresses(seen)]
    found += find_numbers(seen, linked.protected)
    if kind in VOICE_KINDS:
        found += find_names(seen)
    return found
