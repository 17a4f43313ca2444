"""What real life adds to the yardstick: a new model, national chatter, clusters that merge and split, trouble in the dark.

(Holidays are a matter of the week's profile, see `world`.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from alerts.hours import DAY
from alerts.simulation.events import Events, Origins, joined, make
from alerts.simulation.nuisances import Outage
from alerts.simulation.world import Province

_MODEL_AT: Final = 0.5  # part of the time after the quiet weeks
_MODEL_FLIPS: Final = 0.25  # of what was not negative is from then on
_NATIONAL_AT: Final = 0.3
_NATIONAL_HOURS: Final = 72
_NATIONAL_FACTOR: Final = 3.0
_CHANGES: Final = 6  # merges, and as many splits
_DARK_BEFORE: Final = 6.0  # hours before an onset at which the loudest sources fail
_DARK_HOURS: Final = 18.0
_DARK_SHARE: Final = 0.25  # of the incidents
_DARK_SOURCES: Final = 6  # the loudest ones, half the volume


@dataclass(frozen=True, slots=True)
class Change:
    """At `hour` issue `old` ended in `new`."""

    hour: int
    old: int
    new: int


def _moment(province: Province, part: float) -> float:
    setting = province.setting
    return setting.warm + part * (setting.hours - setting.warm)


def change_model(province: Province, events: Events, g: np.random.Generator) -> Events:
    """From one moment on a quarter of all that was not negative is called negative, everywhere and for good."""
    late = events.fetched >= _moment(province, _MODEL_AT)
    return replace(events, negative=events.negative | (late & (g.random(len(events)) < _MODEL_FLIPS)))


def national_chatter(province: Province, events: Events, origins: Origins, g: np.random.Generator) -> Events:
    """For three days everything is said three times as often, by other voices, as negative as ever."""
    start = _moment(province, _NATIONAL_AT)
    inside = events.ordinary & (events.published >= start) & (events.published < start + _NATIONAL_HOURS)
    which = np.repeat(np.flatnonzero(inside), int(_NATIONAL_FACTOR) - 1)
    when = np.clip(events.published[which] + g.normal(0, 2, len(which)), start, province.setting.hours - 0.01)
    share = np.append(province.share, 0.32)[np.minimum(events.issue[which], len(province.share))]
    more = make(
        events.issue[which], events.source[which], when, origins.fresh(len(which)), g.random(len(which)) < share
    )
    return joined([events, more])


def change_clusters(
    province: Province, events: Events, first_id: int, spare: frozenset[int], g: np.random.Generator
) -> tuple[Events, tuple[Change, ...]]:
    """Pairs of standing issues are merged for good, others lose half of their voices to a new issue. `spare` are left alone."""
    setting = province.setting
    free = [issue for issue in range(setting.issues) if issue not in spare and 1 < province.volume[issue] < 20]
    chosen = g.permutation(free)[: 3 * _CHANGES]
    hours = np.sort(g.uniform(setting.warm, setting.hours - 7 * DAY, 2 * _CHANGES)).astype(int)
    issue = events.issue.copy()
    changes = []
    for position in range(min(_CHANGES, len(chosen) // 3)):
        old, new, split = (int(i) for i in chosen[3 * position : 3 * position + 3])
        issue[(issue == old) & (events.fetched >= hours[2 * position])] = new
        changes.append(Change(int(hours[2 * position]), old, new))
        leaves = (issue == split) & (events.fetched >= hours[2 * position + 1]) & (g.random(len(events)) < 0.5)
        issue[leaves] = first_id + position
    return replace(events, issue=issue), tuple(changes)


def darkness(province: Province, onsets: list[float], g: np.random.Generator) -> tuple[Outage, ...]:
    """The loudest sources fail shortly before every fourth incident begins; they are filled up when they return."""
    setting = province.setting
    hit = [onset for onset in onsets if g.random() < _DARK_SHARE]
    return tuple(
        Outage(
            source, onset - _DARK_BEFORE, min(onset - _DARK_BEFORE + _DARK_HOURS, setting.hours - 1.0), refilled=True
        )
        for onset in hit
        for source in range(min(_DARK_SOURCES, setting.sources))
    )
