"""Rules that others use, to stand beside our detector in `bench/alerts.py`: the counts they look at and when they fire.

All look hourly at the negative items of an issue in the last 24 hours. `counts` gives them what they count today (every item in the
hour of its fetch: "raw") or clean counts (one voice for each origin, in its hour of publication).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from duluan.clock import parse_time

Floats = NDArray[np.float64]
DAY: Final = 24
PAST: Final = 28  # days of baseline
_CHUNK: Final = 256  # issues at a time
_SAME: Final = 72  # hours without a repeat, as the yardstick counts


@dataclass(frozen=True, slots=True)
class Counts:
    """Negative items: issues × hours of the stream."""

    issues: tuple[str, ...]
    hourly: NDArray[np.float32]

    def days(self) -> Iterator[tuple[tuple[str, ...], Floats]]:
        """Chunks of issues × hours: sums over the 24 hours that end with each hour."""
        for start in range(0, len(self.issues), _CHUNK):
            sums = np.cumsum(self.hourly[start : start + _CHUNK], axis=1, dtype=np.float64)
            sums[:, DAY:] -= sums[:, :-DAY].copy()
            yield self.issues[start : start + _CHUNK], sums


def counts(records: Sequence[Mapping[str, Any]], truth: Mapping[str, Any], *, raw: bool) -> Counts:
    """What a rule sees of a stream. Clean counts drop reprints and use the time of publication where it is known."""
    hours = int(truth["weeks"] * 7 * DAY)
    start = parse_time(truth["t0"]).timestamp()
    index: dict[str, int] = {}
    seen: set[str] = set()
    cells: list[tuple[int, int]] = []
    for record in records:
        if "fetch" in record or record["sentiment"] != "neg":
            continue
        if not raw:
            if record["origin"] in seen:
                continue
            seen.add(record["origin"])
        moment = record["fetched"] if raw else record.get("published", record["fetched"])
        hour = int((parse_time(moment).timestamp() - start) // 3600)
        if 0 <= hour < hours:
            cells.append((index.setdefault(record["issue"], len(index)), hour))
    table = np.zeros((len(index), hours), np.float32)
    np.add.at(table, tuple(np.array(cells).T), 1.0)
    return Counts(tuple(index), table)


Rule = Callable[
    [Floats], Floats
]  # issues × hours of 24-hour sums → scores; a rule fires where its score reaches a threshold


def spike(days: Floats) -> Floats:
    """ElastAlert 2, `type: spike`, timeframe 1 day, threshold_cur 5: times the day before (scores 0 below five).

    An empty day before counts as a third of an item: five items after silence are a spike, as with `threshold_ref` 0.
    """
    before = _shifted(days, 1)
    ratio: Floats = np.where(days >= 5, days / np.maximum(before, 1 / 3), 0.0)
    return ratio


def zscore(days: Floats) -> Floats:
    """Z 28 d: standard deviations above the mean of the 28 days before; at least three items."""
    mean, deviation = _past(days, PAST)
    score: Floats = np.where(days >= 3, (days - mean) / np.maximum(deviation, 0.5), 0.0)
    return score


def obsei(days: Floats) -> Floats:
    """The z-rule shown with obsei: at least five items, deviation of the 28 days before without a floor."""
    mean, deviation = _past(days, PAST)
    score: Floats = np.where(days >= 5, (days - mean) / np.maximum(deviation, 1e-3), 0.0)
    return score


def farrington(days: Floats) -> Floats:
    """Farrington-like: exceedance (count − mean) / (bound − mean) over the 28 days before; 1 is the bound of `farrington_bound`."""
    score = np.zeros_like(days)
    for hour in range(PAST * DAY + DAY, days.shape[1]):
        rows = np.flatnonzero(days[:, hour] >= 5)  # the paper's rule: fewer than five items are never an outbreak
        if len(rows):
            past = days[rows][:, hour - DAY * np.arange(1, PAST + 1)]
            mean, bound = farrington_bound(past, alpha=0.01)
            score[rows, hour] = (days[rows, hour] - mean) / np.maximum(bound - mean, 1e-9)
    return score


def farrington_bound(past: Floats, *, alpha: float) -> tuple[Floats, Floats]:
    """Mean and upper bound of the next count: quasi-Poisson without trend, 2/3 power, past outbreaks weighed down.

    `past` is rows × counts. Farrington, Andrews, Beale, Catchpole (1996), J. R. Statist. Soc. A 159, 547–563; agrees with
    `algo.farrington` of R's surveillance (tests/data/farrington.json).
    """
    number = past.shape[1]
    weight = np.ones_like(past)
    mean, scatter = _fit(past, weight)
    floor = np.maximum(mean, 1e-9)[:, None]
    residual = 1.5 * (past ** (2 / 3) * floor ** (-1 / 6) - floor**0.5)
    residual /= np.sqrt(scatter[:, None] * (1 - 1 / number))
    weight = np.where(residual > 1, np.maximum(residual, 1e-9) ** -2.0, 1.0)
    weight *= number / weight.sum(axis=1, keepdims=True)
    mean, scatter = _fit(past, weight)
    variance = scatter * mean / weight.sum(axis=1)  # of the fitted mean
    error = np.sqrt(scatter * mean + variance) / np.maximum(mean, 1e-9)
    bound = mean * np.maximum(1 + 2 / 3 * norm.ppf(1 - alpha / 2) * error, 0.0) ** 1.5
    return mean, bound


def _fit(past: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Mean and dispersion (at least 1) of a Poisson model with a constant alone."""
    mean = (weight * past).sum(axis=1) / weight.sum(axis=1)
    pearson = weight * (past - mean[:, None]) ** 2 / np.maximum(mean, 1e-9)[:, None]
    return mean, np.maximum(pearson.sum(axis=1) / (past.shape[1] - 1), 1.0)


def _shifted(days: Floats, by: int) -> Floats:
    moved = np.zeros_like(days)
    moved[:, by * DAY :] = days[:, : -by * DAY]
    return moved


def _past(days: Floats, number: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the days before, hour by hour."""
    first, second = np.zeros_like(days), np.zeros_like(days)
    for day in range(1, number + 1):
        before = _shifted(days, day)
        first += before
        second += before**2
    mean = first / number
    return mean, np.sqrt(np.maximum(second / number - mean**2, 0.0) * number / (number - 1))


def scored(rule: Rule, seen: Counts, least: float) -> list[tuple[int, str, float]]:
    """Everything from `least` on: hour at whose end it was known, issue, score; in order of time."""
    found: list[tuple[int, str, float]] = []
    for issues, days in seen.days():
        score = rule(days)
        rows, hours = np.nonzero(score >= least)
        found += [(int(h) + 1, issues[r], float(score[r, h])) for r, h in zip(rows, hours, strict=True)]
    return sorted(found)


def episodes(found: Sequence[tuple[int, str, float]], threshold: float) -> list[tuple[float, str]]:
    """When an alert opens: the first hour at the threshold after three calm days."""
    last: dict[str, int] = {}
    opened: list[tuple[float, str]] = []
    for hour, issue, score in found:
        if score < threshold:
            continue
        if issue not in last or hour - last[issue] >= _SAME:
            opened.append((float(hour), issue))
        last[issue] = hour
    return opened
