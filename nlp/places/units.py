"""Unit words before a name ('xã', 'P.', 'TP', 'huyện đảo') and other words that say what the name is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

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
ABOVE_COMMUNE: Final = frozenset(
    {("huyen",), ("h",), ("thi", "xa"), ("tx",), ("thanh", "pho"), ("tp",), ("quan",), ("q",), ("tinh",)}
)
COMMUNE_TYPES: Final = frozenset({"xã", "phường", "thị trấn", "đặc khu"})

Thing = Literal["hard", "soft", "person"]
ADJECTIVES: Final = frozenset(
    {
        ("mien", "nui"),
        ("ven", "bien"),
        ("bien", "gioi"),
        ("vung", "cao"),
        ("bai", "ngang"),
        ("ngheo",),
        ("dao",),
        ("moi",),
    }
)  # 'xã miền núi Ba Vì'

# Words before a name that say what it is. Hard: a road, river, mountain. Person: somebody called so. Neither is ever the unit (guideline).
# Soft: a school, market, village …, which mostly stands in the unit whose name it bears.
_HARD = """
đường, phố, đại lộ, sông, suối, hồ, núi, đỉnh, đèo, cầu, dốc, thác, vịnh, đầm, sâm, hẻm, ga, công viên, thủy điện, đập, công ty,
doanh nghiệp
"""
_PERSON = """
ông, anh, chị, cô, bác, cụ, anh hùng, liệt sĩ, bác sĩ, hlv, ca sĩ, diễn viên, nhạc sĩ, tiền vệ, mv, vợ chồng
"""
_SOFT = """
trường, thpt, thcs, tiểu học, đại học, mầm non, bệnh viện, cảng, nhà máy, chùa, thôn, làng, ấp, khu phố, bến, chợ, sân, cửa khẩu,
khu đô thị, kdc, câu lạc bộ, khách sạn, tỏi, muối, rác, lọc hóa dầu, hóa dầu
"""


def _things(block: str, kind: Thing) -> dict[tuple[str, ...], tuple[str, Thing]]:
    words = (part.strip() for part in block.replace("\n", " ").split(","))
    return {tuple(fold(word).split()): (word, kind) for word in words if word}


OTHER_THINGS: Final = _things(_HARD, "hard") | _things(_PERSON, "person") | _things(_SOFT, "soft")
_NUMBERED = frozenset({"so", "1", "2", "3", "4"})  # 'Trường tiểu học số 2 Bình Châu'


def unit_word(
    tokens: Sequence[str], raw: Sequence[str], index: int, accented: bool
) -> tuple[int, frozenset[str]] | None:
    """(how many tokens, the types meant) of the unit word that ends right before token `index`, or None."""
    skipped = _adjective(tokens, index)
    for length in (2, 1):
        end = index - skipped
        key = tuple(tokens[max(0, end - length) : end])
        if len(key) == length and (entry := UNIT_WORDS.get(key)) and _fits(raw, end, length, entry[0], accented):
            return length + skipped, entry[1]
    return None


def _adjective(tokens: Sequence[str], index: int) -> int:
    for length in (2, 1):
        if index > length and tuple(tokens[index - length : index]) in ADJECTIVES:
            return length if (tokens[index - length - 1],) in UNIT_WORDS else 0
    return 0


def other_thing(tokens: Sequence[str], raw: Sequence[str], index: int, accented: bool) -> Thing | None:
    """What a road, river, person (hard) or school, market, village (soft) word right before token `index` makes of it."""
    while index and tokens[index - 1] in _NUMBERED:
        index -= 1
    for length in (2, 1):
        key = tuple(tokens[max(0, index - length) : index])
        if len(key) == length and (entry := OTHER_THINGS.get(key)) and _fits(raw, index, length, entry[0], accented):
            return entry[1]
    return None


def _fits(raw: Sequence[str], index: int, length: int, written: str, accented: bool) -> bool:
    words = " ".join(raw[index - length : index]).lower()
    return words == written if accented or not words.isascii() else True
