"""Time passes: hours that have become 48 h old move into the baselines, days teach the scatter, grown issues the cohort."""

from __future__ import annotations

import numpy as np

from alerts.baseline import FLAGGED, LAG, Day
from alerts.dispersion import BLOCK
from alerts.hours import DAY, SPAN, Floats, HourTable, starts_day
from alerts.ledger import Ledger
from alerts.memory import Memory
from alerts.newborn import AGES, NEWBORN


def close(memory: Memory, now: int) -> None:
    """Absorb the hours that have become 48 h old at hour `now`."""
    end = now - LAG
    _admit(memory, now)
    if now > memory.ticked:
        memory.exposure.advance(memory.ticked, now)
        memory.ticked = now
    if end <= memory.closed:
        return
    exposed = memory.exposure.vector(now, min(now - memory.closed, SPAN), now)
    for ledger in memory.ledgers():
        ledger.base.per_day = max(DAY * float(memory.exposure.weights(now).sum()), 1e-6)
    for hour in range(memory.closed, end):
        for ledger in memory.ledgers():
            ledger.absorb(hour, float(exposed[hour - now]))
            if starts_day(hour + 1):
                _close_day(memory, ledger, hour + 1, now)
        if starts_day(hour + 1):
            memory.echoes.forget()
    memory.closed = end
    _grow(memory, end)
    memory.forecasts.round(memory.ledger, memory.exposure, now, memory.first or 0)
    if starts_day(now):
        for ledger in memory.ledgers():
            ledger.forget(now)
        memory.nursery.forget(now)


def _close_day(memory: Memory, ledger: Ledger, end: int, now: int) -> None:
    start = end - DAY
    count = len(ledger.rows)
    if memory.first is None or start < memory.first or count == 0:
        return
    flagged = ledger.flags.window(start, end)[:count].max(axis=1)
    voices, negatives = _blocks(ledger.voices, start, end, count), _blocks(ledger.negatives, start, end, count)
    span = now - start
    day = Day(
        voices,
        negatives,
        _six(memory.exposure.vector(now, span, now)[:DAY]),
        voices + _blocks(ledger.held, start, end, count),
        negatives + _blocks(ledger.held_negatives, start, end, count),
        _six(memory.exposure.vector(now, span, now, everything=True)[:DAY]),
        ledger.weights(flagged > 0, start),
    )
    ledger.base.absorb_day(day, ledger.base.prior(count))


def _admit(memory: Memory, now: int) -> None:
    """Sources whose quarantine would end: independent ones count from now on, echoes (same matters, same hours) stay for as long again.

    An echo is no independent voice, and a threshold that keeps half a false mail a week with them in costs a fifth of the recall.
    """
    exposure, echoes = memory.exposure, memory.echoes
    leaving = [row for row in memory.barred if not exposure.quarantined(row, now)]
    for row in leaving:
        if echoes.echo(row):
            exposure.prolong(row)
    memory.barred = {row for row in range(len(exposure.names)) if exposure.quarantined(row, now)}
    if leaving and not any(echoes.echo(row) for row in memory.barred | set(leaving)):
        memory.ledger.base.admit()


def _grow(memory: Memory, end: int) -> None:
    """Issues that have passed 96 hours join the cohort's record."""
    ledger = memory.ledger
    born = ledger.born()
    for position in np.flatnonzero(born + NEWBORN <= end).tolist():
        row = ledger.rows[position]
        if row.grown:
            continue
        row.grown = True
        if memory.first is None or born[position] >= memory.first + NEWBORN:
            _join(memory, position, int(born[position]))


def _join(memory: Memory, row: int, born: int) -> None:
    voices = memory.ledger.voices.window(born, born + NEWBORN)[row]
    negatives = float(memory.ledger.negatives.window(born, born + NEWBORN)[row].sum())
    reached = np.array([voices[:age].sum() for age in AGES])
    episode = memory.ledger.rows[row].episode
    memory.cohort.learn(reached, negatives, FLAGGED if episode is not None and episode.mail else 1.0)


def _six(hours: Floats) -> Floats:
    blocks: Floats = hours.reshape(-1, BLOCK).sum(axis=1)
    return blocks


def _blocks(table: HourTable, start: int, end: int, count: int) -> Floats:
    blocks: Floats = table.window(start, end)[:count].reshape(count, -1, BLOCK).sum(axis=2)
    return blocks
