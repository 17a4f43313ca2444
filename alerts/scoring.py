"""Scores of all issues and themes at one moment, with everything they rest on. Reads the memory, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.evidence import MIN_VOICES, WINDOWS, Windows, surge_score
from alerts.hours import WEEK, Floats, Ints
from alerts.ledger import Ledger
from alerts.memory import Memory
from alerts.newborn import NEWBORN
from alerts.thresholds import ENTER, THEMES, Track
from duluan.config import AlertRules
from duluan.themes import Theme, province_wide

# Of an alarming theme only the last two days: one storm must not hide the next.
ALARMING_HOURS: Final = 48
_ALARMING_SHARE: Final = 0.95  # every voice counts as a negative one


@dataclass(frozen=True, slots=True)
class Finding:
    """Everything that one row's score rests on at one moment."""

    track: Track
    row: int
    score: float  # log10 of the fused evidence
    window: int  # hours
    voices: float
    negatives: float
    expected: float
    size: float
    share: float
    alarming: bool = False  # a theme whose sheer volume is trouble

    @property
    def newborn(self) -> bool:
        """Whether it was measured against other new issues, for want of a usual level of its own."""
        return self.track == "newborn"


def findings(memory: Memory, rules: AlertRules, now: int, at: float) -> list[Finding]:
    """Rows worth a word: evidence from ENTER on, or an episode that runs. `now` is the hour that ends at or after `at`."""
    if memory.first is None:
        return []
    active = _active(memory.ledger, now)
    born = memory.ledger.born()[active]
    newborn = (now - born < NEWBORN) & (born >= memory.first + NEWBORN)
    return [
        *_standing(memory, active[~newborn], now, at),
        *_newborn(memory, active[newborn], born[newborn], now),
        *(finding for track in THEMES for finding in _themes(memory, rules, track, (now, at))),
    ]


def _active(ledger: Ledger, now: int) -> Ints:
    recent = ledger.voices.window(now - WEEK, now)[: len(ledger.rows)]
    return np.flatnonzero(recent.sum(axis=1) >= MIN_VOICES)


def _standing(memory: Memory, rows: Ints, now: int, at: float) -> Iterator[Finding]:
    if len(rows):
        windows = _windows(memory, memory.ledger, rows, now, at, np.zeros(len(rows), bool))
        score, parts = surge_score(windows)
        worth = (score >= ENTER) | memory.ledger.busy()[rows]
        for i in np.flatnonzero(worth):
            yield _finding("standing", int(rows[i]), float(score[i]), windows, (i, parts[i].argmax()))


def _themes(memory: Memory, rules: AlertRules, track: Track, clock: tuple[int, float]) -> Iterator[Finding]:
    """Themes are judged like standing issues; of alarming topics in the whole province every voice counts, whatever its tone."""
    ledger = memory.of_track(track)
    rows = _active(ledger, clock[0])
    if len(rows) == 0:
        return
    keys = {Theme(topic).key for topic in rules.alarming}  # in one commune a handful of texts is no flood of them
    subjects = [ledger.rows[row].issue for row in rows]
    alarming = np.array([(province_wide(key) if track == "term" else key) in keys for key in subjects])
    windows = _windows(memory, ledger, rows, *clock, alarming)
    score, parts = surge_score(_alarmed(_held_to_calm(memory, ledger, windows, rows, alarming), alarming))
    for i in np.flatnonzero((score >= ENTER) | ledger.busy()[rows]):
        finding = _finding(track, int(rows[i]), float(score[i]), windows, (i, parts[i].argmax()))
        yield replace(finding, alarming=bool(alarming[i]))


def _held_to_calm(memory: Memory, ledger: Ledger, w: Windows, rows: Ints, alarming: NDArray[np.bool_]) -> Windows:
    """The scatter of an alarming topic is its disasters: they would explain each other, so it is held to that of ordinary issues."""
    prior = ledger.base.prior(len(ledger.rows))
    calm = ledger.base.calm_size(rows, w.expected, WINDOWS, prior, memory.ledger.base.pool)
    return replace(w, size=np.where(alarming[:, None], calm, w.size))


def _alarmed(w: Windows, alarming: NDArray[np.bool_]) -> Windows:
    """All voices of alarming rows as negative ones, in short windows, with no limit to what volume proves."""
    rows = alarming[:, None]
    late = rows & (np.array(WINDOWS) > ALARMING_HOURS)
    return replace(
        w,
        voices=np.where(late, 0.0, w.voices),
        negatives=np.where(rows, w.voices, w.negatives),
        share=np.where(alarming, _ALARMING_SHARE, w.share),
        cap=np.where(rows, np.inf, w.cap),
    )


def _finding(track: Track, row: int, score: float, w: Windows, cell: tuple[np.intp, np.intp]) -> Finding:
    i, window = cell
    return Finding(
        track,
        row,
        score,
        WINDOWS[window],
        float(w.voices[i, window]),
        float(w.negatives[i, window]),
        float(w.expected[i, window]),
        float(w.size[i, window]),
        float(w.share[i]),
    )


def _windows(memory: Memory, ledger: Ledger, rows: Ints, now: int, at: float, apart: NDArray[np.bool_]) -> Windows:
    """Counts and what was to be expected; a swell of the whole stream is taken out, to which rows `apart` do not belong."""
    voices = _tails(ledger.voices.window(now - WEEK, now)[rows])
    negatives = np.minimum(_tails(ledger.negatives.window(now - WEEK, now)[rows]), voices)
    exposed = _tails(memory.exposure.vector(now, WEEK, at))
    count = len(ledger.rows)
    prior = ledger.base.prior(count)
    expected = np.maximum(ledger.base.rate(count, prior)[rows][:, None] * exposed, 0.02)
    calm = ~(ledger.busy()[rows] | apart)[:, None]
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


def _newborn(memory: Memory, rows: Ints, born: Ints, now: int) -> Iterator[Finding]:
    if len(rows) == 0:
        return
    ledger, cohort = memory.ledger, memory.cohort
    age = (now - born).astype(float)
    hours = ledger.voices.window(now - NEWBORN, now)[rows]
    voices = hours.sum(axis=1)
    negatives = np.minimum(ledger.negatives.window(now - NEWBORN, now)[rows].sum(axis=1), voices)
    score = cohort.score(hours, negatives, age)
    mean, size = cohort.expected(age)
    for i, row in enumerate(rows):
        if score[i] >= ENTER or ledger.rows[row].episode is not None:
            yield Finding(
                "newborn",
                int(row),
                float(score[i]),
                int(max(age[i], 1)),
                float(voices[i]),
                float(negatives[i]),
                float(mean[i]),
                float(size[i]),
                cohort.share(),
            )
