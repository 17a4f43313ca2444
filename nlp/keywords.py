"""Terms of a text for trends: segmented words less stop words, never the name of a private person.

Names are told by their shape: two to five capitalised syllables that begin with a family name, or follow an address such as "bà".
Officials in office may stay in news, where their office stands before the name. In people's own words no person's name stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from duluan.text import fold
from nlp.lexicon import lexicon
from nlp.words import segment_all

LIMIT = 10
_READ = 800  # characters of a long text that are segmented: the lead says what it is about

_STOP = lexicon("stop_words")
FAMILY_NAMES = lexicon("family_names")
_ADDRESS = lexicon("addresses")
_OFFICE = tuple(lexicon("offices"))
_MARK = re.compile(r"\[[^\]\n]{0,40}\]")
_TERM = re.compile(r"[^\W\d_][\w'’.-]*(?: [\w'’.-]+)*")
_CAPITAL = re.compile(r"^[^\W\d_]")


def keywords(
    text: str, title: str = "", *, own_words: bool, known: Collection[str] = (), limit: int = LIMIT
) -> tuple[str, ...]:
    """Up to `limit` terms in lower case, most frequent first, then as they come.

    `own_words`: a comment, post or report, where no person's name may stay. `known`: folded names (places) that are no persons.
    """
    return ranked(*segment_all(parts_read(text, title)), own_words=own_words, known=known, limit=limit)


def parts_read(text: str, title: str) -> tuple[str, str]:
    """What is segmented of a title and a text."""
    return _MARK.sub(" ", title), _MARK.sub(" ", text[:_READ])


def ranked(
    title: Sequence[str], text: Sequence[str], *, own_words: bool, known: Collection[str] = (), limit: int = LIMIT
) -> tuple[str, ...]:
    """`keywords` of words that are segmented already; the title's count twice."""
    counts: dict[str, int] = {}
    for words, weight in ((title, 2), (text, 1)):
        for term in _terms(words, own_words, known):
            counts[term] = counts.get(term, 0) + weight
    found = sorted(counts, key=lambda term: -counts[term])  # stable: ties stay in order of appearance
    return tuple(found[:limit])


def _terms(words: Sequence[str], own_words: bool, known: Collection[str]) -> Iterator[str]:
    before = ""
    office = False
    for word in words:
        lowered = word.lower()
        if _is_person(word, before, known) and (own_words or not office):
            before = lowered
            continue
        if lowered in _STOP or " " not in lowered or not _TERM.fullmatch(lowered):
            before, office = lowered, _keeps_office(lowered, word, office)
            continue
        yield lowered
        before, office = lowered, _keeps_office(lowered, word, office)


def _keeps_office(lowered: str, word: str, office: bool) -> bool:
    """An office holds up to the name behind it: 'Chủ tịch UBND tỉnh Nguyễn Văn A'."""
    if lowered.startswith(_OFFICE):
        return True
    return office and (word[:1].isupper() or lowered in {"tỉnh", "xã", "phường", "huyện", "thành phố", "sở", "ủy ban"})


def _is_person(word: str, before: str, known: Collection[str]) -> bool:
    syllables = word.split(" ")
    if not all(syllable[:1].isupper() for syllable in syllables if _CAPITAL.match(syllable)):
        return False
    if fold(word) in known:
        return False
    first = syllables[0].lower().split("'")[0].split("’")[0].rstrip(".")
    if 2 <= len(syllables) <= 6 and first in FAMILY_NAMES:
        return True
    return before in _ADDRESS
