"""The crawl as the flows see it: sources in, documents, rejections and fetch lines out. The work happens in a child process.

A document counts as taken when the consumer asks for the next item; until then a crash of either side leaves it in the
frontier. Whatever happens to the child becomes failed fetches of the sources that it had not finished.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from crawlers.audit import Audit
from crawlers.frontier import Frontier
from crawlers.limits import Limits
from crawlers.state import State
from duluan import __version__
from duluan.clock import Clock, format_time
from duluan.config import Source
from duluan.model import Document, Fetch, Rejected
from duluan.records import document_from, fetch_from

log = logging.getLogger(__name__)

Known = Callable[[Sequence[str]], set[str]]
Item = Document | Rejected | Fetch

DEFAULT_CONTACT = "https://example.invalid/duluan"  # replaced by the province's contact; an operator must be reachable
GRACE = 5.0  # seconds for a child to end by itself
SILENCE = 90.0  # seconds without a sign of life (one is due every 5 s): some page hangs a parser, the child is ended


def crawl(
    sources: Sequence[Source],
    *,
    state_dir: Path,
    spool_dir: Path | None,
    clock: Clock,
    known: Known | None = None,
    allow_loopback: bool = False,
    contact: str = DEFAULT_CONTACT,
    limits: Limits | None = None,
    force: bool = False,
    store: str = "default",
) -> Iterator[Item]:
    """Poll each source once; yields redacted documents, rejections and one fetch line a try.

    `known(ids)` says which documents the store has: their pages are not fetched. `state_dir` keeps pace, frontier and audit
    (`audit.jsonl`); the frontier is that of the store called `store`. `spool_dir` None keeps no raw pages. `force` tries
    sources that are backing off.
    Raises StoreError where `state_dir` cannot be written; nothing else.
    """
    state = State(state_dir, store)
    try:
        frontier, audit = Frontier(state), Audit(state_dir, clock)
        frontier.settle(known)
        allowed, refused = _may_start(sources)
        for source in refused:
            audit("source_refused", source=source.id, reason="not_lawful")
            yield Rejected("not_lawful", source.url, source.id, "chưa ghi purpose và lawful_basis")
        if allowed:
            job = _job(allowed, state_dir, spool_dir, allow_loopback, contact, limits or Limits(), force, store)
            yield from _Child(job, clock, known or (lambda ids: set()), frontier, audit).items([s.id for s in allowed])
    finally:
        state.close()


def _may_start(sources: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """(may start, may not): a source without purpose and lawful basis is not read."""
    lawful = [source for source in sources if source.purpose and source.lawful_basis and source.via != "file"]
    return lawful, [source for source in sources if not (source.purpose and source.lawful_basis)]


def user_agent(contact: str) -> str:
    """The one User-Agent: who we are and where to complain; never borrowed from a browser."""
    return f"duluan/{__version__} (+{contact})"


def _job(
    sources: Sequence[Source],
    state_dir: Path,
    spool_dir: Path | None,
    allow_loopback: bool,
    contact: str,
    limits: Limits,
    force: bool,
    store: str,
) -> dict[str, Any]:
    return {
        "sources": [source.model_dump(mode="json") for source in sources],
        "state_dir": str(state_dir),
        "spool_dir": str(spool_dir) if spool_dir else None,
        "allow_loopback": allow_loopback,
        "agent": user_agent(contact),
        "limits": dataclasses.asdict(limits),
        "force": force,
        "store": store,
    }


class _Child:
    """One run of the worker process."""

    def __init__(self, job: Mapping[str, Any], clock: Clock, known: Known, frontier: Frontier, audit: Audit) -> None:
        self._job = job
        self._clock = clock
        self._known = known
        self._frontier = frontier
        self._audit = audit

    def items(self, source_ids: Sequence[str]) -> Iterator[Item]:
        """What the child finds; then a failed fetch for each source it did not come to an end with."""
        open_sources = dict.fromkeys(source_ids)
        done = False
        before = self._clock()
        process = subprocess.Popen(
            [sys.executable, "-m", "crawlers.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for line in _lines(process.stdout):
                message = _message(line)
                done = done or "done" in message
                if "fetch" in message:
                    open_sources.pop(str(message["fetch"]["source"]), None)
                yield from self._handle(message, process.stdin, before)
        finally:
            _end(process)
        if not done:
            self._audit("crawl_died", exit=process.returncode, sources=list(open_sources))
            log.warning("tiến trình thu thập dừng bất thường (mã %s)", process.returncode)
            for source in open_sources:
                self._frontier.source_failed(source, "tiến trình thu thập dừng bất thường")
                yield Fetch(source, self._clock(), ok=False)

    def _handle(self, message: Mapping[str, Any], to_child: IO[bytes], before: Any) -> Iterator[Item]:
        if "ready" in message:
            now = (
                self._clock()
            )  # a real clock has moved since the child was started; one that stands still (demo) has not
            self._send(to_child, {**self._job, "now": format_time(now), "ticking": now != before})
        elif "ask" in message:
            found = self._known([str(id) for id in message["ids"]])
            self._send(to_child, {"answer": message["ask"], "known": sorted(found)})
        elif "document" in message:
            document = document_from(message["document"])
            yield document
            self._frontier.take(str(message.get("page") or ""), document, str(message["digest"]))
        elif "rejected" in message:
            yield Rejected(**message["rejected"])
            if page := message.get("page"):
                self._frontier.close(str(page))
        elif (fetch := fetch_from(dict(message))) is not None:
            yield fetch

    def _send(self, to_child: IO[bytes], value: Mapping[str, Any]) -> None:
        try:
            to_child.write(json.dumps(value).encode() + b"\n")
            to_child.flush()
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
