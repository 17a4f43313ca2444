"""Others' files → Documents: CSV, XLSX and JSON Lines (plain, .xz, .gz), with a map for foreign columns.

A map is TOML::

    [columns]                  # ours = theirs; a text (or title) and a time are needed
    title = "tieu_de"
    text = "noi_dung"
    url = "lien_ket"
    source = "bao"
    published = "dang_luc"
    fetched = "lay_luc"
    kind = "loai"

    [defaults]                 # where a column is not there or a cell is empty
    kind = "news"
    source = "nhap-tay"
    zone = "Asia/Ho_Chi_Minh"  # of times without an offset

    [values.source]            # their value = ours
    "Tuổi Trẻ" = "tuoitre"

A row without a URL (a collaborator's report) is named by a hash of its content. Columns outside the map are not read at all.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, TextIO, cast
from zipfile import BadZipFile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from duluan.errors import ConfigError, InputError
from duluan.files import DAMAGED, open_packed
from duluan.model import Document, Fetch, Kind, Rejected
from duluan.records import Record, document_from, fetch_from
from duluan.text import squeeze

Item = Document | Rejected | Fetch
Column = Literal["id", "url", "source", "kind", "parent", "title", "text", "published", "fetched"]

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a report may hold a whole article in one cell


class _Defaults(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Kind = "news"
    source: str | None = None
    zone: str = "Asia/Ho_Chi_Minh"

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"không có múi giờ {zone!r}") from None
        return zone


class ImportMap(BaseModel):
    """How foreign columns become a Document's keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: Mapping[Column, str] = Field(min_length=1)
    defaults: _Defaults = _Defaults()
    values: Mapping[Column, Mapping[str, str]] = {}


IDENTITY = ImportMap(
    columns={name: name for name in ("id", "url", "source", "kind", "parent", "title", "text", "published", "fetched")}
)


def read_map(path: Path) -> ImportMap:
    """A map file. Raises ConfigError that names file and key."""
    try:
        return ImportMap.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: không đọc được tệp ánh xạ: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {key}: {first['msg']}") from None


def read_files(paths: Iterable[Path], mapping: ImportMap | None = None) -> Iterator[Item]:
    """All records of `paths` in order. A bad record is Rejected with FILE:LINE; a bad file raises InputError."""
    for path in paths:
        yield from _read_file(path, mapping)


def check_files(paths: Iterable[Path], mapping: ImportMap | None = None) -> None:
    """Raise InputError where a file is missing, of a foreign kind, or lacks a mapped column – before anything is written."""
    for path in paths:
        if not path.is_file():
            raise InputError(f"không có tệp {path}")
        if _format(path) != "jsonl":
            next(_rows(path, mapping or IDENTITY, strict=mapping is not None), None)


def _format(path: Path) -> str:
    name = path.name.removesuffix(".xz").removesuffix(".gz").lower()
    for ending, kind in ((".csv", "csv"), (".xlsx", "xlsx"), (".jsonl", "jsonl"), (".ndjson", "jsonl")):
        if name.endswith(ending):
            return kind
    raise InputError(f"{path}: không nhận ra loại tệp; nhận .csv, .xlsx, .jsonl (kèm .xz hoặc .gz)")


def _read_file(path: Path, mapping: ImportMap | None) -> Iterator[Item]:
    if _format(path) == "jsonl":
        yield from _jsonl(path)
        return
    chosen = mapping or IDENTITY
    for line, row in _rows(path, chosen, strict=mapping is not None):
        where = f"{path}:{line}"
        try:
            yield document_from(_mapped(row, chosen))
        except ValueError as error:
            yield Rejected("bad_record", where, detail=str(error))


def _jsonl(path: Path) -> Iterator[Item]:
    for line, text in _text_lines(path):
        if not text.strip():
            continue
        where = f"{path}:{line}"
        try:
            record = json.loads(text)
            if not isinstance(record, dict):
                raise ValueError("not an object")
            yield fetch_from(record) or document_from(record)
        except (ValueError, RecursionError) as error:
            yield Rejected("bad_record", where, detail=str(error)[:200])


def _rows(path: Path, mapping: ImportMap, *, strict: bool) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, {our key: cell}) of a table. Raises InputError where a mapped column is missing."""
    cells_of = table(path)
    _, head = next(cells_of, (0, []))
    names = {name.strip(): position for position, name in enumerate(head)}
    wanted = {ours: theirs for ours, theirs in mapping.columns.items() if strict or theirs in names}
    missing = [theirs for theirs in wanted.values() if theirs not in names]
    if missing:
        raise InputError(f"{path}: thiếu cột {missing[0]!r}; tệp có các cột: {', '.join(names) or '(trống)'}")
    if not {"text", "title"} & wanted.keys() or not {"fetched", "published"} & wanted.keys():
        raise InputError(
            f"{path}: cần cột nội dung (text hoặc title) và cột thời gian (fetched hoặc published); dùng --map"
        )
    for line, cells in cells_of:
        yield line, {ours: cells[names[theirs]] for ours, theirs in wanted.items() if names[theirs] < len(cells)}


def table(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of a .csv (.xz, .gz) or .xlsx file, its head first. Raises InputError where it cannot be read."""
    return _xlsx(path) if _format(path) == "xlsx" else _csv(path)


def _csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    with _open(path) as handle:
        reader = csv.reader(handle)
        try:
            for cells in reader:
                yield reader.line_num, cells
        except csv.Error as error:
            raise InputError(f"{path}:{reader.line_num}: CSV hỏng: {error}") from None
        except DAMAGED:
            raise InputError(f"{path}: tệp nén hỏng hoặc bị cắt; hãy tải lại tệp") from None
        except UnicodeDecodeError:
            raise InputError(f"{path}: không phải UTF-8; hãy lưu lại tệp với mã UTF-8") from None


def _xlsx(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, OSError):
        raise InputError(f"{path}: không mở được; tệp phải là Excel .xlsx nguyên vẹn") from None
    try:
        for line, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            yield line, ["" if cell is None else _cell(cell) for cell in row]
    finally:
        book.close()


def _cell(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    with _open(path) as handle:
        try:
            yield from enumerate(handle, start=1)
        except DAMAGED:
            raise InputError(f"{path}: tệp nén hỏng hoặc bị cắt; hãy tải lại tệp") from None
        except UnicodeDecodeError:
            raise InputError(f"{path}: không phải UTF-8; hãy lưu lại tệp với mã UTF-8") from None


def _open(path: Path) -> TextIO:
    try:
        return open_packed(path)
    except OSError as error:
        raise InputError(f"không mở được {path}: {error.strerror}") from None


def _mapped(row: Mapping[str, str], mapping: ImportMap) -> Record:
    """One row as a contract record; raises ValueError where it cannot be one."""
    zone = ZoneInfo(mapping.defaults.zone)
    record: Record = {}
    for ours, cell in row.items():
        value = mapping.values.get(cast(Column, ours), {}).get(cell.strip(), cell.strip())
        if value:
            record[ours] = value
    record.setdefault("kind", mapping.defaults.kind)
    record.setdefault("source", mapping.defaults.source or "nhap-tay")
    for key in ("published", "fetched"):
        if key in record:
            record[key] = _moment(key, record[key], zone)
    record.setdefault("fetched", record.get("published"))
    for key in ("title", "text"):
        record[key] = squeeze(record.get(key, ""))
    if not record["title"] and not record["text"]:
        raise ValueError("neither title nor text")
    if "url" not in record:
        record["url"] = f"urn:duluan:report:{_row_hash(record)}"
    return record


def _moment(key: str, text: str, zone: ZoneInfo) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _day_first(key, text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()


def _day_first(key: str, text: str) -> datetime:
    for form in ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%H:%M %d/%m/%Y", "%d-%m-%Y %H:%M"):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the caller adds the file's zone
        except ValueError:
            continue
    raise ValueError(f"{key}: not a time with hour and minute")


def _row_hash(record: Record) -> str:
    parts = (str(record.get(key, "")) for key in ("source", "fetched", "title", "text"))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
