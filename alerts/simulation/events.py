"""Publications as columns, and the small tools that all makers of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import count

import numpy as np
from numpy.typing import NDArray

from alerts.hours import DAY, Floats, Ints

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Events:
    """Columns of equal length; hours count from the start of the stream."""

    issue: Ints
    source: Ints
    published: Floats
    fetched: Floats
    origin: Ints
    negative: Bools
    dated: Bools  # whether the publication tells its time
    ordinary: Bools  # everyday life, no nuisance and no incident

    def __len__(self) -> int:
        return len(self.issue)

    def take(self, chosen: Bools | Ints) -> Events:
        """Only these, in this order."""
        return Events(*(getattr(self, f.name)[chosen] for f in fields(self)))


def joined(parts: Sequence[Events]) -> Events:
    """All parts, one after the other."""
    return Events(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Events)))


class Origins:
    """Numbers of texts: each new text gets one of its own."""

    def __init__(self) -> None:
        self._numbers = count()

    def fresh(self, amount: int) -> Ints:
        """`amount` new texts."""
        return np.fromiter((next(self._numbers) for _ in range(amount)), np.int64, amount)


def make(
    issue: int | Ints, source: Ints, published: Floats, origin: Ints, negative: Bools, *, ordinary: bool = False
) -> Events:
    """Events as they are published; when they are fetched is decided at the end."""
    amount = len(published)
    return Events(
        np.broadcast_to(np.asarray(issue, np.int64), amount).copy(),
        source.astype(np.int64),
        published.astype(float),
        published.astype(float),
        origin,
        negative.astype(bool),
        np.ones(amount, bool),
        np.full(amount, ordinary),
    )


def arrivals(
    profile: Floats, onset: float, duration: float, rate: Callable[[Floats], Floats], g: np.random.Generator
) -> Floats:
    """Times of an inhomogeneous Poisson process: `rate` is voices a day by hours since onset, quieter at night (root of the profile)."""
    hours = np.arange(int(onset), min(int(onset + duration), len(profile)))
    mean = rate(np.maximum(hours - onset + 0.5, 0.0)) / DAY * np.sqrt(profile[hours])
    amounts = g.poisson(mean)
    moments: Floats = np.maximum(np.repeat(hours, amounts) + g.random(int(amounts.sum())), onset)
    return moments


def moments(weekly: float, start: float, end: float, g: np.random.Generator) -> list[float]:
    """Sorted moments of something that happens `weekly` times a week between two hours."""
    if end <= start:
        return []
    return sorted((start + g.random(g.poisson(weekly * (end - start) / 168)) * (end - start)).tolist())
