"""Enriching in several processes, order kept. Each worker loads the models once; documents and results travel in chunks."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from types import TracebackType
from typing import Self

from duluan.config import Profile
from duluan.errors import DuluanError, ModelError
from duluan.model import Document, Enriched, Rejected
from nlp.enrich import Enricher

CHUNK = 250  # documents a task: a batch of 500 is two; at 125 each document took a tenth longer
WINDOW = 1000  # documents of a stream that are read ahead for each process

_BROKEN = "tiến trình phân tích dừng đột ngột (thiếu bộ nhớ?); chạy lại với --workers 1"

# An error while it began is told with the first task, where the caller hears it.
_worker: Enricher | DuluanError | None = None


def _start(profile: Profile, keywords: bool, backend: str | None) -> None:
    global _worker
    try:
        _worker = Enricher(profile, keywords=keywords, backend=backend)
    except DuluanError as error:
        _worker = error


def _work(documents: Sequence[Document]) -> list[Enriched | Rejected]:
    if isinstance(_worker, DuluanError):
        raise _worker
    if _worker is None:
        raise RuntimeError("the worker was not started")
    return list(_worker.enrich(documents))


class ParallelEnricher:
    """A callable like `Enricher.enrich`, over `workers` processes. Use as a context manager."""

    def __init__(
        self, profile: Profile, *, workers: int | None = None, keywords: bool = True, backend: str | None = None
    ) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._pool = ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),  # fork would copy locks that other threads hold
            initializer=_start,
            initargs=(profile, keywords, backend),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def stream(self, documents: Iterable[Document]) -> Iterator[Enriched | Rejected]:
        """Answer a stream of any length, of which at most WINDOW documents for each process wait in memory."""
        source = iter(documents)
        while window := list(islice(source, WINDOW * self._workers)):
            yield from self(window)

    def __call__(self, documents: Iterable[Document]) -> Iterator[Enriched | Rejected]:
        """Begin at once, answer in order; what is handed in by one call waits in memory (the ingest hands in batches)."""
        source = iter(documents)
        chunks = iter(lambda: list(islice(source, CHUNK)), [])
        try:
            return _results([self._pool.submit(_work, chunk) for chunk in chunks])
        except BrokenProcessPool:
            raise ModelError(_BROKEN) from None


def _results(waiting: Sequence[Future[list[Enriched | Rejected]]]) -> Iterator[Enriched | Rejected]:
    try:
        for future in waiting:
            yield from future.result()
    except BrokenProcessPool:
        raise ModelError(_BROKEN) from None
