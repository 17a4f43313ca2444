"""The parent's side of the worker process: start it, answer it, read it, see it off. A crash of the child is a message, not an error."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import IO, Any

from duluan.clock import Clock, format_time

Known = Callable[[Sequence[str]], set[str]]
Message = Mapping[str, Any]

GRACE = 5.0  # seconds for a child to end by itself
SILENCE = 90.0  # seconds without a sign of life (one is due every 5 s): some page hangs a parser, the child is ended


def run_child(job: Message, clock: Clock, known: Known, *, inherit: Sequence[int] = ()) -> Iterator[Message]:
    """What the worker says while it does `job`, its questions answered on the way; last {"died": exit code} where it broke off.

    `inherit`: handles that the child holds as well (see `claims`).
    """
    done = False
    before = clock()
    process = subprocess.Popen(
        [sys.executable, "-m", "crawlers.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        pass_fds=tuple(inherit),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for line in _lines(process.stdout):
            message = _message(line)
            done = done or "done" in message
            if (answer := _answer(message, job, clock, before, known)) is not None:
                _send(process.stdin, answer)
            else:
                yield message
    finally:
        _end(process)
    if not done:
        yield {"died": process.returncode}


def _answer(message: Message, job: Message, clock: Clock, before: datetime, known: Known) -> Message | None:
    if "ready" in message:
        now = clock()  # a real clock has moved since the child was started; one that stands still (demo) has not
        return {**job, "now": format_time(now), "ticking": now != before}
    if "ask" in message:
        return {"answer": message["ask"], "known": sorted(known([str(id) for id in message["ids"]]))}
    return None


def _send(to_child: IO[bytes], value: Message) -> None:
    try:
        to_child.write(json.dumps(value).encode() + b"\n")
    except BrokenPipeError:
        return  # the child died; the end of its output tells


def _lines(pipe: IO[bytes]) -> Iterator[bytes]:
    """Lines of the child until it ends, or until it shows no sign of life for SILENCE seconds."""
    buffer = b""
    while select.select([pipe], [], [], SILENCE)[0]:
        data = os.read(pipe.fileno(), 65_536)
        if not data:
            return
        *lines, buffer = (buffer + data).split(b"\n")
        yield from lines


def _message(line: bytes) -> dict[str, Any]:
    """One line of the child; the last one of a child that was killed may be cut."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes and see the child off."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue
    try:
        process.wait(GRACE if process.returncode is None else 0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
