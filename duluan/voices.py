"""From stored documents to what alerts and counts know of them: which communes a text speaks of, and its `Voice`."""

from __future__ import annotations

from collections.abc import Iterable

from duluan.config import Unit
from duluan.model import Clustered, Place, Voice
from duluan.text import search_tokens

_WIDE = 12  # a unit of more communes (a province, a former region) says nothing about any one of them


def commune_codes(places: Iterable[Place]) -> tuple[str, ...]:
    """Codes of today's communes that `places` point to, in order of mention, each once.

    Communes named as such win; only where none is named does a former district stand for its communes ("huyện Ba Tơ").
    A mention of the whole province stands for none: else every such text would count in all 96 communes.
    """
    named = list(places)
    communes = [place for place in named if place.level == "commune"]
    chosen = communes or [place for place in named if place.level == "district" and len(place.now) <= _WIDE]
    return tuple(dict.fromkeys(code for place in chosen for code in place.now))


def voice_of(document: Clustered, terms: tuple[str, ...] = ()) -> Voice:
    """What alerts know of one publication; `terms`: what it is about, where that is wanted."""
    return Voice(
        id=document.id,
        origin=document.origin,
        issue=document.issue,
        source=document.source,
        kind=document.kind,
        topic=document.topic,
        sentiment=document.sentiment,
        p_neg=float(document.sentiment_p["neg"]),
        uncertain=document.uncertain,
        fetched=document.fetched,
        published=document.published,
        places=commune_codes(document.places),
        in_province=document.in_province,
        terms=terms,
    )


def place_codes(units: Iterable[Unit]) -> dict[str, tuple[str, ...]]:
    """Folded name → codes of today's communes, for the search box: 'dak ha', 'xa dak ha', 'huyen dak ha'.

    A name means today's communes of that name where there are any, else the former units of the name.
    """
    found: dict[bool, dict[str, dict[str, None]]] = {True: {}, False: {}}
    for unit in units:
        today = unit.era == "now" and unit.level == "commune"
        for name in (unit.name, *unit.aliases):
            for spelled in (name, f"{unit.type} {name}"):
                found[today].setdefault(_folded(spelled), {}).update(dict.fromkeys(unit.now))
    return {name: tuple(codes) for name, codes in (found[False] | found[True]).items()}


def _folded(name: str) -> str:
    return " ".join(search_tokens(name))
