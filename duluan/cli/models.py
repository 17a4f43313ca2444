"""`duluan models train|export`: the embedded models, from labelled sets; a model of one's own, to int8."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duluan.cli.common import ProvinceDir, open_province

if TYPE_CHECKING:
    from nlp.linear import Bundle

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _models() -> None:
    """Huấn luyện mô hình nhúng."""


@app.command()
def train(
    data: Annotated[Path, typer.Option("--data", help="Thư mục các bộ nhãn.", envvar="DULUAN_DATA")],
    version: Annotated[str, typer.Option("--version", help="Tên phiên bản, ví dụ 2026.11-2.")],
    out: Annotated[Path | None, typer.Option("--out", help="Nơi ghi (mặc định: mô hình đi kèm).")] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Nhãn của cán bộ: tệp của label export --labelled.")
    ] = None,
    province: ProvinceDir = None,
) -> None:
    """Huấn luyện lại tất cả các mô hình và ghi tệp npz kèm thẻ JSON."""
    from nlp.linear import MODELS
    from nlp.train import main

    folder = out or MODELS
    bundle = _with_labels(data, labels, version, folder, province) if labels else main(data, version, folder)
    print(f"đã ghi mô hình {bundle.name}-{bundle.version}: {', '.join(bundle.heads)}")


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="Thư mục mô hình transformers, hoặc mã trên hub đã tải về máy.")],
    out: Annotated[Path, typer.Option("--out", help="Thư mục ghi model.onnx, tokenizer.json và thẻ.")],
    task: Annotated[str, typer.Option("--task", help="topic, sentiment, tone, feedback, toxic.")] = "sentiment",
    labels: Annotated[
        str, typer.Option("--labels", help="Nhãn của ta theo thứ tự đầu ra, cách nhau bằng dấu phẩy.")
    ] = "neg,neu,pos",
    revision: Annotated[
        str | None, typer.Option("--revision", help="Bản ghim của mô hình trên hub (40 ký tự).")
    ] = None,
) -> None:
    """Đổi một mô hình PyTorch sang ONNX int8 để chạy nhanh trên CPU, không cần torch."""
    from pydantic import ValidationError

    from duluan.config import Plugin
    from duluan.errors import InputError
    from nlp.neural.export import export as write

    try:
        plugin = Plugin.model_validate(
            {"task": task, "backend": "transformers", "model": model, "labels": labels.split(","), "revision": revision}
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"--{'.'.join(map(str, first['loc'])) or 'labels'}: {first['msg']}") from None
    print(f'đã ghi {write(plugin, Path.cwd(), out)}; khai báo trong models.toml với backend = "onnx"')


def _with_labels(data: Path, labels: Path, version: str, folder: Path, province: str | None) -> Bundle:
    """Train on our sets and staff's labels; print what the labels gain on texts held out."""
    from duluan.clock import system_clock
    from flows.labels import read_labelled, training_examples
    from nlp.background import fit_background
    from nlp.corpus import unlabelled
    from nlp.datasets import labelled
    from nlp.staff_training import CARD_KEY, retrain

    staff = training_examples(read_labelled(labels, open_province(province), system_clock()))
    base = labelled(data)
    background = fit_background(unlabelled(data, [*base, *staff]))
    bundle = retrain(base, staff, version, folder, background)
    for task, told in bundle.card[CARD_KEY]["gain"].items():
        print(
            f"{task}: {told['n']} nhãn giữ riêng để chấm, chính xác {told['before_accuracy']:.3f} → "
            f"{told['after_accuracy']:.3f}, macro-F1 {told['before_macro_f1']:.3f} → {told['after_macro_f1']:.3f}"
        )
    return bundle
