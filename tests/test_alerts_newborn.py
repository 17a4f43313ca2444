"""Issues without a past: what still grows is told from what merely began, and a second trouble is not taken for the first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from samples_alerts import START, ordinary, outbreak

from alerts.engine import Engine
from alerts.episode import CLOSE_HOURS, Episode
from alerts.hours import WEEK
from alerts.judge import reach
from alerts.newborn import NEWBORN, Cohort
from alerts.scoring import Finding
from alerts.signal import Signal
from alerts.thresholds import Peaks


def grown(hours: list[int]) -> np.ndarray:
    """Rows × NEWBORN with one voice in each of these hours before now."""
    row = np.zeros((1, NEWBORN))
    for hour in hours:
        row[0, NEWBORN - hour] += 1
    return row


def test_voices_that_still_come_weigh_more_than_those_of_the_first_hours() -> None:
    cohort, age, negatives = Cohort(), np.array([30.0]), np.array([9.0])
    fading = cohort.score(grown([30, 30, 30, 29, 29, 29, 28, 28, 27]), negatives, age)
    growing = cohort.score(grown([30, 22, 14, 6, 5, 4, 3, 2, 1]), negatives, age)
    assert growing[0] > fading[0] + 1


def test_a_look_at_recent_hours_costs_evidence_where_they_show_nothing() -> None:
    cohort, negatives = Cohort(), np.array([6.0])
    young = cohort.score(grown([3, 3, 2, 2, 1, 1]), negatives, np.array([3.0]))
    assert 1.0 < young[0] < 3.0


def test_mostly_friendly_growth_is_no_trouble() -> None:
    assert Cohort().score(grown(list(range(1, 21))), np.array([6.0]), np.array([24.0]))[0] == -1.0


def signals(engine: Engine, days: int) -> list[Signal]:
    return [s for hour in range(1, 24 * days) for s in engine.step(START + timedelta(hours=hour))]


def test_a_second_trouble_of_the_same_issue_is_told_as_new() -> None:
    """The first one's evidence stays high while any window reaches back to it; the second comes twelve days later."""
    first, second = START + timedelta(days=14, hours=9), START + timedelta(days=26, hours=9)
    scene = ordinary(days=30, seed=5).adding(
        *outbreak("viec-4", first, count=40, seed=5),
        *(replace(v, id=f"{v.id}-2", origin=f"{v.id}-2") for v in outbreak("viec-4", second, count=40, seed=6)),
    )
    engine = Engine()
    engine.observe_all(scene.items())
    told = [s for s in signals(engine, 30) if s.alert.issue == "viec-4"]
    opened = [s for s in told if s.turn == "opened"]
    late = [s for s in opened if s.alert.detected >= second]
    assert late
    assert late[0].alert.detected <= second + timedelta(hours=12)
    for one in opened[:-1]:  # whatever was opened is also closed
        assert any(s.turn == "closed" and s.alert.id == one.alert.id for s in told)


def test_an_episode_is_spent_only_after_a_calm_and_a_week() -> None:
    episode = Episode("e", "v", opened=0, mail=True, peak=4.0, loud=0, detected=0.0)
    assert not episode.spent(WEEK + 1, WEEK)
    episode.stage = "easing"
    assert not episode.spent(WEEK - 1, WEEK)
    assert episode.spent(WEEK, WEEK)


def test_a_watch_that_nobody_was_mailed_about_gives_way_after_the_cool_down() -> None:
    """It may have been chance: what strikes the issue after the cool-down must be told, as long as it has been calm."""
    watched, mailed = (Episode("e", "v", 0, mail, 2.0, 0, 0.0, stage="easing") for mail in (False, True))
    issue, theme = (Finding(track, 0, 2.0, 24, 9, 7, 2.0, 3.0, 0.3) for track in ("standing", "theme"))
    assert watched.spent(CLOSE_HOURS, reach(issue, watched))
    assert not mailed.spent(WEEK - 1, reach(issue, mailed))
    assert not watched.spent(WEEK - 1, reach(theme, watched))
    watched.stage = "open"
    assert not watched.spent(WEEK, reach(issue, watched))


@pytest.mark.parametrize(("weekly", "steeper"), [(12, True), (200, False)])
def test_a_louder_record_has_the_longer_tail(weekly: int, steeper: bool) -> None:
    """The mail threshold lies further above the level that is read off where that level is high."""
    peaks = Peaks(slope=1.5, prior=1.5, usual=1.4)
    tops = np.random.default_rng(1).exponential(0.5, 8 * weekly) + 0.5
    for number, top in enumerate(tops):
        peaks.record([f"v{number}"], [float(top)], number)
    peaks.recalibrate(8 * WEEK, 0)
    gap = peaks.threshold(0.5) - peaks.threshold(12)
    assert bool(gap < np.log10(24) / 1.5) == steeper
