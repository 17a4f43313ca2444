"""Files that people hand in → rows with known names: CSV, XLSX, DOCX tables and text, Meta's exports (CSV, JSON).

Nothing here is trusted: a packed file may be a bomb, a table may claim a million columns, a document may be cut anywhere. Each
ends as one InputError line; columns that are not in `COLUMNS` – a name, a telephone number – are never read.
"""

from __future__ import annotations

import csv
import io
import json
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, LargeZipFile, ZipFile

import docx
from docx.opc.exceptions import PackageNotFoundError
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from duluan.errors import InputError
from duluan.text import fold, squeeze

Row = dict[str, Any]

MAX_FILE = 64 * 1024 * 1024
MAX_UNPACKED = 512 * 1024 * 1024  # bytes inside an .xlsx or .docx; a real report has a few
MAX_ROWS = 100_000
MAX_COLUMNS = 64  # a sheet that claims 16,384 columns would otherwise be padded to them, row by row
_TITLE_ROWS = 15  # the title row may stand behind a heading of some lines

# Folded column titles → what they hold. 'meta' marks Meta Business Suite's table, whose times carry no zone.
COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(
        ("noi dung", "noi dung phan anh", "y kien", "y kien phan anh", "text", "message", "description"), "text"
    ),
    **dict.fromkeys(("tieu de", "van de", "title"), "title"),
    **dict.fromkeys(("dia ban", "xa phuong", "xa, phuong", "xa/phuong", "noi phan anh", "dia diem"), "place"),
    **dict.fromkeys(
        ("ngay", "thoi gian", "ngay gio", "ngay phan anh", "published", "publish time", "created_time"), "published"
    ),
    **dict.fromkeys(("permalink", "permalink_url", "lien ket", "url"), "url"),
    **dict.fromkeys(("reactions", "cam xuc"), "reactions"),
    **dict.fromkeys(("comments", "binh luan"), "comments"),
    **dict.fromkeys(("shares", "chia se"), "shares"),
    "post id": "meta",
}

# What the libraries raise on damaged files, found by mutating whole ones (tests/test_crawl_intake.py); the XML parsers'
# errors are SyntaxErrors. Everything else is a bug of ours and not hidden.
_DAMAGED = (
    OSError, ValueError, LookupError, TypeError, AttributeError, SyntaxError, EOFError, OverflowError, RecursionError,
    NotImplementedError, RuntimeError, BadZipFile, LargeZipFile, InvalidFileException, PackageNotFoundError, csv.Error, zlib.error,
)  # fmt: skip


def read_rows(path: Path) -> list[tuple[int, Row]]:
    """All rows with their numbers in the file (from 1). Raises InputError in one line."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise InputError(f"{path.name}: tệp lớn hơn {MAX_FILE >> 20} MB; hãy chia nhỏ")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl speaks of styles and extensions that we do not read
            rows = list(islice(_READERS[path.suffix.lower()](path), MAX_ROWS + 1))
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: không phải UTF-8; trong Excel hãy lưu lại kiểu 'CSV UTF-8'") from None
    except _DAMAGED:
        raise InputError(f"{path.name}: tệp hỏng hoặc không đúng định dạng {path.suffix}") from None
    if len(rows) > MAX_ROWS:
        raise InputError(f"{path.name}: nhiều hơn {MAX_ROWS} dòng; hãy chia nhỏ")
    return rows


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    """Of comma, semicolon and tab, the one under which most columns are known: commas in the text mislead csv.Sniffer."""
    text = _decoded(path.read_bytes())
    best = max(",;\t", key=lambda delimiter: _known_columns(islice(_lines(text, delimiter), _TITLE_ROWS)))
    yield from _table(path, _lines(text, best))


def _lines(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _known_columns(rows: Iterable[list[Any]]) -> int:
    found = _header(list(rows))
    return len(found[1]) if found else 0


def _decoded(body: bytes) -> str:
    """UTF-8, or the UTF-16 that Excel's 'Unicode text' and Meta's export use."""
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return body.decode("utf-16")
    return body.decode("utf-8-sig")


def _xlsx(path: Path) -> Iterator[tuple[int, Row]]:
    _check_packed(path)
    # Bytes, not the path: that would stay open on errors.
    book = load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            rows = sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS, max_row=MAX_ROWS + _TITLE_ROWS)
            first = [list(row) for row in islice(rows, _TITLE_ROWS)]
            if any(cell is not None for row in first for cell in row):
                yield from _table(path, chain(first, map(list, rows)))
    finally:
        book.close()


def _docx(path: Path) -> Iterator[tuple[int, Row]]:
    """Tables with known column titles; a document without such a table is one report, its first line the title."""
    _check_packed(path)
    document = docx.Document(str(path))
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]
    known = [rows for rows in tables if _header(rows) is not None]
    for rows in known:
        yield from _table(path, rows)
    if not known:
        lines = [line for paragraph in document.paragraphs if (line := paragraph.text.strip())]
        if lines:
            yield 1, {"title": lines[0] if len(lines) > 1 else "", "text": "\n".join(lines[1:] or lines)}


def _check_packed(path: Path) -> None:
    """Refuse an archive that unpacks to more than any report; zipfile itself refuses one that lies about its sizes."""
    with ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
            raise InputError(f"{path.name}: giải nén ra hơn {MAX_UNPACKED >> 20} MB, không đọc")


def _table(path: Path, rows: Iterable[list[Any]]) -> Iterator[tuple[int, Row]]:
    """The rows below the title row, those without any known cell left out."""
    rest = iter(rows)
    first = list(islice(rest, _TITLE_ROWS))
    found = _header(first)
    if found is None:
        raise InputError(f"{path.name}: không thấy cột nội dung; cần một cột tên 'Nội dung' (hoặc 'Ý kiến', 'Message')")
    start, columns = found
    for number, row in enumerate(chain(first[start + 1 :], rest), start=start + 2):
        if named := _named(row, columns):
            yield number, named


def _named(row: list[Any], columns: Mapping[int, str]) -> Row:
    return {name: row[at] for at, name in columns.items() if at < len(row) and row[at] not in {None, ""}}


def _header(rows: list[list[Any]]) -> tuple[int, dict[int, str]] | None:
    """(index of the title row, column → name); None where no row names a column of text."""
    for index, row in enumerate(rows[:_TITLE_ROWS]):
        columns = {at: name for at, cell in enumerate(row) if (name := COLUMNS.get(fold(squeeze(str(cell or "")))))}
        if "text" in columns.values():
            return index, columns
    return None


def _export(path: Path) -> Iterator[tuple[int, Row]]:
    """A Page owner's JSON: Graph's records ({"data": […]}), or Meta's 'Download your information' (timestamp, data[].post)."""
    value = json.loads(_decoded(path.read_bytes()))
    if isinstance(value, dict):
        value = value.get("data") or next((inner for inner in value.values() if isinstance(inner, list)), [])
    if not isinstance(value, list):
        raise InputError(f"{path.name}: không phải danh sách bài")
    for number, post in enumerate(value, start=1):
        if isinstance(post, dict):
            yield number, _downloaded(post) if "timestamp" in post else _graph_record(post)


def _graph_record(post: Mapping[str, Any]) -> Row:
    return {COLUMNS[key]: value for name, value in post.items() if (key := fold(str(name))) in COLUMNS}


def _downloaded(post: Mapping[str, Any]) -> Row:
    """One post of 'Download your information'. Its `title` says who did what and is not read."""
    data = post.get("data")
    texts = [part.get("post") for part in data if isinstance(part, dict)] if isinstance(data, list) else []
    return {
        "text": "\n".join(_remade(text) for text in texts if isinstance(text, str)),
        "published": post.get("timestamp"),
    }


def _remade(text: str) -> str:
    """Meta writes each byte of the UTF-8 as a character of its own: 'Ä\x90Æ°á»\x9dng' → 'Đường'."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


_READERS: Mapping[str, Callable[[Path], Iterator[tuple[int, Row]]]] = {
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".docx": _docx,
    ".json": _export,
}
SUFFIXES = tuple(_READERS)
