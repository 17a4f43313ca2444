"""Scores of all issues at one moment, with everything they rest on. Reads the memory, changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.evidence import MIN_VOICES, WINDOWS, Windows, surge_score
from alerts.hours import WEEK, Floats, Ints
from alerts.memory import Memory
from alerts.newborn import NEWBORN
from alerts.thresholds import ENTER


@dataclass(frozen=True, slots=True)
class Finding:
    """Everything that one row's score rests on at one moment."""

    row: int
    score: float  # log10 of the fused evidence
    window: int  # hours
    voices: float
    negatives: float
    expected: float
    size: float
    share: float
    newborn: bool


def findings(memory: Memory, now: int, at: float) -> list[Finding]:
    """Rows worth a word: evidence from ENTER on, or an episode that runs. `now` is the hour that ends at or after `at`."""
    ledger = memory.ledger
    recent = ledger.voices.window(now - WEEK, now)[: len(ledger.rows)]
    active = np.flatnonzero(recent.sum(axis=1) >= MIN_VOICES)
    if len(active) == 0 or memory.first is None:
        return []
    born = ledger.born()[active]
    newborn = (now - born < NEWBORN) & (born >= memory.first + NEWBORN)
    return _standing(memory, active[~newborn], now, at) + _newborn(memory, active[newborn], born[newborn], now)


def _standing(memory: Memory, rows: Ints, now: int, at: float) -> list[Finding]:
    if len(rows) == 0:
        return []
    windows = _windows(memory, rows, now, at)
    score, parts = surge_score(windows)
    best = parts.argmax(axis=1)
    return [
        Finding(
            int(rows[i]),
            float(score[i]),
            WINDOWS[best[i]],
            float(windows.voices[i, best[i]]),
            float(windows.negatives[i, best[i]]),
            float(windows.expected[i, best[i]]),
            float(windows.size[i, best[i]]),
            float(windows.share[i]),
            newborn=False,
        )
        for i in np.flatnonzero((score >= ENTER) | memory.ledger.busy()[rows])
    ]


def _windows(memory: Memory, rows: Ints, now: int, at: float) -> Windows:
    ledger = memory.ledger
    voices = _tails(ledger.voices.window(now - WEEK, now)[rows])
    negatives = np.minimum(_tails(ledger.negatives.window(now - WEEK, now)[rows]), voices)
    exposed = _tails(memory.exposure.vector(now, WEEK, at))
    count = len(ledger.rows)
    prior = ledger.base.prior(count)
    expected = np.maximum(ledger.base.rate(count, prior)[rows][:, None] * exposed, 0.02)
    calm = ~ledger.busy()[rows][:, None]
    ordinary = calm & (voices <= 5 * expected + 5)
    swell = ((voices * ordinary).sum(axis=0) + 30) / ((expected * ordinary).sum(axis=0) + 30)
    expected = expected * np.clip(swell, 0.4, 5.0)
    share = _shares(ledger.base.share(count)[rows], voices, negatives, ordinary)
    size = ledger.base.size(rows, expected, WINDOWS, prior)
    return Windows(voices, negatives, expected, size, share, ledger.base.tempering(rows, voices))


def _tails(hours: Floats) -> Floats:
    """Sums over the last 3 … 168 of a week's hours."""
    starts = [WEEK - window for window in reversed(WINDOWS)]
    parts = np.add.reduceat(hours, starts, axis=-1)[..., ::-1]
    sums: Floats = np.cumsum(parts, axis=-1)
    return sums


def _shares(share: Floats, voices: Floats, negatives: Floats, ordinary: NDArray[np.bool_]) -> Floats:
    """Usual shares, moved together by what moved everywhere (a new model, a national mood)."""
    day = WINDOWS.index(48)
    part = ordinary[:, day]
    seen = (negatives[:, day] * part).sum() + 40 * share.mean()
    usual = (voices[:, day] * share * part).sum() + 40 * share.mean()
    total = (voices[:, day] * part).sum() + 40
    drift = np.log(seen / (total - seen)) - np.log(usual / (total - usual))
    moved: Floats = np.clip(1 / (1 + np.exp(-(np.log(share / (1 - share)) + drift))), 0.02, 0.97)
    return moved


def _newborn(memory: Memory, rows: Ints, born: Ints, now: int) -> list[Finding]:
    if len(rows) == 0:
        return []
    ledger, cohort = memory.ledger, memory.cohort
    age = (now - born).astype(float)
    hours = ledger.voices.window(now - NEWBORN, now)[rows]
    voices = hours.sum(axis=1)
    negatives = np.minimum(ledger.negatives.window(now - NEWBORN, now)[rows].sum(axis=1), voices)
    score = cohort.score(hours, negatives, age)
    mean, size = cohort.expected(age)
    return [
        Finding(
            int(row),
            float(score[i]),
            int(max(age[i], 1)),
            float(voices[i]),
            float(negatives[i]),
            float(mean[i]),
            float(size[i]),
            cohort.share(),
            newborn=True,
        )
        for i, row in enumerate(rows)
        if score[i] >= ENTER or ledger.rows[row].episode is not None
    ]
