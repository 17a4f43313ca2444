"""Text as every store and stage sees it: NFC, folding without diacritics (đ too), search tokens, excerpts."""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile(r"[\u0300-\u036f]")
_WORD = re.compile(r"\w+", re.UNICODE)
_SPACE = re.compile(r"\s+")
_SURROGATE = re.compile("[\ud800-\udfff]")


def encodes(text: str) -> bool:
    """Whether the text has no lone surrogate, so that it can be written as UTF-8."""
    return _SURROGATE.search(text) is None


def nfc(text: str) -> str:
    """Unicode NFC; lone surrogates, which no store can encode, become U+FFFD."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", text))


def fold(text: str) -> str:
    """'Đăk Hà' → 'dak ha': lower case, no marks, đ → d; NFD input gives the same. SQLite and Elasticsearch both index this."""
    lowered = nfc(text).lower()
    if lowered.isascii():
        return lowered
    return nfc(_MARKS.sub("", unicodedata.normalize("NFD", lowered)).replace("đ", "d"))


def search_tokens(text: str) -> list[str]:
    """Folded word tokens in order, the only form in which text is searched: 'Đường xấu!' → ['duong', 'xau']."""
    return _WORD.findall(fold(text))


def squeeze(text: str) -> str:
    """NFC with every run of white space as one space, ends stripped."""
    return _SPACE.sub(" ", nfc(text)).strip()


def excerpt(text: str, limit: int = 300) -> str:
    """At most `limit` characters, cut at a space and closed with '…'."""
    flat = squeeze(text)
    if len(flat) <= limit:
        return flat
    cut = flat[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit // 2 else cut).rstrip(" ,;:.–-") + "…"


class _FoldTable(dict[int, int]):
    """Code point → its folded code point, computed once each; every value is one character, so that offsets stay."""

    def __missing__(self, code: int) -> int:
        char = chr(code)
        if (digit := unicodedata.decimal(char, None)) is not None:
            char = str(digit)  # full-width, mathematical and Arabic digits
        base = unicodedata.normalize("NFD", char)[0].lower()
        folded = "d" if base == "đ" else base
        self[code] = ord(folded) if len(folded) == 1 else code
        return self[code]


_FOLD_TABLE = _FoldTable()


def fold_keep(text: str) -> str:
    """Like `fold`, but of the same length, for matching with offsets into `text` (which should be NFC)."""
    return text.lower() if text.isascii() else text.translate(_FOLD_TABLE)
