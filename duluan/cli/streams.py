"""Files in, JSON Lines out: what all stage commands share (contract.md, first paragraph)."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from duluan.errors import InputError
from duluan.files import DAMAGED, open_packed

STDIN = "-"


@dataclass(slots=True)
class Tally:
    """What a stage command tells on standard error, and its exit code: 0, or 3 where a record was rejected."""

    quiet: bool = False
    read: int = 0
    written: int = 0
    rejected: int = 0
    dropped_keys: dict[str, int] = field(default_factory=dict)

    def reject(self, where: str, reason: str) -> None:
        """Report one bad record; the rest goes on."""
        self.rejected += 1
        print(f"rejected {where} {reason}", file=sys.stderr)

    def drop(self, keys: Iterable[str]) -> None:
        """Count keys outside the schema."""
        for key in keys:
            self.dropped_keys[key] = self.dropped_keys.get(key, 0) + 1

    def finish(self, what: str) -> int:
        """Print the one-line summary; returns the exit code."""
        if not self.quiet:
            dropped = sum(self.dropped_keys.values())
            extra = f", bỏ {dropped} khóa ngoài lược đồ" if dropped else ""
            print(f"{what}: đọc {self.read}, ghi {self.written}, loại {self.rejected}{extra}", file=sys.stderr)
        return 3 if self.rejected else 0


@contextmanager
def open_text(name: str) -> Iterator[TextIO]:
    """A text file, plain, `.xz` or `.gz`, or '-' for standard input; UTF-8 with or without a byte order mark."""
    if name == STDIN:
        yield io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace", newline="")
        return
    try:
        handle = open_packed(Path(name), errors="replace")
    except OSError as error:
        raise InputError(f"không mở được {name}: {error.strerror}") from None
    with handle:
        yield handle


def lines(files: Iterable[str]) -> Iterator[tuple[str, str]]:
    """('FILE:LINE', text without its line end) over all files; no file means standard input."""
    for name in list(files) or [STDIN]:
        with open_text(name) as handle:
            try:
                for number, line in enumerate(handle, start=1):
                    yield f"{name}:{number}", line.rstrip("\r\n")
            except DAMAGED:
                raise InputError(f"{name}: tệp nén hỏng hoặc bị cắt; hãy tải lại tệp") from None


def records(files: Iterable[str], tally: Tally) -> Iterator[tuple[str, dict[str, Any]]]:
    """JSON objects with their places; a line that is none is rejected, an empty one passed over."""
    for where, line in lines(files):
        if not line.strip():
            continue
        tally.read += 1
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            tally.reject(where, "not_json")
            continue
        if isinstance(value, dict):
            yield where, value
        else:
            tally.reject(where, "not_an_object")


def emit(record: dict[str, Any], tally: Tally) -> None:
    """Write one object to standard output."""
    from duluan.records import dumps

    sys.stdout.write(dumps(record) + "\n")
    tally.written += 1
