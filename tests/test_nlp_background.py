"""Ridge, the background corpus, and heads that read it: checked on made-up languages of our own."""

from __future__ import annotations

import csv
import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from nlp.background import NOTHING, WORDS, Background, fit_background
from nlp.corpus import Piece, unlabelled
from nlp.datasets import Example
from nlp.linear import load_bundle, save_bundle
from nlp.reading import clip
from nlp.ridge import fit_ridge
from nlp.space import FeatureSpace
from nlp.train import train

FIELDS = ("giao_thong", "y_te", "giao_duc")


def words_of(field: int) -> list[str]:
    """The 250 made-up words of a field, whose letters tell nothing."""
    letters = np.random.default_rng(100 + field).choice(list("abcdeghiklmnopqrstuvxy"), size=(250, 6))
    return ["".join(word) for word in letters]


def sentence(g: np.random.Generator, field: int, vocabulary: list[str] | None = None, size: int = 25) -> str:
    """Words of one field, mixed with common ones."""
    own = vocabulary or words_of(field)
    return " ".join(
        [*(own[k] for k in g.integers(len(own), size=size)), *(f"chung{k}" for k in g.integers(40, size=8))]
    )


@pytest.fixture(scope="module")
def background() -> Background:
    g = np.random.default_rng(4)
    return fit_background(Piece(sentence(g, n % 3), f"bao:{FIELDS[n % 3]}" if n % 2 else "") for n in range(3000))


def test_ridge_is_the_closed_form() -> None:
    g = np.random.default_rng(1)
    rows = sparse.random(60, 40, density=0.2, random_state=1, format="csr", dtype=np.float32)
    targets = np.where(g.random((60, 3)) < 0.4, 1, -1).astype(np.float32)
    importance = g.uniform(0.5, 2, 60).astype(np.float32)
    weights, bias = fit_ridge(rows, targets, importance, 0.7)
    dense = np.hstack([rows.toarray(), np.full((60, 1), 0.1**0.5)])  # the bias is the weight of a constant
    exact = np.linalg.solve(
        dense.T @ (importance[:, None] * dense) + 0.7 * np.eye(41), dense.T @ (importance[:, None] * targets)
    )
    assert np.allclose(weights, exact[:-1], atol=5e-3)
    assert np.allclose(bias, exact[-1] * 0.1**0.5, atol=5e-3)


def likeness(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Cosines between the rows of two sets, each centred."""
    ones, others = (part - part.mean(axis=0) for part in (ones, others))
    ones, others = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (ones, others))
    return np.asarray(ones @ others.T)


def test_words_of_one_field_lie_together(background: Background) -> None:
    """Texts of a field that share none of its words: their themes are alike, their words are not."""
    g, fields = np.random.default_rng(6), np.arange(90) % 3
    space = FeatureSpace.of((WORDS,), background.buckets, background.idf)
    ones, others = (
        space.rows([sentence(g, field, words_of(field)[half]) for field in fields], [""] * len(fields))
        for half in (slice(125), slice(125, 250))
    )
    same = np.equal.outer(fields, fields)
    words = likeness(ones.toarray(), others.toarray())
    themes = likeness(ones @ background.themes, others @ background.themes)
    nearer = {name: part[same].mean() - part[~same].mean() for name, part in (("themes", themes), ("words", words))}
    assert nearer["themes"] > 0.1 > 10 * abs(nearer["words"])
    nearest = np.stack([themes[:, fields == field].mean(axis=1) for field in range(3)], axis=1).argmax(axis=1)
    assert np.mean(nearest == fields) > 0.95
    assert background.sections.shape == (background.buckets.size, 3)


def test_too_little_text_teaches_nothing() -> None:
    assert fit_background([]) is NOTHING
    assert fit_background([Piece("một hai ba", "")] * 50) is NOTHING


def _examples(g: np.random.Generator, vocabularies: list[list[str]], kind: str, n: int = 90) -> list[Example]:
    return [
        Example(
            text=sentence(g, k % 3, vocabularies[k % 3]),
            title="",
            kind=kind,  # type: ignore[arg-type]
            group=f"{kind}-{k}",
            answers={"topic": FIELDS[k % 3]},
        )
        for k in range(n)
    ]


def test_a_head_knows_words_that_no_label_showed(background: Background, tmp_path: Path) -> None:
    """Labels show a fifth of each field's words; the background knows which of the others belong to it."""
    g = np.random.default_rng(7)
    shown = [words_of(field)[:50] for field in range(3)]
    hidden = [words_of(field)[50:] for field in range(3)]
    examples = _examples(g, shown, "comment")
    unseen = _examples(g, hidden, "comment")
    texts, blank, news = [e.text for e in unseen], [""] * len(unseen), [False] * len(unseen)

    def right(known: Background) -> float:
        bundle = train(examples, "thu", background=known)
        save_bundle(bundle, tmp_path)
        again = load_bundle("vi", tmp_path)
        found = again.answers(texts, blank, news)["topic"]
        assert np.allclose(found, bundle.answers(texts, blank, news)["topic"], atol=0.03), (
            "int8 changes next to nothing"
        )
        labels = again.heads["topic"].labels
        return float(
            np.mean([labels[k] == e.answers["topic"] for k, e in zip(found.argmax(axis=1), unseen, strict=True)])
        )

    assert right(background) > 0.95
    assert right(NOTHING) < 0.6


def test_news_have_a_topic_head_of_their_own() -> None:
    """The same words mean another topic in news than in comments."""
    g = np.random.default_rng(3)
    turned = [words_of(1), words_of(2), words_of(0)]
    examples = [*_examples(g, [words_of(k) for k in range(3)], "comment"), *_examples(g, turned, "news")]
    bundle = train(examples, "thu")
    assert set(bundle.heads) == {"topic", "topic_news"}
    assert bundle.tasks == ("topic",)
    text = [sentence(g, 1)]
    labels = bundle.heads["topic"].labels
    assert labels[int(bundle.answers(text, [""], [False])["topic"].argmax())] == "y_te"
    assert labels[int(bundle.answers(text, [""], [True])["topic"].argmax())] == "giao_thong"


def test_a_second_topic_comes_second() -> None:
    """Words of no field mark texts of the first one whose second topic is the second field, or the third: only labels tell which."""
    g = np.random.default_rng(11)

    def marked(text: str, k: int) -> str:
        return " ".join([text, *["dấu kép" if k % 2 else "vết đôi"] * 6])

    examples = [
        replace(one, text=marked(one.text, k), second=FIELDS[1 + k % 2]) if one.answers["topic"] == FIELDS[0] else one
        for k, one in enumerate(_examples(g, [words_of(field) for field in range(3)], "news", 180))
    ]
    for place in range(
        8, 180, 9
    ):  # where nothing is ever wrong the temperature has no end, and the likeliest takes all
        examples[place] = replace(examples[place], answers={"topic": FIELDS[1]})
    bundle = train(examples, "test", inner=3)
    labels = bundle.heads["topic"].labels
    texts = [marked(sentence(g, 0), k) for k in range(40)]
    shares = bundle.answers(texts, [""] * 40, [True] * 40)["topic"]
    order = np.argsort(-shares, axis=1)
    assert all(labels[first] == FIELDS[0] for first in order[:, 0])
    right = [labels[second] == FIELDS[1 + k % 2] for k, second in enumerate(order[:, 1])]
    assert np.mean(right) > 0.95


def test_a_label_missing_from_a_fold_is_no_error() -> None:
    g = np.random.default_rng(5)
    examples = _examples(g, [words_of(k) for k in range(3)], "comment", 30)
    rare = Example(text="rất lạ", title="", kind="comment", group="x", answers={"topic": "khac"})
    bundle = train([*examples, rare], "thu", inner=3)
    assert "khac" in bundle.heads["topic"].labels
    assert bundle.answers([examples[0].text], [""], [False])["topic"].sum() == pytest.approx(1, abs=1e-5)


def test_labelled_texts_are_left_out_of_the_corpus(tmp_path: Path) -> None:
    folder = tmp_path / "vnexpress_topics_2020"
    folder.mkdir()
    rows = [
        ("thoi-su", "Cầu Làng Rê hỏng", "Người dân qua lại khó khăn", ""),
        ("giao-duc", "Trường mới", "Khai giảng ở xã", ""),
    ]
    with lzma.open(folder / "articles.csv.xz", "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("topic", "title", "content", "url"), *rows])
    comment = Example(text="Mong sửa sớm", title="CẦU Làng Rê hỏng!", kind="comment", group="a")
    assert [piece.section for piece in unlabelled(tmp_path, [])] == ["vnx:thoi-su", "vnx:giao-duc"]
    assert [piece.text for piece in unlabelled(tmp_path, [comment])] == ["trường mới . khai giảng ở xã"]


def test_training_reads_of_a_long_text_what_use_reads() -> None:
    g = np.random.default_rng(9)
    long = [
        replace(e, text=f"{e.text} {'giua ' * 300}{e.text}")
        for e in _examples(g, [words_of(k) for k in range(3)], "comment", 30)
    ]
    whole, clipped = (train(examples, "thu") for examples in (long, [replace(e, text=clip(e.text)) for e in long]))
    assert np.array_equal(whole.space.kept, clipped.space.kept)
    assert np.array_equal(whole.levels, clipped.levels)
