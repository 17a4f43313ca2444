"""The crawler's part of the append-only audit log: each decision, with address, robots verdict and user agent; no text, no token."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from duluan.clock import format_time

AUDIT_FILE = "audit.jsonl"
_SECRET = re.compile(
    r"((?<![a-z_])(?:access_token|appsecret_proof|refresh_token|secret_key|client_secret|app_secret|code)=)[^&#\s\"']+"
)


def without_secrets(text: str) -> str:
    """Query values that are tokens, as '***': 'a?access_token=EAAB&limit=5' → 'a?access_token=***&limit=5'."""
    return _SECRET.sub(r"\g<1>***", text)


class Audit:
    """Appends events to audit.jsonl in the state folder; one write a line, so that processes never interleave."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / AUDIT_FILE
        self._clock = clock

    def __call__(self, what: str, **facts: object) -> None:
        """Record one decision."""
        event = {"at": format_time(self._clock()), "what": what, **facts}
        line = without_secrets(json.dumps(event, ensure_ascii=False)) + "\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)


def take_audit(folder: Path) -> Iterator[dict[str, Any]]:
    """Events not yet handed over, oldest first; the file is dropped when all were taken.

    The file is renamed first: a crawl that runs meanwhile starts a new one. A crash in between hands them over again:
    an audit log may repeat, not lose.
    """
    path, taken = folder / AUDIT_FILE, folder / f"{AUDIT_FILE}.taken"
    for _ in range(2):  # first what an interrupted hand-over left, then the present file
        if not taken.exists():
            if not path.exists():
                return
            path.rename(taken)
        with taken.open(encoding="utf-8", errors="replace") as handle:
            for line in handle:
                if line.endswith("\n"):
                    yield json.loads(line)
        taken.unlink()
