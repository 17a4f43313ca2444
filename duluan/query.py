"""Typed filters: the only thing that asks a store anything. No store's query language crosses the `Index` protocol.

Search syntax (parsed once, the same in every store)::

    sạt lở "cầu Cây Sung" -bão OR lũ topic:thien_tai place:"Đăk Hà" source:vnexpress kind:news sentiment:neg issue:ab12 sat*

Words are joined by AND; OR binds the two neighbours; `-` excludes; quotes make a phrase; a trailing `*` a prefix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from duluan.errors import InputError
from duluan.model import KINDS, SENTIMENTS
from duluan.text import search_tokens

_WORD = re.compile(r'-?(?:[a-z]+:)?"[^"]*"|[^\s"]+')

FIELDS: Final = ("topic", "place", "source", "kind", "sentiment", "issue", "origin")


@dataclass(frozen=True, slots=True)
class Term:
    """One word, phrase (several tokens) or prefix (last token), folded."""

    tokens: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What documents to answer with. Empty means no restriction; the parts are joined by AND, a tuple's members by OR.

    `must` is a conjunction of disjunctions of terms; `must_not` excludes. `since` ≤ time < `until`, where the time is
    `published`, else `fetched`.
    """

    must: tuple[tuple[Term, ...], ...] = ()
    must_not: tuple[Term, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    topics: tuple[str, ...] = ()
    places: tuple[str, ...] = ()  # codes of today's communes
    sources: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    sentiments: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    in_province: bool | None = None


def parse_query(text: str, *, places: Mapping[str, tuple[str, ...]] | None = None) -> Filter:
    """Text of a search box → Filter. `places` maps folded place names to codes of today's communes.

    Raises InputError for an unknown field or value, an open quote, or a query that only excludes.
    """
    state = _Parse(places or {})
    for word, quoted in _words(text):
        state.take(word, quoted)
    return state.finish()


@dataclass(slots=True)
class _Parse:
    places: Mapping[str, tuple[str, ...]]
    must: list[tuple[Term, ...]] = field(default_factory=list)
    must_not: list[Term] = field(default_factory=list)
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    joining: bool = False

    def take(self, word: str, quoted: bool) -> None:
        if word == "OR" and not quoted:
            if not self.must:
                raise InputError("truy vấn: OR phải đứng giữa hai từ")
            self.joining = True
            return
        name, colon, value = word.partition(":")
        if colon and not quoted and name.isalpha():
            self._field(name, value)
            return
        negative = word.startswith("-") and len(word) > 1 and not quoted
        term = _term(word[1:] if negative else word)
        if term is None:
            return
        if negative:
            self.must_not.append(term)
        elif self.joining:
            self.must[-1] = (*self.must[-1], term)
            self.joining = False
        else:
            self.must.append((term,))

    def finish(self) -> Filter:
        if self.joining:
            raise InputError("truy vấn: OR phải đứng giữa hai từ")
        if self.must_not and not self.must and not self.fields:
            raise InputError("truy vấn chỉ có phần loại trừ; hãy thêm ít nhất một từ cần tìm")
        asked = self.fields.get
        return Filter(
            must=tuple(self.must),
            must_not=tuple(self.must_not),
            topics=asked("topic", ()),
            places=asked("place", ()),
            sources=asked("source", ()),
            kinds=asked("kind", ()),
            sentiments=asked("sentiment", ()),
            issues=asked("issue", ()),
            origins=asked("origin", ()),
        )

    def _field(self, name: str, value: str) -> None:
        if name not in FIELDS:
            raise InputError(f"truy vấn: không có trường {name!r}; các trường: {', '.join(FIELDS)}")
        if not value:
            raise InputError(f"truy vấn: trường {name!r} thiếu giá trị")
        allowed = {"kind": KINDS, "sentiment": SENTIMENTS}.get(name)
        if allowed and value not in allowed:
            raise InputError(f"truy vấn: {name}:{value} không hợp lệ; chọn một trong: {', '.join(allowed)}")
        values: tuple[str, ...] = (value,)
        if name == "place" and not value.isdigit():
            codes = self.places.get(" ".join(search_tokens(value)))
            if not codes:
                raise InputError(f"truy vấn: không có địa danh {value!r} trong tỉnh")
            values = codes
        self.fields[name] = (*self.fields.get(name, ()), *values)


def _term(text: str) -> Term | None:
    prefix = text.endswith("*")
    tokens = tuple(search_tokens(text))
    return Term(tokens, prefix) if tokens else None


def _words(text: str) -> list[tuple[str, bool]]:
    """(word without its quotes, whether it is a bare phrase): `place:"Đăk Hà"` and `-"a b"` keep their heads."""
    plain = text.replace("“", '"').replace("”", '"')
    if plain.count('"') % 2:
        raise InputError('truy vấn: thiếu dấu ngoặc kép đóng (")')
    return [(word.replace('"', ""), word.startswith('"')) for word in _WORD.findall(plain)]
