"""A standing alert as it is now, for turns that do not come from the score alone: a reminder, a new area, a return."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from alerts import report
from alerts.engine import Engine
from alerts.hours import DAY, from_hours
from alerts.judge import thresholds
from alerts.scoring import findings
from alerts.signal import Signal, Turn


def restate(engine: Engine, issue: str, turn: Turn) -> Signal | None:
    """`turn` on the running episode of `issue` at the engine's clock; None where there is none or its issue has fallen silent."""
    memory = engine.memory
    row = memory.ledger.find(issue)
    if row is None or (episode := memory.ledger.rows[row].episode) is None:
        return None
    now = int(np.ceil(memory.clock - 1e-9))
    finding = next((f for f in findings(memory, now, memory.clock) if f.row == row), None)
    if finding is None:
        return None
    bars = thresholds(memory, engine.rules, now, newborn=finding.newborn)
    coverage = memory.exposure.coverage(now, 6, memory.clock)
    return report.signal(memory, turn, episode, finding, now, coverage, bars)


def areas(engine: Engine, issue: str) -> dict[str, int]:
    """Negative voices of the running episode of `issue` by commune, since a day before it opened."""
    memory = engine.memory
    row = memory.ledger.find(issue)
    if row is None or (episode := memory.ledger.rows[row].episode) is None:
        return {}
    counts: dict[str, int] = {}
    for mark in memory.ledger.rows[row].marks:
        if mark.voice and mark.p_neg >= 0.5 and mark.hour >= episode.opened - DAY:
            for place in mark.places:
                counts[place] = counts.get(place, 0) + 1
    return counts


def heard(engine: Engine, issue: str, count: int) -> datetime | None:
    """When the `count`-th newest negative voice of `issue` was published; None where fewer are remembered.

    Evidence stays strong for as long as its windows reach back (two to four days); this tells whether anything new has come.
    """
    row = engine.memory.ledger.find(issue)
    marks = engine.memory.ledger.rows[row].marks if row is not None else ()
    hours = sorted(mark.hour for mark in marks if mark.voice and mark.p_neg >= 0.5)
    return from_hours(hours[-count]) if len(hours) >= count else None
