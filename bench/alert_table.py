"""Detector and rival rules on the yardstick and on `duluan simulate`: `python bench/alerts.py [--part NAME] [--full]`.

Parts, each with a section of its own in docs/benchmarks.md: `rules` (recall, false alarms, delay by family on the test seeds), `generators`
(two rules on the yardstick and on `duluan simulate`), `nuisances` (streams in which nothing happens but those), `stresses` (not
re-tuned), `speed`. Without `--full` one stream of each; with it seeds 100–104 (70 scored weeks) for the rules, two for the others.
Rules that need a threshold get it on null streams of seeds below 100, at half a false alarm a week. The yardstick is
../shared/bench; nothing runs without it."""

from __future__ import annotations

import argparse
import importlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from alert_rules import Rule, counts, episodes, farrington, obsei, scored, spike, zscore
from sections import machine, write_section

from alerts.engine import Engine
from alerts.simulation.score import Score, hours_of
from alerts.simulation.stream import simulate
from alerts.simulation.world import Setting
from duluan.clock import format_time
from flows.replay import Replay, load

YARDSTICK: Final = Path(__file__).resolve().parents[2] / "shared" / "bench"
GIVEN: Final = frozenset({"sentiment", "topic", "origin", "issue"})
WEEKS: Final = 20
BUDGET: Final = {"mail": 0.5, "watch": 5.0}
FAMILIES: Final = ("burst", "ramp", "tone", "new", "quiet")
STRESSES: Final[Mapping[str, Mapping[str, float]]] = {
    "dispersion of days × 2": {"disp": 2.5},
    "bumps × 3": {"clump": 3.0},
    "volume × 3": {"vol": 9.0},
    "volume × 0.1": {"vol": 0.3},
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One stream in the records of the contract, with its truth."""

    records: list[dict[str, Any]]
    truth: dict[str, Any]


def yardstick(kind: str, seed: int, **change: float) -> Recorded:
    """A stream of ../shared/bench/stream.py; `change` goes to its generator."""
    sys.path.insert(0, str(YARDSTICK))
    stream, generator = importlib.import_module("stream"), importlib.import_module("opinion_sim")
    stream.sim = partial(generator.sim, **change)
    with tempfile.TemporaryDirectory(prefix="duluan-bench-") as name, redirect_stdout(io.StringIO()):
        out, truth = Path(name) / "stream.jsonl", Path(name) / "truth.json"
        stream.main(kind, seed, WEEKS, out, truth)
        with out.open(encoding="utf-8") as lines:
            return Recorded([json.loads(line) for line in lines], json.loads(truth.read_text(encoding="utf-8")))


def ours(kind: str, seed: int) -> Recorded:
    """A stream of `duluan simulate`."""
    made = simulate(Setting(kind=kind, seed=seed, weeks=WEEKS))  # type: ignore[arg-type]
    return Recorded(list(made.records()), made.truth_record())


class Timer:
    """CPU seconds of the detector."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def detect(self, stream: Recorded) -> list[dict[str, Any]]:
        """What `duluan replay --given sentiment,topic,origin,issue` answers."""
        begun = time.process_time()
        items = [load(record, GIVEN) for record in stream.records]
        found = [
            {"detected": format_time(alert.detected), "issue": alert.issue, "tier": alert.tier}
            for alert in Replay(GIVEN).run(items)
        ]
        self.seconds.append(time.process_time() - begun)
        return found


Makes = Callable[[str, int], Recorded]
TIMER: Final = Timer()


@dataclass(frozen=True, slots=True)
class Rival:
    """A rule as it is run: on raw or clean counts, at a published threshold or (None) at our mail budget."""

    name: str
    rule: Rule
    raw: bool
    threshold: float | None


RIVALS: Final = (
    Rival("office's ratio rule (day × 3, ≥ 5; raw counts)", spike, True, 3.0),
    Rival("ElastAlert 2 spike (day × 3, ≥ 5; clean counts)", spike, False, 3.0),
    Rival("obsei (z = 2, n ≥ 5; clean counts)", obsei, False, 2.0),
    Rival("Farrington-like, α = .01 (clean counts)", farrington, False, 1.0),
    Rival("Z 28 d at our mail budget (clean counts)", zscore, False, None),
    Rival("Farrington-like at our mail budget (clean counts)", farrington, False, None),
)


def thresholds(seeds: Sequence[int], rivals: Sequence[Rival]) -> dict[str, float]:
    """Null-calibrated: the level that each rule passes half a time a week on null streams of the yardstick."""
    streams = [yardstick("null", seed) for seed in seeds]
    chosen = {}
    for rival in rivals:
        if rival.threshold is not None:
            chosen[rival.name] = rival.threshold
            continue
        found = [(scored(rival.rule, counts(s.records, s.truth, raw=rival.raw), 1.0), s.truth) for s in streams]
        low, high = 1.0, 60.0
        for _ in range(24):
            middle = (low + high) / 2
            score = Score()
            for events, truth in found:
                score.add(episodes(events, middle), truth)
            low, high = (middle, high) if score.per_week()[0] > BUDGET["mail"] else (low, middle)
        chosen[rival.name] = high
    return chosen


def compare(make: Makes, seeds: Sequence[int], levels: Mapping[str, float], *, detector: bool) -> dict[str, Score]:
    """Scores of the rivals in `levels` and of our two tiers over streams with incidents."""
    tiers = tuple(BUDGET) if detector else ()
    table: dict[str, Score] = {name: Score() for name in (*(f"duluan, {tier}" for tier in tiers), *levels)}
    for seed in seeds:
        stream = make("std", seed)
        found = TIMER.detect(stream) if detector else []
        for tier in tiers:
            table[f"duluan, {tier}"].add(hours_of(found, stream.truth, tier), stream.truth)
        seen = {raw: counts(stream.records, stream.truth, raw=raw) for raw in (True, False)}
        for rival in (rival for rival in RIVALS if rival.name in levels):
            level = levels[rival.name]
            events = scored(rival.rule, seen[rival.raw], min(level, 1.0))
            table[rival.name].add(episodes(events, level), stream.truth)
    return table


def report(table: Mapping[str, Score]) -> Iterator[str]:
    """Markdown: one row a rule, then recall and delay by family."""
    weeks = next(iter(table.values())).weeks
    count = sum(len(delays) for delays in next(iter(table.values())).delays.values())
    yield f"{weeks:.0f} scored weeks, {count} incidents. Recall and RMD (h) by family; delay: median of those found.\n"
    yield "| rule | false a week (95 %) | recall | RMD h | delay h | " + " | ".join(FAMILIES) + " |"
    yield "|---|---|---|---|---|" + "---|" * len(FAMILIES)
    for name, score in table.items():
        rate, low, high = score.per_week()
        families = " | ".join(f"{score.recall(f):.2f} / {score.rmd(f):.0f}" for f in FAMILIES)
        yield (
            f"| {name} | {rate:.2f} ({low:.2f}–{high:.2f}) | {score.recall():.3f} | {score.rmd():.1f} "
            f"| {score.median():.0f} | {families} |"
        )
    for tier in ("mail", "watch"):
        score = table[f"duluan, {tier}"]
        if score.after_fifth:
            yield f"\nNew issues, {tier}: median {np.median(score.after_fifth):.1f} h after the fifth voice."
        yield f"\nNew issues, {tier}: median {score.median('new'):.1f} h after onset."


def nuisances(seeds: Sequence[int]) -> Iterator[str]:
    """False alarms of streams in which nothing happens but nuisances, beside the same streams without them."""
    yield "| stream | weeks | mails (system) | watch alerts a week |"
    yield "|---|---|---|---|"
    for name, change in (("only nuisances", {}), ("the same without nuisances", {"nuis": False})):
        mails, watch, system = Score(), Score(), 0
        for seed in seeds:
            stream = yardstick("pure", seed, **change)
            found = TIMER.detect(stream)
            system += sum(alert["tier"] == "system" for alert in found)
            mails.add(hours_of(found, stream.truth, "mail"), stream.truth)
            watch.add(hours_of(found, stream.truth, "watch"), stream.truth)
        yield f"| {name} | {mails.weeks:.0f} | {mails.false} ({system}) | {watch.per_week()[0]:.2f} |"


def stressed(seeds: Sequence[int]) -> Iterator[str]:
    """False alarms where the world is not as it was when the detector was made."""
    yield "| stress | weeks | mail: false a week (95 %) / recall | watch: false a week (95 %) / recall |"
    yield "|---|---|---|---|"
    for name, change in STRESSES.items():
        scores = {tier: Score() for tier in BUDGET}
        for seed in seeds:
            stream = yardstick("std", seed, **change)
            found = TIMER.detect(stream)
            for tier, score in scores.items():
                score.add(hours_of(found, stream.truth, tier), stream.truth)
        cells = []
        for score in scores.values():
            rate, low, high = score.per_week()
            cells.append(f"{rate:.2f} ({low:.2f}–{high:.2f}) / {score.recall():.2f}")
        yield f"| {name} | {scores['mail'].weeks:.0f} | {cells[0]} | {cells[1]} |"


def step_time(issues: int = 3000, days: int = 5) -> float:
    """CPU milliseconds of one scoring step over `issues` standing issues, all of them active."""
    stream = simulate(Setting(kind="null", seed=7, weeks=1, issues=issues, newborn=0.0, stories=0.0, volume=3.0))
    engine, position, items = Engine(), 0, list(stream.items())
    spent = []
    for hour in range(1, days * 24):
        clock = stream.moment(hour)
        while (
            position < len(items)
            and getattr(items[position], "fetched", getattr(items[position], "at", clock)) <= clock
        ):
            engine.observe(items[position])
            position += 1
        engine.step(clock)
        begun = time.process_time()
        engine.step(stream.moment(hour + 0.5))
        spent.append(time.process_time() - begun)
    return float(1000 * np.median(spent[-48:]))


def rules_part(full: bool) -> Iterator[str]:
    """The table of the issue."""
    seeds = range(100, 105) if full else range(100, 101)
    levels = thresholds((20, 21) if full else (20,), RIVALS)
    yield f"Yardstick, test seeds {seeds[0]}–{seeds[-1]}: "
    yield from report(compare(yardstick, seeds, levels, detector=True))


def generators_part(full: bool) -> Iterator[str]:
    """How alike the two generators are to rules that know neither."""
    seeds = range(30, 40) if full else range(30, 33)
    chosen = (RIVALS[0], RIVALS[4])
    levels = thresholds((20, 21), chosen)
    left = compare(yardstick, seeds, levels, detector=False)
    right = compare(ours, seeds, levels, detector=False)
    yield f"{len(seeds)} streams each (seeds {seeds[0]}–{seeds[-1]}), `duluan simulate` over the yardstick:\n"
    for name in levels:
        false = [score.per_week() for score in (left[name], right[name])]
        recall = [score.recall() for score in (left[name], right[name])]
        yield (
            f"- {name}: {false[1][0]:.2f} over {false[0][0]:.2f} false a week ({false[1][0] / max(false[0][0], 1e-9):.2f}), "
            f"recall {recall[1]:.3f} over {recall[0]:.3f} ({recall[1] / recall[0]:.2f})"
        )


def speed_part(full: bool) -> Iterator[str]:
    """CPU time: other work on the machine does not count."""
    for seed in (40, 41, 42) if full else (40,):
        TIMER.detect(yardstick("std", seed))
    yield (
        f"Replay of a {WEEKS}-week stream with everything given: {np.median(TIMER.seconds):.0f} s of CPU; "
        f"one scoring step of 3,000 issues: {step_time():.1f} ms of CPU (median of two days)."
    )


PARTS: Final[Mapping[str, tuple[str, Callable[[bool], Iterator[str]]]]] = {
    "rules": ("Alerts: rules compared", rules_part),
    "generators": ("Alerts: the two generators", generators_part),
    "nuisances": ("Alerts: nothing but nuisances", lambda full: nuisances(range(100, 102 if full else 101))),
    "stresses": ("Alerts: stresses", lambda full: stressed(range(100, 102 if full else 101))),
    "speed": ("Alerts: speed", speed_part),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="70 weeks; all parts take some ten minutes of CPU")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part (may be repeated)")
    options = parser.parse_args()
    if not YARDSTICK.is_dir():
        raise SystemExit(f"{YARDSTICK} not found: the yardstick lies beside the checkout")
    for part in options.part or PARTS:
        title, work = PARTS[part]
        text = "\n".join(work(options.full))
        print(f"## {title}\n{text}\n", flush=True)
        command = f"python bench/alerts.py --part {part}{' --full' if options.full else ''}"
        write_section(title, f"Written by `{command}` {machine()}.\n\n{text}")
