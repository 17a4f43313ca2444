"""Text → the province's units named in it, dated, and whether the text concerns the province at all.

Evidence is added up for each mention: its unit word, what stands behind it ('…, Quảng Ngãi' or '…, Hà Nội'), other names in
the text, capitals, neighbours. Names that units elsewhere, heroes or plain words bear as well need more of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from duluan.clock import LOCAL
from duluan.config import Profile
from duluan.model import Place
from duluan.text import nfc
from nlp.places.gazetteer import build, tokens_of
from nlp.places.mentions import Mention, Words, find, names_elsewhere
from nlp.places.resolve import Resolver
from nlp.places.units import UNIT_WORDS

# Points of evidence, calibrated as a set on labels/news (bench/places.py); don't tune one value alone.
PLAIN, SHARED = 2, -2
UNIT_FITS, UNIT_WRONG = 3, -6
HERE_BEHIND, ELSEWHERE_BEHIND = 4, -9
HERE_IN_TEXT, ONLY_ELSEWHERE = 2, -2
HARD_THING, SOFT_THING, SMALL_LETTERS, MID_NAME, NO_MARKS = -9, -3, -5, -3, -2
NEEDED = 1
_JOINT = re.compile(r"(?:\(?cu\)?[,\s]*)?[,(\-–/]?\s?(?:thuoc(?:\s(?:dia ban|dia phan))?|cua|o|tai)?")
_SURNAMES = frozenset({"nguyen", "tran", "le", "ngo", "dang", "truong", "quang", "duy"})


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
        self._provinces = {tokens_of(u.name) for u in profile.units if u.level == "province"}

    def locate(self, text: str, when: datetime | None = None, *, default_in_province: bool = False) -> Located:
        """Places of `text`, which was published at `when` (aware; None: in the present units' time).

        `default_in_province` is the answer where the text says nothing of place (a local source, say).
        'H. Ia H'Drai mất điện' → the old district 618 with today's communes that cover it.
        """
        words = Words(nfc(text))
        mentions = find(words, self._dictionary)
        day = when.astimezone(LOCAL).date() if when else None
        places: dict[tuple[str, str], Place] = {}
        for mention in self._accepted(words, mentions):
            place = self._resolver.place(words, mention, mentions, day)
            if place is not None:
                places.setdefault((place.era, place.code), place)
        here = bool(places) or any(self._is_landmark(words, mention) for mention in mentions)
        if not here and default_in_province:
            here = not names_elsewhere(words, self._dictionary)
        return Located(tuple(places.values()), here)

    def _accepted(self, words: Words, mentions: Sequence[Mention]) -> list[Mention]:
        sure = [self._sure(words, mentions, i) for i in range(len(mentions))]
        return [
            mention
            for index, mention in enumerate(mentions)
            if mention.names and (sure[index] or self._score(words, mentions, index, sure) >= NEEDED)
        ]

    def _is_landmark(self, words: Words, mention: Mention) -> bool:
        named = any(not name.units for name in mention.names)
        return named and (not words.cased or self._capital(words, mention))

    def _thing(self, mention: Mention) -> int:
        """A road's or person's name; that of a school is a hero's where the name begins with a surname."""
        if mention.other is None:
            return 0
        hero = all(name.tokens[0] in _SURNAMES for name in mention.names)
        return HARD_THING if mention.other == "hard" or hero else SOFT_THING

    def _is_province(self, mention: Mention) -> bool:
        return any(unit.level == "province" for name in mention.names for unit in name.units)

    def _sure(self, words: Words, mentions: Sequence[Mention], index: int) -> bool:
        """Evidence enough by itself: the province, or a name of ours alone, written as a name."""
        mention = mentions[index]
        if not mention.names or mention.foreign:
            return False
        if self._is_province(mention):
            return not words.cased or self._capital(words, mention)
        if mention.other:
            return False
        return self._alone(words, mentions, index) >= NEEDED

    def _alone(self, words: Words, mentions: Sequence[Mention], index: int) -> int:
        mention = mentions[index]
        units = [unit for name in mention.names for unit in name.units]
        if not units:
            return UNIT_WRONG
        score = SHARED if mention.foreign or all(unit.shared for unit in units) else PLAIN
        if mention.types is not None:
            score += UNIT_FITS if any(unit.type in mention.types for unit in units) else UNIT_WRONG
        score += self._thing(mention)
        lone = mention.types is None and mention.end - mention.start == 1
        if not self._capital(words, mention) if words.cased else lone:
            score += SMALL_LETTERS
        if self._inside_a_name(words, mention):
            score += MID_NAME
        if words.accented and not any(n.highland for n in mention.names) and self._without_marks(words, mention):
            score += NO_MARKS
        return score + self._behind(words, mentions, index)

    def _score(self, words: Words, mentions: Sequence[Mention], index: int, sure: Sequence[bool]) -> int:
        score = self._alone(words, mentions, index)
        others = [k for k in range(len(mentions)) if k != index]
        if any(sure[k] for k in others):
            return score + HERE_IN_TEXT
        if any(mentions[k].foreign and not mentions[k].names for k in others):
            return score + ONLY_ELSEWHERE
        return score

    def _behind(self, words: Words, mentions: Sequence[Mention], index: int) -> int:
        """What the address goes on with: 'An Phú, TP Thủ Đức', 'xã Sơn Tây (Quảng Ngãi)', '… tỉnh Gia Lai'."""
        mention = mentions[index]
        for following in mentions[index + 1 : index + 4]:
            if not _is_address(words, mention.end, following.unit_start):
                return 0
            if following.foreign and not following.names:
                return 0 if self._is_province(mentions[index]) else ELSEWHERE_BEHIND
            if self._is_province(following):
                return HERE_BEHIND
            mention = following
        return 0

    def _capital(self, words: Words, mention: Mention) -> bool:
        return all(words.raw[k][0].isupper() for k in range(mention.start, mention.end))

    def _without_marks(self, words: Words, mention: Mention) -> bool:
        return " ".join(words.raw[mention.start : mention.end]).isascii() and not any(
            name.spelled.isascii() for name in mention.names
        )

    def _inside_a_name(self, words: Words, mention: Mention) -> bool:
        """'Nguyễn Bình Sơn', 'An Phú Đông': a capitalised neighbour that is no unit word."""
        if not words.cased or mention.types is not None:
            return False
        before, after = mention.start - 1, mention.end
        if (
            after < len(words.raw)
            and words.gap(after - 1) == " "
            and words.raw[after][0].isupper()
            and len(words.raw[after]) > 1
        ):
            return not words.raw[after].isupper()
        starts = before <= 0 or words.gap(before - 1).strip() in {".", ":", "!", "?", "'", '"', "“", "|", "-", "–"}
        if before < 0 or starts or words.gap(before) != " " or not words.raw[before][0].isupper():
            return False
        return (words.tokens[before],) not in UNIT_WORDS and not words.raw[before].isupper()


def _is_address(words: Words, end: int, start: int) -> bool:
    """A comma, bracket or dash, perhaps with 'thuộc', between two parts of an address; at most a few characters."""
    if start < end:
        return False
    between = words.folded[words.offsets[end - 1][1] : words.offsets[start][0]].strip()
    return between != "" and _JOINT.fullmatch(between) is not None
