"""Is this text Vietnamese? By letters that no other language in use here has; unaccented Vietnamese by its function words."""

from __future__ import annotations

import re

from duluan.text import fold

_SAMPLE = 1500
_WORD = re.compile(r"[^\W\d_]+")
# The Latin Extended Additional block from U+1EA0 is Vietnamese alone; ơ and ư too. ă and đ are left out: Romanian, Croatian.
_VIETNAMESE = re.compile(r"[\u1ea0-\u1ef9ơưƠƯ]")
_FUNCTION_WORDS = frozenset(
    {
        "va", "cua", "la", "khong", "duoc", "nguoi", "trong", "nhung", "cac", "cho", "voi", "da", "nay", "khi",
        "tai", "tu", "mot", "den", "nhieu", "ve", "theo", "phai", "bi", "con", "tren",
    }
)  # fmt: skip
_MARKED_SHARE = 0.10  # Vietnamese prose has 0.35–0.55 of its words marked; pages of other languages stay below 0.03
_FUNCTION_SHARE = 0.15  # unaccented Vietnamese 0.25–0.35; English below 0.03


def is_vietnamese(text: str) -> bool:
    """True for Vietnamese, with or without diacritics; decided on the first 1,500 characters."""
    words = _WORD.findall(text[:_SAMPLE])
    if not words:
        return False
    if sum(1 for word in words if _VIETNAMESE.search(word)) >= _MARKED_SHARE * len(words):
        return True
    return sum(1 for word in words if fold(word) in _FUNCTION_WORDS) >= _FUNCTION_SHARE * len(words)
