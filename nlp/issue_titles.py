"""Readable Vietnamese titles and key terms of an issue, from the headlines of its texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from duluan.model import Document
from duluan.text import excerpt, squeeze
from nlp.clustering.terms import grams, hashes, token_hash

TITLE_LIMIT = 110
NO_TITLE = "Vấn đề chưa có tiêu đề"
_WORD = re.compile(r"\w+")
_LABEL = re.compile(
    r"^(?:\[[^\]]{1,30}\]|(?:video|clip|ảnh|infographic|trực tiếp|tin nóng|nóng|cập nhật|đọc nhanh|podcast|e-?magazine)\s*[:|\-–])\s*",
    re.IGNORECASE,
)
# Syllables that open or close no term ("của người dân" → "người dân").
_WEAK_TEXT = (
    "và của là có cho các những một được bị tại ở trong ngoài trên dưới từ đến với về theo vì do để mà "
    "thì đã đang sẽ không chưa khi nào gì này đó kia rất hơn nhất như cũng lại ra vào lên xuống phải cần "
    "nên hay hoặc nhưng bởi qua sau trước hôm nay vụ việc cả mọi mỗi thêm gần hàng số ngày tháng năm "
)
_WEAK = frozenset(_WEAK_TEXT.split())


def headline(document: Document) -> str:
    """What may serve as a title: the headline (for a comment, that of what it answers), else the text's beginning."""
    title = _LABEL.sub("", squeeze(document.title))
    if title:
        return excerpt(title, TITLE_LIMIT)
    if document.kind in ("comment", "report", "survey"):
        return ""  # people's own words make no headline
    return excerpt(_first_sentence(squeeze(document.text)), TITLE_LIMIT)


def best_title(titles: Sequence[str], weights: Mapping[int, int]) -> str:
    """The headline that says most of what the issue's texts share; ties go to the earlier one."""
    best, score = NO_TITLE, 0.0
    for title in dict.fromkeys(titles):
        codes = hashes([word.lower() for word in _WORD.findall(title)])
        found = {*codes.tolist(), *grams(codes, 2).tolist()}
        # a long headline holds more terms; the root keeps it from winning by length alone
        value = sum(weights.get(code, 0) for code in found) / max(1, len(codes)) ** 0.5
        if value > score:
            best, score = title, value
    return best if score or not titles else titles[0] or NO_TITLE


def key_terms(
    titles: Sequence[str], weights: Mapping[int, int], keywords: Mapping[str, int], limit: int = 6
) -> tuple[str, ...]:
    """Words that name the issue, most telling first: phrases of its headlines, as written there, else its texts' keywords."""
    phrases: Counter[str] = Counter()
    for title in dict.fromkeys(titles):
        for phrase, weight in _phrases(title, weights):
            phrases[phrase] += weight
    chosen: list[str] = []
    for phrase, _ in sorted(phrases.items(), key=lambda item: (-item[1], item[0])):
        if not any(_within(phrase, other) for other in chosen):
            chosen.append(phrase)
    for word, _ in sorted(keywords.items(), key=lambda item: (-item[1], item[0])):
        if not any(_within(word, other) for other in chosen):
            chosen.append(word)
    return tuple(chosen[:limit])


def _phrases(title: str, weights: Mapping[int, int]) -> list[tuple[str, int]]:
    """Runs of syllables whose neighbours belong together in this issue ('sạt' 'lở' 'đất' → 'sạt lở đất')."""
    found: list[tuple[str, int]] = []
    for part in re.split(r"[^\w\s]+", title):
        words = _WORD.findall(part)
        codes = hashes([word.lower() for word in words])
        pairs = [weights.get(code, 0) for code in grams(codes, 2).tolist()]
        floor = max(pairs, default=0) * 0.5
        start = 0
        for end in range(1, len(words) + 1):
            if end < len(words) and pairs[end - 1] > floor and end - start < 4:
                continue
            run = _trim(words[start:end])
            if len(run) > 1:
                found.append((_cased(run), max(pairs[start : end - 1], default=0)))
            start = end
    return found


def _trim(words: list[str]) -> list[str]:
    while words and words[0].lower() in _WEAK:
        words = words[1:]
    while words and (words[-1].lower() in _WEAK or words[-1].isdigit()):
        words = words[:-1]
    return words


def _cased(words: list[str]) -> str:
    """Names keep their capitals; a headline's first word alone in capitals does not make a name."""
    rest = words[1:]
    if all(word[0].isupper() for word in rest):
        return " ".join(words)
    return " ".join([words[0] if words[0].isupper() and len(words[0]) > 1 else words[0].lower(), *rest])


def _within(phrase: str, other: str) -> bool:
    a, b = phrase.lower(), other.lower()
    return a in b or b in a or bool(np.intersect1d(_codes(a), _codes(b)).size)


def _codes(text: str) -> list[int]:
    return [token_hash(word) for word in text.split()]


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?…])\s+", text, maxsplit=1)[0]
