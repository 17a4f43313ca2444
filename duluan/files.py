"""Text files as users hand them over: plain, `.xz` or `.gz`, UTF-8 with or without a byte order mark."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO, cast

_OPENERS: Mapping[str, Any] = {".xz": lzma.open, ".gz": gzip.open}
DAMAGED = (EOFError, lzma.LZMAError, gzip.BadGzipFile)  # what reading a cut or broken packed file raises


def open_packed(path: Path, *, errors: str = "strict") -> TextIO:
    """Open for reading, line ends as they are. Raises OSError; reading may raise DAMAGED or UnicodeDecodeError."""
    opener = _OPENERS.get(path.suffix, open)
    return cast(TextIO, opener(path, "rt", encoding="utf-8-sig", errors=errors, newline=""))
