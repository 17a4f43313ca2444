"""Detector and rival rules on the yardstick and on `duluan simulate`: `python bench/alerts.py [--part NAME] [--full]`.

Parts, each with a section of its own in docs/benchmarks.md: `detector` (recall, false alarms, delay by family on the test seeds),
`rules` (the same of others' rules), `generators` (two rules on the yardstick and on `duluan simulate`), `nuisances` (streams in
which nothing happens but those), `stresses` (not re-tuned), `forecasts` (both horizons on fresh seeds), `speed`. Without `--full` one
stream of each; with it seeds 100–109 (140 scored weeks) for the first two. Rules that need a threshold get it on null streams of
seeds below 100, at half a false alarm a week. The yardstick is ../shared/bench; nothing runs without it."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
from alert_forecasts import Told, table, told
from alert_rules import Rule, counts, episodes, farrington, obsei, scored, spike, zscore
from alert_speed import COMMUNES, TERMS, TOPICS, step_time
from alert_streams import BUDGET, WEEKS, YARDSTICK, Recorded, Timer, ours, yardstick
from sections import machine, write_section

from alerts.hours import WEEK
from alerts.simulation.score import Score, hours_of

FAMILIES: Final = ("burst", "ramp", "tone", "new", "quiet")
# At a tenth of the volume the yardstick's generator may find no issue that is loud enough for its tone shifts, and stops; ours goes on.
STRESSES: Final[Mapping[str, Callable[[int], Recorded]]] = {
    "dispersion of days × 2": partial(yardstick, "std", disp=2.5),
    "bumps × 3": partial(yardstick, "std", clump=3.0),
    "volume × 3": partial(yardstick, "std", vol=9.0),
    "volume × 0.1 (`duluan simulate`)": partial(ours, "std", volume=0.3),
}


Makes = Callable[[str, int], Recorded]
Table = dict[str, Score]
Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is run: all seeds or one, and in how many processes."""

    full: bool
    processes: int


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


def each(work: Callable[[Job], Result], jobs: Sequence[Job], size: Size) -> list[Result]:
    """`work` on every job, in order, in as many processes as wanted."""
    if size.processes == 1:
        return [work(job) for job in jobs]
    with ProcessPoolExecutor(size.processes) as pool:
        return list(pool.map(work, jobs))


def _alarms(make: Makes, levels: Mapping[str, float], detector: bool, seed: int) -> dict[str, Score]:
    """Scores of the rivals in `levels` and of our two tiers on one stream with incidents."""
    stream = make("std", seed)
    scores: dict[str, Score] = defaultdict(Score)
    found = TIMER.detect(stream) if detector else []
    for tier in BUDGET if detector else ():
        scores[f"duluan, {tier}"].add(hours_of(found, stream.truth, tier), stream.truth)
    seen = {raw: counts(stream.records, stream.truth, raw=raw) for raw in (True, False)} if levels else {}
    for rival in (rival for rival in RIVALS if rival.name in levels):
        level = levels[rival.name]
        events = scored(rival.rule, seen[rival.raw], min(level, 1.0))
        scores[rival.name].add(episodes(events, level), stream.truth)
    print(f"seed {seed}", {name: (s.false, s.recall(), s.rmd()) for name, s in scores.items()}, file=sys.stderr)
    return dict(scores)


def compare(make: Makes, size: Size, seeds: Sequence[int], levels: Mapping[str, float], *, detector: bool) -> Table:
    """Scores over all `seeds`, by rule."""
    joined: Table = {}
    for scores in each(partial(_alarms, make, levels, detector), seeds, size):
        for name, score in scores.items():
            joined.setdefault(name, Score()).join(score)
    return joined


def report(scores: Mapping[str, Score]) -> Iterator[str]:
    """Markdown: one row a rule, then recall and delay by family."""
    weeks = next(iter(scores.values())).weeks
    count = sum(len(delays) for delays in next(iter(scores.values())).delays.values())
    yield f"{weeks:.0f} scored weeks, {count} incidents. Recall and RMD (h) by family; delay: median of those found.\n"
    yield "| rule | false a week (95 %) | recall | RMD h | delay h | " + " | ".join(FAMILIES) + " |"
    yield "|---|---|---|---|---|" + "---|" * len(FAMILIES)
    for name, score in scores.items():
        rate, low, high = score.per_week()
        families = " | ".join(f"{score.recall(f):.2f} / {score.rmd(f):.0f}" for f in FAMILIES)
        yield (
            f"| {name} | {rate:.2f} ({low:.2f}–{high:.2f}) | {score.recall():.3f} | {score.rmd():.1f} "
            f"| {score.median():.0f} | {families} |"
        )
    for tier in (tier for tier in BUDGET if f"duluan, {tier}" in scores):
        score = scores[f"duluan, {tier}"]
        yield f"\nNew issues, {tier}: median {score.median('new'):.1f} h after onset."
        if score.after_fifth:
            yield f"\nNew issues, {tier}: median {np.median(score.after_fifth):.1f} h after the fifth publication."


@dataclass(frozen=True, slots=True)
class Quiet:
    """What the detector says of one stream without incidents."""

    truth: dict[str, Any]
    alerts: list[dict[str, Any]]

    def near(self, tier: str) -> int:
        """Alerts on an issue that had a nuisance of its own (reprints, spam, praise) in the six days before."""
        nuisances = self.truth["nuisances"]
        return sum(
            any(issue == other and -1 <= hour - start <= 144 for other, start in nuisances)
            for hour, issue in self.hours(tier)
        )

    def alone(self, tier: str, twin: Quiet) -> int:
        """Alerts that `twin` has not within two days on the same issue."""
        there = twin.hours(tier)
        return sum(
            not any(issue == other and abs(hour - at) <= 48 for at, other in there) for hour, issue in self.hours(tier)
        )

    def hours(self, tier: str) -> list[tuple[float, str]]:
        """Alerts after the warm-up, repeats within 72 h once."""
        kept: list[tuple[float, str]] = []
        for hour, issue in sorted(hours_of(self.alerts, self.truth, tier)):
            fresh = not any(issue == other and hour - at < 72 for at, other in kept)
            if fresh and hour >= self.truth["warm_h"]:
                kept.append((hour, issue))
        return kept


def _quiet(job: tuple[int, bool]) -> Quiet:
    seed, nuisance = job
    stream = yardstick("pure", seed, nuis=nuisance)
    return Quiet(stream.truth, TIMER.detect(stream))


def nuisances(size: Size, seeds: Sequence[int]) -> Iterator[str]:
    """Alerts of streams in which nothing happens but nuisances, beside the same streams without them."""
    found = each(_quiet, [(seed, nuisance) for seed in seeds for nuisance in (True, False)], size)
    with_them, without = found[::2], found[1::2]
    weeks = sum(one.truth["weeks"] - one.truth["warm_h"] / WEEK for one in with_them)
    system = sum(alert["tier"] == "system" for one in with_them for alert in one.alerts)
    yield f"{len(seeds)} streams of {WEEKS} weeks ({weeks:.0f} scored), 200 everyday issues in each; system alerts: {system}.\n"
    yield "| tier | alerts | without the nuisances | on an issue with a nuisance | only with the nuisances | only without |"
    yield "|---|---|---|---|---|---|"
    for tier in BUDGET:
        totals = [sum(len(one.hours(tier)) for one in side) for side in (with_them, without)]
        near = sum(one.near(tier) for one in with_them)
        pairs = list(zip(with_them, without, strict=True))
        alone = [sum(a.alone(tier, b) for a, b in pairs), sum(b.alone(tier, a) for a, b in pairs)]
        yield f"| {tier} | {totals[0]} | {totals[1]} | {near} | {alone[0]} | {alone[1]} |"


def _stressed(job: tuple[str, int]) -> dict[str, Score]:
    name, seed = job
    stream = STRESSES[name](seed)
    found = TIMER.detect(stream)
    scores: dict[str, Score] = defaultdict(Score)
    for tier in BUDGET:
        scores[tier].add(hours_of(found, stream.truth, tier), stream.truth)
    return dict(scores)


def stressed(size: Size, seeds: Sequence[int]) -> Iterator[str]:
    """False alarms where the world is not as it was when the detector was made."""
    jobs = [(name, seed) for name in STRESSES for seed in seeds]
    found = dict(zip(jobs, each(_stressed, jobs, size), strict=True))
    yield f"Seeds {seeds[0]}–{seeds[-1]}.\n"
    yield "| stress | weeks | mail: false a week (95 %) / recall | watch: false a week (95 %) / recall |"
    yield "|---|---|---|---|"
    for name in STRESSES:
        cells, weeks = [], 0.0
        for tier in BUDGET:
            score = Score()
            for seed in seeds:
                score.join(found[name, seed][tier])
            rate, low, high = score.per_week()
            cells.append(f"{rate:.2f} ({low:.2f}–{high:.2f}) / {score.recall():.2f}")
            weeks = score.weeks
        yield f"| {name} | {weeks:.0f} | {cells[0]} | {cells[1]} |"


def _forecasts(seed: int) -> Told:
    return told(yardstick("std", seed).records)


def forecasts(size: Size, seeds: Sequence[int]) -> Iterator[str]:
    """Both horizons on seeds that nothing was fitted on."""
    yield (
        f"Yardstick, seeds {seeds[0]}–{seeds[-1]}, {WEEKS} weeks each, the 60 loudest issues daily from the third week on. "
        "Score: weighted interval score, in voices; shown: part that a card would show, as past forecasts of that size "
        "had the lower score and held .86–.95.\n"
    )
    yield from table(each(_forecasts, seeds, size))


def _test(size: Size) -> range:
    return range(100, 110) if size.full else range(100, 101)


def detector_part(size: Size) -> Iterator[str]:
    """The table of the issue."""
    seeds = _test(size)
    yield f"Yardstick, test seeds {seeds[0]}–{seeds[-1]}: "
    yield from report(compare(yardstick, size, seeds, {}, detector=True))


def rules_part(size: Size) -> Iterator[str]:
    """What others would have got on the same streams."""
    seeds = _test(size)
    levels = thresholds((20, 21) if size.full else (20,), RIVALS)
    yield f"Yardstick, test seeds {seeds[0]}–{seeds[-1]}, as for the detector above: "
    yield from report(compare(yardstick, size, seeds, levels, detector=False))


def generators_part(size: Size) -> Iterator[str]:
    """How alike the two generators are to rules that know neither."""
    seeds = range(30, 40) if size.full else range(30, 33)
    chosen = (RIVALS[0], RIVALS[4])
    levels = thresholds((20, 21), chosen)
    left = compare(yardstick, size, seeds, levels, detector=False)
    right = compare(ours, size, seeds, levels, detector=False)
    yield (
        f"{len(seeds)} streams each (seeds {seeds[0]}–{seeds[-1]}), `duluan simulate` over the yardstick, "
        "recall as the mean over the five families:\n"
    )
    for name in levels:
        false = [score.per_week() for score in (left[name], right[name])]
        # the families weigh alike: how often each strikes is chance, and a rule may find hardly more than one of them
        recall = [float(np.mean([score.recall(f) for f in FAMILIES])) for score in (left[name], right[name])]
        yield (
            f"- {name}: {false[1][0]:.2f} over {false[0][0]:.2f} false a week ({false[1][0] / max(false[0][0], 1e-9):.2f}), "
            f"recall {recall[1]:.3f} over {recall[0]:.3f} ({recall[1] / recall[0]:.2f})"
        )


def speed_part(size: Size) -> Iterator[str]:
    """CPU time: other work on the machine does not count."""
    for seed in (40, 41, 42) if size.full else (40,):
        TIMER.detect(yardstick("std", seed))
    spent, themes = step_time(themes=True)
    told = f"with the {themes:,} themes of {TOPICS} topics, {COMMUNES} communes and {TERMS} terms beside them {spent:.1f} ms"
    yield (
        f"Replay of a {WEEKS}-week stream with everything given: {np.median(TIMER.seconds):.0f} s of CPU; "
        f"one scoring step of 3,000 issues: {step_time()[0]:.1f} ms of CPU (median of two days), {told}."
    )


PARTS: Final[Mapping[str, tuple[str, Callable[[Size], Iterator[str]]]]] = {
    "detector": ("Alerts: the detector", detector_part),
    "rules": ("Alerts: rules compared", rules_part),
    "generators": ("Alerts: the two generators", generators_part),
    "nuisances": ("Alerts: nothing but nuisances", lambda size: nuisances(size, range(100, 102 if size.full else 101))),
    "stresses": ("Alerts: stresses", lambda size: stressed(size, range(100, 102 if size.full else 101))),
    "forecasts": ("Alerts: forecasts", lambda size: forecasts(size, range(110, 113 if size.full else 111))),
    "speed": ("Alerts: speed", speed_part),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--full", action="store_true", help="140 weeks of the detector and the rules, more seeds of all parts"
    )
    parser.add_argument("--processes", type=int, default=1, help="streams at a time")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part (may be repeated)")
    options = parser.parse_args()
    if not YARDSTICK.is_dir():
        raise SystemExit(f"{YARDSTICK} not found: the yardstick lies beside the checkout")
    for part in options.part or PARTS:
        title, work = PARTS[part]
        text = "\n".join(work(Size(options.full, options.processes)))
        print(f"## {title}\n{text}\n", flush=True)
        command = f"python bench/alerts.py --part {part}{' --full' if options.full else ''}"
        write_section(title, f"Written by `{command}` {machine()}.\n\n{text}")
