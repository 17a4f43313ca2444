"""What people hand in → redacted documents: staff's reports and a Page owner's export (see `handed_in` for the files).

`via = "file"`: the source's address is `file:` and a folder or file, relative to where the program runs. A row's id is a hash of
its content, so a file may be read again and again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crawlers.connectors.base import make_document
from crawlers.connectors.comments import local_time
from crawlers.handed_in import SUFFIXES, read_rows
from duluan.clock import parse_time
from duluan.config import Source
from duluan.errors import InputError
from duluan.model import Document, Engagement, Rejected
from duluan.text import fold
from duluan.urls import canonical_url


def intake_files(source: Source) -> list[Path]:
    """The files of a `via = "file"` source, by name. Raises InputError where the folder is missing or closed to us."""
    path = Path(source.url.removeprefix("file:"))
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"nguồn {source.id}: không có thư mục {path}; hãy tạo thư mục rồi đặt tệp vào")
    try:
        found = list(path.iterdir())
    except OSError as error:
        raise InputError(f"nguồn {source.id}: không đọc được thư mục {path}: {error.strerror}") from None
    return sorted(p for p in found if p.suffix.lower() in SUFFIXES and not p.name.startswith(("~$", ".")))


def read_intake(source: Source, path: Path, fetched: datetime) -> Iterator[Document | Rejected]:
    """Every row of one file as a redacted document. A row without words is rejected with its place; so is an unreadable file."""
    try:
        rows = read_rows(path)
    except InputError as error:
        yield Rejected("unreadable", path.name, source.id, str(error))
        return
    for number, row in rows:
        yield _document(row, source, f"{path.name}:{number}", fetched)


def _document(row: Mapping[str, Any], source: Source, where: str, fetched: datetime) -> Document | Rejected:
    text, title = _words(row, "text"), _words(row, "title")
    if not text and "meta" in row:  # Meta's table holds a post's words under 'Title' where it is no video
        text, title = title, ""
    if not text:
        return Rejected("empty", where, source.id, "dòng không có nội dung")
    place = _words(row, "place")
    if place and fold(place) not in fold(text):
        text = f"{text}\nĐịa bàn: {place}."
    counts = {name: _count(row.get(name)) for name in ("reactions", "comments", "shares")}
    return make_document(
        url=_address(row, source, title, text),
        source=source.id,
        kind=source.kind,
        title=title,
        text=text,
        fetched=fetched,
        published=_moment(row.get("published"), fetched, zoned="meta" in row),
        engagement=Engagement(**counts) if any(value is not None for value in counts.values()) else None,
    )


def _words(row: Mapping[str, Any], name: str) -> str:
    return str(row.get(name) or "").strip()


def _address(row: Mapping[str, Any], source: Source, title: str, text: str) -> str:
    """The row's own link, else a name made of its content."""
    url = _words(row, "url")
    if url.lower().startswith(("http://", "https://")):
        try:
            return canonical_url(url)
        except ValueError:  # a typing error: the row counts all the same
            url = ""
    digest = hashlib.sha256("\x1f".join((source.id, title, text, _words(row, "published"))).encode())
    return f"urn:duluan:report:{digest.hexdigest()[:16]}"


def _moment(value: object, fetched: datetime, *, zoned: bool) -> datetime | None:
    """A cell's time; one without a zone is Vietnam's, a bare day its beginning, a future one a typing error and left out.

    `zoned`: only a time that carries its zone counts. Meta's tables write '11/05/2026 08:00', month or day first and in some
    zone, by the settings of whoever exported them: that is not guessed.
    """
    if isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        moment = _epoch(value)
    else:
        moment = _parsed(str(value)) or (None if zoned else local_time(value) or local_time(f"{value} 00:00"))
    return moment if moment is not None and moment <= fetched else None


def _parsed(text: str) -> datetime | None:
    try:
        return parse_time(text)
    except ValueError:
        return None


def _epoch(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _count(value: object) -> int | None:
    text = str(value if value is not None else "").replace(".", "").replace(",", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
