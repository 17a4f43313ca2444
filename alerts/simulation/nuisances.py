"""What looks like trouble and is none: syndication, spam, praise, outages with and without back-fill, sources that are added."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from alerts.simulation.events import Events, Origins, arrivals, joined, make, moments
from alerts.simulation.world import Province

_TAIL: int = 100  # hours at the end in which nothing begins
_NEW_SOURCES = ((0.35, 4), (0.7, 4))  # part of the stream after the quiet weeks, how many


@dataclass(frozen=True, slots=True)
class Outage:
    """A source that could not be read between two hours; `refilled`: what it missed came in afterwards."""

    source: int
    start: float
    end: float
    refilled: bool


@dataclass(frozen=True, slots=True)
class Nuisances:
    """Their publications, and where they fell (issue, hour): no incident begins there."""

    events: tuple[Events, ...]
    busy: tuple[tuple[int, float], ...]


def nuisances(province: Province, origins: Origins, g: np.random.Generator) -> Nuisances:
    """About three and a half a week."""
    setting = province.setting
    events: list[Events] = []
    busy: list[tuple[int, float]] = []
    for weekly, maker in ((1.5, _syndication), (1.0, _spam), (1.0, _praise)):
        for onset in moments(weekly, setting.warm, setting.hours - _TAIL, g):
            issue = int(g.integers(setting.issues))
            events.append(maker(province, issue, onset, origins, g))
            busy.append((issue, onset))
    return Nuisances(tuple(events), tuple(busy))


def _syndication(province: Province, issue: int, onset: float, origins: Origins, g: np.random.Generator) -> Events:
    """One negative text printed 15 to 40 times within hours."""
    amount = int(g.integers(15, 40))
    when = onset + g.beta(1, 3, amount) * g.uniform(3, 10)
    when[0] = onset
    source = g.choice(len(province.weights), amount, p=province.weights)
    return make(issue, source, when, np.repeat(origins.fresh(1), amount), np.ones(amount, bool))


def _spam(province: Province, issue: int, onset: float, origins: Origins, g: np.random.Generator) -> Events:
    """One to four negative texts posted 25 to 80 times."""
    amount, texts = int(g.integers(25, 80)), origins.fresh(int(g.integers(1, 5)))
    when = onset + g.random(amount) * g.uniform(3, 12)
    source = g.choice(len(province.weights), amount, p=province.weights)
    return make(issue, source, when, g.choice(texts, amount), np.ones(amount, bool))


def _praise(province: Province, issue: int, onset: float, origins: Origins, g: np.random.Generator) -> Events:
    """Many voices for three days, less negative than usual."""
    peak = max(20.0, province.volume[issue] * g.uniform(3, 7))
    when = arrivals(province.profile, onset, 72, lambda age: peak * np.minimum(1, age / 4) * np.exp(-age / 30), g)
    source = g.choice(len(province.weights), len(when), p=province.mix[issue])
    return make(issue, source, when, origins.fresh(len(when)), g.random(len(when)) < 0.6 * province.share[issue])


def outages(province: Province, g: np.random.Generator) -> tuple[Outage, ...]:
    """Each source fails about once in four weeks for 3 to 36 hours; seven in ten are filled up afterwards."""
    setting = province.setting
    found = []
    for source in range(setting.sources):
        for start in moments(0.25, setting.warm, setting.hours - 60, g):
            found.append(Outage(source, start, start + g.uniform(3, 36), bool(g.random() < 0.7)))
    return tuple(found)


def apply_outage(events: Events, outage: Outage, g: np.random.Generator) -> Events:
    """What the source published meanwhile is lost, or comes in within the hour after; a quarter of that has lost its time."""
    hit = (events.source == outage.source) & (events.published >= outage.start) & (events.published < outage.end)
    if not outage.refilled:
        return events.take(~hit)
    fetched, dated = events.fetched.copy(), events.dated.copy()
    fetched[hit] = outage.end + 0.8 * g.random(int(hit.sum()))
    dated[hit] = g.random(int(hit.sum())) < 0.75
    return replace(events, fetched=fetched, dated=dated)


def added_sources(province: Province, events: Events, origins: Origins, g: np.random.Generator) -> Events:
    """Twice four sources are switched on; each retells 8 % of what happens anyway, in words of its own."""
    setting = province.setting
    source = setting.sources
    for part, amount in _NEW_SOURCES:
        start = setting.warm + part * (setting.hours - setting.warm)
        for _ in range(amount):
            events = joined([events, _echo(events, source, start, setting.hours, origins, g)])
            source += 1
    return events


def _echo(events: Events, source: int, start: float, hours: int, origins: Origins, g: np.random.Generator) -> Events:
    told = events.take(events.ordinary & (events.published >= start) & (g.random(len(events)) < 0.08))
    amount = len(told)
    when = np.clip(told.published + g.normal(0, 3, amount), start, hours - 0.01)
    copy = make(told.issue, np.full(amount, source), when, origins.fresh(amount), told.negative, ordinary=True)
    return replace(copy, fetched=when + 0.3)
