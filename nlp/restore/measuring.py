"""How many syllables the restorer gets right, beside the plainest guess: each bare syllable's likeliest form by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from duluan.text import nfc
from nlp.restore.model import NgramModel
from nlp.restore.restorer import Restorer, bare
from nlp.restore.syllables import spelling

_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of all words of the texts."""

    words: int
    right: float
    alone: float  # each word's likeliest form, whatever stands beside it


def measure(restorer: Restorer, model: NgramModel, texts: Sequence[str]) -> Accuracy:
    """Takes the marks off `texts`, restores them, and compares word by word; the tone mark's place ('hoà', 'hòa') is no difference."""
    truth = [_words(nfc(text)) for text in texts]
    bared = [bare(text) for text in texts]
    found = [_words(text) for text in restorer.restore_all(bared)]
    plain = [[_alone(model, word) for word in _words(text)] for text in bared]
    count = sum(map(len, truth))
    return Accuracy(count, _same(truth, found) / count, _same(truth, plain) / count)


def _words(text: str) -> list[str]:
    return [spelling(word) for word in _LETTERS.findall(text)]


def _same(truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> int:
    return sum(a == b for one, other in zip(truth, found, strict=True) for a, b in zip(one, other, strict=True))


def _alone(model: NgramModel, word: str) -> str:
    known = model.candidates.get(word)
    return word if known is None else model.words[int(known[0])]
