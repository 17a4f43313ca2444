"""The profile's units as a dictionary of folded token sequences, with every spelling in use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from duluan.config import Profile, Unit
from duluan.text import fold_keep, nfc
from nlp.places.country import ELSEWHERE

WORD = re.compile(r"[^\W_]+")
# Words of the highland languages: their names are spelled in many ways, so accents are not compared.
_HIGHLAND_WORDS = """
dak kon ia ya ngok plei po ro mo xop sa tu mang chu hreng kroong braih blo pxi ui mar hring glei pek plo
nhoong choong hoong to kan rong tem ring nen tang hieu rve pne koi drai dal toi dom rai xier moong ly ang duc
xu loong y bla rva wa bay chim
"""
_HIGHLAND = frozenset(_HIGHLAND_WORDS.split())
_TONES = (("oà", "òa"), ("oá", "óa"), ("oả", "ỏa"), ("oã", "õa"), ("oạ", "ọa"), ("oè", "òe"), ("oé", "óe"), ("uỳ", "ùy"), ("uý", "úy"),
          ("uỷ", "ủy"), ("uỹ", "ũy"), ("uỵ", "ụy"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """One spelling: folded tokens, the accented form (tone marks in the old place), the units that bear it (none: a landmark)."""

    tokens: tuple[str, ...]
    spelled: str
    units: tuple[Unit, ...]
    highland: bool


@dataclass(frozen=True, slots=True)
class Dictionary:
    """First token → spellings, longest first; the same for names elsewhere."""

    own: dict[str, tuple[Name, ...]]
    elsewhere: dict[str, tuple[tuple[str, ...], ...]]
    singles: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    def may_hold(self, tokens: Sequence[str]) -> bool:
        """Whether a name of ours begins anywhere: most texts are done with after this."""
        return not self.singles.isdisjoint(tokens) or not self.pairs.isdisjoint(pairwise(tokens))


def spelling(text: str) -> str:
    """Lower case, NFC, one place for tone marks ('hoà' = 'hòa'), word characters only, single spaces."""
    lowered = " ".join(WORD.findall(nfc(text).lower()))
    for modern, old in _TONES:
        lowered = lowered.replace(modern, old)
    return lowered


def tokens_of(text: str) -> tuple[str, ...]:
    """Folded word tokens."""
    return tuple(WORD.findall(fold_keep(nfc(text))))


def build(profile: Profile) -> Dictionary:
    """All spellings of the profile's units, and the names elsewhere that are not ours as well."""
    spelled: dict[tuple[tuple[str, ...], str], list[Unit]] = {}
    for unit in profile.units:
        for name in (unit.name, *unit.aliases):
            for tokens, form in _variants(name):
                bearers = spelled.setdefault((tokens, form), [])
                if unit not in bearers:
                    bearers.append(unit)
    names = [Name(tokens, form, tuple(units), _is_highland(tokens)) for (tokens, form), units in spelled.items()]
    ours = {tokens_of(u.name) for u in profile.units if u.level == "province"}
    foreign = [tokens for tokens in ELSEWHERE if tokens not in ours]
    for landmark in profile.province.landmarks:
        names.append(Name(tokens_of(landmark), spelling(landmark), (), _is_highland(tokens_of(landmark))))
    return Dictionary(
        _by_first(names),
        _elsewhere(foreign),
        frozenset(name.tokens[0] for name in names if len(name.tokens) == 1),
        frozenset((name.tokens[0], name.tokens[1]) for name in names if len(name.tokens) > 1),
    )


def _variants(name: str) -> Iterator[tuple[tuple[str, ...], str]]:
    tokens, form = tokens_of(name), spelling(name)
    yield tokens, form
    if len(tokens) > 1 and _is_highland(tokens):
        yield ("".join(tokens),), form.replace(" ", "")  # 'Kontum', 'Đăktô'
    if "'" in name or "’" in name:  # "Ia H'Drai" → 'Ia Hdrai'
        bare = name.replace("'", "").replace("’", "")
        yield tokens_of(bare), spelling(bare)
    if "ngok" in tokens:
        yield tuple("ngoc" if t == "ngok" else t for t in tokens), form.replace("ngọk", "ngọc")


def _is_highland(tokens: tuple[str, ...]) -> bool:
    return bool(
        {"dak", "kon", "ia", "ya", "ngok", "plei", "po", "hreng", "mang", "xop", "rong", "hoong"} & set(tokens)
    ) or all(token in _HIGHLAND for token in tokens)


def _by_first(names: Iterable[Name]) -> dict[str, tuple[Name, ...]]:
    table: dict[str, list[Name]] = {}
    for name in names:
        table.setdefault(name.tokens[0], []).append(name)
    return {first: tuple(sorted(group, key=lambda n: -len(n.tokens))) for first, group in table.items()}


def _elsewhere(names: Iterable[tuple[str, ...]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    table: dict[str, list[tuple[str, ...]]] = {}
    for tokens in names:
        table.setdefault(tokens[0], []).append(tokens)
    return {first: tuple(sorted(group, key=len, reverse=True)) for first, group in table.items()}
