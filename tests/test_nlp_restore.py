"""Diacritics restorer: the search against trying every path, what it may never touch, the file, the shipped model's accuracy."""

from __future__ import annotations

import json
import lzma
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
from nlp.restore.counting import build, held_out, held_out_texts, informal, trigrams, vocabulary
from nlp.restore.fitting import fit, gathered
from nlp.restore.lattice import best_paths
from nlp.restore.measuring import measure
from nlp.restore.model import FORMAT, ID_BITS, NgramModel, load, save
from nlp.restore.pruning import Pruning, Siblings, cost, share
from nlp.restore.restorer import bare
from nlp.restore.syllables import COMMA, END, NUMBER, SIGNS, UNKNOWN, sentences, spans, spelling

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
    "đẹp lắm",
    "làm đường",
    "làm con đường",
    "tốt quá, còn gì",
    "con gì",
]


@pytest.fixture(scope="module")
def tiny() -> NgramModel:
    seen = {word for line in LINES for sentence in sentences(line) for word in sentence}
    words = [*SIGNS, *sorted(seen.difference(SIGNS))]
    corpora = [trigrams(LINES * 5, words), trigrams(["đường hỏng"] * 5, words, 3.0)]
    return NgramModel(fit(words, corpora, Pruning(1, 1, 0)))


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


def test_ends_and_commas_decide(tiny: NgramModel) -> None:
    restorer = Restorer(tiny)
    assert restorer.restore("dep lam. lam duong") == "đẹp lắm. làm đường"
    assert restorer.restore("tot, con gi. Con gi!") == "tốt, còn gì. Con gì!"


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


def test_where_sentences_end_and_what_is_a_number() -> None:
    text = 'Hỏng, "nặng",.. Còn 1.500 đồng; ,nhé!\n… , Thôi (ạ)'
    assert list(sentences(text)) == [
        ["hỏng", COMMA, "nặng", END],
        ["còn", NUMBER, "đồng", COMMA, "nhé", END],
        ["thôi", "ạ", END],
    ]
    assert list(sentences(" .,;!\n")) == []


@given(st.text(st.sampled_from('aĐđ1 .,;!?…\n"(')))
def test_units_lie_in_the_text_one_after_another(text: str) -> None:
    end = 0
    for sentence in spans(nfc(text)):
        for unit, start, stop in sentence:
            assert end <= start <= stop <= len(nfc(text))
            assert (start == stop) is (unit in SIGNS)
            assert start == stop or spelling(nfc(text)[start:stop]) == unit
            end = stop
        assert [unit for unit, _, _ in sentence].index(END) == len(sentence) - 1 > 0
        assert sentence[0][0] != COMMA != sentence[-2][0]


def test_both_places_of_the_tone_mark_are_one_spelling() -> None:
    assert [spelling(word) for word in ("Hoà", "hòa", "quý", "thuỷ")] == ["hòa", "hòa", "quý", "thủy"]


def test_the_file_gives_back_the_same_model(tiny: NgramModel, tmp_path: Path) -> None:
    words = list(tiny.words)
    arrays = fit(words, [trigrams(LINES * 5, words)], Pruning(1, 1, 0))
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
    card.write_text(text.replace(f'"format": {FORMAT}', '"format": 99'), encoding="utf-8")
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
    save(fit(words, [trigrams(LINES, words)], Pruning(1, 1, 0)), {}, tmp_path)
    for _ in _damages(tmp_path):
        with pytest.raises(ModelError, match="hãy cài lại duluan") as refused:
            load(tmp_path)
        assert "\n" not in str(refused.value)


def test_rare_neighbours_are_not_kept() -> None:
    """What stands in one text only cannot be read off the model, however much comments weigh."""
    common, rare = ["con đường xấu quá"] * 9, ["con đường nhà bà tám"]
    words = [*SIGNS, "con", "đường", "xấu", "quá", "nhà", "bà", "tám", "nha", "ba", "tam", "qua", "xau", "duong"]
    arrays = fit(words, [trigrams(common, words), trigrams(rare, words, 500.0)], Pruning(2, 3, 0))
    kept = {words[second] for second in arrays.second} | {words[third] for third in arrays.third}
    assert kept - set(SIGNS) == {"con", "đường", "xấu", "quá"}


def test_each_context_has_a_probability_of_one_to_give(tiny: NgramModel) -> None:
    """Also after pruning: what is not kept goes to the order below. A byte holds an eighth of a nat, so about 7 % may be missing."""
    every = np.arange(len(tiny.words), dtype=np.int32)
    for u, v in product(every, every):
        first, second = np.full(every.size, u, dtype=np.int32), np.full(every.size, v, dtype=np.int32)
        shorter = tiny.pair_scores(second, every, tiny.pairs(second, every))
        longer = tiny.triple_scores(tiny.pairs(first, second), every, shorter)
        assert np.exp(shorter).sum() == pytest.approx(1, abs=0.1)
        assert np.exp(longer).sum() == pytest.approx(1, abs=0.1)


def test_what_nothing_competes_with_costs_nothing() -> None:
    alone, dearer, cheaper = cost(
        np.asarray([1e6, 1e3, 1e3]),
        of_form=np.asarray([1e6, 2e3, 1001.0]),
        kept=np.asarray([0.1, 0.1, 0.9]),
        sure=np.asarray([1.0, 0.5, 0.5]),
    )
    assert alone < 0.1 < cheaper < dearer


def test_siblings_read_the_same_without_marks() -> None:
    words = [*SIGNS, "đường", "dương", "xấu"]
    road, male, bad, number, unknown, end = (words.index(w) for w in ("đường", "dương", "xấu", NUMBER, UNKNOWN, END))
    pairs = [(road, bad), (male, bad), (bad, end), (road, end), (road, number), (road, unknown), (number, road)]
    keys = np.asarray([(first << ID_BITS) | second for first, second in pairs], dtype=np.uint64)
    siblings = Siblings(words)
    assert siblings.matter(keys, 2).tolist() == [True, True, False, True, False, False, True]
    of_form = siblings.mass(keys, np.asarray([3.0, 1, 5, 1, 1, 1, 1]), 2)
    assert of_form.tolist() == [4, 4, 5, 1, 1, 1, 1]
    assert share(np.asarray([3.0, 0.0]), np.asarray([4.0, 0.0])).tolist() == [0.75, 1.0]


def test_a_pair_counts_once_for_each_word_it_follows() -> None:
    words = [*SIGNS, "a", "b", "c", "d"]
    counted = gathered([trigrams(["a b c", "a b c", "d b c", "b c"], words)], 2)
    b, c = words.index("b"), words.index("c")
    (place,) = np.flatnonzero(counted.keys == np.uint64((b << ID_BITS) | c))
    assert (counted.counts[place], counted.seen[place], counted.mass[place]) == (3, 4, 4)


def test_vocabulary_counts_comments_ten_times() -> None:
    assert vocabulary(["nhà xa"] * 39 + ["xa"], ["hông"] * 4 + ["lâuuuuuuu"] * 9) == [*SIGNS, "xa", "hông"]


def test_our_own_sentences_come_back() -> None:
    model, _ = load(MODELS)
    found = measure(Restorer(model), model, OURS)
    assert found.words == 95
    assert found.right >= 0.96 > 0.75 > found.alone


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


def test_what_is_held_out_is_not_counted_elsewhere(tmp_path: Path) -> None:
    _data_folder(tmp_path)
    titles = [f"Bài {number}" for number in range(40)]
    held, counted = (next(title for title in titles if held_out(title, 5) is wanted) for wanted in (True, False))
    rows = [(held, "Đường hỏng, sửa đi!"), (counted, "đường hỏng sửa đi"), (counted, "Sửa rồi"), (counted, "sửa rồi.")]
    write_rows(tmp_path, "labels/comments.csv.xz", "title,text\n" + "".join(f'{a},"{b}"\n' for a, b in rows))
    assert [text for text in informal(tmp_path) if "ửa" in text] == ["Sửa rồi"]


def _data_folder(folder: Path) -> None:
    write_rows(folder, "vietnews/news.tsv.xz", "".join(f"Tin {n}\tTóm tắt\tĐường hỏng nặng\n" for n in range(60)))
    write_rows(folder, "rss_daily_2025_2026/articles.csv.xz", "title,summary\nMưa lớn,Đường ngập\n")
    write_rows(folder, "tuoitre_2024/articles.csv.xz", "postId,title,description,content\n1,Đường xấu,Mô tả,Nội dung\n")
    write_rows(folder, "tuoitre_2024/comments.csv.xz", "postId,text\n1,Đường hỏng quá\n")
    write_rows(
        folder, "labels/comments.csv.xz", "title,text\n" + "".join(f"Bài {n},Đường hỏng lần {n}\n" for n in range(9))
    )
    for name in ("train", "valid"):
        write_rows(folder, f"victsd/{name}.csv.xz", f"Title,Comment\nBài khác,Đường tốt {name}\n")


def write_rows(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(text.encode()))
