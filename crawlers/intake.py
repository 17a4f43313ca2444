"""Files that people hand in: staff's reports (CSV, XLSX, DOCX) and a Page owner's export from Meta Business Suite (CSV, JSON).

`via = "file"`: the source's address is `file:` and a folder or file, relative to where the program runs. A row's id is a hash of
its content, so a file may be read again and again. Columns that say who wrote are never read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import docx
from docx.opc.exceptions import PackageNotFoundError
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from crawlers.connectors.base import make_document
from crawlers.connectors.comments import local_time
from duluan.clock import parse_time
from duluan.config import Source
from duluan.errors import InputError
from duluan.model import Document, Engagement, Rejected
from duluan.text import fold, squeeze

MAX_FILE = 64 * 1024 * 1024
_SUFFIXES = (".csv", ".xlsx", ".docx", ".json")

# Folded column titles → what they hold; anything else (a name, a telephone number) is not read.
_COLUMNS: Mapping[str, str] = {
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
}


def intake_files(source: Source) -> list[Path]:
    """The files of a `via = "file"` source, by name. Raises InputError where the folder is missing."""
    path = Path(source.url.removeprefix("file:"))
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"nguồn {source.id}: không có thư mục {path}")
    return sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES and not p.name.startswith(("~$", ".")))


def read_intake(source: Source, path: Path, fetched: datetime) -> Iterator[Document | Rejected]:
    """Every row of one file as a redacted document. A row without words is rejected with its place; so is an unreadable file."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise InputError(f"{path.name}: tệp lớn hơn {MAX_FILE >> 20} MB")
        rows = list(_rows(path))
    except InputError as error:
        yield Rejected("unreadable", path.name, source.id, str(error))
        return
    for number, row in rows:
        yield _document(row, source, f"{path.name}:{number}", fetched)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number, named fields). Raises InputError in one line."""
    readers = {".csv": _csv, ".xlsx": _xlsx, ".docx": _docx, ".json": _export}
    try:
        yield from readers[path.suffix.lower()](path)
    except (OSError, ValueError, KeyError, BadZipFile, InvalidFileException, PackageNotFoundError, csv.Error):
        raise InputError(f"{path.name}: tệp hỏng hoặc không đúng định dạng {path.suffix}") from None


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Of comma, semicolon and tab, the one under which most columns are known: commas in the text mislead csv.Sniffer."""
    text = _decoded(path.read_bytes())
    ways = [list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) for delimiter in ",;\t"]
    yield from _table(path, max(ways, key=lambda rows: len(found[1]) if (found := _header(rows)) else 0))


def _decoded(body: bytes) -> str:
    """UTF-8, or the UTF-16 that Excel's 'Unicode text' and Meta's export use."""
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return body.decode("utf-16")
    return body.decode("utf-8-sig")


def _xlsx(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            rows = [list(row) for row in sheet.iter_rows(values_only=True)]
            if any(any(cell is not None for cell in row) for row in rows):
                yield from _table(path, rows)
    finally:
        book.close()


def _docx(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Tables with known column titles; a document without such a table is one report, its first line the title."""
    document = docx.Document(str(path))
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]
    known = [rows for rows in tables if _header(rows) is not None]
    for rows in known:
        yield from _table(path, rows)
    if not known:
        lines = [line for paragraph in document.paragraphs if (line := paragraph.text.strip())]
        if lines:
            yield 1, {"title": lines[0] if len(lines) > 1 else "", "text": "\n".join(lines[1:] or lines)}


def _table(path: Path, rows: list[list[Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows below the title row, which may stand behind a heading of some lines."""
    found = _header(rows)
    if found is None:
        raise InputError(f"{path.name}: không thấy cột nội dung; cần một cột tên 'Nội dung' (hoặc 'Ý kiến', 'Message')")
    start, columns = found
    for number, row in enumerate(rows[start + 1 :], start=start + 2):
        named = {
            name: row[index] for index, name in columns.items() if index < len(row) and row[index] not in {None, ""}
        }
        if named:
            yield number, named


def _header(rows: list[list[Any]]) -> tuple[int, dict[int, str]] | None:
    for index, row in enumerate(rows[:15]):
        columns = {at: name for at, cell in enumerate(row) if (name := _COLUMNS.get(fold(squeeze(str(cell or "")))))}
        if "text" in columns.values():
            return index, columns
    return None


def _export(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Meta's JSON: a list of posts, or {"data": […]} / {"posts": […]}."""
    value = json.loads(_decoded(path.read_bytes()))
    if isinstance(value, dict):
        value = value.get("data") or value.get("posts") or []
    if not isinstance(value, list):
        raise InputError(f"{path.name}: không phải danh sách bài")
    for number, post in enumerate(value, start=1):
        if isinstance(post, dict):
            named = {
                _COLUMNS[key]: inner for key, inner in ((fold(str(k)), v) for k, v in post.items()) if key in _COLUMNS
            }
            yield number, named


def _document(row: Mapping[str, Any], source: Source, where: str, fetched: datetime) -> Document | Rejected:
    text = str(row.get("text") or "").strip()
    if not text:
        return Rejected("empty", where, source.id, "dòng không có nội dung")
    place, title = str(row.get("place") or "").strip(), str(row.get("title") or "").strip()
    if place and fold(place) not in fold(text):
        text = f"{text}\nĐịa bàn: {place}."
    url = str(row.get("url") or "").strip()
    if not url.startswith(("http://", "https://")):
        digest = hashlib.sha256("\x1f".join((source.id, title, text, str(row.get("published") or ""))).encode())
        url = f"urn:duluan:report:{digest.hexdigest()[:16]}"
    counts = {name: _count(row.get(name)) for name in ("reactions", "comments", "shares")}
    return make_document(
        url=url,
        source=source.id,
        kind=source.kind,
        title=title,
        text=text,
        fetched=fetched,
        published=_moment(row.get("published"), fetched),
        engagement=Engagement(**counts) if any(value is not None for value in counts.values()) else None,
    )


def _moment(value: object, fetched: datetime) -> datetime | None:
    """A cell's time; one without a zone is Vietnam's, a future one is a typing error and left out."""
    if isinstance(value, datetime):
        value = value.isoformat()
    try:
        moment: datetime | None = parse_time(str(value))
    except ValueError:
        moment = local_time(value) or local_time(f"{value} 00:00")
    return moment if moment is not None and moment <= fetched else None


def _count(value: object) -> int | None:
    text = str(value if value is not None else "").replace(".", "").replace(",", "").strip()
    return int(text) if text.isascii() and text.isdigit() else None
