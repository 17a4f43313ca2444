"""How surely a mention is a unit of this province: points for its unit word, what stands behind it, its neighbours, the whole text.

Names that units elsewhere, heroes or plain words bear as well (`shared`) need more of it than names of ours alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nlp.places.mentions import Mention, Words
from nlp.places.units import ABOVE_COMMUNE, UNIT_WORDS

# Calibrated as a set on labels/news and unlabelled items (bench/places.py); don't tune one value alone.
PLAIN, SHARED = 2, -2
UNIT_FITS, UNIT_WRONG = 3, -6
HERE_BEHIND, ELSEWHERE_BEHIND = 4, -9
HERE_IN_TEXT, ONLY_ELSEWHERE = 2, -4
HARD_THING, SOFT_THING, SMALL_LETTERS, MID_NAME, NO_MARKS = -9, -3, -5, -3, -2
GONE = -2  # a shared name of a unit that is no more, in a text of today that does not call it former
SURE, NEEDED = 2, 1

_JOINT = re.compile(r"(?:\(?cu\)?[,\s]*)?[,(\-–/]?\s?(?:thuoc(?:\s(?:dia ban|dia phan))?|cua|o|tai)?")
_OPENS = re.compile(r"\s?(?:\(?cu\)?)?\s?[,(]\s?(?:thuoc\s)?")
_SURNAMES = frozenset({"nguyen", "tran", "le", "ngo", "dang", "truong", "quang", "duy"})
_STARTS = frozenset({".", ":", "!", "?", "'", '"', "“", "|", "-", "–", "\n", ",", ";", "("})


class Evidence:
    """The mentions of one text, weighed. `today` says that the text was published under the present units."""

    def __init__(self, words: Words, mentions: Sequence[Mention], *, today: bool) -> None:
        self._words = words
        self._mentions = mentions
        self._today = today
        self._starts = {mention.start for mention in mentions}
        self._alone = [
            self._points(mention, index) if mention.names else UNIT_WRONG for index, mention in enumerate(mentions)
        ]
        self._sure = [self._is_sure(index) for index in range(len(mentions))]

    def accepted(self) -> list[Mention]:
        """The mentions that name units of this province."""
        return [m for i, m in enumerate(self._mentions) if m.units and (self._sure[i] or self._score(i) >= NEEDED)]

    def landmarks(self) -> list[Mention]:
        """Rivers, bridges, plants … that are nowhere else, and roads, schools, goods called after places of ours alone."""
        return [m for i, m in enumerate(self._mentions) if self._is_landmark(m) or self._called_after(m, i)]

    def _is_landmark(self, mention: Mention) -> bool:
        """The profile's landmarks may begin with a common noun in small letters ('sâm Ngọc Linh')."""
        last = self._words.raw[mention.end - 1]
        return any(not name.units for name in mention.names) and (not self._words.cased or last[0].isupper())

    def _called_after(self, mention: Mention, index: int) -> bool:
        if (
            not mention.units
            or mention.other in {None, "person"}
            or self._shared(index)
            or self._alone[index] >= NEEDED
        ):
            return False
        return self.written_as_name(mention) and not self._inside_a_name(mention)

    def written_as_name(self, mention: Mention) -> bool:
        """With capitals, where the text has any."""
        return not self._words.cased or self._capital(mention)

    def _is_sure(self, index: int) -> bool:
        mention = self._mentions[index]
        if not mention.units or mention.foreign:
            return False
        if mention.is_province:
            return self.written_as_name(mention)
        return mention.other is None and self._alone[index] >= SURE

    def _score(self, index: int) -> int:
        """Points with the rest of the text: other sure names of ours bring it home, only foreign ones take it away."""
        others = [k for k in range(len(self._mentions)) if k != index]
        if any(self._sure[k] or self._is_landmark(self._mentions[k]) for k in others):
            return self._alone[index] + HERE_IN_TEXT
        score = self._alone[index]
        if self._today and self._shared(index) and all(u.era == "old" for u in self._mentions[index].units):
            score += GONE
        if any(self._mentions[k].foreign and not self._mentions[k].names for k in others):
            score += ONLY_ELSEWHERE
        return score

    def _shared(self, index: int) -> bool:
        mention = self._mentions[index]
        return mention.foreign or all(unit.shared for unit in mention.units)

    def _points(self, mention: Mention, index: int) -> int:
        if not mention.units:
            return UNIT_WRONG
        score = SHARED if self._shared(index) else PLAIN
        if mention.types is not None:
            score += UNIT_FITS if any(unit.type in mention.types for unit in mention.units) else UNIT_WRONG
        score += self._thing(mention) + self._letters(mention)
        if self._inside_a_name(mention):
            score += MID_NAME
        return score + self._behind(index)

    def _thing(self, mention: Mention) -> int:
        """A road's or person's name; that of a school is a hero's where the name begins with a surname."""
        if mention.other is None:
            return 0
        hero = all(name.tokens[0] in _SURNAMES for name in mention.names)
        return SOFT_THING if mention.other == "soft" and not hero else HARD_THING

    def _letters(self, mention: Mention) -> int:
        """Small letters where the text has capitals, no marks where it has some, one lone syllable in small letters."""
        words = self._words
        lone = mention.types is None and mention.end - mention.start == 1
        score = SMALL_LETTERS if (not self._capital(mention) if words.cased else lone) else 0
        if words.accented and not any(name.highland for name in mention.names) and self._without_marks(mention):
            score += NO_MARKS
        return score

    def _behind(self, index: int) -> int:
        """What the address goes on with: 'An Phú, TP Thủ Đức', 'xã Sơn Tây (Quảng Ngãi)', '…, H. Thăng Bình, Quảng Nam'."""
        mention = self._mentions[index]
        if self._district_elsewhere(mention.end):
            return ELSEWHERE_BEHIND
        for following in self._mentions[index + 1 : index + 4]:
            if not self._is_address(mention.end, following.unit_start):
                return 0
            if following.foreign and not following.names:
                return 0 if self._mentions[index].is_province else ELSEWHERE_BEHIND
            if following.is_province:
                return HERE_BEHIND
            if self._district_elsewhere(following.end):
                return ELSEWHERE_BEHIND
            mention = following
        return 0

    def _district_elsewhere(self, end: int) -> bool:
        """', huyện X' where X is none of our names."""
        words = self._words
        if end >= len(words.tokens) or not _OPENS.fullmatch(
            words.folded[words.offsets[end - 1][1] : words.offsets[end][0]]
        ):
            return False
        for length in (2, 1):
            name = end + length
            if tuple(words.tokens[end:name]) in ABOVE_COMMUNE and name < len(words.raw):
                return name not in self._starts and words.raw[name][0].isupper()
        return False

    def _is_address(self, end: int, start: int) -> bool:
        """A comma, bracket or dash, perhaps with 'thuộc', stands between two parts of an address."""
        if start < end:
            return False
        words = self._words
        between = words.folded[words.offsets[end - 1][1] : words.offsets[start][0]].strip()
        return between != "" and _JOINT.fullmatch(between) is not None

    def _capital(self, mention: Mention) -> bool:
        return all(self._words.raw[k][0].isupper() for k in range(mention.start, mention.end))

    def _without_marks(self, mention: Mention) -> bool:
        written = " ".join(self._words.raw[mention.start : mention.end])
        return written.isascii() and not any(name.spelled.isascii() for name in mention.names)

    def _inside_a_name(self, mention: Mention) -> bool:
        """'Nguyễn Bình Sơn', 'xã Hiếu Giang', 'số 102 Phổ Quang': a neighbour that is part of the same name."""
        words = self._words
        if not words.cased:
            return False
        after = mention.end
        if after < len(words.raw) and words.gap(after - 1) == " " and after not in self._starts and self._titled(after):
            return True
        before = mention.start - 1
        if mention.types is not None or before < 0 or words.gap(before) != " ":
            return False
        if words.tokens[before].isdigit():
            return True
        starts = before == 0 or words.gap(before - 1).strip() in _STARTS or "\n" in words.gap(before - 1)
        return not starts and self._titled(before) and (words.tokens[before],) not in UNIT_WORDS

    def _titled(self, index: int) -> bool:
        raw = self._words.raw[index]
        return (
            raw[0].isupper() and len(raw) > 1 and not raw.isupper() and (self._words.tokens[index],) not in UNIT_WORDS
        )
