"""Others' files come in whole, or say in one line what is wrong with them."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from duluan.clock import LOCAL
from duluan.errors import ConfigError, InputError
from duluan.model import Document, Fetch, Rejected
from flows.importing import check_files, read_files, read_map

MAP = """
[columns]
title = "tieu_de"
text = "noi_dung"
url = "lien_ket"
source = "bao"
published = "dang_luc"
fetched = "lay_luc"
[defaults]
kind = "news"
[values.source]
"Báo Mẫu" = "bao_mau"
"""
HEAD = ["tieu_de", "noi_dung", "lien_ket", "bao", "dang_luc", "lay_luc", "tac_gia"]
ROWS = [
    ["Cầu treo xuống cấp", "Mặt cầu thủng nhiều chỗ.", "https://baomau.example/1.html",
     "Báo Mẫu", "2026-03-01T08:15:00", "2026-03-01T09:00:00", "N.V.X"],
    ["Họp dân", "Xã họp dân về nước sạch.", "https://baomau.example/2.html",
     "Báo Mẫu", "01/03/2026 10:20", "2026-03-01 11:00:00", "N.V.X"],
]  # fmt: skip


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "map.toml"
    path.write_text(MAP, encoding="utf-8")
    return path


def _csv(path: Path, rows: list[list[str]], head: list[str] = HEAD) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([head, *rows])
    return path


def test_csv_with_a_map(tmp_path: Path, mapping: Path) -> None:
    items = list(read_files([_csv(tmp_path / "in.csv", ROWS)], read_map(mapping)))
    first, second = items
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.source, first.kind, first.title) == ("bao_mau", "news", "Cầu treo xuống cấp")
    assert first.published == datetime(2026, 3, 1, 8, 15, tzinfo=LOCAL)
    assert second.published == datetime(2026, 3, 1, 10, 20, tzinfo=LOCAL)
    assert "N.V.X" not in repr(items)


def test_compressed_and_byte_order_mark(tmp_path: Path, mapping: Path) -> None:
    text = _csv(tmp_path / "in.csv", ROWS).read_bytes()
    (tmp_path / "a.csv.xz").write_bytes(lzma.compress(b"\xef\xbb\xbf" + text))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text))
    plain, packed, zipped = (
        list(read_files([tmp_path / name], read_map(mapping))) for name in ("in.csv", "a.csv.xz", "a.csv.gz")
    )
    assert plain == packed == zipped


def test_xlsx(tmp_path: Path, mapping: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [HEAD, *ROWS]:
        sheet.append(row)
    sheet["E3"] = datetime(2026, 3, 1, 10, 20)  # noqa: DTZ001 - a spreadsheet's cell has no zone
    book.save(tmp_path / "in.xlsx")
    assert list(read_files([tmp_path / "in.xlsx"], read_map(mapping))) == list(
        read_files([_csv(tmp_path / "in.csv", ROWS)], read_map(mapping))
    )


def test_reports_without_url_are_named_by_their_content(tmp_path: Path) -> None:
    path = _csv(
        tmp_path / "r.csv", [["Dân phản ánh mất nước", "2026-03-02 07:00", "report"]] * 2, ["text", "fetched", "kind"]
    )
    one, two = read_files([path])
    assert isinstance(one, Document)
    assert one.url.startswith("urn:duluan:report:")
    assert one == two


def test_jsonl_with_fetch_lines_and_bad_records(tmp_path: Path) -> None:
    good = {"url": "https://a.example/1", "source": "a", "kind": "post", "title": "", "text": "Mất điện",
            "fetched": "2026-03-02T07:00:00+07:00"}  # fmt: skip
    lines = [json.dumps(good), "{broken", json.dumps([1]), json.dumps({**good, "fetched": "2026-03-02"}), "",
             json.dumps({"fetch": {"source": "a", "at": "2026-03-02T07:00:00+07:00", "ok": False}})]  # fmt: skip
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    kinds = [type(item) for item in read_files([path])]
    assert kinds == [Document, Rejected, Rejected, Rejected, Fetch]
    places = [item.where for item in read_files([path]) if isinstance(item, Rejected)]
    assert places == [f"{path}:{line}" for line in (2, 3, 4)]


def test_a_bad_row_is_rejected_with_its_line_and_without_its_text(tmp_path: Path, mapping: Path) -> None:
    rows = [ROWS[0], [*ROWS[1][:4], "hôm qua", *ROWS[1][5:]], ["", "", *ROWS[1][2:]]]
    items = list(read_files([_csv(tmp_path / "in.csv", rows)], read_map(mapping)))
    assert [type(item) for item in items] == [Document, Rejected, Rejected]
    rejected = items[1]
    assert isinstance(rejected, Rejected)
    assert rejected.where.endswith("in.csv:3")
    assert "nước sạch" not in rejected.detail


def test_missing_column_stops_before_anything_is_read(tmp_path: Path, mapping: Path) -> None:
    path = _csv(tmp_path / "in.csv", [row[:5] for row in ROWS], HEAD[:5])
    with pytest.raises(InputError, match="thiếu cột 'lay_luc'"):
        check_files([path], read_map(mapping))


def _import(path: Path, mapping: Path) -> None:
    check_files([path], read_map(mapping))
    list(read_files([path], read_map(mapping)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", "tieu_de,noi_dung\nlỗi".encode("utf-16"), "UTF-8"),
        (
            "in.csv.xz",
            lzma.compress("\n".join([",".join(HEAD), *(f"{n},x,,,,2026-03-01 08:00," for n in range(9000))]).encode())[
                :-400
            ],
            "hỏng hoặc bị cắt",
        ),
        ("in.xlsx", b"PK not a workbook", "xlsx"),
        ("in.docx", b"", "không nhận ra loại tệp"),
        ("in.csv", b"", "thiếu cột"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path: Path, mapping: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        _import(path, mapping)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[columns]\nauthor = 'tac_gia'", "author"),
        ("[columns]\ntitle = 't'\n[defaults]\nzone = 'Mars/Olympus'", "múi giờ"),
        ("columns = ", "không đọc được"),
        ("[defaults]\nkind = 'news'", "columns"),
    ],
)
def test_bad_maps_name_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_map(path)
