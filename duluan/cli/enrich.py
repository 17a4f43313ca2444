"""`duluan enrich`: Document → Enriched, as JSON Lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from duluan.cli.common import Files, ProvinceDir, Quiet, open_province
from duluan.cli.streams import Tally, emit, records
from duluan.config import Profile
from duluan.model import Document, Enriched, Rejected
from duluan.records import document_from, to_record, unknown_keys

app = typer.Typer(add_completion=False)


@app.command()
def enrich(
    files: Files = None,
    province: ProvinceDir = None,
    no_keywords: Annotated[bool, typer.Option("--no-keywords", help="Bỏ từ khóa (nhanh hơn nhiều).")] = False,
    backend: Annotated[
        str | None,
        typer.Option("--backend", help="Bộ phân loại: linear, transformers, onnx (mặc định: theo models.toml)."),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="Thư mục có vi.npz và vi.json khác (bản cũ), để lặp lại câu trả lời cũ."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Số tiến trình; từ 2 trở lên thì đọc trước hàng nghìn văn bản một lần.")
    ] = 1,
    quiet: Quiet = False,
) -> None:
    """Gắn chủ đề, sắc thái, kiến nghị, địa danh, từ khóa cho từng văn bản; lời người dân được che thông tin riêng trước."""
    tally = Tally(quiet=quiet)
    places: list[str] = []
    profile = open_province(province)
    if bundle is not None:
        models = profile.models.model_copy(update={"bundle": str(bundle.resolve())})
        profile = profile.model_copy(update={"models": models})
    documents = _documents(files or [], tally, places)
    with _enricher(profile, workers, keywords=not no_keywords, backend=backend) as enricher:
        for number, item in enumerate(enricher(documents)):
            if isinstance(item, Rejected):
                tally.reject(places[number], f"{item.reason} {item.detail}".strip())
            else:
                emit(to_record(item), tally)
    raise typer.Exit(tally.finish("enrich"))


@contextmanager
def _enricher(
    profile: Profile, workers: int, *, keywords: bool, backend: str | None
) -> Iterator[Callable[[Iterable[Document]], Iterator[Enriched | Rejected]]]:
    """In this process, which answers as texts come (a pipe), or in several, window by window."""
    if workers == 1:
        from nlp.enrich import Enricher

        yield Enricher(profile, keywords=keywords, backend=backend).enrich
        return
    from flows.parallel import ParallelEnricher

    with ParallelEnricher(profile, workers=workers, keywords=keywords, backend=backend) as several:
        yield several.stream


def _documents(files: list[str], tally: Tally, places: list[str]) -> Iterator[Document]:
    """Readable documents; `places` gets the FILE:LINE of each."""
    for where, record in records(files, tally):
        try:
            document = document_from(record)
        except (ValueError, TypeError) as error:
            tally.reject(where, str(error))
            continue
        tally.drop(unknown_keys(record))
        places.append(where)
        yield document
