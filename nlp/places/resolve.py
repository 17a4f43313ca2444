"""Which unit a mention means: by its unit word, by the date, and by the districts named beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from duluan.config import Profile, Unit
from duluan.model import Place
from nlp.places.mentions import Mention, Words, commune_types
from nlp.places.units import COMMUNE_TYPES

_FORMER = frozenset({"cu", "truoc"})  # 'huyện Đăk Tô (cũ)', 'tỉnh Kon Tum trước đây'
_LEVELS = {"province": 0, "district": 1, "commune": 2}


class Resolver:
    """Picks the unit that bears a name."""

    def __init__(self, profile: Profile) -> None:
        self._since = profile.province.since
        self._by_key = profile.unit_by_key

    def place(self, words: Words, mention: Mention, mentions: Sequence[Mention], day: date | None) -> Place | None:
        """The Place of `mention`, or None where its unit word names no unit of ours."""
        units = [unit for name in mention.names for unit in name.units]
        fitting = self._of_type(units, mention.types)
        if not fitting:
            return None
        unit = self._choose(words, mention, fitting, mentions, day)
        start, end = words.offsets[mention.start][0], words.offsets[mention.end - 1][1]
        return Place(
            code=unit.code, era=unit.era, level=unit.level, name=unit.name, now=unit.now, written=words.text[start:end]
        )

    def _of_type(self, units: Sequence[Unit], types: frozenset[str] | None) -> Sequence[Unit]:
        if types is None:
            return units
        exact = [unit for unit in units if unit.type in types]
        if exact or not commune_types(types):
            return exact
        return [
            unit for unit in units if unit.type in COMMUNE_TYPES and not unit.shared
        ]  # people mix 'xã' and 'phường'

    def _choose(
        self, words: Words, mention: Mention, units: Sequence[Unit], mentions: Sequence[Mention], day: date | None
    ) -> Unit:
        old = (day is not None and day < self._since) or self._called_former(words, mention)
        nearby = {unit.code for m in mentions for name in m.names for unit in name.units if unit.level == "district"}

        def preference(unit: Unit) -> tuple[int, int, int, int, str]:
            wrong_era = int((unit.era == "old") != old)
            lost_province = int(not (unit.level == "province" and unit.era == "old" and self._lost(unit)))
            apart = int(unit.parent not in nearby)
            spelled = int(not self._spelled_as(words, mention, unit))
            bare = mention.types is None
            return (
                lost_province if bare else 1,
                wrong_era,
                _LEVELS[unit.level] if bare else 0,
                spelled * 2 + apart,
                unit.code,
            )

        return min(units, key=preference)

    def _lost(self, unit: Unit) -> bool:
        """A province that is no more: its bare name still means the whole of it, not the ward that took the name over."""
        return ("now", unit.code) not in self._by_key

    def _called_former(self, words: Words, mention: Mention) -> bool:
        following = words.tokens[mention.end : mention.end + 1]
        return (
            bool(following)
            and following[0] in _FORMER
            and words.raw[mention.end].lower() in {"cũ", "cu", "trước", "truoc"}
        )

    def _spelled_as(self, words: Words, mention: Mention, unit: Unit) -> bool:
        return " ".join(words.raw[mention.start : mention.end]).lower() == unit.name.lower()
