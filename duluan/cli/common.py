"""Options and openers that several commands share."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Annotated

import typer

from duluan.config import Profile, load_province, province_folder
from duluan.settings import store_url

if TYPE_CHECKING:
    from index.base import Index

Files = Annotated[
    list[str] | None, typer.Argument(help="Tệp vào (.jsonl, .xz, .gz); để trống thì đọc từ đầu vào chuẩn.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Chỉ in lỗi.")]
ProvinceDir = Annotated[str | None, typer.Option("--province", help="Thư mục hồ sơ tỉnh (mặc định $DULUAN_PROVINCE).")]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", help="Kho dữ liệu: sqlite:///tệp hoặc http(s)://máy:9200 (mặc định $DULUAN_STORE)."),
]

By = Annotated[
    str | None, typer.Option("--by", help="Người ghi nhận (tài khoản của cán bộ), vào nhật ký; mặc định tài khoản máy.")
]


def account(given: str | None) -> str:
    """Who acts, for the audit log: as told, else $DULUAN_USER, else the machine's account."""
    return given or os.environ.get("DULUAN_USER") or getpass.getuser()


def open_province(given: str | None) -> Profile:
    """The province profile, validated as a whole."""
    return load_province(province_folder(given))


def open_index(given: str | None) -> Index:
    """The store named on the command line, in $DULUAN_STORE, or the default; its schema is set up."""
    from index import open_store

    store = open_store(store_url(given))
    store.setup()
    return store
