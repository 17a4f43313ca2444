"""Which language a text is in; accent-less Vietnamese is Vietnamese."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.language import language


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
