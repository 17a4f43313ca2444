"""`duluan cluster` as a user runs it: input order, ids as they stand at the end, rejected lines, fetch lines. Texts are ours."""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
from pathlib import Path

TEXT = "Mưa lớn làm sạt lở đèo Măng Rơi, giao thông ách tắc từ sáng sớm, lực lượng chức năng đang xử lý tại chỗ."


def line(number: int, title: str, text: str, hour: int, **more: object) -> str:
    return json.dumps(
        {
            "url": f"https://bao.example/{number}",
            "source": "bao",
            "kind": "news",
            "title": title,
            "text": text,
            "fetched": f"2026-03-01T{hour:02}:00:00+07:00",
            **more,
        },
        ensure_ascii=False,
    )


def run(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:

    program = "from duluan.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "cluster", *args], input=stdin, capture_output=True, text=True, check=False
    )


def test_the_earliest_fetched_is_the_origin_whatever_the_order_of_lines() -> None:
    late, early = line(1, "Đèo Măng Rơi sạt lở", TEXT, 9), line(2, "Sạt lở đèo Măng Rơi", TEXT, 8)
    done = run(stdin=f"{late}\n{early}\n")
    first, second = (json.loads(text) for text in done.stdout.splitlines())
    assert done.returncode == 0
    assert [first["url"][-1], second["url"][-1]] == ["1", "2"]
    assert first["origin"] == second["origin"] == second["id"]
    assert first["issue"] == second["issue"]


def test_bad_lines_are_named_and_the_rest_goes_on() -> None:
    fetch = json.dumps({"fetch": {"source": "bao", "at": "2026-03-01T08:00:00+07:00", "ok": True}})
    bad = line(3, "Sạt lở", TEXT, 9, kind="tin")
    done = run("--quiet", stdin="\n".join(["{", fetch, bad, line(1, "Sạt lở đèo", TEXT, 9, author="Ai đó")]))
    assert done.returncode == 3
    assert [text.split(" ")[1] for text in done.stderr.splitlines()] == ["-:1", "-:3"]
    (only,) = (json.loads(text) for text in done.stdout.splitlines())
    assert "author" not in only


def test_a_packed_file_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl.xz"
    path.write_bytes(lzma.compress("\n".join(line(n, f"Tin {n}", TEXT[n:], n) for n in range(20)).encode()))
    assert run(str(path)).stdout == run(str(path)).stdout != ""
