"""Themes: topic × place, the standing matters that events belong to – "natural disasters in the province", "power and water in Ba Tơ".

An alert's `issue` is an event's id or a theme's key; only this module reads the latter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from duluan.config import Profile
from duluan.model import Voice
from duluan.query import Filter

_PREFIX: Final = "theme:"
_NONE: Final = "khac"  # what belongs to no topic makes no theme


@dataclass(frozen=True, slots=True)
class Theme:
    """One topic in one of today's communes, or in the whole province (`place` empty)."""

    topic: str
    place: str = ""

    @property
    def key(self) -> str:
        """'theme:thien_tai', 'theme:dien_nuoc@21001'."""
        return f"{_PREFIX}{self.topic}@{self.place}" if self.place else f"{_PREFIX}{self.topic}"

    def title(self, profile: Profile) -> str:
        """'Thiên tai, thời tiết trên địa bàn tỉnh', 'Điện, nước ở xã Ba Tơ'."""
        topic = profile.topic_names.get(self.topic, self.topic)
        where = f"ở {profile.commune_names.get(self.place, self.place)}" if self.place else "trên địa bàn tỉnh"
        return f"{topic} {where}"


def theme(subject: str) -> Theme | None:
    """The theme of an alert's `issue`; None where it is an event's id."""
    if not subject.startswith(_PREFIX):
        return None
    topic, _, place = subject.removeprefix(_PREFIX).partition("@")
    return Theme(topic, place)


def province_wide(key: str) -> str:
    """Key of the theme's topic in the whole province."""
    return key.partition("@")[0]


def themes_of(voice: Voice) -> tuple[Theme, ...]:
    """The themes that a voice counts in: its topic in the province, and in each commune that it names."""
    if voice.topic == _NONE:
        return ()
    return (Theme(voice.topic), *(Theme(voice.topic, place) for place in voice.places))


def scoped(subject: str, query: Filter) -> Filter:
    """`query` over what an alert's `issue` counts: the event's documents, or those of the theme's topic and place."""
    found = theme(subject)
    if found is None:
        return replace(query, issues=(subject,))
    return replace(query, topics=(found.topic,), places=(found.place,) if found.place else (), in_province=True)
