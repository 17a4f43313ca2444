"""The child process of one crawl: reads its job from standard input, polls the sources, writes results as JSON lines.

Lines out: {"ready"}, {"document", "page"}, {"rejected", "page"}, {"fetch"}, {"ask", "ids"}. Lines in: the job, then {"answer"} to each ask.
When the parent goes away, so does the child. The process is its own because Twisted's reactor starts only once, and because a
page that crashes a C library must not take the flow with it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from crawlers.audit import Audit
from crawlers.decode import MAX_SITEMAP
from crawlers.gate import Gate, Transport
from crawlers.limits import Limits
from crawlers.poll import Poller
from crawlers.scrapy_engine import run_job
from crawlers.spool import Spool
from crawlers.state import State
from duluan.clock import parse_time, system_clock
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
    lines.write_now({"ready": system_clock().isoformat()})
    job = json.loads(sys.stdin.readline())
    clock = WorkerClock(parse_time(job["now"]), bool(job["ticking"]))
    state = State(Path(job["state_dir"]), job["store"])
    audit = Audit(state.folder, clock)
    spool = Spool(Path(job["spool_dir"]), clock) if job["spool_dir"] else None
    limits = Limits(**job["limits"])
    sources = [Source.model_validate(source) for source in job["sources"]]

    async def run(transport: Transport) -> None:
        lines.listen()
        gate = Gate(state, transport, audit=audit, agent=job["agent"], allow_loopback=bool(job["allow_loopback"]))
        poller = Poller(gate=gate, state=state, clock=clock, audit=audit, spool=spool, limits=limits, out=lines)
        alive = asyncio.create_task(lines.beat())
        await poller.run(sources, force=bool(job["force"]))
        alive.cancel()
        await lines.send({"done": True})

    run_job(
        run, agent=job["agent"], timeout=limits.timeout, limit=MAX_SITEMAP, allow_loopback=bool(job["allow_loopback"])
    )
    os._exit(0)  # not the interpreter's slow way out: nothing is left to write


if __name__ == "__main__":
    main()
