"""Excerpts of hits with the matched words between ⟦ and ⟧; computed in Python, so both stores show the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from duluan.query import Filter
from duluan.text import excerpt, squeeze
from index.tokens import TOKEN_LIMIT, word_tokens

OPEN, CLOSE = "⟦", "⟧"
LENGTH = 300  # characters of text; the law's limit for a quoted lead in design.md §4.5
_BEFORE = 80  # characters shown before the first match
_WORD = re.compile(r"\w[\w\u0300-\u036f]*")

Token = tuple[int, int, str]  # start, end, folded
Words = tuple[list[str], bool]  # what a term looks for: its tokens, and whether the last is the beginning of a word


def hit_excerpt(title: str, text: str, query: Filter) -> str:
    """At most LENGTH characters around the first match in `text`; the title's match where only the title has one."""
    terms = _words(query)
    if not terms:
        return excerpt(text or title, LENGTH)
    flat = squeeze(text).replace(OPEN, "[").replace(CLOSE, "]")
    first = _first(flat, terms)
    if first is None:
        head = highlight(title, query)
        return head if OPEN in head else excerpt(text or title, LENGTH)
    start, end = _window(flat, first)
    return ("…" if start else "") + _marked(flat[start:end], terms) + ("…" if end < len(flat) else "")


def highlight(text: str, query: Filter) -> str:
    """All of `text` with its matched words marked."""
    return _marked(squeeze(text).replace(OPEN, "[").replace(CLOSE, "]"), _words(query))


def _words(query: Filter) -> list[Words]:
    return [([token[:TOKEN_LIMIT] for token in term.tokens], term.prefix) for group in query.must for term in group]


def _window(text: str, first: int) -> tuple[int, int]:
    start = max(0, first - _BEFORE)
    if start:
        space = text.find(" ", start, first)
        start = first if space < 0 else space + 1
    end = min(len(text), start + LENGTH)
    if end < len(text) and (space := text.rfind(" ", start + LENGTH // 2, end)) > 0:
        end = space
    return start, end


def _marked(text: str, terms: list[Words]) -> str:
    tokens = list(_tokens(text))
    parts, done, index = list[str](), 0, 0
    while index < len(tokens):
        length = max(_length(tokens, index, term) for term in terms)
        if not length:
            index += 1
            continue
        start, end = tokens[index][0], tokens[index + length - 1][1]
        parts += [text[done:start], OPEN, text[start:end], CLOSE]
        done, index = end, index + length
    return "".join((*parts, text[done:]))


def _first(text: str, terms: list[Words]) -> int | None:
    """Where the first match begins; reads no further than that."""
    widest = max(len(wanted) for wanted, _ in terms)
    stream = _tokens(text)
    window = list(islice(stream, widest))
    while window:
        if any(_length(window, 0, term) for term in terms):
            return window[0][0]
        window = [*window[1:], *islice(stream, 1)]
    return None


def _length(tokens: list[Token], index: int, words: Words) -> int:
    """How many tokens from `index` on the words cover; 0 where they do not match there."""
    wanted, prefix = words
    if len(wanted) > 1 and tokens[index][2] != wanted[0]:  # nearly every call ends here
        return 0
    if len(wanted) == 1:
        token = tokens[index][2]
        return int(token.startswith(wanted[0]) if prefix else token == wanted[0])
    found = [token for _, _, token in tokens[index : index + len(wanted)]]
    if prefix and len(found) == len(wanted):
        return len(wanted) if found[:-1] == wanted[:-1] and found[-1].startswith(wanted[-1]) else 0
    return len(wanted) if found == wanted else 0


def _tokens(text: str) -> Iterator[Token]:
    for match in _WORD.finditer(text):
        for token in word_tokens(match[0]):
            yield match.start(), match.end(), token
