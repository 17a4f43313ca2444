"""`duluan backup`: a consistent copy of the running store."""

from __future__ import annotations

from typing import Annotated

import typer

from duluan.cli.common import StoreUrl, open_index

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    target: Annotated[
        str, typer.Argument(help="Tệp sao lưu (SQLite) hoặc thư mục kho sao lưu trên máy chủ (Elasticsearch).")
    ],
    store: StoreUrl = None,
) -> None:
    """Sao lưu kho đang chạy; không cần dừng việc gì. Trang thô không nằm trong bản sao lưu."""
    open_index(store).backup(target)
    typer.echo(f"Đã sao lưu vào {target}")
