"""What a document is about, in terms by which it belongs to a theme: its first keywords, less names of places and vague words.

Vague is what more than one text in a hundred holds ("tài sản", "không thể", "cảnh sát"), and a list of rarer words that say when, where or
how much, but not what.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from duluan.model import Enriched
from duluan.text import fold
from nlp.clustering.terms import background
from nlp.lexicon import lexicon
from nlp.places.country import ELSEWHERE

TERMS: Final = 4  # of a document; its keywords stand in the order of their weight
_COMMON: Final = 0.01  # of the news that nlp/models/cluster_terms counted
_VAGUE: Final = lexicon("vague_terms")


def matters(document: Enriched) -> tuple[str, ...]:
    """At most TERMS terms, most telling first; none of a document that was enriched without keywords."""
    places = {tuple(fold(name).split()) for place in document.places for name in (place.name, place.written)}
    found = (
        term
        for term in document.keywords
        if not _is_vague(term) and (words := tuple(fold(term).split())) not in ELSEWHERE and words not in places
    )
    return tuple(found)[:TERMS]


@lru_cache(maxsize=50_000)
def _is_vague(term: str) -> bool:
    return term in _VAGUE or background().share_of(term) > _COMMON
