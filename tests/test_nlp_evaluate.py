"""Scores, intervals and the `eval` command."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from duluan.cli.evaluate import app
from duluan.errors import InputError
from nlp.evaluate import evaluate_files, read_examples
from nlp.metrics import Scored, costliest, interval, report, two_topics

LABELS = ("neg", "neu", "pos")


def _scored(n: int = 400, seed: int = 3) -> Scored:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    shares = rng.dirichlet([1, 1, 1], n).astype(np.float32)
    shares[np.arange(n), truth] += 0.4
    shares /= shares.sum(axis=1, keepdims=True)
    return Scored("sentiment", LABELS, shares, tuple(LABELS[k] for k in truth), tuple(str(k % 40) for k in range(n)))


def test_report_agrees_with_scikit_learn() -> None:
    scored = _scored()
    found = report(scored)
    assert list(found) == ["task", "n", "accuracy", "macro_f1", "weighted_f1", "ece", "per_class"]
    assert found["macro_f1"] == pytest.approx(f1_score(scored.truth, scored.guess, average="macro"))
    assert found["weighted_f1"] == pytest.approx(f1_score(scored.truth, scored.guess, average="weighted"))
    assert sum(row["n"] for row in found["per_class"].values()) == 400


def test_a_label_that_was_never_seen_counts_as_wrong() -> None:
    scored = _scored(4)
    odd = Scored("sentiment", LABELS, scored.shares, ("odd",) * 4)
    assert report(odd)["accuracy"] == 0
    assert report(odd)["per_class"]["odd"] == {"precision": 0, "recall": 0, "f1": 0, "n": 4}


@pytest.mark.parametrize("key", ["accuracy", "macro_f1"])
def test_interval_holds_the_value_and_is_reproducible(key: str) -> None:
    scored = _scored()
    low, high = interval(scored, key)
    assert low < report(scored)[key] < high
    assert interval(scored, key) == (low, high)


def test_the_costliest_article_is_the_one_with_most_wrong_answers() -> None:
    """One article of 30 that is surely misread takes 30 points; without it everything is right."""
    shares = np.tile(np.float32([0.9, 0.05, 0.05]), (100, 1))
    answers = ("pos",) * 30 + ("neg",) * 70
    scored = Scored("topic", LABELS, shares, answers, ("misread",) * 30 + tuple(f"{n // 7}" for n in range(70)))
    found = costliest(scored)
    assert (found["n"], found["wrong"]) == (30, 30)
    assert found["without"] == {"accuracy": 1, "macro_f1": 1, "ece": pytest.approx(0.1)}
    assert report(scored)["accuracy"] == pytest.approx(0.7)
    assert costliest(scored.part(np.arange(100) < 30)) == {}
    assert costliest(Scored("topic", LABELS, shares, answers)) == {}


def test_a_second_topic_counts_where_it_is_named_with_the_first() -> None:
    shares = np.float32([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.2, 0.7], [0.8, 0.1, 0.1]])
    scored = Scored("topic", LABELS, shares, ("neg", "neg", "neg", "neg"))
    found = two_topics(scored, ["neu", "neu", "pos", None])
    # both on top twice; the third's first answer is its second topic, but the first one is not beside it
    assert found == {"n": 3, "either": 1.0, "both": pytest.approx(2 / 3)}
    assert two_topics(scored, ["neg", "?", "pos", None])["n"] == 1  # the same again or an unknown label is no second


def _write(path: Path, good: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["cau", "nhan"])
        for n in range(good):
            rows.writerow([f"Đường số {n} đẹp, đi lại thuận tiện, cảm ơn", "1"])
            rows.writerow([f"Đường số {n} hỏng nặng, đi lại khổ sở, bức xúc", "0"])
    return path


def test_the_command_prints_the_contract_object(tmp_path: Path) -> None:
    train, test = _write(tmp_path / "train.csv", 40), _write(tmp_path / "test.csv", 10)
    arguments = [
        "--task",
        "x",
        "--train",
        str(train),
        "--test",
        str(test),
        "--text",
        "cau",
        "--label",
        "nhan",
        "--json",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found) == {"task", "n", "accuracy", "macro_f1", "weighted_f1", "ece", "per_class"}
    assert found["n"] == 20
    assert found["accuracy"] == 1


def test_a_missing_column_is_named_with_those_that_exist(tmp_path: Path) -> None:
    path = _write(tmp_path / "train.csv", 2)
    with pytest.raises(InputError, match="không có cột 'text'; các cột: cau, nhan"):
        read_examples(path, "x", "text", "nhan")


def test_the_default_recipe_stays_above_its_floor(shared: Path) -> None:
    floors = json.loads((Path(__file__).parent / "eval_floors.json").read_text(encoding="utf-8"))
    folder = shared / "data/uit_vsfc"
    seen, unseen = (read_examples(folder / f"{part}.csv.xz", "s", "sentence", "sentiment") for part in ("train", "dev"))
    assert evaluate_files("s", seen, unseen)["weighted_f1"] >= floors["uit_vsfc.weighted_f1"]
