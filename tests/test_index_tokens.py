"""The searched field: a batch by the table says what each text says by itself."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duluan.text import search_tokens
from index.tokens import BARRIER, TOKEN_LIMIT, search_text, search_texts, tokens_of

VIETNAMESE = "aăâeêioôơuưyđAĂÂĐƠàảãáạằẳẵắặầẩẫấậỳỷỹýỵ"
ODD = "\u0300\u0309\u0323\u031b\ue000\ue001\x00\x01\x02\u200b…“”–²ßſıİKΣﬁ😀𝐀\ud800 \t\n\u00a0\u3000_-.09"
CHARS = st.one_of(st.sampled_from(VIETNAMESE + ODD + "   "), st.characters(exclude_categories=()))
WORDS = st.text(st.sampled_from("aB1ệ"), min_size=TOKEN_LIMIT - 2, max_size=TOKEN_LIMIT + 3)
TEXTS = st.one_of(st.text(CHARS, max_size=30), st.lists(WORDS, max_size=3).map(" ".join))


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=6))
def test_a_batch_says_what_each_text_says(texts: list[tuple[str, str]]) -> None:
    plainly = [" ".join([*tokens_of(title), BARRIER, *tokens_of(text)]) for title, text in texts]
    assert search_texts(texts) == plainly
    assert [search_text(*pair) for pair in texts] == plainly


def test_each_character_between_two_letters() -> None:
    """What stands between joins or parts them, the same way alone and by the table: the whole of the basic plane."""
    texts = [(f"a{chr(code)}a", "x") for code in range(1 << 16)]
    assert search_texts(texts) == [search_text(*pair) for pair in texts]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_folding_in_both_forms(form: str) -> None:
    title, text = unicodedata.normalize(form, "Sạt lở, đường XẤU!"), unicodedata.normalize(form, "Đăk Hà – “mưa”…")
    assert search_texts([(title, text)] * 2) == ["sat lo duong xau ¶ dak ha mua"] * 2


def test_words_are_cut_to_the_limit_and_no_further() -> None:
    word = "a" * TOKEN_LIMIT
    assert search_texts([(word, f"{word}b ngắn"), (f"{word}b", "")]) == [f"{word} ¶ {word} ngan", f"{word} ¶"]
    assert search_tokens(f"{word}b") != tokens_of(f"{word}b")
