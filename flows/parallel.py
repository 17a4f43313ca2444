"""Enriching in several processes, order kept. Each worker loads the models once; documents and results travel in chunks."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from types import TracebackType
from typing import Self

from duluan.config import Profile
from duluan.errors import ModelError
from duluan.model import Document, Enriched, Rejected
from nlp.enrich import Enricher

CHUNK = 125  # documents a task: four tasks a batch of 500 keep two workers busy to its end

_worker: Enricher | None = None


def _start(profile: Profile, keywords: bool) -> None:
    global _worker
    _worker = Enricher(profile, keywords=keywords)


def _work(documents: Sequence[Document]) -> list[Enriched | Rejected]:
    if _worker is None:
        raise RuntimeError("the worker was not started")
    return list(_worker.enrich(documents))


class ParallelEnricher:
    """A callable like `Enricher.enrich`, over `workers` processes. Use as a context manager."""

    def __init__(self, profile: Profile, *, workers: int | None = None, keywords: bool = True) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._pool = ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),  # fork would copy locks that other threads hold
            initializer=_start,
            initargs=(profile, keywords),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __call__(self, documents: Iterable[Document]) -> Iterator[Enriched | Rejected]:
        """Enrich in order; at most two chunks a worker wait, so memory stays bounded."""
        waiting: deque[Future[list[Enriched | Rejected]]] = deque()
        source = iter(documents)
        try:
            while chunk := list(islice(source, CHUNK)):
                waiting.append(self._pool.submit(_work, chunk))
                if len(waiting) > 2 * self._workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool:
            raise ModelError("tiến trình phân tích dừng đột ngột (thiếu bộ nhớ?); chạy lại với --workers 1") from None
