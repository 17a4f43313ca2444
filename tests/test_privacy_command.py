"""`duluan redact`: lines and records."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from duluan.cli.redact import app


def test_lines_come_out_redacted_in_order(tmp_path: Path) -> None:
    file = tmp_path / "in.txt"
    file.write_text("gọi 0905 123 456\n\nkhông có gì\n", encoding="utf-8")
    result = CliRunner().invoke(app, [str(file)])
    assert result.exit_code == 0
    assert result.stdout == "gọi [điện thoại]\n\nkhông có gì\n"


def test_records_lose_unknown_keys_and_the_bad_one_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    record = {"url": "https://vi.example/a", "kind": "comment", "title": "t", "text": "bà Lê Thị Hoa", "author": "Hoa"}
    file.write_text(json.dumps(record) + "\n[1]\n" + json.dumps({**record, "text": 5}) + "\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["--json", str(file)])
    assert result.exit_code == 3
    (kept,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert kept == {"url": "https://vi.example/a", "kind": "comment", "title": "t", "text": "bà [tên riêng]"}
    assert f"rejected {file}:2 not_an_object" in result.stderr
    assert f"rejected {file}:3 not_text:text" in result.stderr


def test_the_kind_given_wins_over_the_records(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps({"kind": "comment", "text": "bà Lê Thị Hoa"}) + "\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["--json", "--kind", "news", str(file)])
    assert json.loads(result.stdout)["text"] == "bà Lê Thị Hoa"


def test_an_unknown_kind_is_a_usage_error() -> None:
    assert CliRunner().invoke(app, ["--kind", "thư"]).exit_code == 2
