"""What a document is about, in terms by which it belongs to a theme: its first keywords, less names of places and vague words."""

from __future__ import annotations

from typing import Final

from duluan.model import Enriched
from duluan.text import fold
from nlp.lexicon import lexicon
from nlp.places.country import ELSEWHERE

TERMS: Final = 4  # of a document; its keywords stand in the order of their weight
_VAGUE: Final = lexicon("vague_terms")


def matters(document: Enriched) -> tuple[str, ...]:
    """At most TERMS terms, most telling first; none of a document that was enriched without keywords."""
    places = {tuple(fold(name).split()) for place in document.places for name in (place.name, place.written)}
    found = (
        term
        for term in document.keywords
        if term not in _VAGUE and (words := tuple(fold(term).split())) not in ELSEWHERE and words not in places
    )
    return tuple(found)[:TERMS]
