"""Phrases with choices, the form in which the sample's sentences are written.

``{a|b|c}`` chooses one branch (nestable, an empty branch is allowed), ``<name>`` takes a value of the story
(``<xa>``: "xã Ba Vì"), ``<n:3-12>`` draws a whole number. One seeded generator in, the same sentence out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

from duluan.text import search_tokens, squeeze

SHINGLE = 4  # syllables, as the product's reprint finder counts (reference/nlp.md 11)

_INNERMOST = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<([a-z0-9_]+)>")
_NUMBER = re.compile(r"<n:(\d+)-(\d+)>")
_BEFORE_MARK = re.compile(r"\s+([,.;:!?…])")
T = TypeVar("T")


def expand(phrase: str, slots: Mapping[str, str], rng: Random) -> str:
    """One reading of `phrase`, squeezed, with a capital first letter.

    Raises ValueError for an unbalanced brace and KeyError for an unknown slot, so that a slip in the bank is seen.
    """
    text = phrase
    while match := _INNERMOST.search(text):
        text = text[: match.start()] + rng.choice(match[1].split("|")) + text[match.end() :]
    if "{" in text or "}" in text:
        raise ValueError(f"unbalanced brace in phrase: {phrase!r}")
    text = _NUMBER.sub(lambda found: str(rng.randint(int(found[1]), int(found[2]))), text)
    text = _SLOT.sub(lambda found: slots[found[1]], text)
    text = _BEFORE_MARK.sub(r"\1", squeeze(text))
    return text[:1].upper() + text[1:]


def shingles(text: str) -> frozenset[str]:
    """All runs of four syllables, folded; a shorter text is one shingle."""
    tokens = search_tokens(text)
    if len(tokens) <= SHINGLE:
        return frozenset({" ".join(tokens)})
    return frozenset(" ".join(tokens[i : i + SHINGLE]) for i in range(len(tokens) - SHINGLE + 1))


def some(items: Sequence[T], count: int, rng: Random) -> list[T]:
    """`count` of the items (all where there are fewer), in their written order."""
    chosen = sorted(rng.sample(range(len(items)), min(count, len(items))))
    return [items[i] for i in chosen]


class Wordings:
    """What has been said so far, by shingle: tells how much of a new text stands in one that came before."""

    def __init__(self) -> None:
        self._texts: list[int] = []
        self._where: dict[str, list[int]] = {}

    def overlap(self, text: str) -> float:
        """Greatest containment (shared shingles by those of the shorter text, 0–1) with any text added before."""
        mine = shingles(text)
        shared: dict[int, int] = {}
        for shingle in mine:
            for index in self._where.get(shingle, ()):
                shared[index] = shared.get(index, 0) + 1
        return max((count / min(len(mine), self._texts[index]) for index, count in shared.items()), default=0.0)

    def add(self, text: str) -> None:
        """Remember `text`."""
        mine = shingles(text)
        for shingle in mine:
            self._where.setdefault(shingle, []).append(len(self._texts))
        self._texts.append(len(mine))
