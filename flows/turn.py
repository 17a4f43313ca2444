"""One at a time: a turn that is held in the store while a round of watching runs, or while a batch is clustered and written.

So two processes never detect or mail side by side, nor give one document two issues.

A holder that was killed is passed over at once where its process can be seen to be gone (same machine), else when its turn ends.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from duluan.clock import Clock, system_clock
from duluan.errors import StoreError
from index.base import Index

TURN: Final = timedelta(minutes=15)  # longer than the ten minutes for which a mail server may keep us waiting
_RENEW: Final = timedelta(seconds=30)
_PAUSE: Final = 0.1  # seconds between two tries


class Busy(StoreError):
    """Another process does this work now."""


@contextmanager
def only_one(store: Index, name: str, *, clock: Clock = system_clock) -> Iterator[Callable[[], None]]:
    """Hold the turn `name` while the block runs. Yields what to call before each step that must not happen twice: it renews the turn.

    `clock` is the machine's, never a replayed one. Raises Busy where somebody else has the turn, or (from the yielded call) got it.
    """
    holder = f"{_machine()}/{os.getpid()}/{_started(os.getpid())}/{secrets.token_hex(4)}"
    taken = clock()
    standing = store.lease(name, holder, now=taken, until=taken + TURN)
    if standing != holder and _gone(standing):
        standing = store.lease(name, holder, now=taken, until=taken + TURN, over=standing)
    _check(standing, holder)

    def alive() -> None:
        nonlocal taken
        if (now := clock()) - taken > _RENEW:
            _check(store.lease(name, holder, now=now, until=now + TURN), holder)
            taken = now

    try:
        yield alive
    finally:
        _give_back(store, name, holder, clock())


@contextmanager
def in_turn(store: Index, name: str, *, patience: timedelta, clock: Clock = system_clock) -> Iterator[None]:
    """As `only_one`, but waits for whoever has the turn. Raises Busy after `patience`."""
    deadline = clock() + patience
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(only_one(store, name, clock=clock))
                break
            except Busy:
                if clock() >= deadline:
                    raise
                time.sleep(_PAUSE)
        yield


def _give_back(store: Index, name: str, holder: str, now: datetime) -> None:
    store.lease(name, holder, now=now, until=now)


def _check(standing: str, holder: str) -> None:
    if standing != holder:
        machine, pid, *_ = standing.split("/")
        raise Busy(f"một tiến trình khác đang dùng kho này (máy {machine}, tiến trình {pid}); lượt này bỏ qua")


def _machine() -> str:
    return socket.gethostname().replace("/", "-")


def _started(pid: int) -> str:
    """When the process began, as the kernel counts, so that a number given anew is not taken for the old process; '' if unknown."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _gone(holder: str) -> bool:
    """Whether `holder` was a process of this machine that runs no more."""
    machine, pid, started, _ = holder.split("/")
    if machine != _machine():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _started(int(pid)) != started
