"""Readable Vietnamese titles and key terms of an issue, from the headlines of its texts."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from duluan.model import Document
from duluan.text import excerpt, squeeze
from nlp.clustering.terms import Runs, background, buckets

TITLE_LIMIT = 110
PHRASE_SYLLABLES = 4
NO_TITLE = "Vấn đề chưa có tiêu đề"
_WORD = re.compile(r"\w+")
_STOP = re.compile(r"[^\w\s]+")
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


def best_title(titles: Sequence[str], weights: Mapping[int, float]) -> str:
    """The headline that says most of what the issue's texts share; ties go to the earlier one."""
    if len(titles) < 2:
        return titles[0] if titles else NO_TITLE
    words = [[word.lower() for word in _WORD.findall(title)] for title in titles]
    single = Runs.of(words)
    said = {(n, term) for runs in (single, single.grams(2)) for n, term in _terms(runs)}
    value = [0.0] * len(titles)
    for number, term in said:
        value[number] += weights.get(term, 0.0)
    # a long headline holds more terms; the root keeps it from winning by length alone
    scores = [said / max(1, len(title)) ** 0.5 for said, title in zip(value, words, strict=True)]
    return titles[scores.index(max(scores))]


def shared_headline(documents: Iterable[Document]) -> str:
    """The headline that says most of what all these have in common; '' where none has any.

    Of an alert, whose voices tell of one matter where their issue, long alive or loosely joined, may be named after another.
    """
    titles = list(dict.fromkeys(title for document in documents if (title := headline(document))))
    words = [[word.lower() for word in _WORD.findall(title)] for title in titles]
    single = Runs.of(words)
    said = {(n, term) for runs in (single, single.grams(2)) for n, term in _terms(runs)}
    heard = Counter(term for _, term in said)
    share = background().share
    weights = {term: -(count - 1) * math.log(share[term]) for term, count in heard.items()}
    return best_title(titles, weights) if titles else ""


def key_terms(
    titles: Sequence[str], weights: Mapping[int, float], keywords: Mapping[str, int], limit: int = 6
) -> tuple[str, ...]:
    """Words that name the issue, most telling first: phrases of its headlines, as written there, else its texts' keywords."""
    phrases: defaultdict[str, float] = defaultdict(float)
    for phrase, weight in _phrases(titles, weights):
        phrases[phrase] += weight
    chosen: list[str] = []
    for phrase, _ in sorted(phrases.items(), key=lambda item: (-item[1], item[0])):
        if len(chosen) < limit and not any(_within(phrase, other) for other in chosen):
            chosen.append(phrase)
    for word, _ in sorted(keywords.items(), key=lambda item: (-item[1], item[0])):
        if len(chosen) < limit and not any(_within(word, other) for other in chosen):
            chosen.append(word)
    return tuple(chosen)


def _phrases(titles: Sequence[str], weights: Mapping[int, float]) -> Iterator[tuple[str, float]]:
    """Names, and runs of syllables that belong together in this issue ('sạt' 'lở' 'đất' → 'sạt lở đất'), with their weight."""
    parts = [words for title in titles for part in _STOP.split(title) if (words := _WORD.findall(part))]
    pairs: list[list[float]] = [[] for _ in parts]
    for number, term in _terms(Runs.of([[word.lower() for word in part] for part in parts]).grams(2)):
        pairs[number].append(weights.get(term, 0.0))
    for words, linked in zip(parts, pairs, strict=True):
        for start, end in _runs(words, linked):
            run = _trim(words[start:end])
            if len(run) > 1:
                yield _cased(run), max(linked[start : end - 1], default=0.0)


def _terms(runs: Runs) -> Iterator[tuple[int, int]]:
    """(number of the text, term) of each run, in order."""
    return zip(runs.owner.tolist(), buckets(runs.codes).tolist(), strict=True)


def _runs(words: Sequence[str], pairs: Sequence[float]) -> Iterator[tuple[int, int]]:
    """(start, end) of each phrase: a name is never cut, other runs end at a weak link or after four syllables."""
    floor = max(pairs, default=0) * 0.5
    start = 0
    for end in range(1, len(words) + 1):
        if end < len(words):
            name, next_name = words[end - 1][0].isupper(), words[end][0].isupper()
            if next_name and name:
                continue
            if not next_name and not name and pairs[end - 1] > floor and end - start < PHRASE_SYLLABLES:
                continue
            if end == 1 and not next_name and pairs[0] > floor:
                continue  # the capital of a headline's first word makes no name
        yield start, end
        start = end


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
    return not set(phrase.lower().split()).isdisjoint(other.lower().split())


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?…])\s+", text, maxsplit=1)[0]
