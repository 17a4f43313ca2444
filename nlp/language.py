"""Which language a text is in: letters first, then the shape of its syllables, then py3langid.

Vietnamese typed without diacritics looks like no language to most identifiers, so it is recognised by its syllables: an onset and
a rhyme that Vietnamese has, in most of the words. A text too short to tell counts as Vietnamese: a comment that says "ok" is an answer.
"""

from __future__ import annotations

import lzma
import re
import threading
from functools import cache
from lzma import LZMAError
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from duluan.errors import ModelError
from duluan.text import fold
from nlp.lexicon import lexicon

_LETTERS = re.compile(r"[^\W\d_]+")
# ă đ ơ ư and the vowels with a hook or a dot below are used by no other national language in print
_OWN = re.compile(r"[ăđơưảạằắẳẵặầấẩẫậẻẽẹềếểễệỉĩịỏọồốổỗộờớởỡợủũụừứửữựỷỹỵ]")
_FOREIGN_SCRIPT = re.compile(r"[^\W\d_a-z\u00aa-\u024f\u0300-\u036f\u1e00-\u1eff]")
_READ = 240  # characters: enough to tell, and the rest of a text seldom changes language
_SYLLABLE = re.compile(
    r"(?:b|ch?|d|gh?|gi|h|kh?|l|m|ngh?|nh?|ph?|qu|r|s|th?|tr|v|x)?"
    r"(?:[aeiouy]|ai|ao|au|ay|eo|eu|ia|ie|ieu|iu|oa|oai|oao|oay|oe|oeo|oi|oo|ua|uau|uay|ue|ui|uo|uoi|uou|uu|uy|uya|uye|uyu|ye|yeu)"
    r"(?:ch?|m|ng|nh|n|p|t)?"
)
_OUR_WORDS = lexicon("bare_words")
_ENGLISH = lexicon("english_words")
_SHORT = 4  # words; below it nothing can be told from Latin letters
# what people here may write besides Vietnamese; rarer languages only draw accent-less Vietnamese to themselves
_CANDIDATES = lexicon("languages")
_lock = threading.Lock()


def language(text: str) -> str:
    """ISO 639-1 code, or 'und' where there is not one letter. 'duong hong qua' and 'Đường hỏng quá' are both 'vi'."""
    read = text[:_READ].lower()
    foreign = 0 if read.isascii() else len(_FOREIGN_SCRIPT.findall(read))
    if foreign == 0 and not read.isascii() and len(_OWN.findall(read)) * 30 >= len(read):
        return "vi"
    words = _LETTERS.findall(read)
    if not words:
        return "und"
    if foreign * 2 > sum(map(len, words)):
        return _identify(read)
    return _unmarked(read, [fold(word) for word in words])


def _unmarked(text: str, words: list[str]) -> str:
    if len(words) < _SHORT:
        return "vi"
    shaped = sum(_SYLLABLE.fullmatch(word) is not None for word in words) / len(words)
    ours = sum(word in _OUR_WORDS for word in words)
    english = sum(word in _ENGLISH for word in words)
    # accent-less copies of our labels: 6,287 of 6,300 comments and 2,896 of 2,900 news come out as vi; English stays under 0.5
    if shaped >= 0.75 or (shaped >= 0.5 and ours > english):
        return "vi"
    return _identify(text)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    try:
        arrays = _unpacked(MODEL_DIR / MODEL_FILE)
    except OSError as error:  # it is unpacked into a temporary file
        raise ModelError(f"không mở được mô hình nhận diện ngôn ngữ trong thư mục tạm: {error.strerror}") from None
    except (LZMAError, BadZipFile, KeyError, ValueError) as error:
        raise ModelError(
            f"mô hình nhận diện ngôn ngữ hỏng ({error}); cài lại: pip install 'py3langid==0.4.*'"
        ) from None
    return LanguageIdentifier(
        arrays["ptc"],
        arrays["pc"],
        arrays["classes"].tolist(),
        arrays["nextmove"].data,
        arrays["out_feat"].tolist(),
        tk_row=arrays["nextmove_row"].tolist(),
    )


def _unpacked(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The library's arrays, of the candidate languages alone.

    Its own loader keeps those of all 142 languages and copies the automaton: 104 MB at its height, the most of a whole `enrich`. Here
    the large table is cut before the automaton (39 MB) is read, and that is not copied.
    """
    with TemporaryFile(suffix=".npz") as plain:
        with lzma.open(path) as packed:
            copyfileobj(packed, plain, 1 << 20)
        plain.seek(0)
        with np.load(plain, allow_pickle=False) as file:
            found = {"classes": file["classes"], "pc": file["pc"]}
            chosen = np.flatnonzero(np.isin(found["classes"], sorted(_CANDIDATES)))
            found = {key: values[chosen] for key, values in found.items()}
            found["ptc"] = np.ascontiguousarray(file["ptc"][:, chosen])
            return found | {key: file[key] for key in ("nextmove", "nextmove_row", "out_feat")}


def _identify(text: str) -> str:
    with _lock, np.errstate(all="ignore"):
        return str(_identifier().classify(text)[0])
