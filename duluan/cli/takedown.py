"""`duluan takedown URL`: remove one address from everything."""

from __future__ import annotations

from typing import Annotated

import typer

from duluan.cli.common import StoreUrl, open_index
from duluan.clock import system_clock
from duluan.errors import InputError

app = typer.Typer(add_completion=False)


@app.command()
def takedown(
    url: Annotated[str, typer.Argument(help="Địa chỉ cần gỡ.")],
    store: StoreUrl = None,
) -> None:
    """Gỡ một địa chỉ khỏi kho, cảnh báo, thư; địa chỉ đó không bao giờ được thu thập lại. Nhật ký chỉ giữ mã băm."""
    index = open_index(store)
    try:
        removed = index.takedown(url, system_clock())
    except ValueError:
        raise InputError(f"{url!r} không phải địa chỉ trang web; ví dụ: https://bao.example.vn/tin-1.html") from None
    typer.echo("Đã gỡ." if removed else "Không có trong kho; từ nay địa chỉ này sẽ không được thu thập.")
