"""Word segmentation: the only place that calls underthesea, and reads its model.

Its tokeniser is called for what is not a plain word, its model is applied by `nlp.crf`; the words are those of its `word_tokenize`.
Both are loaded on first use under a lock: threads that arrive during the library's own first load get a None model (seen in 9.5.0).
It turns missing imports into None, which is checked here once. Nothing that downloads is ever called.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from duluan.errors import ModelError
from nlp.crf import Segmenter, read_weights, read_words, words_of

MODEL = Path("pipeline/word_tokenize/models/ws_crf_vlsp2013_20230727")
_MISSING = "thiếu bộ tách từ underthesea; chạy: pip install underthesea==9.5.0"
_lock = threading.Lock()
_library: _Library | None = None


@dataclass(frozen=True, slots=True)
class _Library:
    segmenter: Segmenter
    clean: Callable[[str], str]  # characters of a whole text
    split: Callable[[str], list[str]]  # one chunk between spaces → tokens
    mend: Callable[[str], str]  # the spelling of one token


def warm() -> None:
    """Load the segmenter now (about 1 s); later calls cost nothing."""
    _loaded()


def segment(text: str) -> list[str]:
    """'Đường vào xã hư hỏng nặng' → ['Đường', 'vào', 'xã', 'hư hỏng', 'nặng']. Any text gives an answer; empty gives []."""
    return segment_all([text])[0]


def segment_all(texts: Sequence[str]) -> list[list[str]]:
    """`segment` of many texts at once, several times faster."""
    library = _loaded()
    tokens = [_tokens(library, text) for text in texts]
    return [list(words_of(part, inside)) for part, inside in zip(tokens, library.segmenter.inside(tokens), strict=True)]


def _tokens(library: _Library, text: str) -> list[str]:
    """The library's tokens. Between spaces it never looks further than the end of the text ('UBND.' there is two tokens)."""
    chunks = library.clean(text).split()
    found: list[str] = []
    for chunk in chunks[:-1]:
        if chunk.isalpha():
            found.append(library.mend(chunk) if len(chunk) < 7 else chunk)
        else:
            found += library.split(f"{chunk} ")
    if chunks:
        found += library.split(chunks[-1])
    return found


def _loaded() -> _Library:
    global _library
    if _library is None:
        with _lock:
            if _library is None:
                _library = _load()
    return _library


def _load() -> _Library:
    import underthesea
    from underthesea.pipeline.text_normalize import token_normalize
    from underthesea.pipeline.text_normalize.character_normalize import normalize_characters_in_text
    from underthesea.pipeline.word_tokenize.regex_tokenize import tokenize

    if tokenize is None or token_normalize is None or underthesea.__file__ is None:
        raise ModelError(_MISSING)
    folder = Path(underthesea.__file__).parent / MODEL
    segmenter = Segmenter(read_weights(folder / "models.bin"), read_words(folder / "dictionary.bin"))

    @lru_cache(maxsize=20_000)
    def split(chunk: str) -> list[str]:
        return [str(token) for token in tokenize(chunk)]

    return _Library(segmenter, normalize_characters_in_text, split, lru_cache(maxsize=20_000)(token_normalize))
