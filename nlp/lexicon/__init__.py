"""Word lists of ours, one word a line; a line that begins with # is a comment."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_HERE = Path(__file__).resolve().parent


@cache
def lexicon(name: str) -> frozenset[str]:
    """The words of <name>.txt."""
    lines = (_HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
