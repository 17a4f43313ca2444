"""Everything the detector remembers between two steps: what a snapshot holds and what every part of a step works on."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.echo import Echoes
from alerts.episode import Episode
from alerts.exposure import Exposure
from alerts.forecast import Forecasts
from alerts.hours import HourTable
from alerts.ledger import Ledger
from alerts.newborn import Cohort
from alerts.nursery import Nursery
from alerts.thresholds import Peaks, Track
from duluan.themes import theme


class Memory:
    """Counts, exposure, what is usual, and where the clock stands; hours are those of `alerts.hours`."""

    def __init__(self) -> None:
        self.first: int | None = None  # hour of the first item
        self.clock = 0.0
        self.ticked = 0  # hours before this one are known to the exposure
        self.closed = 0  # hours before this one are behind the lag and in the baselines
        self.recalibrated = 0
        self.ledger = Ledger()  # issues
        self.themes = Ledger()  # topic × place
        self.terms = Ledger()  # topic × term
        self.nursery = Nursery()
        self.exposure = Exposure(0)
        self.cohort = Cohort()
        self.echoes = Echoes()
        self.barred: set[int] = set()  # sources in quarantine at the last closed day
        self.peaks: dict[Track, Peaks] = {
            "standing": Peaks(slope=1.5, prior=1.5, usual=1.4),
            "newborn": Peaks(slope=0.7, prior=1.0),
            "theme": Peaks(slope=1.5, prior=0.5),  # they are few: what a dozen a week reach is low
            "term": Peaks(slope=1.5, prior=0.5),
        }
        self.system: dict[str, Episode] = {}
        self.forecasts = Forecasts()

    def begin(self, first: int) -> None:
        """The stream starts at hour `first`."""
        self.first = self.closed = self.ticked = self.recalibrated = first
        for ledger in self.ledgers():
            ledger.begin(first)
        self.exposure = Exposure(first)

    def ledgers(self) -> tuple[Ledger, ...]:
        """Issues, and both kinds of themes."""
        return self.ledger, self.themes, self.terms

    def tables(self) -> Iterator[HourTable]:
        """Those of all ledgers."""
        return (table for ledger in self.ledgers() for table in ledger.tables())

    def of_track(self, track: Track) -> Ledger:
        """The ledger whose rows a track judges."""
        return {"theme": self.themes, "term": self.terms}.get(track, self.ledger)

    def find(self, subject: str) -> tuple[Ledger, int] | None:
        """Where an alert's `issue`, an event or a theme, is counted; None where it is not known."""
        standing = theme(subject)
        ledger = self.ledger if standing is None else self.terms if standing.term else self.themes
        row = ledger.find(subject)
        return None if row is None else (ledger, row)

    def age(self, now: int) -> int:
        """Hours since the stream began."""
        return 0 if self.first is None else now - self.first
