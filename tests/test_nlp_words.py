"""Our reading of underthesea's segmentation model gives the library's own words, whatever the text."""

from __future__ import annotations

import csv
import lzma
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duluan.errors import ModelError
from nlp.crf import read_weights, read_words
from nlp.words import segment, segment_all


def _library(text: str) -> list[str]:
    from underthesea.pipeline.word_tokenize import word_tokenize

    return [str(word) for word in word_tokenize(text)] if text.split() else []


SENTENCES = [
    "Đường vào xã hư hỏng nặng, dân kêu hoài.",
    "UBND.",
    "UBND. xã Ia H'Drai (Kon Tum) chi 1.250.000.000 đồng/km – QL24B, 12/3/2025!",
    "Duong vao xa hu hong nang, khong ai sua",
    "h@gmail.com, www.example.vn/a?b=1 :D =)) <3 v.v... 43H-0530 3x4 TP. Quảng Ngãi",
    "THÔNG BÁO: CẮT ĐIỆN 6h30-17h",
    "Hoà thuận, thuỷ lợi",  # NFD and the newer place of the tone mark
    "ǅ ß İstanbul ½ १२ 🙂🙂 ª",
    "a",
    "?",
]


@pytest.mark.parametrize("text", SENTENCES)
def test_words_are_the_librarys(text: str) -> None:
    assert segment(text) == _library(text)


@given(text=st.text(max_size=120))
@example(text="\x1c\u2028 \u00a0a\u200b")
@settings(max_examples=300, deadline=None)
def test_garbage_gives_the_librarys_tokens(text: str) -> None:
    """Where two cuts of unknown signs weigh exactly the same, rounding decides: there the words may differ, the tokens never."""
    assert " ".join(segment(text)) == " ".join(_library(text))


@given(
    words=st.lists(
        st.sampled_from(
            [
                "Ủy",
                "ban",
                "nhân",
                "dân",
                "tỉnh",
                "Đăk",
                "Hà",
                "15",
                ",",
                ".",
                "(",
                ")",
                "ĐH",
                "đường",
                "sá",
                "hư",
                "hỏng",
                "Nguyễn",
                "Văn’A",
            ]
        ),
        max_size=40,
    )
)
@settings(max_examples=300, deadline=None)
def test_any_order_of_words(words: list[str]) -> None:
    assert segment(" ".join(words)) == _library(" ".join(words))


def test_batches_change_nothing(shared: Path) -> None:
    with lzma.open(shared / "data/rss_daily_2025_2026/articles.csv.xz", "rt", encoding="utf-8", newline="") as handle:
        rows = csv.DictReader(handle)
        texts = [f"{row['title']}. {row['summary']}" for row, _ in zip(rows, range(600), strict=False)]
    together = segment_all([*texts, "", " "])
    assert together[-2:] == [[], []]
    assert together[:-2] == [_library(text) for text in texts]


def test_threads_that_come_at_once_agree() -> None:
    found: list[list[list[str]]] = []
    threads = [threading.Thread(target=lambda: found.append(segment_all(SENTENCES * 20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [segment_all(SENTENCES * 20)] * 8


def test_more_different_tokens_than_are_remembered() -> None:
    text = " ".join(f"w{number}" for number in range(60_000))
    assert len(segment(text)) > 0
    assert segment(SENTENCES[0]) == _library(SENTENCES[0])


def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "models.bin"
    for content in (b"", b"lCRF", b"x" * 4096, b"lCRF" + bytes(200)):
        broken.write_bytes(content)
        with pytest.raises(ModelError, match=r"models\.bin"):
            read_weights(broken)
    with pytest.raises(ModelError, match="không đọc được"):
        read_words(tmp_path / "missing.bin")
