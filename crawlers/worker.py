"""The child process of one crawl: reads its job from standard input, polls the sources, writes results as JSON lines.

Lines out: {"ready"}, {"document", "page"}, {"rejected", "page"}, {"fetch"}, {"ask", "ids"}, {"check"}, {"done"}. Lines in: the job,
then {"answer"} to each ask. Modes: crawl, check (what `sources check` shows), record (one page, for a fixture).
When the parent goes away, so does the child. The process is its own because Twisted's reactor starts only once, and because a
page that crashes a C library must not take the flow with it.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from crawlers.audit import Audit
from crawlers.browser import Renderer
from crawlers.check import SourceCheck, check_source, to_plain
from crawlers.connectors import Session
from crawlers.decode import MAX_SITEMAP
from crawlers.gate import Gate, Transport
from crawlers.limits import Limits
from crawlers.outcome import Deferred, Refused
from crawlers.poll import Poller
from crawlers.scrapy_engine import run_job
from crawlers.spool import Spool
from crawlers.state import State
from duluan.clock import parse_time
from duluan.config import Source

BEAT = 5.0  # seconds; the parent waits for many of them (crawl.SILENCE)


class Lines:
    """The pipe to the parent. Writing waits for a parent that is slow, without stopping the event loop."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # whatever a library prints goes to standard error, not into the stream
        self._lock = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[set[str]]] = {}

    def write_now(self, value: dict[str, Any]) -> None:
        """One line, at once."""
        self._out.write(json.dumps(value, ensure_ascii=False) + "\n")
        self._out.flush()

    async def send(self, value: dict[str, Any]) -> None:
        """One line; returns when the pipe took it."""
        async with self._lock:
            await asyncio.get_running_loop().run_in_executor(None, self.write_now, value)

    async def beat(self) -> None:
        """A sign of life now and then: a page that hangs a parser stops it, and the parent ends the process."""
        while True:
            await asyncio.sleep(BEAT)
            await self.send({"alive": True})

    async def known(self, ids: Sequence[str]) -> set[str]:
        """Those of `ids` that the store has."""
        number, loop = next(self._numbers), asyncio.get_running_loop()
        future: asyncio.Future[set[str]] = loop.create_future()
        self._waiting[number] = future
        await self.send({"ask": number, "ids": list(ids)})
        return await future

    def listen(self) -> None:
        """Read answers in a thread; the end of standard input ends the process."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        for line in sys.stdin:
            answer = json.loads(line)
            loop.call_soon_threadsafe(self._resolve, int(answer["answer"]), set(answer["known"]))
        os._exit(1)  # the parent is gone; what it did not take stays in the frontier

    def _resolve(self, number: int, known: set[str]) -> None:
        self._waiting.pop(number).set_result(known)


class WorkerClock:
    """The parent's clock as far as a child can have it: its moment at the start, and whether it moves."""

    def __init__(self, start: datetime, ticking: bool) -> None:
        self._start = start
        self._began = time.monotonic()
        self._ticking = ticking

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._began) if self._ticking else self._start


def main() -> None:
    """Entry point of `python -m crawlers.worker`."""
    lines = Lines()
    lines.write_now({"ready": True})
    job = json.loads(sys.stdin.readline())
    clock = WorkerClock(parse_time(job["now"]), bool(job["ticking"]))
    loopback, limits = bool(job["allow_loopback"]), Limits(**job["limits"])
    state = State(Path(job["state_dir"]), job["store"])
    audit = Audit(state.folder, clock)

    async def run(transport: Transport) -> None:
        lines.listen()
        alive = asyncio.create_task(lines.beat())
        gate = Gate(state, transport, audit=audit, agent=job["agent"], allow_loopback=loopback)
        renderer = Renderer(job["agent"])
        await _MODES[job["mode"]](_Work(job, lines, gate, state, clock, audit, limits, renderer))
        await renderer.close()
        alive.cancel()
        await lines.send({"done": True})

    run_job(run, agent=job["agent"], timeout=limits.timeout, limit=MAX_SITEMAP, allow_loopback=loopback)
    os._exit(0)  # not the interpreter's slow way out: nothing is left to write


@dataclass(frozen=True, slots=True)
class _Work:
    """What the modes share."""

    job: Mapping[str, Any]
    lines: Lines
    gate: Gate
    state: State
    clock: WorkerClock
    audit: Audit
    limits: Limits
    renderer: Renderer

    @property
    def sources(self) -> list[Source]:
        return [Source.model_validate(source) for source in self.job["sources"]]


async def _crawl(work: _Work) -> None:
    folder = work.job["spool_dir"]
    poller = Poller(
        gate=work.gate,
        state=work.state,
        clock=work.clock,
        audit=work.audit,
        spool=Spool(Path(folder), work.clock) if folder else None,
        limits=work.limits,
        out=work.lines,
        renderer=work.renderer,
    )
    await poller.run(work.sources, force=bool(work.job["force"]))


async def _check(work: _Work) -> None:
    places = asyncio.Semaphore(work.limits.sources_at_once)

    async def one(source: Source) -> None:
        async with places:
            session = Session(source, work.gate, work.state, work.clock, fresh=True, renderer=work.renderer)
            await work.lines.send({"check": to_plain(await check_source(session))})

    ended = await asyncio.gather(*(one(source) for source in work.sources), return_exceptions=True)
    for source, error in zip(work.sources, ended, strict=True):
        if error is not None:  # a bug of ours that one source's data brought out: the others are told of all the same
            told = SourceCheck(source.id, False, "", problem=f"lỗi chương trình {type(error).__name__}")
            await work.lines.send({"check": to_plain(told)})


async def _record(work: _Work) -> None:
    [source] = work.sources
    session = Session(source, work.gate, work.state, work.clock, fresh=True, renderer=work.renderer)
    try:
        answer = await session.page(source.url)
    except (Refused, Deferred) as error:
        await work.lines.send({"refused": error.reason, "detail": error.detail})
        return
    body = base64.b64encode(answer.body).decode()
    await work.lines.send({"page": answer.url, "content_type": answer.content_type, "body": body})


_MODES: Mapping[str, Callable[[_Work], Awaitable[None]]] = {"crawl": _crawl, "check": _check, "record": _record}


if __name__ == "__main__":
    main()
