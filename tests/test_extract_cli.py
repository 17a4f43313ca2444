"""`duluan extract` as the contract has it: options, lists with relative paths, exit codes, redacted output."""

from __future__ import annotations

import gzip
import json
import lzma
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from duluan.cli.extract import app

PAGES = Path(__file__).parent / "fixtures" / "pages"
FETCHED = "2025-11-14T12:00:00+07:00"
VNEXPRESS = "https://vnexpress.net/cau-tam-qua-song-ve-bi-nuoc-cuon-troi-4812001.html"


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(args), input=stdin)


def test_one_page() -> None:
    result = run(str(PAGES / "vnexpress.html"), "--url", VNEXPRESS, "--fetched", FETCHED)
    assert result.exit_code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    record = json.loads(line)
    assert list(record) == ["id", "url", "source", "kind", "title", "text", "fetched", "published"]
    assert record["source"] == "vnexpress.net"
    assert record["kind"] == "news"
    assert record["published"] == "2025-11-14T09:05:31+07:00"
    assert record["fetched"] == FETCHED
    assert "đọc 1, ghi 1, loại 0" in result.stderr


def test_source_and_kind() -> None:
    result = run(
        str(PAGES / "vnexpress.html"),
        "--url",
        VNEXPRESS,
        "--fetched",
        FETCHED,
        "--source",
        "bao_mau",
        "--kind",
        "post",
        "--quiet",
    )
    record = json.loads(result.stdout)
    assert (record["source"], record["kind"], result.stderr) == ("bao_mau", "post", "")


@pytest.mark.parametrize(
    "args",
    [
        [str(PAGES / "vnexpress.html"), "--url", VNEXPRESS],
        [str(PAGES / "vnexpress.html"), "--fetched", FETCHED],
        [str(PAGES / "vnexpress.html"), "--url", VNEXPRESS, "--fetched", "hôm qua"],
        [str(PAGES / "vnexpress.html"), "--url", VNEXPRESS, "--fetched", "2025-11-14T12:00:00"],
        [str(PAGES / "vnexpress.html"), "--url", "vnexpress", "--fetched", FETCHED],
        [str(PAGES / "vnexpress.html"), "--url", VNEXPRESS, "--fetched", FETCHED, "--kind", "blog"],
        [str(PAGES / "vnexpress.html"), str(PAGES / "dantri.html"), "--url", VNEXPRESS, "--fetched", FETCHED],
        ["--url", VNEXPRESS],
        ["--khong-co"],
    ],
)
def test_usage_errors(args: list[str]) -> None:
    result = run(*args, stdin="")
    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_page_that_is_not_there_is_one_line_and_exit_1() -> None:
    from duluan.errors import InputError

    result = run("khong-co.html", "--url", VNEXPRESS, "--fetched", FETCHED)
    assert isinstance(result.exception, InputError)
    assert "khong-co.html" in str(result.exception)


def test_list_with_paths_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "trang").mkdir()
    shutil.copy(PAGES / "vnexpress.html", tmp_path / "trang" / "a.html")
    (tmp_path / "trang" / "b.html.xz").write_bytes(lzma.compress((PAGES / "vccorp.html").read_bytes()))
    (tmp_path / "trang" / "c.html.gz").write_bytes(gzip.compress((PAGES / "vietnamnet.html").read_bytes()))
    lines = [
        {"file": "trang/a.html", "url": VNEXPRESS, "fetched": FETCHED},
        {
            "file": "trang/b.html.xz",
            "url": "https://tuoitre.vn/b.htm",
            "fetched": FETCHED,
            "source": "bao_b",
            "kind": "news",
        },
        {"file": "trang/c.html.gz", "url": "https://vietnamnet.vn/c.html", "fetched": FETCHED, "author": "X"},
    ]
    listing = tmp_path / "ds.jsonl"
    listing.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n", encoding="utf-8")
    result = run(str(listing))
    assert result.exit_code == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["source"] for record in records] == ["vnexpress.net", "bao_b", "vietnamnet.vn"]
    assert "bỏ 1 khóa ngoài lược đồ" in result.stderr


def test_list_on_standard_input_and_exit_3(tmp_path: Path) -> None:
    listing = [
        json.dumps({"file": str(PAGES / "vnexpress.html"), "url": VNEXPRESS, "fetched": FETCHED}),
        "không phải JSON",
        json.dumps({"file": str(PAGES / "vnexpress.html"), "url": VNEXPRESS}),
        json.dumps({"file": str(tmp_path / "mat.html"), "url": VNEXPRESS, "fetched": FETCHED}),
        json.dumps({"file": str(PAGES / "vnexpress.html"), "url": VNEXPRESS, "fetched": "2024-11-14T12:00:00+07:00"}),
    ]
    result = run(stdin="\n".join(listing))
    assert result.exit_code == 3
    assert len(result.stdout.splitlines()) == 1
    rejected = [line for line in result.stderr.splitlines() if line.startswith("rejected ")]
    assert [line.split()[1:3] for line in rejected] == [
        ["-:2", "not_json"],
        ["-:3", "bad_record"],
        ["-:4", "unreadable"],
        ["-:5", "future_date"],
    ]


def test_output_is_redacted(tmp_path: Path) -> None:
    page = (PAGES / "vnexpress.html").read_text(encoding="utf-8")
    planted = page.replace("Không ai bị thương.", "Ai cần giúp gọi số 0905 123 456 hoặc thư mau.thu@example.vn.")
    assert planted != page
    (tmp_path / "a.html").write_text(planted, encoding="utf-8")
    result = run(str(tmp_path / "a.html"), "--url", VNEXPRESS, "--fetched", FETCHED)
    assert result.exit_code == 0
    assert "0905" not in result.stdout
    assert "mau.thu" not in result.stdout
    assert "[điện thoại]" in result.stdout
