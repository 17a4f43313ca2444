"""Text → the province's units named in it, dated, and whether the text concerns the province at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duluan.clock import LOCAL
from duluan.config import Profile
from duluan.model import Place
from duluan.text import nfc
from nlp.places.evidence import Evidence
from nlp.places.gazetteer import build
from nlp.places.mentions import Words, find, names_elsewhere
from nlp.places.resolve import Resolver


@dataclass(frozen=True, slots=True)
class Located:
    """What a text says of place. `places` holds this province's units only, in the order of the text."""

    places: tuple[Place, ...]
    in_province: bool


class Locator:
    """Finds one province's places; built once from its profile, then pure and fast."""

    def __init__(self, profile: Profile) -> None:
        self._dictionary = build(profile)
        self._resolver = Resolver(profile)
        self._since = profile.province.since

    def locate(self, text: str, when: datetime | None = None, *, default_in_province: bool = False) -> Located:
        """Places of `text`, which was published at `when` (aware; None: not known, today's units are meant first).

        `default_in_province` is the answer where the text says nothing of place (a local source, say).
        'H. Ia H'Drai mất điện' → the old district 618 with today's communes that cover it.
        """
        words = Words(nfc(text))
        mentions = find(words, self._dictionary)
        if not mentions:
            return Located((), default_in_province and not names_elsewhere(words, self._dictionary))
        day = when.astimezone(LOCAL).date() if when else None
        today = day is not None and day >= self._since and not default_in_province  # a local text means our own units
        evidence = Evidence(words, mentions, today=today)
        places: dict[tuple[str, str], Place] = {}
        for mention in evidence.accepted():
            place = self._resolver.place(words, mention, mentions, day)
            if place is not None:
                places.setdefault((place.era, place.code), place)
        here = bool(places) or bool(evidence.landmarks())
        if not here and default_in_province:
            here = not names_elsewhere(words, self._dictionary)
        return Located(tuple(places.values()), here)
