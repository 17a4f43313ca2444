"""Which sources only repeat, in words of their own, what others have just said. Their voices are not independent and never count.

For each voice it is noted whether its issue had another voice in the six hours before. How often that is so depends on how much is
said about the issue, so issues are compared within classes of size. An independent source finds company as often as established
sources do; an echo far more often (of copies within some hours of their original nearly half find the original there).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.hours import Floats

WINDOW: Final = 6  # hours
CLASSES: Final = 8  # ¼, ½ … 32 voices a day
_BUSY: Final = 0.6  # classes in which company is so usual that it tells nothing
_LEAST: Final = 60.0  # voices of a source before anything is said of it
_ECHO: Final = (
    0.12  # more company than usual: independent sources stay within ±.05, echoes lie above .2 (seeds 0 and 1)
)
_FORGET: Final = 0.5 ** (1 / 28)  # per day


class Echoes:
    """Tallies: voices and those in company, per source and class, and of all established sources."""

    def __init__(self) -> None:
        self.own: Floats = np.zeros((16, CLASSES, 2))
        self.usual: Floats = np.zeros((CLASSES, 2))

    def hear(self, source: int, per_day: float, company: bool, *, held: bool) -> None:
        """One voice on an issue with `per_day` voices a day; `held`: its source is in quarantine."""
        size = min(max(int(np.log2(max(per_day, 1e-3)) + 3), 0), CLASSES - 1)
        if not held:
            self.usual[size] += (1.0, float(company))
            return
        if source >= len(self.own):
            self.own = np.concatenate([self.own, np.zeros((max(source + 1 - len(self.own), 16), CLASSES, 2))])
        self.own[source, size] += (1.0, float(company))

    def forget(self) -> None:
        """Once a day."""
        self.own *= _FORGET
        self.usual *= _FORGET

    def excess(self, source: int) -> float:
        """How much more often than established sources this one finds company, −1 … 1; 0 where too little is known."""
        if source >= len(self.own):
            return 0.0
        rate = self.usual[:, 1] / np.maximum(self.usual[:, 0], 1.0)
        telling = (rate < _BUSY) & (self.usual[:, 0] >= _LEAST)
        heard, company = self.own[source, telling].T
        if heard.sum() < _LEAST:
            return 0.0
        return float((company - heard * rate[telling]).sum() / heard.sum())

    def echo(self, source: int) -> bool:
        """Whether a source in quarantine repeats others."""
        return self.excess(source) > _ECHO
