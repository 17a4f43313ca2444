"""Issues without a past: what still grows is told from what merely began, and a second trouble is not taken for the first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from samples_alerts import START, ordinary, outbreak

from alerts.engine import Engine
from alerts.episode import Episode
from alerts.hours import WEEK
from alerts.newborn import NEWBORN, Cohort
from alerts.signal import Signal


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
