"""The past as the watcher lived it: which documents, merges and splits it knew of at which hour.

A stored document bears its issue of today. The store also knows the issue that each was first written under, and the journal's memory
from which hour each merge and each split counted; so the numbers of an alert are worked out as they were, whatever has been merged
and parted since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from alerts.engine import Engine
from alerts.hours import from_hours, to_hours
from alerts.signal import Signal
from duluan.clock import parse_time
from duluan.model import Fetch, Voice
from duluan.voices import voice_of
from flows.decisions import moved
from flows.journal import Memory
from index.base import Index
from nlp.matters import matters

_IMPORTED: Final = timedelta(days=3)  # first run: what was fetched so long after publication is history
_SKEW: Final = timedelta(hours=1)  # processes that write at the same time are no further apart


@dataclass(slots=True)
class _Hour:
    """What became known when the hour's step was taken."""

    merges: list[tuple[str, str]] = field(default_factory=list)
    moves: dict[str, str] = field(default_factory=dict)  # document → issue
    voices: list[Voice] = field(default_factory=list)  # written late


@dataclass(slots=True)
class Past:
    """Everything that was known by `until`. `early` counts from its fetch; documents stand in the issue that they came in under."""

    until: datetime
    early: list[Voice | Fetch] = field(default_factory=list)
    begun: _Hour = field(default_factory=_Hour)  # what had been merged and split before the first step
    hours: dict[datetime, _Hour] = field(default_factory=lambda: defaultdict(_Hour))
    rewritten: list[Voice] = field(default_factory=list)  # were known as well, but only a later version is stored

    def relive(self, engine: Engine) -> Iterator[list[Signal]]:
        """Take `engine`, which is new, through every hour up to `until`; the signals of each."""
        placed = dict[str, str]()
        self._pass(engine, self.begun, placed)
        engine.observe_all(_standing(item, placed) if isinstance(item, Voice) else item for item in self.early)
        start = min((item.at if isinstance(item, Fetch) else item.fetched for item in self.early), default=self.until)
        for moment in hours_between(start, self.until):
            if moment in self.hours:
                self._pass(engine, self.hours[moment], placed)
            yield engine.step(moment)

    def members(self, issue: str) -> tuple[list[Voice], list[Voice]]:
        """What belonged to `issue` at `until`, by the records alone, no detector is asked: (documents, rewritten ones)."""
        ended, placed = dict[str, str](), dict[str, str]()
        passed = [self.begun, *(self.hours[moment] for moment in sorted(self.hours) if moment <= self.until)]
        for hour in passed:
            for old, new in hour.merges:
                if _end(ended, new) == old:  # the other way round than before
                    del ended[new]
                ended[old] = new
            placed |= hour.moves
        known = [item for item in self.early if isinstance(item, Voice)]
        known += [voice for hour in passed for voice in hour.voices]

        def own(voices: list[Voice]) -> list[Voice]:
            return [voice for voice in voices if _end(ended, placed.get(voice.id, voice.issue)) == issue]

        return own(known), own(self.rewritten)

    def _pass(self, engine: Engine, hour: _Hour, placed: dict[str, str]) -> None:
        for old, new in hour.merges:
            engine.merge(old, new)
        for document, issue in hour.moves.items():
            engine.move(document, issue)
        placed |= hour.moves
        engine.observe_all(_standing(voice, placed) for voice in hour.voices)


def recall(store: Index, memory: Memory, until: datetime) -> Past:
    """What the watcher whose `memory` this is knew by `until`. Scope: documents of the province."""
    past = Past(until)
    _events(store, memory, past)
    first_issues = dict(store.first_issues())
    first, newer = list[Voice](), list[Voice]()
    for sequence, document in store.ingested():
        voice = voice_of(document, matters(document))
        if not voice.in_province:
            continue
        voice = replace(voice, issue=first_issues.get(voice.id, voice.issue))
        if voice.fetched > until:
            if voice.fetched > until + _SKEW:
                newer.append(voice)
            continue
        if sequence <= memory.first:
            first.append(voice)
        elif (hour := memory.late_items.get(str(sequence))) is not None:
            past.hours[parse_time(hour)].voices.append(voice)
            continue
        else:
            past.early.append(voice)
        past.rewritten += newer  # numbers are given in order of writing: what stands before this one was known as well
        newer = []
    past.early = [*as_lived(first), *past.early, *(fetch for fetch in store.fetches() if fetch.at <= until)]
    return past


def _events(store: Index, memory: Memory, past: Past) -> None:
    def hour_of(at: str) -> _Hour:
        return past.hours[parse_time(at)] if at else past.begun

    for at, old, new in memory.merges:
        hour_of(at).merges.append((old, new))
    for number, moves in moved(store, 0):
        hour = memory.moves.get(str(number))
        if hour is not None:
            hour_of(hour).moves |= moves


def _standing(voice: Voice, placed: dict[str, str]) -> Voice:
    return replace(voice, issue=placed[voice.id]) if voice.id in placed else voice


def _end(ended: dict[str, str], issue: str) -> str:
    while issue in ended:
        issue = ended[issue]
    return issue


def as_lived(voices: list[Voice]) -> list[Voice]:
    """An import of old items fetched all at once is lived through again by publication time, so that it can teach what is usual."""
    late = [v for v in voices if v.published is not None and v.fetched - v.published > _IMPORTED]
    if 2 * len(late) < len(voices):
        return voices
    moved = {v.id: replace(v, fetched=v.published + timedelta(hours=1)) for v in late if v.published is not None}
    return [moved.get(v.id, v) for v in voices]


def hours_between(start: datetime, now: datetime) -> Iterator[datetime]:
    """Whole hours behind `start`, up to `now`."""
    moment = from_hours(int(to_hours(start))) + timedelta(hours=1)
    while moment <= now:
        yield moment
        moment += timedelta(hours=1)
