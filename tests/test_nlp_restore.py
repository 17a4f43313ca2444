"""Diacritics restorer: the search against trying every path, what it may never touch, the file, the shipped model's accuracy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duluan.errors import ModelError
from duluan.text import nfc
from nlp.linear import MODELS
from nlp.restore import Restorer, lacks_marks, marked, shipped
from nlp.restore.counting import build, held_out_texts, trigrams, vocabulary
from nlp.restore.fitting import Pruning, fit
from nlp.restore.lattice import best_paths
from nlp.restore.measuring import measure
from nlp.restore.model import NgramModel, load, save
from nlp.restore.restorer import bare
from nlp.restore.syllables import SIGNS, sentences, spelling

OURS = [  # written for this test; the shipped model never saw them
    "Con đường từ ủy ban xã ra quốc lộ hư hỏng nhiều năm, mùa mưa lầy lội, mùa khô bụi mù trời.",
    "Người dân đề nghị chính quyền sớm sửa chữa cầu treo để học sinh đến trường an toàn.",
    "Trạm y tế mới xây khang trang, bác sĩ nhiệt tình, bà con rất phấn khởi.",
    "Sau cơn bão, nhiều hộ bị tốc mái nhà, mất điện và thiếu nước sạch suốt ba ngày.",
    "Chủ tịch tỉnh yêu cầu các sở, ngành báo cáo kết quả giải ngân vốn đầu tư công trước ngày 15 tháng 10.",
]
LINES = [
    "đường xấu quá",
    "đường hỏng quá",
    "con đường xấu",
    "uống nước đường",
    "đương nhiên rồi",
    "xâu chuỗi hạt",
    "hong khô",
]


@pytest.fixture(scope="module")
def tiny() -> NgramModel:
    words = [*SIGNS, *sorted({word for line in LINES for (sentence,) in [list(sentences(line))] for word in sentence})]
    corpora = [trigrams(LINES * 5, words), trigrams(["đường hỏng"] * 5, words, 3.0)]
    return NgramModel(fit(words, corpora, Pruning(1, 1, 0, 0)))


def _score(model: NgramModel, path: tuple[int, ...]) -> float:
    ids = np.asarray([0, 0, *path], dtype=np.int32)
    places = model.pairs(ids[:-1], ids[1:])
    pairs = model.pair_scores(ids[:-1], ids[1:], places)
    return float(model.triple_scores(places[:-1], ids[2:], pairs[1:]).sum())


@given(st.lists(st.sampled_from(["duong", "xau", "hong", "qua", "con", "nuoc"]), min_size=1, max_size=5))
def test_the_search_finds_what_trying_every_path_finds(tiny: NgramModel, words: list[str]) -> None:
    choices = [tiny.candidates[word] for word in words]
    (found,) = best_paths(tiny, [choices])
    best = max(_score(tiny, tuple(path)) for path in product(*(c.tolist() for c in choices)))
    assert _score(tiny, tuple(found)) == pytest.approx(best, abs=1e-3)


def test_neighbours_decide(tiny: NgramModel) -> None:
    restorer = Restorer(tiny)
    assert restorer.restore("Duong xau QUA!") == "Đường xấu QUÁ!"
    assert restorer.restore("duong nhien roi, xau chuoi hat") == "đương nhiên rồi, xâu chuỗi hạt"
    assert restorer.restore("uong nuoc duong") == "uống nước đường"


def test_texts_together_give_what_each_gives_alone(tiny: NgramModel) -> None:
    restorer = Restorer(tiny)
    texts = ["duong xau qua. duong hong", "", "xau chuoi hat\nhong kho", "!!!", "con duong xau 5 nam " * 40]
    assert restorer.restore_all(texts) == [restorer.restore(text) for text in texts]


@settings(deadline=None)  # the first text waits for the model
@given(st.text(max_size=80))
def test_any_text_keeps_its_letters_and_what_had_marks(text: str) -> None:
    found = shipped().restore(text)
    assert bare(found) == bare(text)
    for before, after in zip(nfc(text), found, strict=True):
        assert before == after or before.isascii()


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("duong vao xa hong nang", True),
        ("duong vao xã hong nang qua di", True),
        ("Đường vào xã hỏng nặng", False),
        ("Con em nay hoc ở đâu", False),
        ("ok", False),
        ("", False),
        ("82A 123.45", False),
    ],
)
def test_only_texts_with_no_or_few_marks_are_touched(text: str, lacking: bool) -> None:
    assert lacks_marks(text) is lacking
    assert (marked([text]) != [text]) is lacking


def test_a_mixed_batch_changes_only_what_lacks_marks() -> None:
    given_ = ["Xe máy đi ngược chiều, nguy hiểm lắm", "duong hong nang. De nghi xa sua chua", "Ia H'Drai: rừng bị phá"]
    found = marked(given_)
    assert found == [given_[0], "đường hỏng nặng. Đề nghị xã sửa chữa", given_[2]]


def test_both_places_of_the_tone_mark_are_one_spelling() -> None:
    assert [spelling(word) for word in ("Hoà", "hòa", "quý", "thuỷ")] == ["hòa", "hòa", "quý", "thủy"]


def test_the_file_gives_back_the_same_model(tiny: NgramModel, tmp_path: Path) -> None:
    words = list(tiny.words)
    arrays = fit(words, [trigrams(LINES * 5, words)], Pruning(1, 1, 0, 0))
    save(arrays, {"made": "here"}, tmp_path)
    again, card = load(tmp_path)
    texts = [bare(line) for line in LINES]
    assert card["made"] == "here"
    assert Restorer(again).restore_all(texts) == Restorer(NgramModel(arrays)).restore_all(texts)


def _damages(folder: Path) -> Iterator[None]:
    npz, card = folder / "restore.npz", folder / "restore.json"
    whole, text = npz.read_bytes(), card.read_text(encoding="utf-8")
    npz.write_bytes(whole[: len(whole) // 2])
    yield
    npz.write_bytes(whole)
    card.write_text(text.replace('"format": 1', '"format": 99'), encoding="utf-8")
    yield
    card.write_text(text, encoding="utf-8")
    with np.load(npz) as stored:
        parts = {key: stored[key] for key in stored.files}
    np.savez_compressed(npz, **{**parts, "unigram": parts["unigram"][:-1]})
    yield
    npz.unlink()
    yield


def test_a_damaged_file_is_refused_in_one_line(tiny: NgramModel, tmp_path: Path) -> None:
    words = list(tiny.words)
    save(fit(words, [trigrams(LINES, words)], Pruning(1, 1, 0, 0)), {}, tmp_path)
    for _ in _damages(tmp_path):
        with pytest.raises(ModelError, match="hãy cài lại duluan") as refused:
            load(tmp_path)
        assert "\n" not in str(refused.value)


def test_rare_neighbours_are_not_kept() -> None:
    """What stands in one text only cannot be read off the model, however much comments weigh."""
    common, rare = ["con đường xấu quá"] * 9, ["con đường nhà bà tám"]
    words = [*SIGNS, "con", "đường", "xấu", "quá", "nhà", "bà", "tám", "nha", "ba", "tam", "qua", "xau", "duong"]
    arrays = fit(words, [trigrams(common, words), trigrams(rare, words, 500.0)], Pruning(2, 3, 0, 0))
    kept = {words[second] for second in arrays.second} | {words[third] for third in arrays.third}
    assert kept == {"con", "đường", "xấu", "quá"}


def test_vocabulary_counts_comments_ten_times() -> None:
    assert vocabulary(["nhà xa"] * 39 + ["xa"], ["hông"] * 4 + ["lâuuuuuuu"] * 9) == [*SIGNS, "xa", "hông"]


def test_our_own_sentences_come_back() -> None:
    model, _ = load(MODELS)
    found = measure(Restorer(model), model, OURS)
    assert found.words == 95
    assert found.right >= 0.96 > 0.75 > found.most_frequent


def test_the_models_stay_small() -> None:
    assert sum(path.stat().st_size for path in MODELS.iterdir()) <= 15_000_000


def test_held_out_text_stays_above_its_floor(shared: Path) -> None:
    floors = json.loads((Path(__file__).parent / "eval_floors.json").read_text(encoding="utf-8"))
    model, _ = load(MODELS)
    for name, texts in held_out_texts(shared / "data", most=40).items():
        assert measure(Restorer(model), model, texts[:150]).right >= floors[f"restore.{name}"], name


def test_a_model_is_built_from_a_data_folder(tmp_path: Path) -> None:
    _data_folder(tmp_path)
    told: list[str] = []
    build(tmp_path, tmp_path / "out", told.append)
    model, card = load(tmp_path / "out")
    assert {"đường", "hỏng"} < set(model.words)
    assert card["counted"]["syllables"]["news"] > card["counted"]["syllables"]["comments"] > 0
    assert Restorer(model).restore("duong hong") == "đường hỏng"


def _data_folder(folder: Path) -> None:
    import lzma

    def write(name: str, text: str) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.compress(text.encode()))

    write("vietnews/news.tsv.xz", "".join(f"Tin {n}\tTóm tắt\tĐường hỏng nặng\n" for n in range(60)))
    write("rss_daily_2025_2026/articles.csv.xz", "title,summary\nMưa lớn,Đường ngập\n")
    write("tuoitre_2024/articles.csv.xz", "postId,title,description,content\n1,Đường xấu,Mô tả,Nội dung\n")
    write("tuoitre_2024/comments.csv.xz", "postId,text\n1,Đường hỏng quá\n")
    write("labels/comments.csv.xz", "title,text\n" + "".join(f"Bài {n},Đường hỏng lần {n}\n" for n in range(9)))
    write("victsd/train.csv.xz", "Title,Comment\nBài khác,Đường tốt\n")
