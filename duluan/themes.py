"""Themes: topic × place or term, the standing matters that events belong to – "natural disasters in the province", "power and water
in Ba Tơ", "power and water: outages".

An alert's `issue` is an event's id or a theme's key; only this module reads the latter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from duluan.config import Profile
from duluan.model import Voice
from duluan.query import Filter, Term
from duluan.text import search_tokens

_PREFIX: Final = "theme:"
_NONE: Final = "khac"  # what belongs to no topic makes no theme


@dataclass(frozen=True, slots=True)
class Theme:
    """One topic in one of today's communes, or in the whole province (`place` empty); of a `term`, only what is about it."""

    topic: str
    place: str = ""
    term: str = ""

    @property
    def key(self) -> str:
        """'theme:thien_tai', 'theme:dien_nuoc@21001', 'theme:dien_nuoc~mất điện'."""
        place = f"@{self.place}" if self.place else ""
        return f"{_PREFIX}{self.topic}{place}" + (f"~{self.term}" if self.term else "")

    def title(self, profile: Profile) -> str:
        """'Thiên tai, thời tiết trên địa bàn tỉnh', 'Điện, nước ở xã Ba Tơ', 'Điện, nước – “mất điện” trên địa bàn tỉnh'."""
        topic = profile.topic_names.get(self.topic, self.topic)
        topic += f" – “{self.term}”" if self.term else ""
        where = f"ở {profile.commune_names.get(self.place, self.place)}" if self.place else "trên địa bàn tỉnh"
        return f"{topic} {where}"


def theme(subject: str) -> Theme | None:
    """The theme of an alert's `issue`; None where it is an event's id."""
    if not subject.startswith(_PREFIX):
        return None
    rest, _, term = subject.removeprefix(_PREFIX).partition("~")
    topic, _, place = rest.partition("@")
    return Theme(topic, place, term)


def province_wide(key: str) -> str:
    """Key of the theme's topic in the whole province."""
    return key.partition("~")[0].partition("@")[0]


def themes_of(voice: Voice) -> tuple[Theme, ...]:
    """The themes that a voice counts in: its topic in the province, and in each commune that it names."""
    if voice.topic == _NONE:
        return ()
    return (Theme(voice.topic), *(Theme(voice.topic, place) for place in voice.places))


def term_themes_of(voice: Voice) -> tuple[Theme, ...]:
    """The themes of its topic's terms in the whole province that a voice counts in, each once."""
    if voice.topic == _NONE:
        return ()
    return tuple(Theme(voice.topic, term=term) for term in dict.fromkeys(voice.terms))


def scoped(subject: str, query: Filter) -> Filter:
    """`query` over what an alert's `issue` counts: the event's documents, or those of the theme's topic and place.

    Of a theme with a term these are all documents in which it stands; which of them are about it their keywords say.
    """
    found = theme(subject)
    if found is None:
        return replace(query, issues=(subject,))
    must = (*query.must, (Term(tuple(search_tokens(found.term))),)) if found.term else query.must
    places = (found.place,) if found.place else ()
    return replace(query, topics=(found.topic,), places=places, must=must, in_province=True)
