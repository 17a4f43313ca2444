"""The detector: voices and fetch lines in, signals out. Pure and deterministic: no clock, store or randomness of its own.

What has been observed counts from the first step whose clock reaches its fetch time, ordered by time and id, so batch sizes never
matter. A step: take what is due (`intake`), let time pass (`learning`), score all issues (`scoring`), decide (`judge`).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np

from alerts import intake, learning, report
from alerts.episode import Episode
from alerts.hours import to_hours
from alerts.judge import judge
from alerts.ledger import Row
from alerts.memory import Memory
from alerts.report import DayCount
from alerts.signal import Signal
from duluan.config import AlertRules, Rule
from duluan.model import Fetch, Voice

DEFAULT_RULES: Final = AlertRules(
    rule=(Rule(id="chung", note="Kiểm tra nguồn, xác minh với địa phương và cơ quan trả lời trước khi báo cáo."),)
)
_Due = tuple[float, int, str, int, Voice | Fetch]


class Engine:
    """See the module's text. `observe` takes items in any order, `step` moves the clock and answers with signals."""

    def __init__(self, rules: AlertRules | None = None) -> None:
        self.rules = rules or DEFAULT_RULES
        self.memory = Memory()
        self._queue: list[_Due] = []  # a heap
        self._observed = 0

    @property
    def first(self) -> int | None:
        """Hour of the first item; None before any."""
        return self.memory.first

    @property
    def clock(self) -> float:
        """Hours up to which all is known."""
        return self.memory.clock

    @property
    def rows(self) -> list[Row]:
        """One per issue and theme, with its running episode."""
        return [row for ledger in self.memory.ledgers() for row in ledger.rows]

    @property
    def merged(self) -> dict[str, str]:
        """Issues that have ended in others."""
        return self.memory.ledger.merged

    @property
    def pending(self) -> list[Voice | Fetch]:
        """Observed, but not yet reached by the clock; in the order in which they will count."""
        return [entry[4] for entry in sorted(self._queue)]

    def observe(self, item: Voice | Fetch) -> None:
        """Take one item; it counts from the first step at or after its fetch."""
        self._observed += 1
        if isinstance(item, Fetch):
            heapq.heappush(self._queue, (to_hours(item.at), 1, item.source, self._observed, item))
        else:
            heapq.heappush(self._queue, (to_hours(item.fetched), 0, item.id, self._observed, item))

    def observe_all(self, items: Iterable[Voice | Fetch]) -> None:
        """`observe` each."""
        for item in items:
            self.observe(item)

    def merge(self, old: str, new: str) -> Episode | None:
        """Issue `old` has ended in `new`: its counts, baseline and episode move along. The episode that ends where both have one."""
        return self.memory.ledger.merge(old, new)

    def move(self, id: str, issue: str) -> None:
        """A split: publication `id` belongs to `issue` from now on; its counts go along, also where they are yet to come."""
        self.memory.ledger.move(id, issue, self.memory.closed)
        for place, (at, kind, key, number, item) in enumerate(self._queue):
            if isinstance(item, Voice) and item.id == id:
                self._queue[place] = (at, kind, key, number, replace(item, issue=issue))

    def step(self, clock: datetime) -> list[Signal]:
        """Move to `clock` (never back) and answer what turned. Everything fetched up to `clock` is known."""
        memory, at = self.memory, to_hours(clock)
        if memory.first is None:
            if not self._queue or self._queue[0][0] > at:
                return []
            memory.begin(int(self._queue[0][0]))
        now = int(np.ceil(at - 1e-9))
        for table in (*memory.tables(), memory.exposure.voices, memory.exposure.lost):
            table.roll(now + 1)
        while self._queue and self._queue[0][0] <= at:
            entry = heapq.heappop(self._queue)
            intake.take(memory, entry[4], entry[0])
        learning.close(memory, now)
        memory.clock = at
        return judge(memory, self.rules, now, at)

    def series(self, issue: str, days: int = 14) -> list[DayCount]:
        """What the card's chart shows: the last `days` times 24 hours up to now, oldest first."""
        return report.series(self.memory, issue, days)
