"""Hours as integers: the detector's only clock. Hour k covers [k, k+1) hours since 1970-01-01T00:00Z; Vietnam keeps whole-hour offsets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duluan.clock import LOCAL

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPAN: Final = 24 * 15  # hours kept in detail: the chart's 14 days and the longest window
DAY: Final = 24
WEEK: Final = 168
_OFFSET: Final = 7  # Asia/Ho_Chi_Minh, no summer time


def to_hours(moment: datetime) -> float:
    """Aware datetime → hours since 1970 (UTC), with fraction."""
    return moment.timestamp() / 3600


def from_hours(hours: float) -> datetime:
    """Hours since 1970 → local datetime, to the second."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=round(hours * 3600))).astimezone(LOCAL)


def hour_of_day(hours: Ints) -> Ints:
    """Local hour, 0–23."""
    return (hours + _OFFSET) % DAY


def starts_day(hour: int) -> bool:
    """Whether `hour` begins at local midnight."""
    return (hour + _OFFSET) % DAY == 0


class HourTable:
    """Rows × hours of floats on one moving axis: cheap appends at the right, old columns dropped in bulk."""

    __slots__ = ("base", "data")

    def __init__(self, base: int, rows: int = 64) -> None:
        self.base = base  # hour of column 0
        self.data: Floats = np.zeros((rows, 2 * SPAN))

    def reserve(self, rows: int) -> None:
        """Make room for `rows` rows (doubling)."""
        have = len(self.data)
        if rows > have:
            self.data = np.vstack([self.data, np.zeros((max(rows - have, have), 2 * SPAN))])

    def select(self, rows: Ints) -> None:
        """Keep only these rows, in this order."""
        self.data = np.vstack([self.data[rows], np.zeros((64, 2 * SPAN))])

    def roll(self, end: int) -> None:
        """Make column `end - 1` exist; keeps at least SPAN hours before it."""
        shift = end - SPAN - self.base
        if end - self.base > 2 * SPAN and shift > 0:
            kept = max(0, 2 * SPAN - shift)
            self.data[:, :kept] = self.data[:, 2 * SPAN - kept :].copy()
            self.data[:, kept:] = 0.0
            self.base += shift

    def add(self, row: int, hour: int, amount: float) -> None:
        """Add to one cell; hours that were dropped are passed over."""
        column = hour - self.base
        if 0 <= column < 2 * SPAN:
            self.data[row, column] += amount

    def window(self, start: int, end: int) -> Floats:
        """View of hours start ≤ h < end, all rows."""
        return self.data[:, max(0, start - self.base) : max(0, end - self.base)]
