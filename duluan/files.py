"""Files: text as users hand it over (plain, `.xz` or `.gz`, UTF-8 with or without a byte order mark), and a lock on a folder."""

from __future__ import annotations

import fcntl
import gzip
import lzma
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

_OPENERS: Mapping[str, Any] = {".xz": lzma.open, ".gz": gzip.open}
DAMAGED = (EOFError, lzma.LZMAError, gzip.BadGzipFile)  # what reading a cut or broken packed file raises


def open_packed(path: Path, *, errors: str = "strict") -> TextIO:
    """Open for reading, line ends as they are. Raises OSError; reading may raise DAMAGED or UnicodeDecodeError."""
    opener = _OPENERS.get(path.suffix, open)
    return cast(TextIO, opener(path, "rt", encoding="utf-8-sig", errors=errors, newline=""))


@contextmanager
def folder_locked(folder: Path) -> Iterator[None]:
    """One holder at a time, over threads and processes; leaves no file behind. Raises OSError where `folder` is missing.

    For opening SQLite files: two connections that turn a fresh file to WAL at once get SQLITE_BUSY without any waiting.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # the kernel lets go of it when the handle is closed, kill -9 included
        yield
    finally:
        os.close(handle)
