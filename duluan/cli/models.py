"""`duluan models train`: the embedded models, from labelled sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _models() -> None:
    """Huấn luyện mô hình nhúng."""


@app.command()
def train(
    data: Annotated[Path, typer.Option("--data", help="Thư mục các bộ nhãn.", envvar="DULUAN_DATA")],
    version: Annotated[str, typer.Option("--version", help="Tên phiên bản, ví dụ 2026.11-2.")],
    out: Annotated[Path | None, typer.Option("--out", help="Nơi ghi (mặc định: mô hình đi kèm).")] = None,
) -> None:
    """Huấn luyện lại tất cả các mô hình và ghi tệp npz kèm thẻ JSON."""
    from nlp.linear import MODELS
    from nlp.train import main

    bundle = main(data, version, out or MODELS)
    print(f"đã ghi mô hình {bundle.name}-{bundle.version}: {', '.join(bundle.heads)}")
