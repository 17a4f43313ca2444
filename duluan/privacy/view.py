"""One text as the finders see it: NFC, and folded with the same offsets."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from duluan.text import fold_keep

_DIGIT = re.compile(r"\d")

# Python's `re` has no \p{Lu}; a range such as À-Ỹ holds small letters as well.
UPPER: Final = "".join(
    char
    for char in map(chr, range(0x41, 0x1EFA))
    if char.isupper() and unicodedata.name(char, "").startswith("LATIN") and char not in "[]\\^-"
)


@dataclass(frozen=True, slots=True)
class View:
    """`folded` has the length of `text`."""

    text: str
    folded: str
    has_digit: bool


def view(text: str) -> View:
    """A View of NFC `text`."""
    folded = fold_keep(text)
    return View(text, folded, _DIGIT.search(folded) is not None)
