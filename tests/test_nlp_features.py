"""Normalisation, hashed features, calibration: what the models read and what their numbers mean."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.calibration import Calibration, calibration_error, f1_cut, fit_calibration, threshold_for
from nlp.features import BATCH, BITS, FAMILIES, Family, Part, count_features
from nlp.normalise import normalise

ANY_TEXT = st.text(max_size=300)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Đường xấuuuu wá, UBND xã k làm j hết 😡", "đường xấu quá, ủy ban nhân dân xã không làm gì hết tức giận"),
        ("HĐND tỉnh họp", "hội đồng nhân dân tỉnh họp"),
        ("Ko đc!!!!!!!", "không được!!!"),
        ("Nước đục https://vd.example/a?b=1 quá", "nước đục liên kết quá"),
        ("Vui :)) <3", "vui mặt cười trái tim"),
        ("năm 1000000, thế kỷ XIII, www", "năm 1000000, thế kỷ xiii, www"),
        ("Đăk Pxi, Ia H'Drai, Ngọk Réo, Y Blô", "đăk pxi, ia h'drai, ngọk réo, y blô"),
        ("hoà thuận, thuỷ lợi", "hòa thuận, thủy lợi"),
        ("", ""),
    ],
)
def test_normalise_keeps_the_meaning(written: str, read: str) -> None:
    assert normalise(written) == read
    assert normalise(unicodedata.normalize("NFD", written)) == read


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT)
def test_normalise_takes_any_unicode_and_settles(text: str) -> None:
    once = normalise(text)
    assert once == once.strip()
    assert unicodedata.is_normalized("NFC", once)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_TEXT, min_size=1, max_size=6))
def test_a_text_gets_the_same_features_alone_and_in_a_batch(texts: list[str]) -> None:
    together = count_features(texts, [""] * len(texts))
    for number, text in enumerate(texts):
        alone = count_features([text], [""])
        mine = together.rows == number
        assert together.ids[mine].tolist() == alone.ids.tolist()
        assert together.counts[mine].tolist() == alone.counts.tolist()


def test_word_features_are_words_and_pairs() -> None:
    family = (Family("word", "word", 1, 2),)
    found = count_features(["đường hỏng đường hỏng", "hỏng", "đường"], [""] * 3, family)
    first = dict(zip(found.ids[found.rows == 0].tolist(), found.counts[found.rows == 0].tolist(), strict=True))
    road = found.ids[found.rows == 2].tolist()[0]
    broken = found.ids[found.rows == 1].tolist()[0]
    assert first[road] == 2
    assert first[broken] == 2
    assert sorted(first.values()) == [1, 2, 2, 2]  # two words twice; "đường hỏng" twice, "hỏng đường" once


def test_title_text_and_both_are_different_evidence() -> None:
    found = count_features(["cầu sập", ""], ["", "cầu sập"])

    def parts(row: int) -> set[str]:
        return {FAMILIES[number].part for number in (found.ids[found.rows == row] >> BITS).tolist()}

    assert parts(0) == {"text", "joint"}
    assert parts(1) == {"title", "joint"}


def _counted(text: str, title: str, part: Part) -> dict[tuple[str, int], float]:
    """(unit, bucket) → how often, in one part."""
    families = tuple(
        Family(unit, unit, 1 if unit == "word" else 2, high, part) for unit, high in (("char", 5), ("word", 2))
    )
    found = count_features([text], [title], families)
    names = [families[number].unit for number in (found.ids >> BITS).tolist()]
    buckets = (found.ids & ((1 << BITS) - 1)).tolist()
    return dict(zip(zip(names, buckets, strict=True), found.counts.tolist(), strict=True))


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_one_pass_over_title_and_text_finds_what_each_holds_alone(title: str, text: str) -> None:
    assert _counted(text, title, "text") == _counted(text, "", "text")
    assert _counted(text, title, "title") == _counted(title, "", "text")
    assert _counted(text, title, "joint") == _counted(f"{title} . {text}" if title else text, "", "text")


def test_families_that_read_the_same_find_the_same() -> None:
    plain, corpus = Family("word", "word", 1, 2), Family("corpus", "word", 1, 2, corpus=True)
    found = count_features(["cầu sập rồi"], ["Tin mới"], (plain, corpus))
    ids = found.ids
    assert ids[ids < 1 << BITS].tolist() == (ids[ids >= 1 << BITS] - (1 << BITS)).tolist()


def test_a_batch_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed"):
        count_features([""] * (BATCH + 1), [""] * (BATCH + 1))


def test_calibration_recovers_the_true_probabilities() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 2, (6000, 3)).astype(np.float32)
    truth = Calibration(np.vstack([np.eye(3) * 0.7, np.zeros(3)]).astype(np.float32)).probabilities(scores)
    drawn = [["a", "b", "c"][rng.choice(3, p=row / row.sum())] for row in truth.astype(np.float64)]
    fitted = fit_calibration(scores, drawn, ("a", "b", "c")).probabilities(scores)
    assert np.allclose(fitted.sum(axis=1), 1, atol=1e-5)
    assert np.abs(fitted - truth).mean() < 0.02
    right = np.asarray(["a", "b", "c"])[fitted.argmax(axis=1)] == np.asarray(drawn)
    assert calibration_error(fitted, right) < 0.03


def test_calibration_leaves_the_likeliest_of_many_labels_as_it_is() -> None:
    scores = np.random.default_rng(1).normal(size=(900, 3)).astype(np.float32)
    scores[:, 1] -= 2  # a rare label
    answers = [("a", "b", "c")[row.argmax()] if n % 4 else "c" for n, row in enumerate(scores)]
    shares = fit_calibration(scores, answers, ("a", "b", "c")).probabilities(scores)
    assert (shares.argmax(axis=1) == scores.argmax(axis=1)).all()


def test_two_labels_need_one_score_and_keep_their_order() -> None:
    scores = np.linspace(-3, 3, 400, dtype=np.float32)[:, None]
    answers = ["yes" if score > 0.5 else "no" for score in scores[:, 0]]
    shares = fit_calibration(scores, answers, ("no", "yes")).probabilities(scores)
    assert shares[-1, 1] > 0.9
    assert shares[0, 0] > 0.9


def test_the_cut_is_half_of_the_f1_that_it_promises() -> None:
    """Lipton et al. 2014, and no other cut does better where the probabilities mean what they say."""
    rng = np.random.default_rng(5)
    yes = rng.beta(0.6, 1.4, 40_000)
    truth = rng.uniform(size=yes.size) < yes
    cut = f1_cut(np.stack([1 - yes, yes], axis=1).astype(np.float32))

    def f1(limit: float) -> float:
        named = yes >= limit
        return float(2 * np.sum(named & truth) / (named.sum() + truth.sum()))

    assert cut == pytest.approx(f1(cut) / 2, abs=0.01)
    assert f1(cut) > max(f1(limit) for limit in np.linspace(0.05, 0.95, 19)) - 0.003


def test_threshold_gives_the_precision_it_promises() -> None:
    rng = np.random.default_rng(2)
    top = rng.uniform(0.5, 1, 5000)
    right = rng.uniform(size=5000) < top
    shares = np.stack([top, 1 - top], axis=1).astype(np.float32)
    limit = threshold_for(shares, right)
    assert right[top >= limit].mean() >= 0.9
    assert right[top < limit].mean() < 0.9
    assert threshold_for(shares[:50], np.zeros(50, dtype=bool)) == 1.0


def test_calibration_error_of_a_boaster() -> None:
    shares = np.tile(np.asarray([[0.95, 0.05]], dtype=np.float32), (100, 1))
    right = np.arange(100) < 60
    assert calibration_error(shares, right) == pytest.approx(0.35, abs=1e-3)
