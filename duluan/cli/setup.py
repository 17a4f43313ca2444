"""`duluan setup`: the store's schema, and on a secured Elasticsearch its roles and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duluan.cli.common import StoreUrl
from duluan.settings import secret, store_url

app = typer.Typer(add_completion=False)


@app.command()
def setup(
    store: StoreUrl = None,
    keys: Annotated[
        str | None,
        typer.Option("--keys", help="Thư mục để ghi khóa API của các vai trò (Elasticsearch có bảo mật)."),
    ] = None,
) -> None:
    """Tạo hoặc nâng lược đồ kho; với Elasticsearch có bảo mật thì tạo cả vai trò. Chạy lại bao nhiêu lần cũng được."""
    from index import open_store

    url = store_url(store)
    index = open_store(url)
    index.setup()
    typer.echo(f"Kho sẵn sàng: {getattr(index, 'shown', url)}")
    security = getattr(index, "secure", None)
    if security is None:
        return
    for line in security(Path(keys) if keys else None, secret("DULUAN_KIBANA_PASSWORD")):
        typer.echo(line)
