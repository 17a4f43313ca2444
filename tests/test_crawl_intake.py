"""Files that people hand in: three formats tell the same, no column says who wrote, no damaged or hostile file stops a crawl."""

from __future__ import annotations

import csv
import io
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from samples_crawl import documents, fetches, reasons, run, source

from crawlers import handed_in
from crawlers.handed_in import read_rows
from crawlers.intake import read_intake
from duluan.clock import LOCAL
from duluan.errors import InputError
from duluan.model import Document, Rejected

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

ROWS = [
    ["STT", "Họ tên", "Nội dung phản ánh", "Xã/phường", "Ngày", "Điện thoại"],
    [1, "Trần Thị Kín", "Đường thôn 3 hư, xe không qua được, gọi 0905123456", "xã Đăk Hà", "18/11/2026", "0905123456"],
    [2, "Lê Văn Kín", "", "xã Ba Tơ", "18/11/2026", ""],
    [3, "Phạm Kín", "Bà con đồng tình chủ trương làm kè", "phường Kon Tum", "2026-11-19 08:30", ""],
]


def _write(folder: Path) -> list[Path]:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([["BÁO CÁO TUẦN"], *ROWS])
    paths = [folder / "bao-cao.csv", folder / "bao-cao.xlsx", folder / "bang.docx", folder / "loi.docx"]
    paths[0].write_bytes("\ufeff".encode() + text.getvalue().encode())
    book = Workbook()
    for row in [["BÁO CÁO TUẦN"], *ROWS]:
        book.active.append(row)
    book.save(paths[1])
    document = docx.Document()
    table = document.add_table(rows=0, cols=len(ROWS[0]))
    for row in ROWS:
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = str(value)
    document.save(str(paths[2]))
    plain = docx.Document()
    plain.add_paragraph("Dư luận về giá điện")
    plain.add_paragraph("Một bộ phận nhân dân băn khoăn về hóa đơn tháng 10.")
    plain.save(str(paths[3]))
    return paths


def test_staff_files_in_three_formats_tell_the_same(tmp_path: Path) -> None:
    paths = _write(tmp_path)
    desk = source(f"file:{tmp_path}", "file", kind="report")
    read = [list(read_intake(desk, path, NOW)) for path in paths]
    for items in read[:3]:
        assert [type(item).__name__ for item in items] == ["Document", "Rejected", "Document"]
        kept = [item for item in items if isinstance(item, Document)]
        assert kept[0].text == "Đường thôn 3 hư, xe không qua được, gọi [điện thoại]\nĐịa bàn: xã Đăk Hà."
        assert kept[1].published == datetime(2026, 11, 19, 8, 30, tzinfo=LOCAL)
        assert "Kín" not in repr(items)
        assert kept[0].url.startswith("urn:duluan:report:")
    assert len({tuple(item.id for item in items if isinstance(item, Document)) for items in read[:3]}) == 1
    [plain] = read[3]
    assert isinstance(plain, Document)
    assert plain.title == "Dư luận về giá điện"


def test_the_intake_folder_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "intake"
    folder.mkdir()
    _write(folder)
    (folder / "hong.xlsx").write_bytes(b"PK not really")
    (folder / "khong-cot.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    desk = source(f"file:{folder}", "file", kind="report")
    first = run(desk, tmp_path / "state")
    again = run(desk, tmp_path / "state")
    assert len({document.id for document in documents(first)}) == 3  # two rows and one report, whatever the format
    assert sorted(reasons(first)) == ["empty", "empty", "empty", "unreadable", "unreadable"]
    assert fetches(first) == [True]
    assert documents(again) == []
    missing = source(f"file:{tmp_path}/nowhere", "file", kind="report")
    assert fetches(run(missing, tmp_path / "state")) == [False]


def test_a_page_owners_export(tmp_path: Path) -> None:
    posts = [
        {"message": "Lịch cắt điện tuần này", "created_time": "2026-11-18T01:00:00+0000", "from": {"name": "Ai Đó"}}
    ]
    posts[0]["permalink_url"] = "https://www.facebook.com/dienluc/posts/1"
    (tmp_path / "xuat.json").write_text(json.dumps({"data": posts}), encoding="utf-8")
    rows = [["Post ID", "Title", "Description", "Publish time", "Permalink", "Reactions", "Comments", "Shares"]]
    rows.append(
        ["1", "", "Lịch cắt điện", "11/18/2026 08:00", "https://www.facebook.com/dienluc/posts/2", "1,204", "3", "5"]
    )
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    (tmp_path / "xuat.csv").write_bytes(text.getvalue().encode("utf-16"))
    page = source(f"file:{tmp_path}", "file", kind="post")
    [from_csv, from_json] = documents(
        [*read_intake(page, tmp_path / "xuat.csv", NOW), *read_intake(page, tmp_path / "xuat.json", NOW)]
    )
    assert from_json.url == "https://facebook.com/dienluc/posts/1"
    assert from_json.published == datetime(2026, 11, 18, 1, 0, tzinfo=UTC)
    assert "Ai Đó" not in repr(from_json)
    assert from_csv.engagement is not None
    assert from_csv.engagement.reactions == 1204
    assert from_csv.published is None, "month or day first, and in which zone: the table does not say"


def test_meta_download_your_information(tmp_path: Path) -> None:
    """Each byte of the UTF-8 stands as a character of its own; `title` names who posted."""
    words = "Đường liên thôn đã sửa xong".encode().decode("latin-1")
    posts = [
        {"timestamp": 1_763_600_000, "data": [{"post": words}, {"update_timestamp": 1}], "title": "Ai Đó đã đăng"},
        {"timestamp": 1_763_600_001, "attachments": []},
    ]
    for name, value in (("a", posts), ("b", {"profile_posts_v2": posts})):
        (tmp_path / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
        kept, empty = read_intake(source("file:x", "file", kind="post"), tmp_path / f"{name}.json", NOW)
        assert isinstance(kept, Document)
        assert kept.text == "Đường liên thôn đã sửa xong"
        assert kept.published == datetime.fromtimestamp(1_763_600_000, UTC)
        assert "Ai Đó" not in repr(kept)
        assert isinstance(empty, Rejected)


def test_words_under_title_in_metas_table_and_a_broken_link(tmp_path: Path) -> None:
    path = tmp_path / "xuat.csv"
    path.write_text("Post ID,Title,Description,Permalink\n1,Lịch cắt nước,,http://[sai\n", encoding="utf-8")
    [post] = read_intake(source("file:x", "file", kind="post"), path, NOW)
    assert isinstance(post, Document)
    assert (post.title, post.text) == ("", "Lịch cắt nước")
    assert post.url.startswith("urn:duluan:report:")


def test_a_file_that_is_no_utf8_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "cu.csv").write_bytes("Nội dung\nĐường xấu\n".encode()[:9] + b"\xe1\xff")
    with pytest.raises(InputError, match="CSV UTF-8"):
        read_rows(tmp_path / "cu.csv")


def test_bombs_and_endless_tables_end_by_their_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bom.xlsx"
    with ZipFile(bomb, "w", ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"xl/{number}.xml", b" " * (200 << 20))
    with pytest.raises(InputError, match="giải nén"):
        read_rows(bomb)
    wide = Workbook()
    wide.active.append(["Nội dung"])
    wide.active["XFD3"] = "xa tít"
    wide.active.append(["Đường xấu"])
    wide.save(tmp_path / "rong.xlsx")
    assert [row for _, row in read_rows(tmp_path / "rong.xlsx")] == [{"text": "Đường xấu"}]
    monkeypatch.setattr(handed_in, "MAX_ROWS", 10)
    (tmp_path / "dai.csv").write_text("Nội dung\n" + "dòng\n" * 11, encoding="utf-8")
    with pytest.raises(InputError, match="chia nhỏ"):
        read_rows(tmp_path / "dai.csv")


def _damaged(body: bytes, rng: random.Random) -> bytes:
    """A packed office file with one of its parts flipped, cut, holed, emptied or left out; or the whole file flipped and cut."""
    if rng.random() < 0.25:
        return _flipped(body, rng)[: rng.randrange(len(body)) if rng.random() < 0.3 else None]
    out = io.BytesIO()
    with ZipFile(io.BytesIO(body)) as whole, ZipFile(out, "w", ZIP_DEFLATED) as broken:
        victim = rng.choice(whole.namelist())
        for name in whole.namelist():
            part = whole.read(name)
            if name == victim:
                start, end = sorted(rng.randrange(len(part) + 1) for _ in range(2))
                part = rng.choice([_flipped(part, rng), part[:start], part[:start] + part[end:], b"", None])
            if part is not None:
                broken.writestr(name, part)
    return out.getvalue()


def _flipped(body: bytes, rng: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(rng.randint(1, 12) if body else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def test_four_hundred_damaged_office_files_end_in_documents_or_one_line(tmp_path: Path) -> None:
    """A .docx with broken XML used to end the whole crawl: the parser's error is no ValueError."""
    wholes = [(path.suffix, path.read_bytes()) for path in _write(tmp_path)[1:]]
    rng, outcomes = random.Random(7), set()
    for _ in range(400):
        suffix, body = rng.choice(wholes)
        path = tmp_path / f"hong{suffix}"
        path.write_bytes(_damaged(body, rng))
        for item in read_intake(source("file:x", "file", kind="report"), path, NOW):
            assert isinstance(item, Document | Rejected)
            assert "Kín" not in repr(item)
            outcomes.add(item.reason if isinstance(item, Rejected) else "document")
    assert outcomes >= {"document", "unreadable"}


@given(noise=st.binary(max_size=400), suffix=st.sampled_from([".csv", ".xlsx", ".docx", ".json"]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_file_crashes_the_intake(tmp_path: Path, noise: bytes, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(noise)
    for item in read_intake(source("file:x", "file", kind="report"), path, NOW):
        assert isinstance(item, Document | Rejected)
