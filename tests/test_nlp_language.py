"""Which language a text is in; accent-less Vietnamese is Vietnamese."""

from __future__ import annotations

import lzma
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from duluan.errors import ModelError
from nlp.language import _CANDIDATES, _identifier, language


@pytest.mark.parametrize(
    "text",
    [
        "Đường vào xã hỏng nặng, bà con đi lại rất khó khăn",
        "duong vao xa hong nang ko ai sua",
        "nen xu ly that nang de ran de",
        "mat dien ca ngay ma khong thay ai bao truoc",
        "Làng Kon Pring, xã Măng Đen đón khách",
        "Y Blô, A Bua và bà H'Nga ở Ngọk Réo cùng nhau giữ rừng",
        "ok",
        "Chuẩn luôn sếp ơi",
    ],
)
def test_vietnamese_with_and_without_marks(text: str) -> None:
    assert language(text) == "vi"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The road to the village is broken and nobody repairs it", "en"),
        ("道路坏了没有人修理我们很生气", "zh"),
        ("도로가 망가졌는데 아무도 고치지 않습니다", "ko"),
        ("Дорога сломана уже давно, никто не чинит", "ru"),
        ("Je suis très content de cette nouvelle route nationale", "fr"),
        ("👍👍👍 123", "und"),
        ("", "und"),
    ],
)
def test_other_languages(text: str, code: str) -> None:
    assert language(text) == code


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_a_code(text: str) -> None:
    assert 2 <= len(language(text)) <= 3


@settings(max_examples=80, deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_the_identifier_answers_as_the_librarys_own(text: str) -> None:
    assert _identifier().classify(text)[0] == LIBRARY.classify(text)[0]


def _library() -> LanguageIdentifier:
    every = LanguageIdentifier.from_model_file(MODEL_FILE)
    every.set_languages(sorted(_CANDIDATES))
    return every


LIBRARY = _library()


def test_loading_the_identifier_takes_little_memory() -> None:
    """The library's own loader takes 104 MB at its height, and a whole `enrich` 367 instead of 350."""
    tracemalloc.start()
    try:
        _identifier.__wrapped__()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60 * 2**20


def test_a_damaged_model_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.npz.xz"
    path.write_bytes(lzma.compress(b"PK not a zip"))
    monkeypatch.setattr("py3langid.langid.MODEL_FILE", str(path))
    with pytest.raises(ModelError, match="mô hình nhận diện ngôn ngữ hỏng"):
        _identifier.__wrapped__()
