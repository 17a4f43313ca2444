"""`duluan redact`: lines of text, or records, with personal data replaced by kind marks."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Annotated, Any

import typer

from duluan.cli.common import Files, Quiet
from duluan.cli.streams import Tally, emit, lines, records
from duluan.model import KINDS, Clustered
from duluan.privacy import redact
from duluan.records import unknown_keys

app = typer.Typer(add_completion=False)

KindChoice = Enum("KindChoice", {name: name for name in KINDS}, type=str)  # type: ignore[misc]
_WRITTEN_BY_PEOPLE = ("title", "text")


@app.command()
def run(
    files: Files = None,
    kind: Annotated[
        KindChoice | None,
        typer.Option("--kind", help="Loại văn bản; với tin báo (news) thì giữ tên người. Mặc định: comment."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Đầu vào là bản ghi JSON Lines; che trong title và text.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Che số điện thoại, giấy tờ, biển số, tài khoản, địa chỉ nhà, trang cá nhân và tên riêng của người dân."""
    tally = Tally(quiet=quiet)
    chosen = str(kind.value) if kind else None
    if as_json:
        for where, record in records(files or [], tally):
            _redact_record(record, chosen, where, tally)
    else:
        for _, line in lines(files or []):
            tally.read += 1
            sys.stdout.write(redact(line, chosen or "comment") + "\n")
            tally.written += 1
    raise typer.Exit(tally.finish("redact"))


def _redact_record(record: dict[str, Any], kind: str | None, where: str, tally: Tally) -> None:
    unknown = unknown_keys(record, Clustered)
    tally.drop(unknown)
    kept = {key: value for key, value in record.items() if key not in unknown}
    for key in _WRITTEN_BY_PEOPLE:
        if not isinstance(kept.get(key, ""), str):
            tally.reject(where, f"not_text:{key}")
            return
        if key in kept:
            kept[key] = redact(kept[key], kind or str(kept.get("kind", "comment")))
    if isinstance(words := kept.get("keywords"), list):
        kept["keywords"] = [word for word in words if isinstance(word, str) and redact(word) == word]
    emit(kept, tally)
