"""Everything the detector remembers between two steps: what a snapshot holds and what every part of a step works on."""

from __future__ import annotations

from alerts.echo import Echoes
from alerts.episode import Episode
from alerts.exposure import Exposure
from alerts.forecast import Forecasts
from alerts.ledger import Ledger
from alerts.newborn import Cohort
from alerts.thresholds import Peaks


class Memory:
    """Counts, exposure, what is usual, and where the clock stands; hours are those of `alerts.hours`."""

    def __init__(self) -> None:
        self.first: int | None = None  # hour of the first item
        self.clock = 0.0
        self.ticked = 0  # hours before this one are known to the exposure
        self.closed = 0  # hours before this one are behind the lag and in the baselines
        self.recalibrated = 0
        self.ledger = Ledger()
        self.exposure = Exposure(0)
        self.cohort = Cohort()
        self.echoes = Echoes()
        self.barred: set[int] = set()  # sources in quarantine at the last closed day
        self.peaks = {"standing": Peaks(slope=1.5, prior=1.5), "newborn": Peaks(slope=0.7, prior=1.0)}
        self.system: dict[str, Episode] = {}
        self.forecasts = Forecasts()

    def begin(self, first: int) -> None:
        """The stream starts at hour `first`."""
        self.first = self.closed = self.ticked = self.recalibrated = first
        self.ledger.begin(first)
        self.exposure = Exposure(first)

    def age(self, now: int) -> int:
        """Hours since the stream began."""
        return 0 if self.first is None else now - self.first
