"""Text → the units that the restorer works on: syllables as written without capitals, numbers and gaps as signs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from duluan.text import nfc

START, NUMBER, UNKNOWN = "<s>", "<n>", "<u>"  # a sentence's edge, a number, a word outside the vocabulary
SIGNS = (START, NUMBER, UNKNOWN)
TOKEN = re.compile(r"[^\W\d_]+|\d+|[.!?…\n]+")
LONGEST = 7  # letters of the longest Vietnamese syllable ("nghiêng")

# The tone mark's place is a matter of taste ('hoà' = 'hòa'): the model knows one of them.
_MODERN = ["oà", "oá", "oả", "oã", "oạ", "oè", "oé", "oẻ", "oẽ", "oẹ", "uỳ", "uý", "uỷ", "uỹ", "uỵ"]
_OLD = ["òa", "óa", "ỏa", "õa", "ọa", "òe", "óe", "ỏe", "õe", "ọe", "ùy", "úy", "ủy", "ũy", "ụy"]
_PLACES = dict(zip(_MODERN, _OLD, strict=True))
_MODERN_END = re.compile(f"(?<!q)({'|'.join(_MODERN)})$")


def spelling(word: str) -> str:
    """'Hoà' → 'hòa', 'quý' → 'quý': small letters, the tone mark in its older place."""
    lowered = word.lower()
    return lowered if lowered.isascii() else _MODERN_END.sub(lambda found: _PLACES[found.group()], lowered)


def sentences(text: str) -> Iterator[list[str]]:
    """The syllables of each sentence, numbers as NUMBER: what is counted and what is restored are cut alike."""
    current: list[str] = []
    for token in TOKEN.findall(nfc(text)):
        if token[0].isalpha():
            current.append(spelling(token))
        elif token[0].isdigit():
            current.append(NUMBER)
        elif current:
            yield current
            current = []
    if current:
        yield current
