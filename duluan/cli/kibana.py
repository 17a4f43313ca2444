"""`duluan kibana build|check|push`: boards as code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duluan.cli.common import ProvinceDir, StoreUrl, open_province
from duluan.errors import ConfigError
from duluan.settings import secret, store_url

if TYPE_CHECKING:
    from index.elastic_index import ElasticIndex

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def build(
    out: Annotated[str | None, typer.Option("--out", help="Tệp ra; để trống thì in ra đầu ra chuẩn.")] = None,
    province: ProvinceDir = None,
) -> None:
    """Viết các bảng Kibana thành NDJSON; cùng một bản mã và cùng hồ sơ tỉnh thì luôn ra cùng một tệp."""
    from flows.kibana import build as made

    boards = made(open_province(province))
    if out is None:
        sys.stdout.write(boards)
        return
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(boards, encoding="utf-8")
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
    load: Annotated[
        bool, typer.Option("--load", help="Nạp kho --against vào Elasticsearch của --store trước (phải còn trống).")
    ] = False,
    province: ProvinceDir = None,
) -> None:
    """Sáu phép kiểm: lược đồ, tham chiếu, lớp dữ liệu, lưới, trường, và (có --against) từng con số trên Elasticsearch."""
    from flows.kibana import check_files, saved

    profile = open_province(province)
    problems = check_files(profile)
    for problem in problems:
        typer.echo(problem, err=True)
    typer.echo(f"lược đồ, tham chiếu, lớp dữ liệu, lưới, trường: {'có lỗi' if problems else 'đạt'}")
    wrong = len(problems) + (_numbers(saved(profile), _elastic(store_url(store)), against, load) if against else 0)
    if wrong:
        raise typer.Exit(1)


def _elastic(url: str) -> ElasticIndex:
    from index import open_store
    from index.elastic_index import ElasticIndex

    store = open_store(url)
    if not isinstance(store, ElasticIndex):
        raise ConfigError("duluan kibana check --against cần --store http(s)://… (Elasticsearch)")
    return store


def _numbers(items: list[dict[str, object]], elastic: ElasticIndex, against: str, load: bool) -> int:
    from flows import kibana_numbers
    from index import open_store

    oracle = open_store(against)
    if load:
        typer.echo(f"Đã nạp {kibana_numbers.load(oracle, elastic)} tin bài, ý kiến vào {elastic.shown}")
    wrong = asked = 0
    for result in kibana_numbers.compare(items, elastic, oracle):
        asked += 1
        wrong += bool(result.problem)
        said = f"{'SAI' if result.problem else 'đạt'}  {result.board} / {result.panel}: {result.rows} dòng {result.problem}"
        typer.echo(said.rstrip())
    typer.echo(f"từng con số: {asked - wrong}/{asked} câu hỏi khớp giữa Elasticsearch và SQLite")
    return wrong


@app.command()
def push(
    url: Annotated[str, typer.Option("--url", help="Địa chỉ Kibana.")] = "http://localhost:5601",
    space: Annotated[str, typer.Option("--space", help="Không gian (space) của Kibana.")] = "default",
    store: StoreUrl = None,
    province: ProvinceDir = None,
) -> None:
    """Nạp các bảng vào Kibana đang chạy, và ranh giới xã, phường vào Elasticsearch.

    Đăng nhập bằng DULUAN_KIBANA_API_KEY, hoặc người dùng và mật khẩu của kho (DULUAN_ES_USER, DULUAN_ES_PASSWORD), hay tệp …_FILE.
    """
    from flows.kibana import build as made
    from flows.kibana import shapes
    from flows.kibana_push import KibanaServer
    from flows.kibana_push import push as imported

    profile = open_province(province)
    password = secret("DULUAN_ES_PASSWORD")
    login = (secret("DULUAN_ES_USER") or "elastic", password) if password else None
    server = KibanaServer(url=url, space=space, login=login, api_key=secret("DULUAN_KIBANA_API_KEY"))
    server.address()
    where = store_url(store)
    if where.startswith("http"):
        index = _elastic(where)
        index.setup()
        typer.echo(f"Ranh giới: {index.put_shapes(shapes(profile.folder))} xã, phường, đặc khu")
    typer.echo(f"Đã nạp {imported(server, made(profile))} đối tượng vào {url}")
