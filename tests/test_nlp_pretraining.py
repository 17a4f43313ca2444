"""What makes the encoder: tokens, the pack, 8-bit weights; and – where PyTorch is – the whole course on a toy."""

from __future__ import annotations

import csv
import json
import lzma
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.corpus import unlabelled_articles, unlabelled_comments
from nlp.datasets import Example
from nlp.pretraining.packing import main as pack
from nlp.pretraining.tokens import SEPARATOR, VOICE, joined
from nlp.pretraining.weights import FOLDER, load_rows, save_rows
from nlp.train import fold_of

WORDS = ("xã", "đường", "cầu", "nước", "trường", "mưa", "dân", "họp", "hỏng", "sạch", "bẩn", "mới", "cũ", "chậm", "tốt")
ids = st.lists(st.integers(6, 11_999), max_size=300)


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with lzma.open(path, "wt", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def sentence(g: np.random.Generator) -> str:
    return " ".join(str(word) for word in g.choice(WORDS, size=14))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets of our own making in the shape of the real ones."""
    folder, g = tmp_path_factory.mktemp("data"), np.random.default_rng(7)
    comments, news, voices = [], [], []
    titles = [sentence(g) for _ in range(40)]
    for n in range(120):
        title = titles[n // 3]
        comments.append(
            {"id": str(n), "source": "victsd", "title": title, "text": f"{sentence(g)} {n}"}
            | {"sentiment": ("neg", "neu", "pos")[n % 3], "topic": ("y_te", "khac")[n % 2], "feedback": str(n % 2)}
            | {"sarcasm": "0"}
        )
        news.append(
            {"id": str(n), "source": "Báo", "link": "", "title": sentence(g), "text": sentence(g), "places": ""}
            | {"topic": ("y_te", "khac")[n % 2], "topic2": "", "tone": ("neg", "neu", "pos")[n % 3], "in_province": "1"}
        )
        voices.append({"Comment": sentence(g), "Title": title, "Toxicity": str(n % 2), "Constructiveness": "0"})
    write(folder / "labels/comments.csv.xz", comments)
    write(folder / "labels/news.csv.xz", news)
    write(folder / "victsd/train.csv.xz", voices)
    write(folder / "victsd/valid.csv.xz", [{"Comment": sentence(g), "Title": sentence(g)} for _ in range(60)])
    rows = [{"title": sentence(g), "summary": sentence(g), "category": f"mục {n % 2}"} for n in range(200)]
    write(folder / "rss_daily_2025_2026/articles.csv.xz", rows)
    return folder


@given(ids, ids, st.integers(16, 128))
def test_a_row_fits_and_begins_with_its_kind(title: list[int], text: list[int], length: int) -> None:
    row = joined(VOICE, title, text, length)
    assert len(row) <= length
    assert row[0] == VOICE
    assert row.count(SEPARATOR) == 1
    if text:
        assert row[-1] == text[-1]


def test_rows_of_eight_bits_are_within_half_a_step(tmp_path: Path) -> None:
    g = np.random.default_rng(3)
    weights = {"a/b": g.normal(size=(50, 30)).astype(np.float32), "bias": g.normal(size=30), "zero": np.zeros((2, 3))}
    save_rows(tmp_path / "w.npz", weights)
    again = load_rows(tmp_path / "w.npz")
    assert again.keys() == weights.keys()
    assert np.allclose(again["bias"], weights["bias"])
    assert not again["zero"].any()
    step = np.abs(weights["a/b"]).max(axis=1) / 127
    assert (np.abs(again["a/b"] - weights["a/b"]) <= step[:, None] * 0.501).all()


def test_what_is_labelled_is_never_read_as_unlabelled(data: Path) -> None:
    known = Example(text="đường hỏng", title="họp xã", kind="comment", group="họp xã")
    write(data / "tuoitre_2024/comments.csv.xz", [{"text": "đường hỏng"}, {"text": "trường mới"}])
    write(data / "tuoitre_2024/articles.csv.xz", [
        {"title": "Họp xã", "description": "a", "content": "b", "category": "c"},
        {"title": "Cầu mới", "description": "a", "content": "b", "category": "c"},
    ])  # fmt: skip
    assert "trường mới" in {text for _, text, _ in unlabelled_comments(data, [known])}
    assert "đường hỏng" not in {text for _, text, _ in unlabelled_comments(data, [known])}
    titles = {title for title, _, _ in unlabelled_articles(data, [known])}
    assert "Cầu mới" in titles
    assert "Họp xã" not in titles


def test_the_pack_keeps_folds_by_article(data: Path, tmp_path: Path) -> None:
    pack(data, tmp_path)
    with np.load(tmp_path / "labelled.npz") as file:
        assert file["answers"].shape == (360, 5)
        assert file["ends"][-1] == len(file["ids"])
        folds = file["folds"]
    assert folds[0] == folds[1] == folds[2]
    with lzma.open(data / "labels/comments.csv.xz", "rt", encoding="utf-8") as rows:
        title = next(csv.DictReader(rows))["title"]
    assert folds[0] == fold_of(title)
    with lzma.open(tmp_path / "plain_00.npy.xz") as packed:
        plain = np.load(packed)
    assert plain.dtype == np.uint16
    assert len(plain) > 1000


def test_the_shipped_weights_fit_their_tokens() -> None:
    weights = load_rows(FOLDER / "encoder.npz")
    vocabulary = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    assert weights["table.weight"].shape == (len(vocabulary), 384)
    assert all(np.isfinite(array).all() for array in weights.values())


def test_the_whole_course_on_a_toy(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is optional")
    pack(data, tmp_path / "pack")
    command = [sys.executable, "-m", "nlp.pretraining.course", str(tmp_path / "pack"), str(tmp_path / "out"), "--tiny"]
    command += [
        "--pretrain",
        "5",
        "--until",
        "90",
        "--last",
        "30",
        "--batch",
        "8",
        "--workers",
        "2",
        "--work",
        str(tmp_path / "work"),
    ]
    subprocess.run(command, check=True, timeout=280)
    with np.load(tmp_path / "out/results.npz") as found:
        assert {f"plain_{fold}" for fold in range(5)} <= set(found.files)
    assert (tmp_path / "out/pretrained_0.npz").is_file()


def test_one_fold_on_a_cpu_from_the_stored_weights_and_from_random_ones(data: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is optional")
    from nlp.pretraining.encoder import Shape
    from nlp.pretraining.trial import started, trial
    from nlp.pretraining.tuning import Tuning

    pack(data, tmp_path)
    plan = Tuning(epochs=1, batch=16, averaged=0.5)
    found = trial(tmp_path, "sentiment", 0, plan, random=True)
    with np.load(tmp_path / "labelled.npz") as file:
        assert found.texts == np.sum((file["answers"][:, 1] >= 0) & (file["folds"] == 0))
    assert 0 <= found.macro_f1 <= 1
    stored, random = (started(start, Shape(12_000), 0.0).state_dict() for start in (False, True))
    assert not torch.equal(stored["table.weight"], random["table.weight"])
