"""Names as they stand in one text: longest match over folded tokens, with what is written around each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from duluan.config import Unit
from duluan.text import fold_keep
from nlp.places.gazetteer import WORD, Dictionary, Name, spelling
from nlp.places.units import COMMUNE_TYPES, INITIALS, Thing, other_thing, unit_word


class Words:
    """The tokens of one NFC text: folded, as written, and their offsets (computed when a name was seen)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.folded = fold_keep(text)
        self.tokens: list[str] = WORD.findall(self.folded)

    @cached_property
    def offsets(self) -> list[tuple[int, int]]:
        """Start and end of each token in the text."""
        return [match.span() for match in WORD.finditer(self.folded)]

    @cached_property
    def raw(self) -> list[str]:
        """The tokens as written."""
        return [self.text[start:end] for start, end in self.offsets]

    @cached_property
    def accented(self) -> bool:
        """Whether the text uses Vietnamese marks at all."""
        return not self.text.isascii() and self.text.lower() != self.folded

    @cached_property
    def cased(self) -> bool:
        """Whether capital letters carry meaning: neither all small nor all capital."""
        return any(c.isupper() for c in self.text) and any(c.islower() for c in self.text)

    def gap(self, left: int) -> str:
        """What stands between token `left` and the next one ('' at an end of the text)."""
        if left < 0 or left + 1 >= len(self.tokens):
            return ""
        return self.text[self.offsets[left][1] : self.offsets[left + 1][0]]


@dataclass(frozen=True, slots=True)
class Mention:
    """Tokens [start, end) that spell a name: ours (`names` not empty), or elsewhere (`foreign`), or borne by both."""

    start: int
    end: int
    names: tuple[Name, ...]
    foreign: bool
    types: frozenset[str] | None = None  # what the unit word means; None without one
    listed: bool = False  # the unit word stands before an earlier name of the same list
    unit_start: int = 0
    other: Thing | None = None  # a road, river, person; a school, market, village

    @property
    def units(self) -> list[Unit]:
        """The units of ours that bear the name; empty for names elsewhere and landmarks."""
        return [unit for name in self.names for unit in name.units]

    @property
    def is_province(self) -> bool:
        """Whether it is the province's own name, of either era."""
        return any(unit.level == "province" for name in self.names for unit in name.units)


def find(words: Words, dictionary: Dictionary) -> list[Mention]:
    """All mentions, left to right, not overlapping; none at all where no name of ours stands."""
    found: list[Mention] = []
    if not dictionary.may_hold(words.tokens):
        return found
    tokens, index = words.tokens, 0
    while index < len(tokens):
        mention = _at(words, dictionary, index)
        if mention is None:
            index += 1
        else:
            found.append(_with_context(words, mention, found[-1] if found else None))
            index = mention.end
    return found


def _at(words: Words, dictionary: Dictionary, index: int) -> Mention | None:
    first = words.tokens[index]
    ours, foreign = dictionary.own.get(first, ()), dictionary.elsewhere.get(first, ())
    if not ours and not foreign:
        return None
    names = [name for name in ours if _spells(words, index, name.tokens)]
    names = [name for name in names if _accents_fit(words, index, name)]
    length = len(names[0].tokens) if names else 0
    away = next((len(t) for t in foreign if _spells(words, index, t)), 0)
    if not length and not away:
        return None
    if away > length:
        return Mention(index, index + away, (), foreign=True)
    kept = tuple(name for name in names if len(name.tokens) == length)
    return Mention(index, index + length, kept, foreign=away == length)


def _spells(words: Words, index: int, tokens: Sequence[str]) -> bool:
    if words.tokens[index : index + len(tokens)] != list(tokens):
        return False
    return all(len(gap := words.gap(index + k)) <= 2 and not gap.strip(" -–'’`.\u00a0") for k in range(len(tokens) - 1))


def _accents_fit(words: Words, index: int, name: Name) -> bool:
    """The marks as in the name, or none at all; names of the highland languages are written in many ways."""
    if name.highland:
        return True
    written = spelling(" ".join(words.raw[index : index + len(name.tokens)]))
    return written == name.spelled or (written.isascii() and not name.spelled.isascii())


def _with_context(words: Words, mention: Mention, before: Mention | None) -> Mention:
    unit = unit_word(words.tokens, words.raw, mention.start, words.accented)
    if unit and _binds(words, mention.start):
        return _replace(mention, unit[1], False, mention.start - unit[0], None)
    if before and before.types and _same_list(words, before.end, mention.start):
        return _replace(mention, before.types, True, mention.start, None)
    other = other_thing(words.tokens, words.raw, mention.start, words.accented)
    return _replace(mention, None, False, mention.start, other)


def _replace(
    mention: Mention, types: frozenset[str] | None, listed: bool, unit_start: int, other: Thing | None
) -> Mention:
    return Mention(mention.start, mention.end, mention.names, mention.foreign, types, listed, unit_start, other)


def _binds(words: Words, end: int) -> bool:
    """'P.Thắng Lợi', 'TP Kon Tum', 'huyện Đăk Hà'; a lone 'h', 'p', 'x' needs a full stop or a capital letter."""
    gap = words.gap(end - 1)
    if len(gap) > 2 or gap.strip(" .\u00a0'\"“‘"):
        return False
    return words.tokens[end - 1] not in INITIALS or "." in gap or words.raw[end - 1].isupper()


def _same_list(words: Words, end: int, start: int) -> bool:
    """', ' or ' và ' alone stand between two names: 'các xã Đăk Pxi, Đăk Ui và Đăk Mar'."""
    between = words.folded[words.offsets[end - 1][1] : words.offsets[start][0]]
    return between.strip() in {",", "va", ";", ", va", "-", "–"}


def commune_types(types: frozenset[str]) -> bool:
    """Whether a unit word means a commune of some kind."""
    return bool(types & COMMUNE_TYPES)


def names_elsewhere(words: Words, dictionary: Dictionary) -> bool:
    """Whether a place outside the province is named."""
    return any(
        _spells(words, index, name)
        for index, token in enumerate(words.tokens)
        for name in dictionary.elsewhere.get(token, ())
        if words.raw[index][0].isupper() or not words.cased
    )
