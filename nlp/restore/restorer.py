"""Texts in, texts with their diacritics out: only where they lack them, word by word, everything else as it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duluan.text import fold, nfc
from nlp.restore.lattice import best_paths
from nlp.restore.model import NgramModel, load
from nlp.restore.syllables import SIGNS, UNKNOWN, spans

MODELS = Path(__file__).resolve().parents[1] / "models"
# Of the syllables of marked Vietnamese 75–85 % have a mark; of our comments fewer than one in a hundred is below a quarter.
FEW = 0.25
_LEAST = 2  # words; a lone one has no context to be restored from
_BATCH = 64  # sentences searched together
_LONGEST = 60  # units; a longer sentence is cut

_LETTERS = re.compile(r"[^\W\d_]+")
_SIGNS = {sign: np.asarray([number], dtype=np.int32) for number, sign in enumerate(SIGNS)}
_UNKNOWN = _SIGNS[UNKNOWN]

Ids = npt.NDArray[np.int32]
Piece = tuple[int, int, Ids]  # where a unit stands in its text, and its candidates; signs have an empty span


def lacks_marks(text: str) -> bool:
    """Whether fewer than a quarter of its words have a mark: 'duong hong qua' lacks them, 'Đường hỏng quá' does not."""
    words = _LETTERS.findall(text)
    if len(words) < _LEAST:
        return False
    if text.isascii():
        return True
    return len(words) - sum(map(str.isascii, words)) < FEW * len(words)


class Restorer:
    """Puts diacritics back. Words that have some already are kept; so are words that the model does not know."""

    def __init__(self, model: NgramModel) -> None:
        self._model = model

    def restore(self, text: str) -> str:
        """'Duong vao xa hong' → 'Đường vào xã hỏng', whether or not it lacks marks."""
        return self.restore_all([text])[0]

    def restore_all(self, texts: Sequence[str]) -> list[str]:
        """`restore` of many texts, together: several times faster."""
        composed = [nfc(text) for text in texts]
        cut = [(number, part) for number, text in enumerate(composed) for part in self._sentences(text)]
        changes: list[list[tuple[int, int, str]]] = [[] for _ in texts]
        order = sorted(range(len(cut)), key=lambda k: len(cut[k][1]))  # of like length: less padding
        for start in range(0, len(order), _BATCH):
            group = [cut[k] for k in order[start : start + _BATCH]]
            paths = best_paths(self._model, [[ids for _, _, ids in part] for _, part in group])
            for (number, part), path in zip(group, paths, strict=True):
                changes[number] += self._changes(composed[number], part, path)
        return [_replaced(text, found) for text, found in zip(composed, changes, strict=True)]

    def restore_lacking(self, texts: Sequence[str]) -> list[str]:
        """`restore_all` of the texts that lack marks; the others as they are."""
        chosen = [place for place, text in enumerate(texts) if lacks_marks(text)]
        found = list(texts)
        for place, restored in zip(chosen, self.restore_all([texts[place] for place in chosen]), strict=True):
            found[place] = restored
        return found

    def _sentences(self, text: str) -> list[list[Piece]]:
        """The units of each sentence with their candidates; sentences with nothing to restore are left out."""
        found = []
        for sentence in spans(text):
            part = [(start, end, self._candidates(unit)) for unit, start, end in sentence]
            if any(end > start and (ids.size > 1 or ids[0] >= len(SIGNS)) for start, end, ids in part):
                found += [part[cut : cut + _LONGEST] for cut in range(0, len(part), _LONGEST)]
        return found

    def _candidates(self, unit: str) -> Ids:
        if unit in _SIGNS:
            return _SIGNS[unit]
        if not unit.isascii():  # it has marks: believed
            known = self._model.ids.get(unit)
            return _UNKNOWN if known is None else np.asarray([known], dtype=np.int32)
        return self._model.candidates.get(unit, _UNKNOWN)

    def _changes(self, text: str, part: Sequence[Piece], path: Sequence[int]) -> list[tuple[int, int, str]]:
        found = []
        for (start, end, _), chosen in zip(part, path, strict=True):
            if chosen >= len(SIGNS) and text[start:end].isascii():
                found.append((start, end, _cased(self._model.words[chosen], text[start:end])))
        return found


def _cased(word: str, like: str) -> str:
    """`word` in the capitals of `like`; both have the same length."""
    if like.islower():
        return word
    return "".join(letter.upper() if model.isupper() else letter for letter, model in zip(word, like, strict=True))


def _replaced(text: str, changes: list[tuple[int, int, str]]) -> str:
    parts, end = [], 0
    for start, stop, word in sorted(changes):
        parts += [text[end:start], word]
        end = stop
    return "".join([*parts, text[end:]])


@cache
def shipped() -> Restorer:
    """The restorer that comes with the program."""
    return Restorer(load(MODELS)[0])


def marked(texts: Sequence[str]) -> list[str]:
    """Texts as the models read them: those that lack marks restored, the others as they are. The model is read when first needed."""
    return shipped().restore_lacking(texts) if any(map(lacks_marks, texts)) else list(texts)


def bare(text: str) -> str:
    """`text` as typed without diacritics, capitals kept."""
    return "".join(
        (plain.upper() if letter.isupper() else plain) if len(plain := fold(letter)) == 1 else letter
        for letter in nfc(text)
    )
