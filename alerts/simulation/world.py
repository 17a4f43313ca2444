"""The made-up province: how many issues and sources it has, how loud and how negative they are, and its week.

Orders of magnitude follow the yardstick's description: 200 standing issues of log-normal size, 25 sources whose volumes fall off
slowly, a good day and a bad day (gamma), a slow tide from week to week, and about 2,000 publications a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np

from alerts.exposure import DAY_SHAPE, is_holiday
from alerts.hours import DAY, WEEK, Floats, Ints
from duluan.clock import LOCAL

Kind = Literal["std", "null", "pure"]
Scenario = Literal["model", "national", "holidays", "clusters", "dark"]
KINDS: Final[tuple[Kind, ...]] = ("std", "null", "pure")
SCENARIOS: Final[tuple[Scenario, ...]] = ("model", "national", "holidays", "clusters", "dark")

START: Final = datetime(2027, 1, 4, tzinfo=LOCAL)  # a Monday, five weeks before Tết
WARM_WEEKS: Final = 6  # nothing happens in them: a detector may learn
_WEEKDAYS: Final = np.array([1.07, 1.10, 1.10, 1.08, 1.05, 0.86, 0.74])
_HOLIDAY_VOLUME: Final = 0.45  # against an ordinary day, in the scenario "holidays"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a stream is made of; the defaults are the yardstick's province."""

    kind: Kind = "std"
    seed: int = 0
    weeks: int = 20
    scenarios: frozenset[Scenario] = frozenset()
    issues: int = 200
    sources: int = 25
    volume: float = 3.0  # voices a day of the middle issue
    scatter: float = 0.2  # variance of a day's factor
    stories: float = 0.1  # harmless flurries per issue and day
    newborn: float = 15.0  # harmless new issues a day
    incidents: float = 3.0  # a week
    start: datetime = START

    @property
    def hours(self) -> int:
        """Length of the stream."""
        return self.weeks * WEEK

    @property
    def warm(self) -> int:
        """First hour after the quiet beginning."""
        return min(WARM_WEEKS, self.weeks // 2) * WEEK


@dataclass(frozen=True, slots=True)
class Province:
    """Traits that are drawn once."""

    setting: Setting
    volume: Floats  # voices a day of each standing issue
    share: Floats  # negative part of each
    weights: Floats  # of the sources
    mix: Floats  # issues × sources
    profile: Floats  # per hour of the stream, mean about 1
    tide: Floats  # issues × days: slow tide × the day's factor


def found(setting: Setting, g: np.random.Generator) -> Province:
    """Draw a province."""
    weights: Floats = np.arange(1.0, setting.sources + 1) ** -0.8
    weights /= weights.sum()
    volume = setting.volume * np.exp(1.2 * g.standard_normal(setting.issues))
    share = g.beta(2, 5, setting.issues)
    mix = g.dirichlet(6 * weights * setting.sources / 5, setting.issues)
    return Province(setting, volume, share, weights, mix, _profile(setting), _tide(setting, g))


def _profile(setting: Setting) -> Floats:
    hours = np.arange(setting.hours)
    daily, weekly = DAY_SHAPE / DAY_SHAPE.mean(), _WEEKDAYS / _WEEKDAYS.mean()
    profile: Floats = daily[hours % DAY] * weekly[(hours // DAY + setting.start.weekday()) % 7]
    if "holidays" in setting.scenarios:
        profile = profile * np.where(np.repeat(holidays_of(setting), DAY), _HOLIDAY_VOLUME, 1.0)
    return profile


def holidays_of(setting: Setting) -> Ints:
    """1 for each day of the stream that is a public holiday."""
    first = setting.start.date().toordinal()
    days = [type(setting.start.date()).fromordinal(first + day) for day in range(setting.weeks * 7)]
    return np.array([is_holiday(day) for day in days], dtype=np.int64)


def _tide(setting: Setting, g: np.random.Generator) -> Floats:
    """Weekly autoregressive level (.8, sd .15) on the log scale times a gamma factor for each day."""
    steps = g.normal(0, 0.15, (setting.issues, setting.weeks))
    level = np.zeros_like(steps)
    for week in range(setting.weeks):
        level[:, week] = 0.8 * (level[:, week - 1] if week else 0.0) + steps[:, week]
    days = g.gamma(1 / setting.scatter, setting.scatter, (setting.issues, setting.weeks * 7))
    tide: Floats = np.exp(np.repeat(level, 7, axis=1)) * days
    return tide
