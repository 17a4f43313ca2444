"""`duluan eval`: accuracy of the default recipe on given files, or of the shipped models in grouped folds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from duluan.errors import InputError

app = typer.Typer(add_completion=False)


@app.command()
def evaluate(
    task: Annotated[str, typer.Option("--task", help="Tên việc phân loại, ví dụ sentiment, topic.")] = "sentiment",
    train: Annotated[Path | None, typer.Option("--train", help="CSV có nhãn để huấn luyện (.xz được).")] = None,
    test: Annotated[Path | None, typer.Option("--test", help="CSV có nhãn để chấm.")] = None,
    text: Annotated[str, typer.Option("--text", help="Cột văn bản.")] = "text",
    label: Annotated[str, typer.Option("--label", help="Cột nhãn.")] = "label",
    data: Annotated[
        Path | None, typer.Option("--data", help="Thư mục các bộ nhãn, để chấm mô hình đi kèm.", envvar="DULUAN_DATA")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")] = False,
) -> None:
    """Đo độ chính xác: với hai tệp CSV có nhãn, hoặc (--data) của mô hình đi kèm, chia theo bài báo."""
    from nlp.evaluate import evaluate_files, evaluate_shipped, read_examples

    if train is not None and test is not None:
        found = evaluate_files(task, read_examples(train, task, text, label), read_examples(test, task, text, label))
        print(json.dumps(found, ensure_ascii=False) if as_json else _line(task, found))
        return
    if train is not None or test is not None:
        raise InputError("cần cả --train và --test")
    if data is None:
        raise InputError("cần --train và --test, hoặc --data (thư mục các bộ nhãn) để chấm mô hình đi kèm")
    from nlp.background import fit_background
    from nlp.corpus import unlabelled
    from nlp.datasets import labelled

    examples = labelled(data)
    results = evaluate_shipped(examples, fit_background(unlabelled(data, examples)))
    print(json.dumps(results, ensure_ascii=False) if as_json else "\n".join(_line(k, v) for k, v in results.items()))


def _line(name: str, found: dict[str, Any]) -> str:
    text = (
        f"{name:18} n={found['n']:5} chính xác {found['accuracy']:.3f}  macro-F1 {found['macro_f1']:.3f}  "
        f"weighted-F1 {found['weighted_f1']:.3f}  ECE {found['ece']:.3f}"
    )
    if "bare_loss" in found:
        low, high = found["macro_f1_95"]
        text += f"  [macro-F1 {low:.3f}–{high:.3f}]  bỏ dấu: {round(-100 * found['bare_loss'], 1) + 0:+.1f} điểm"
        if worst := found["costliest_article"]:
            rest = worst["without"]
            text += (
                f"\n    bài sai nhiều nhất: {worst['wrong']}/{worst['n']}; không kể bài ấy: "
                f"{rest['accuracy']:.3f}/{rest['macro_f1']:.3f}, ECE {rest['ece']:.3f}"
            )
        if two := found["two_topics"]:
            text += (
                f"\n    chủ đề thứ hai: đúng một trong hai {two['either']:.3f}; đủ cả hai ở hai vị trí đầu "
                f"{two['both']:.3f} (n={two['n']})"
            )
        text += "".join(
            f"\n    {key}: n={v['n']} {v['accuracy']:.3f}/{v['macro_f1']:.3f}" for key, v in found["slices"].items()
        )
    return text
