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
    found = memory.find(issue)
    if found is None or (episode := found[0].rows[found[1]].episode) is None:
        return None
    now = int(np.ceil(memory.clock - 1e-9))
    rows = findings(memory, engine.rules, now, memory.clock)
    finding = next((f for f in rows if (memory.of_track(f.track), f.row) == found), None)
    if finding is None:
        return None
    bars = thresholds(memory, engine.rules, now, finding.track)
    coverage = memory.exposure.coverage(now, 6, memory.clock)
    return report.signal(memory, turn, episode, finding, now, coverage, bars)


def areas(engine: Engine, issue: str) -> dict[str, int]:
    """Negative voices of the running episode of `issue` by commune, since a day before it opened."""
    found = engine.memory.find(issue)
    if found is None or (episode := found[0].rows[found[1]].episode) is None:
        return {}
    counts: dict[str, int] = {}
    for mark in found[0].rows[found[1]].marks:
        if mark.voice and mark.p_neg >= 0.5 and mark.hour >= episode.opened - DAY:
            for place in mark.places:
                counts[place] = counts.get(place, 0) + 1
    return counts


def heard(engine: Engine, issue: str, count: int) -> datetime | None:
    """When the `count`-th newest negative voice of `issue` was published; None where fewer are remembered.

    Evidence stays strong for as long as its windows reach back (two to four days); this tells whether anything new has come.
    """
    found = engine.memory.find(issue)
    marks = found[0].rows[found[1]].marks if found else ()
    hours = sorted(mark.hour for mark in marks if mark.voice and mark.p_neg >= 0.5)
    return from_hours(hours[-count]) if len(hours) >= count else None
