"""`duluan kibana build|check|push`: boards as code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from duluan.cli.common import ProvinceDir, StoreUrl, open_province
from duluan.errors import ConfigError
from duluan.settings import secret, store_url

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def build(
    out: Annotated[str | None, typer.Option("--out", help="Tệp ra; để trống thì in ra đầu ra chuẩn.")] = None,
) -> None:
    """Viết các bảng Kibana thành NDJSON; cùng một bản mã thì luôn ra cùng một tệp."""
    from flows.kibana import build as made

    if out is None:
        sys.stdout.write(made())
        return
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(made(), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"không ghi được {out}: {error.strerror}") from None
    typer.echo(f"Đã ghi {out}")


@app.command()
def check(
    store: StoreUrl = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", help="Kho SQLite chứa cùng dữ liệu, để so từng con số với Elasticsearch của --store."
        ),
    ] = None,
) -> None:
    """Sáu phép kiểm: lược đồ, tham chiếu, lớp dữ liệu, lưới, trường, và (có --against) từng con số trên Elasticsearch."""
    from flows.kibana import check_files

    problems = check_files()
    for problem in problems:
        typer.echo(problem, err=True)
    typer.echo(f"lược đồ, tham chiếu, lớp dữ liệu, lưới, trường: {'có lỗi' if problems else 'đạt'}")
    wrong = len(problems) + (_numbers(store_url(store), against) if against else 0)
    if wrong:
        raise typer.Exit(1)


def _numbers(elastic: str, against: str) -> int:
    from flows.kibana import check_numbers
    from index import open_store
    from index.elastic_index import ElasticIndex

    first = open_store(elastic)
    if not isinstance(first, ElasticIndex):
        raise ConfigError("duluan kibana check --against cần --store http(s)://… (Elasticsearch)")
    wrong = 0
    for board, panel, rows, problem in check_numbers(first, open_store(against)):
        typer.echo(f"{'SAI' if problem else 'đạt'}  {board} / {panel}: {rows} dòng {problem}".rstrip())
        wrong += bool(problem)
    return wrong


@app.command()
def push(
    url: Annotated[str, typer.Option("--url", help="Địa chỉ Kibana.")] = "http://localhost:5601",
    store: StoreUrl = None,
    province: ProvinceDir = None,
) -> None:
    """Nạp các bảng vào Kibana đang chạy, và ranh giới xã, phường vào Elasticsearch.

    Đăng nhập bằng DULUAN_KIBANA_API_KEY, hoặc người dùng và mật khẩu của kho (DULUAN_ES_USER, DULUAN_ES_PASSWORD), hay tệp …_FILE.
    """
    from flows.kibana import push as imported
    from flows.kibana import shapes
    from index import open_store
    from index.elastic_index import ElasticIndex

    where = store_url(store)
    if where.startswith("http"):
        index = open_store(where)
        assert isinstance(index, ElasticIndex)
        index.setup()
        communes = index.put_shapes(shapes(open_province(province).folder))
        typer.echo(f"Ranh giới: {communes} xã, phường")
    password = secret("DULUAN_ES_PASSWORD")
    user = (secret("DULUAN_ES_USER") or "elastic", password) if password else None
    typer.echo(f"Đã nạp {imported(url, user, secret('DULUAN_KIBANA_API_KEY'))} đối tượng vào {url}")
