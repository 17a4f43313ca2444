"""Text → the units that the restorer works on: syllables as written without capitals; numbers, commas and edges as signs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from duluan.text import nfc

START, NUMBER, UNKNOWN, END, COMMA = "<s>", "<n>", "<u>", "</s>", "<,>"  # UNKNOWN: a word outside the vocabulary
SIGNS = (START, NUMBER, UNKNOWN, END, COMMA)
TOKEN = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*|[.!?…\n]+|[,;]")
Span = tuple[str, int, int]  # a unit and where it stands; signs have an empty span
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


def spans(text: str) -> Iterator[list[Span]]:
    """The units of each sentence of composed `text`, closed by END: what is counted and what is restored are cut alike.

    Where a phrase ends tells syllables apart ('thôi.' but 'thời …'; ', còn' but 'con …'), so edges and commas are units. Of marks in
    a row one counts, and it is END where one of them ends a sentence.
    """
    current: list[Span] = []
    for token in TOKEN.finditer(text):
        start, end = token.span()
        first = text[start]
        if first.isalpha():
            current.append((spelling(token.group()), start, end))
        elif first.isdigit():
            current.append((NUMBER, start, start))
        elif first not in ",;":
            yield from _closed(current)
            current = []
        elif current and current[-1][0] != COMMA:
            current.append((COMMA, start, start))
    yield from _closed(current)


def _closed(current: list[Span]) -> Iterator[list[Span]]:
    if current and current[-1][0] == COMMA:
        current.pop()
    if current:
        place = current[-1][2]
        yield [*current, (END, place, place)]


def sentences(text: str) -> Iterator[list[str]]:
    """The units of each sentence without their places."""
    for sentence in spans(nfc(text)):
        yield [unit for unit, _, _ in sentence]
