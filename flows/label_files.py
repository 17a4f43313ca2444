"""Tables for staff to check, as .xlsx with lists to choose from, .csv or .jsonl; readable by their owner only."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from duluan.errors import InputError
from flows.labels import HEADS, Cells

_FORMULA = re.compile(r"^[\s]*[=+\-@\t\r]")  # a spreadsheet would run such a cell
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # not allowed in a workbook
_WIDTHS = {"id": 18, "title": 40, "text": 70}
_CELL = 32_000  # characters; Excel holds 32,767


def write_rows(path: Path, rows: Sequence[Cells], topics: Sequence[str]) -> None:
    """Write `rows` in the format that the name ends in. Raises InputError for another ending or where it cannot be written."""
    writers = {".xlsx": _xlsx, ".csv": _csv, ".jsonl": _jsonl}
    if path.suffix not in writers:
        raise InputError(f"{path}: tên tệp phải kết thúc bằng {', '.join(writers)}")
    content = writers[path.suffix](rows, topics)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            handle.write(content)
        part.replace(path)
    except OSError as error:
        raise InputError(f"không ghi được {path}: {error.strerror}; hãy chọn nơi khác") from None


def _safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    cleaned = _CONTROL.sub(" ", cell)[:_CELL]
    return f"'{cleaned}" if _FORMULA.match(cleaned) else cleaned


def _csv(rows: Sequence[Cells], topics: Sequence[str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADS.values())
    writer.writerows([_safe(row[key]) for key in HEADS] for row in rows)
    return out.getvalue().encode("utf-8-sig")  # Excel reads UTF-8 only with a byte order mark


def _jsonl(rows: Sequence[Cells], topics: Sequence[str]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _xlsx(rows: Sequence[Cells], topics: Sequence[str]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "gắn nhãn"
    sheet.append(list(HEADS.values()))
    for row in rows:
        sheet.append([_safe(row[key]) for key in HEADS])
    _dress(sheet, _choices(topics))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _choices(topics: Sequence[str]) -> Mapping[str, Sequence[str]]:
    yes_no = ("có", "không")
    return {
        "topic": topics,
        "sentiment": ("neg", "neu", "pos"),
        "feedback": yes_no,
        "toxic": yes_no,
        "in_province": yes_no,
    }


def _dress(sheet: Worksheet, choices: Mapping[str, Sequence[str]]) -> None:
    sheet.freeze_panes = "B2"
    for number, key in enumerate(HEADS, start=1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = _WIDTHS.get(key, 16)
        sheet[f"{letter}1"].font = Font(bold=True)
        if key in choices:
            allowed = DataValidation(type="list", formula1=f'"{",".join(choices[key])}"', allow_blank=True)
            allowed.error = "Chọn một giá trị trong danh sách, hoặc để trống."
            sheet.add_data_validation(allowed)
            allowed.add(f"{letter}2:{letter}{max(2, sheet.max_row)}")
    for cell in sheet["E"]:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
