"""Puts the parts together: a whole stream with its truth, as voices for the detector or as records of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from alerts.hours import Floats
from alerts.simulation import everyday, incidents, nuisances, scenarios
from alerts.simulation.events import Events, Origins, joined
from alerts.simulation.incidents import Incident
from alerts.simulation.nuisances import Outage
from alerts.simulation.scenarios import Change
from alerts.simulation.world import Province, Setting, found
from duluan.clock import format_time
from duluan.model import Fetch, Kind, Sentiment, Voice

_DELAY: Final = 0.3  # mean hours between publication and fetch
_TRY_AT: Final = 0.01  # minute of the hour at which sources are tried
_PARTS: Final = ("province", "everyday", "newborn", "nuisances", "incidents", "outages", "echoes", "scenarios", "fetch")


@dataclass(frozen=True, slots=True)
class Stream:
    """A made-up stream in order of fetching, with what is true of it."""

    setting: Setting
    events: Events
    fetches: tuple[tuple[float, int, bool], ...]  # hour, source, ok
    truth: tuple[Incident, ...]
    changes: tuple[Change, ...]

    def moment(self, hour: float) -> datetime:
        """Hour of the stream → moment, to the second."""
        return self.setting.start + timedelta(seconds=round(hour * 3600))

    def items(self) -> Iterator[Voice | Fetch]:
        """Voices and fetch lines in order."""
        tries = iter(self.fetches)
        pending = next(tries, None)
        first: dict[int, str] = {}
        for k in range(len(self.events)):
            while pending is not None and pending[0] <= self.events.fetched[k]:
                yield self._fetch(*pending)
                pending = next(tries, None)
            yield self._voice(k, first)
        while pending is not None:
            yield self._fetch(*pending)
            pending = next(tries, None)

    def _fetch(self, hour: float, source: int, ok: bool) -> Fetch:
        return Fetch(f"n{source}", self.moment(hour), ok)

    def _voice(self, k: int, first: dict[int, str]) -> Voice:
        events = self.events
        negative = bool(events.negative[k])
        kind: Kind = "news" if k % 20 < 9 else "post"
        said: Sentiment = "neg" if negative else "neu"
        return Voice(
            id=f"m{k}",
            origin=first.setdefault(int(events.origin[k]), f"m{k}"),
            issue=f"v{events.issue[k]}",
            source=f"n{events.source[k]}",
            kind=kind,
            topic="khac",
            sentiment=said,
            p_neg=float(negative),
            uncertain=False,
            fetched=self.moment(events.fetched[k]),
            published=self.moment(events.published[k]) if events.dated[k] else None,
        )

    def records(self) -> Iterator[dict[str, Any]]:
        """The same as records of contract.md, everything given."""
        for item in self.items():
            if isinstance(item, Fetch):
                yield {"fetch": {"source": item.source, "at": format_time(item.at), "ok": item.ok}}
                continue
            record = {
                "id": item.id,
                "url": f"https://{item.source}.example/{item.id}",
                "source": item.source,
                "kind": item.kind,
                "title": "",
                "text": "",
                "fetched": format_time(item.fetched),
                "sentiment": item.sentiment,
                "topic": item.topic,
                "origin": item.origin,
                "issue": item.issue,
            }
            yield record if item.published is None else record | {"published": format_time(item.published)}

    def truth_record(self) -> dict[str, Any]:
        """What `alerts.simulation.score` and the yardstick's scorer read."""
        return {
            "kind": self.setting.kind,
            "seed": self.setting.seed,
            "weeks": self.setting.weeks,
            "scenarios": sorted(self.setting.scenarios),
            "warm_h": float(self.setting.warm),
            "t0": format_time(self.setting.start),
            "truth": [
                {"family": i.family, "issues": [f"v{i.issue}"], "t0": i.onset, "fifth": i.fifth} for i in self.truth
            ],
        }


def simulate(setting: Setting) -> Stream:
    """The stream of a setting; the same setting gives the same stream. Every part draws from a generator of its own, so that
    a scenario changes nothing else."""
    seeds = np.random.SeedSequence([setting.seed, 20_271]).spawn(len(_PARTS))
    g = {part: np.random.default_rng(seed) for part, seed in zip(_PARTS, seeds, strict=True)}
    if setting.kind != "std":
        setting = replace(setting, incidents=0.0)
    if setting.kind == "pure":
        setting = replace(setting, newborn=0.0, stories=0.0)
    province = found(setting, g["province"])
    return _Maker(province, Origins(), g).stream()


@dataclass(slots=True)
class _Maker:
    province: Province
    origins: Origins
    g: dict[str, np.random.Generator]

    def stream(self) -> Stream:
        setting = self.province.setting
        parts = [everyday.standing(self.province, self.origins, self.g["everyday"])]
        fresh = everyday.newborn(self.province, setting.issues, self.origins, self.g["newborn"])
        parts += [] if fresh is None else [fresh]
        first_id = setting.issues if fresh is None else int(fresh.issue.max()) + 1
        troubled = nuisances.nuisances(self.province, self.origins, self.g["nuisances"])
        events, truth = self._incidents(joined([*parts, *troubled.events]), list(troubled.busy), first_id)
        return self._finish(events, truth, frozenset(issue for issue, _ in troubled.busy))

    def _incidents(
        self, events: Events, busy: list[tuple[int, float]], first_id: int
    ) -> tuple[Events, tuple[Incident, ...]]:
        g = self.g["incidents"]
        parts, truth = [events], []
        tones = []
        for family, issue, onset in incidents.plan(self.province, busy, first_id, g):
            if family == "tone":
                tones.append((issue, onset))
                truth.append(incidents.incident(family, issue, onset, None))
                continue
            voices = incidents.strike(self.province, family, issue, onset, self.origins, g)
            if len(voices):
                parts.append(voices)
                truth.append(incidents.incident(family, issue, onset, voices))
        events = joined(parts)
        for issue, onset in tones:
            events = incidents.shift_tone(self.province, events, issue, onset, g)
        return events, tuple(sorted(truth, key=lambda incident: incident.onset))

    def _finish(self, events: Events, truth: tuple[Incident, ...], busy: frozenset[int]) -> Stream:
        setting, g = self.province.setting, self.g["scenarios"]
        events = replace(events, fetched=events.published + self.g["fetch"].exponential(_DELAY, len(events)))
        changes: tuple[Change, ...] = ()
        if "national" in setting.scenarios:
            events = scenarios.national_chatter(self.province, events, self.origins, g)
        out = nuisances.outages(self.province, self.g["outages"])
        if "dark" in setting.scenarios:
            out += scenarios.darkness(self.province, [incident.onset for incident in truth], g)
        for outage in out:
            events = nuisances.apply_outage(events, outage, self.g["outages"])
        events = nuisances.added_sources(self.province, events, self.origins, self.g["echoes"])
        if "clusters" in setting.scenarios:
            spare = busy | {incident.issue for incident in truth}
            events, changes = scenarios.change_clusters(self.province, events, int(events.issue.max()) + 1, spare, g)
        if "model" in setting.scenarios:
            events = scenarios.change_model(self.province, events, g)
        events = _in_order(events, setting.hours)
        return Stream(setting, events, _tries(events, out, setting.hours), truth, changes)


def _in_order(events: Events, hours: int) -> Events:
    fetched: Floats = np.maximum(events.fetched, events.published)
    events = replace(events, fetched=fetched)
    events = events.take((events.published >= 0) & (fetched < hours))
    return events.take(np.argsort(events.fetched, kind="stable"))


def _tries(events: Events, out: tuple[Outage, ...], hours: int) -> tuple[tuple[float, int, bool], ...]:
    """Every source is tried hourly from its first publication on (from the start, if that falls on the first day)."""
    tries = []
    for source in np.unique(events.source).tolist():
        first = float(events.fetched[events.source == source].min())
        failed = np.zeros(hours, bool)
        for outage in out:
            if outage.source == source:
                failed[int(np.ceil(outage.start)) : int(np.ceil(outage.end))] = True
        tries += [(hour + _TRY_AT, source, not failed[hour]) for hour in range(int(first) if first > 24 else 0, hours)]
    return tuple(sorted(tries))
