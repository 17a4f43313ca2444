"""CPU time of one scoring step, for `bench/alerts.py --part speed`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np

from alerts.engine import Engine
from alerts.simulation.stream import Stream, simulate
from alerts.simulation.world import Setting
from duluan.model import Fetch, Voice

TOPICS: Final = 14  # of the taxonomy, less "khac", which makes no theme
COMMUNES: Final = 96
TERMS: Final = 36 * TOPICS  # each is named in one topic


def step_time(issues: int = 3000, days: int = 5, *, themes: bool = False) -> tuple[float, int]:
    """CPU milliseconds of one scoring step over `issues` standing issues, all of them active, and the number of themes beside them."""
    stream = simulate(Setting(kind="null", seed=7, weeks=1, issues=issues, newborn=0.0, stories=0.0, volume=3.0))
    engine, position, items = Engine(), 0, list(_items(stream, themes=themes))
    spent = []
    for hour in range(1, days * 24):
        clock = stream.moment(hour)
        while position < len(items) and _known(items[position]) <= clock:
            engine.observe(items[position])
            position += 1
        engine.step(clock)
        begun = time.process_time()
        engine.step(stream.moment(hour + 0.5))
        spent.append(time.process_time() - begun)
    memory = engine.memory
    return float(1000 * np.median(spent[-48:])), len(memory.themes.rows) + len(memory.terms.rows)


def _known(item: Voice | Fetch) -> datetime:
    return item.at if isinstance(item, Fetch) else item.fetched


def _items(stream: Stream, *, themes: bool) -> Iterator[Voice | Fetch]:
    """The stream; with `themes` each issue has a topic and a commune of its own, and is about two of TERMS."""
    for item in stream.items():
        if themes and isinstance(item, Voice):
            number = int(item.issue.removeprefix("v"))
            terms = tuple(f"việc {(number + TOPICS * far) % TERMS}" for far in (0, 1 + number // TERMS))
            yield replace(item, topic=f"t{number % TOPICS}", places=(f"c{number // TOPICS % COMMUNES}",), terms=terms)
        else:
            yield item
