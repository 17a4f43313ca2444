"""Documents a day of each source, and what yesterday was beside the source's own past."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import mean, median, pstdev
from typing import Literal

from duluan.clock import local
from duluan.query import Filter
from index.base import Index

HISTORY_DAYS = 28
LEAST_DAYS = 7  # of history; before that nothing is said
UNUSUAL = 3.0  # standard deviations on the square-root scale: about one false flag a year and source

Trend = Literal["", "usual", "silent", "few", "doubled", "new"]


def daily_counts(store: Index, now: datetime) -> Mapping[str, list[int]]:
    """Source → documents on each whole local day from its first stored one, at most 28 before yesterday, yesterday last."""
    midnight = local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(days=HISTORY_DAYS + 1)
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    for row in store.counts(Filter(since=since, until=midnight), by=("day", "source")):
        if row.day is not None and row.source is not None:
            counts[row.source][round((local(row.day) - since) / timedelta(days=1))] = row.documents
    return {
        source: [found.get(day, 0) for day in range(min(found), HISTORY_DAYS + 1)] for source, found in counts.items()
    }


def trend(days: Sequence[int]) -> Trend:
    """Yesterday (the last) against the days before it, on the square-root scale, where counts have one spread (Anscombe 1948).

    The same weekday counts double: portals rest on Sundays, and that is no alarm.
    """
    *before, yesterday = days
    if len(before) < LEAST_DAYS:
        return "new"
    weighed = list(before) + list(before[-7::-7])
    scaled = [2 * math.sqrt(count + 0.375) for count in weighed]
    z = (2 * math.sqrt(yesterday + 0.375) - mean(scaled)) / max(1.0, pstdev(scaled))
    if z <= -UNUSUAL:
        return "silent" if yesterday == 0 else "few"
    return "doubled" if z >= UNUSUAL and yesterday >= 2 * median(before) else "usual"
