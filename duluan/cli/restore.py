"""`duluan restore`: put a backup in the place of the store."""

from __future__ import annotations

from typing import Annotated

import typer

from duluan.cli.common import StoreUrl
from duluan.settings import store_url

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    source: Annotated[str, typer.Argument(help="Bản sao lưu.")],
    store: StoreUrl = None,
) -> None:
    """Khôi phục kho từ bản sao lưu, sau khi kiểm tra bản đó. Kho SQLite hiện tại được giữ lại với đuôi .truoc."""
    from index import open_store

    open_store(store_url(store)).restore(source)
    typer.echo(f"Đã khôi phục từ {source}")
