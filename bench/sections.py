"""docs/benchmarks.md, section by section: each bench writes its own and leaves the others as they are."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def write_section(title: str, body: str, *, path: Path = FILE) -> None:
    """Put `body` (Markdown without headings) below `## title`, in place of what stood there or at the end of the file."""
    text = path.read_text(encoding="utf-8") if path.is_file() else "# Benchmarks\n"
    section = f"## {title}\n\n{body.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if not pattern.search(text):
        text = f"{text.rstrip()}\n\n{section}"
    text = pattern.sub(lambda _: section + "\n", text)
    path.write_text(text.rstrip() + "\n", encoding="utf-8")


def machine() -> str:
    """When and on what: 'on 2026-11-25, 2 cores, Python 3.11.7, load average 1.1'."""
    load = os.getloadavg()[1]
    return f"on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, load average {load:.1f}"
