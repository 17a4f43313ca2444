"""Trouble that should be found: five families of incidents with their onset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from alerts.hours import DAY, Floats
from alerts.simulation.events import Events, Origins, arrivals, make, moments
from alerts.simulation.world import Province

Family = Literal["burst", "ramp", "tone", "new", "quiet"]
FAMILIES: Final[tuple[Family, ...]] = ("burst", "ramp", "tone", "new", "quiet")
_APART: Final = 9 * DAY  # between two things that happen to one issue
_NEGATIVE: Final = 0.92
_TONE_HOURS: Final = 120


@dataclass(frozen=True, slots=True)
class Incident:
    """One piece of truth. `fifth`: hour of its fifth voice, or of its last where there are fewer; None for tone shifts."""

    family: Family
    issue: int
    onset: float
    fifth: float | None


Rate = tuple[float, Callable[[Floats], Floats]]  # hours it lasts, voices a day by age


def plan(
    province: Province, busy: list[tuple[int, float]], first_id: int, g: np.random.Generator
) -> list[tuple[Family, int, float]]:
    """Family, issue and onset of all incidents; new issues are numbered from `first_id`."""
    setting = province.setting
    planned: list[tuple[Family, int, float]] = []
    for onset in moments(setting.incidents, setting.warm, setting.hours - 240, g):
        family = FAMILIES[int(g.integers(len(FAMILIES)))]
        if family == "new":
            planned.append((family, first_id, onset))
            first_id += 1
            continue
        issue = _free(_pool(province, family), onset, busy, g)
        busy.append((issue, onset))
        planned.append((family, issue, onset))
    return planned


def _pool(province: Province, family: Family) -> list[int]:
    order = np.argsort(province.volume)
    quarter = len(order) // 4
    if family == "quiet":
        return [int(issue) for issue in order[:quarter]]
    if family == "tone":
        loud = [int(issue) for issue in order if province.volume[issue] > 6]
        return loud or [int(order[-1])]
    return [int(issue) for issue in order[quarter:]]


def _free(pool: list[int], onset: float, busy: list[tuple[int, float]], g: np.random.Generator) -> int:
    for _ in range(50):
        issue = int(g.choice(pool))
        if all(other != issue or abs(onset - hour) >= _APART for other, hour in busy):
            return issue
    return issue


def strike(
    province: Province, family: Family, issue: int, onset: float, origins: Origins, g: np.random.Generator
) -> Events:
    """The voices an incident adds (none for a tone shift, see `shift_tone`)."""
    lasting, rate = _course(province, family, issue, g)
    when = arrivals(province.profile, onset, lasting, rate, g)
    standing = issue < len(province.volume)
    chances = province.mix[issue] if standing else province.weights
    source = g.choice(len(province.weights), len(when), p=chances)
    return make(issue, source, when, origins.fresh(len(when)), g.random(len(when)) < _NEGATIVE)


def _course(province: Province, family: Family, issue: int, g: np.random.Generator) -> Rate:
    """How loud by age: sudden ones peak within hours and fade over one to two days, ramps double every 12 to 36 hours."""
    if family == "quiet":
        return 96, _sudden(g.uniform(10, 20), 4, 24)
    if family == "new":
        return 120, _sudden(g.uniform(12, 40), g.uniform(2, 8), g.uniform(24, 48))
    usual = province.volume[issue] * province.share[issue]
    if family == "burst":
        return 120, _sudden(max(10.0, g.uniform(4, 10) * usual), g.uniform(2, 6), g.uniform(24, 48))
    top, doubling = max(10.0, 5 * usual), g.uniform(12, 36)
    return 168, lambda age: np.minimum(top, max(1.0, 0.5 * usual) * 2 ** (age / doubling))


def _sudden(peak: float, rise: float, decay: float) -> Callable[[Floats], Floats]:
    return lambda age: peak * np.minimum(1, age / rise) * np.exp(-age / decay)


def shift_tone(province: Province, events: Events, issue: int, onset: float, g: np.random.Generator) -> Events:
    """For five days the same voices speak worse: the share rises by .45 to at most .9."""
    share = min(0.9, province.share[issue] + 0.45)
    hit = (events.issue == issue) & events.ordinary & (events.published >= onset)
    hit &= events.published < onset + _TONE_HOURS
    negative = events.negative.copy()
    negative[hit] = g.random(int(hit.sum())) < share
    return replace(events, negative=negative)


def incident(family: Family, issue: int, onset: float, voices: Events | None) -> Incident:
    """The truth on one incident that has struck with these voices."""
    if voices is None:
        return Incident(family, issue, onset, None)
    times = np.sort(voices.published)
    return Incident(family, issue, onset, float(times[min(4, len(times) - 1)]))
