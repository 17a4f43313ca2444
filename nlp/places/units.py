"""Unit words before a name ('xã', 'P.', 'TP', 'huyện đảo') and other words that say what the name is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from duluan.text import fold

# Folded words right before a name → (the accented form they need in an accented text, the unit types they mean).
UNIT_WORDS: Final[dict[tuple[str, ...], tuple[str, frozenset[str]]]] = {
    ("thanh", "pho"): ("thành phố", frozenset({"thành phố"})),
    ("thi", "xa"): ("thị xã", frozenset({"thị xã"})),
    ("thi", "tran"): ("thị trấn", frozenset({"thị trấn"})),
    ("dac", "khu"): ("đặc khu", frozenset({"đặc khu", "huyện"})),
    ("huyen", "dao"): ("huyện đảo", frozenset({"đặc khu", "huyện"})),
    ("dao",): ("đảo", frozenset({"đặc khu", "huyện"})),
    ("xa",): ("xã", frozenset({"xã"})),
    ("phuong",): ("phường", frozenset({"phường"})),
    ("huyen",): ("huyện", frozenset({"huyện"})),
    ("tinh",): ("tỉnh", frozenset({"tỉnh"})),
    ("quan",): ("quận", frozenset()),
    ("tp",): ("tp", frozenset({"thành phố"})),
    ("tx",): ("tx", frozenset({"thị xã"})),
    ("tt",): ("tt", frozenset({"thị trấn"})),
    ("dk",): ("đk", frozenset({"đặc khu"})),
    ("h",): ("h", frozenset({"huyện"})),
    ("p",): ("p", frozenset({"phường"})),
    ("x",): ("x", frozenset({"xã"})),
    ("t",): ("t", frozenset({"tỉnh"})),
    ("q",): ("q", frozenset()),
}
INITIALS: Final = frozenset({"h", "p", "x", "t", "q"})  # need a full stop or a capital letter
COMMUNE_TYPES: Final = frozenset({"xã", "phường", "thị trấn", "đặc khu"})

# Folded words before a name → the accented form: then the name is a road's, school's, river's, village's or person's.
_OTHER_WORDS = """
đường, phố, trường, thpt, thcs, tiểu học, đại học, mầm non, bệnh viện, sông, suối, hồ, núi, đỉnh, đèo, cầu,
cảng, nhà máy, đập, thủy điện, thác, vịnh, đầm, biển, sâm, ông, anh, chị, cô, anh hùng, liệt sĩ, bác sĩ, chùa,
thôn, làng, ấp, khu phố, bác, cụ, hlv, ca sĩ, diễn viên, mv, hẻm, bến, chợ, sân, ga, cửa khẩu, khu đô thị,
kdc, câu lạc bộ
"""
OTHER_THINGS: Final[dict[tuple[str, ...], str]] = {
    tuple(fold(word).split()): word for word in (part.strip() for part in _OTHER_WORDS.split(",")) if word
}


def unit_word(
    tokens: Sequence[str], raw: Sequence[str], index: int, accented: bool
) -> tuple[int, frozenset[str]] | None:
    """(how many tokens, the types meant) of the unit word that ends right before token `index`, or None."""
    for length in (2, 1):
        key = tuple(tokens[max(0, index - length) : index])
        if len(key) == length and (entry := UNIT_WORDS.get(key)) and _fits(raw, index, length, entry[0], accented):
            return length, entry[1]
    return None


def other_thing(tokens: Sequence[str], raw: Sequence[str], index: int, accented: bool) -> bool:
    """Whether a road, school, river, village or person word stands right before token `index`."""
    for length in (3, 2, 1):
        key = tuple(tokens[max(0, index - length) : index])
        if len(key) == length and (written := OTHER_THINGS.get(key)) and _fits(raw, index, length, written, accented):
            return True
    return False


def _fits(raw: Sequence[str], index: int, length: int, written: str, accented: bool) -> bool:
    words = " ".join(raw[index - length : index]).lower()
    return words == written if accented or not words.isascii() else True
