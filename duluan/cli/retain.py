"""`duluan retain`: shorten or remove what is kept too long, in the store and in the spool of raw pages."""

from __future__ import annotations

from typing import Annotated

import typer

from duluan.cli.common import StoreUrl
from duluan.clock import system_clock

app = typer.Typer(add_completion=False)

RULES = {
    "news_bodies": "thân bài báo quá 30 ngày, còn giữ tiêu đề và đoạn trích",
    "voice_texts": "nội dung bài đăng, bình luận, phản ánh quá 90 ngày",
    "alert_excerpts": "đoạn trích lời người dân trong cảnh báo quá 90 ngày",
    "mails": "nội dung thư đã gửi quá 90 ngày",
    "raw_pages": "trang thô quá 7 ngày",
}


@app.command()
def retain(
    store: StoreUrl = None,
    state: Annotated[
        str | None, typer.Option("--state", help="Thư mục trạng thái thu thập (mặc định $DULUAN_STATE).")
    ] = None,
) -> None:
    """Áp dụng thời hạn lưu cho kho và cho trang thô đã tải."""
    from flows.rounds import retain as run

    for rule, count in run(store, state, clock=system_clock).items():
        typer.echo(f"{count:>7}  {RULES.get(rule, rule)}")
