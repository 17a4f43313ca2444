"""Which crawl reads a source: one at a time per store, so that two crawls at once never fetch the same page.

A claim is a lock on a file; the kernel lets go of it when its holders end, kill -9 included. The worker process inherits it: after
a killed parent the claim stands until the orphan, which may still have a request under way, has ended too.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from duluan.config import Source
from duluan.errors import StoreError

PATIENCE = 5.0  # seconds in all: an orphan ends within two, another crawl does not


@dataclass(frozen=True, slots=True)
class Claims:
    """The sources that this crawl may read, those that another one is reading, and the handles that hold the locks."""

    mine: tuple[Source, ...]
    busy: tuple[Source, ...]
    handles: tuple[int, ...]


@contextmanager
def claimed(folder: Path, store: str, sources: Sequence[Source], *, patience: float = PATIENCE) -> Iterator[Claims]:
    """Claim what can be claimed within `patience` seconds. Raises StoreError where `folder` cannot be written."""
    until = time.monotonic() + patience
    held: dict[str, int] = {}
    try:
        for source in sources:
            handle = _taken(folder / f"claim-{store}-{source.id}.lock", until)
            if handle is not None:
                held[source.id] = handle
        mine = tuple(source for source in sources if source.id in held)
        busy = tuple(source for source in sources if source.id not in held)
        yield Claims(mine, busy, tuple(held.values()))
    finally:
        for handle in held.values():
            os.close(handle)


def _taken(path: Path, until: float) -> int | None:
    """An open handle that holds the lock on `path`; None where somebody else still holds it at `until`."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{path}: không ghi được trạng thái thu thập: {error.strerror}") from None
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(handle)
                return None
            time.sleep(0.05)
        else:
            return handle
