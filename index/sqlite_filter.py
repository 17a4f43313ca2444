"""`Filter` → SQL over `documents` and one FTS5 expression. Topic, source, kind, tone, place and province are tokens of the
full-text index too (they begin with ':', which no word does), so that filters and words meet in one walk of the index."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from duluan.query import Filter, Term
from index.rows import seconds
from index.sqlite_schema import SECOND_BITS
from index.tokens import TOKEN_LIMIT

_PLAIN = re.compile(r"[a-z0-9_.-]+")

Parameter = str | int


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions on `documents d`, and the FTS5 expression to match ('' where the filter names no word or facet)."""

    match: str
    low: int | None  # key ≥ low
    high: int | None  # key < high
    columns: tuple[tuple[str, str], ...]  # (column, JSON array of the values allowed)

    def sql(self, start: str = "1") -> tuple[str, list[Parameter]]:
        """(condition, parameters) over `documents d`."""
        parts, values = [start], list[Parameter]()
        if self.match:
            parts.append("d.key IN (SELECT rowid FROM search WHERE search MATCH ?)")
            values.append(self.match)
        for column, allowed in self.columns:
            parts.append(f"d.{column} IN (SELECT value FROM json_each(?))")
            values.append(allowed)
        for sign, bound in ((">=", self.low), ("<", self.high)):
            if bound is not None:
                parts.append(f"d.key {sign} ?")
                values.append(bound)
        return " AND ".join(parts), values


def where_of(query: Filter) -> Where:
    """The conditions that `query` means."""
    columns = tuple(
        (column, json.dumps(values))
        for column, values in (("id", query.ids), ("issue", query.issues), ("origin", query.origins))
        if values
    )
    return Where(
        match=_match(query),
        low=None if query.since is None else key_floor(query.since),
        high=None if query.until is None else key_floor(query.until),
        columns=columns,
    )


def key_floor(moment: datetime) -> int:
    """The smallest key of `moment`'s second."""
    return seconds(moment) << SECOND_BITS


@lru_cache(maxsize=1 << 14)
def facets(topic: str, source: str, kind: str, sentiment: str, in_province: bool, communes: tuple[str, ...]) -> str:
    """The tokens that stand for a document's columns in the full-text index."""
    marks = [_facet("t", topic), _facet("s", source), _facet("k", kind), _facet("m", sentiment)]
    marks.append(_facet("i", str(int(in_province))))
    marks.extend(_facet("p", code) for code in communes)
    return " ".join(marks)


@lru_cache(maxsize=1 << 14)
def _facet(name: str, value: str) -> str:
    # Spaces, capitals and letters beyond ASCII would be folded or split by the tokenizer: written as hex after '='.
    safe = value if _PLAIN.fullmatch(value) else "=" + value.encode().hex()
    return f":{name}:{safe}"


def _match(query: Filter) -> str:
    needed = [_any(_term(term) for term in group) for group in query.must]
    wanted: list[tuple[str, Sequence[str]]] = [
        ("t", query.topics),
        ("s", query.sources),
        ("k", query.kinds),
        ("m", query.sentiments),
        ("p", query.places),
        ("i", () if query.in_province is None else (str(int(query.in_province)),)),
    ]
    needed += [_any(f'"{_facet(name, value)}"' for value in values) for name, values in wanted if values]
    if query.must_not and not needed:
        needed.append('(":i:0" OR ":i:1")')  # every document
    if not needed:
        return ""
    match = " AND ".join(needed)
    return f"({match}) NOT {_any(_term(term) for term in query.must_not)}" if query.must_not else match


def _any(parts: Iterable[str]) -> str:
    return f"({' OR '.join(parts)})"


def _term(term: Term) -> str:
    phrase = " ".join(token[:TOKEN_LIMIT] for token in term.tokens)
    return f'"{phrase}"{" *" if term.prefix else ""}'
