"""`duluan extract`: fetched pages in, Documents out, redacted. One .html file with its facts as options, or JSON Lines of many."""

from __future__ import annotations

import gzip
import lzma
import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, Annotated, Any, cast
from urllib.parse import urlsplit

import typer

from duluan.cli.common import Quiet
from duluan.cli.streams import STDIN, Tally, emit, records
from duluan.clock import parse_time
from duluan.errors import InputError
from duluan.model import KINDS, Document, Kind, RawPage, Rejected
from duluan.records import to_record

app = typer.Typer(add_completion=False)

_PAGE_SUFFIXES = (".html", ".htm", ".xhtml")


@dataclass(frozen=True, slots=True)
class _Task:
    """One page to extract: where it lies and what is known of its fetch."""

    path: Path
    url: str
    fetched: datetime
    source: str
    configured: bool  # the source was named, so the province's sources.toml may know its site rule
    kind: Kind


@app.command()
def extract(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Trang đã tải (.html) hoặc danh sách trang (.jsonl); để trống thì đọc danh sách từ đầu vào chuẩn."
        ),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Địa chỉ của trang (khi đưa vào tệp .html).")] = None,
    fetched: Annotated[
        str | None, typer.Option("--fetched", help="Lúc tải, RFC 3339 có múi giờ: 2026-03-07T08:30:00+07:00.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Mã nguồn; mặc định là tên máy chủ của địa chỉ.")
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help=f"Loại: {', '.join(KINDS)}.")] = "news",
    spool: Annotated[
        Path | None, typer.Option("--spool", help="Bóc lại mọi trang gốc còn giữ trong thư mục này (7 ngày gần nhất).")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Trang đã tải → văn bản đã che thông tin cá nhân, mỗi dòng một JSON."""
    tally = Tally(quiet=quiet)
    names = files or []
    if spool is not None:
        if names or url or fetched:
            raise typer.BadParameter("--spool không đi cùng tệp, --url hay --fetched")
        _extract_spool(spool, tally)
        raise typer.Exit(tally.finish("extract"))
    pages = [name for name in names if _is_page(name)]
    if pages:
        _only_pages(names, pages)
        task = _page_task(pages[0], url, fetched, source, kind)
        tally.read += 1
        _extract_one(task, str(task.path), tally)
    else:
        _refuse_page_options(url, fetched)
        for where, record in records(names, tally):
            _extract_record(where, record, tally)
    raise typer.Exit(tally.finish("extract"))


def _is_page(name: str) -> bool:
    """A page rather than a list of pages: by its ending, packed (.xz, .gz) or not."""
    plain = name.lower().removesuffix(".xz").removesuffix(".gz")
    return plain.endswith(_PAGE_SUFFIXES)


def _only_pages(names: list[str], pages: list[str]) -> None:
    if len(names) > 1:
        raise typer.BadParameter(
            f"mỗi lần chỉ nhận một tệp .html, gặp {len(names)} tệp ({', '.join(pages[:2])}…); nhiều trang thì dùng danh sách .jsonl"
        )


def _refuse_page_options(url: str | None, fetched: str | None) -> None:
    if url is not None or fetched is not None:
        raise typer.BadParameter("--url và --fetched cần một tệp .html; trong danh sách .jsonl chúng nằm ở từng dòng")


def _page_task(name: str, url: str | None, fetched: str | None, source: str | None, kind: str) -> _Task:
    if fetched is None:
        raise typer.BadParameter("thiếu --fetched: lúc tải trang, ví dụ 2026-03-07T08:30:00+07:00")
    if url is None:
        raise typer.BadParameter("thiếu --url: địa chỉ của trang")
    try:
        return _task({"file": name, "url": url, "fetched": fetched, "source": source, "kind": kind}, Path())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _extract_record(where: str, record: dict[str, Any], tally: Tally) -> None:
    """One line of a list; `file` is relative to the list's own folder."""
    name = where.rsplit(":", 1)[0]
    try:
        task = _task(record, Path() if name == STDIN else Path(name).parent)
    except ValueError as error:
        tally.reject(where, f"bad_record ({error})")
        return
    tally.drop(sorted(set(record) - {"file", "url", "fetched", "source", "kind"}))
    _extract_one(task, where, tally)


def _task(record: dict[str, Any], folder: Path) -> _Task:
    """Raises ValueError that names the key and what was found."""
    for key in ("file", "url", "fetched"):
        if not isinstance(record.get(key), str):
            raise ValueError(f"thiếu khóa {key!r}")
    kind = record.get("kind") or "news"
    if kind not in KINDS:
        raise ValueError(f"kind {str(kind)[:40]!r}; cho phép: {', '.join(KINDS)}")
    try:
        fetched = parse_time(record["fetched"])
        host = urlsplit(record["url"]).hostname
    except ValueError:
        raise ValueError(
            f"fetched hoặc url sai: {record['fetched'][:40]!r}; cần thời điểm có múi giờ và địa chỉ web"
        ) from None
    source = record.get("source") or (host or "").removeprefix("www.")
    if not host or not isinstance(source, str):
        raise ValueError(f"url không phải địa chỉ web: {record['url'][:80]!r}")
    return _Task(folder / record["file"], record["url"], fetched, source, bool(record.get("source")), cast(Kind, kind))


def _extract_one(task: _Task, where: str, tally: Tally) -> None:
    from crawlers.extract import extract_redacted

    try:
        body = read_page(task.path)
    except InputError as error:
        if ":" not in where:
            raise
        tally.reject(where, f"unreadable ({error})")
        return
    page = RawPage(task.url, task.source, task.fetched, body, kind=task.kind)
    rules, nukeviet = _site_facts(task.source) if task.configured else (None, False)
    _told(extract_redacted(page, rules=rules, nukeviet=nukeviet), where, tally)


def _extract_spool(folder: Path, tally: Tally) -> None:
    """Every page kept, as the crawl would extract it today."""
    from crawlers.extract import extract_redacted
    from crawlers.spool import read_spool

    for page in read_spool(folder):
        tally.read += 1
        rules, nukeviet = _site_facts(page.source)
        _told(extract_redacted(page, rules=rules, nukeviet=nukeviet), page.url, tally)


def _told(found: Document | Rejected, where: str, tally: Tally) -> None:
    if isinstance(found, Rejected):
        tally.reject(where, found.reason + (f" ({found.detail})" if found.detail else ""))
    else:
        emit(to_record(found), tally)


@cache
def _site_facts(source: str) -> tuple[str | None, bool]:
    """(site rule, is NukeViet) of a configured source, so that a page gets the same id here as in the crawl."""
    from duluan.config import load_province, province_folder

    folder = province_folder()
    if not folder.is_dir():
        return None, False
    known = load_province(folder).source_by_id.get(source)
    return (known.rules, known.via == "nukeviet") if known else (None, False)


def read_page(path: Path) -> bytes:
    """A page's bytes, unpacked where the name says .xz or .gz, at most one byte more than extraction takes.

    Raises InputError where the file is missing, unreadable or a broken archive.
    """
    from crawlers.extract.decode import MAX_BYTES

    try:
        with _open(path) as handle:
            return handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"không đọc được {path}: {error.strerror or error}") from None
    except (EOFError, lzma.LZMAError, zlib.error):
        raise InputError(f"{path}: tệp nén hỏng hoặc bị cắt; hãy tải lại tệp") from None


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".xz":
        return lzma.open(path, "rb")
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
