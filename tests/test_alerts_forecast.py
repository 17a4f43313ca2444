"""Forecasts: scored when they come due, shown only where they beat the same hours a week earlier."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from samples_alerts import START, Scene, ordinary, outbreak

from alerts import snapshot
from alerts.engine import Engine
from alerts.forecast import HORIZONS, LEVELS, Forecasts, Pending, Record, interval_score, naive, quantiles
from alerts.hours import to_hours

DAYS = 32


def played(scene: Scene, days: int = DAYS, until: int | None = None) -> Engine:
    engine = Engine()
    engine.observe_all(scene.items())
    for hour in range(6, until or 24 * days + 1, 6):
        engine.step(START + timedelta(hours=hour))
    return engine


@pytest.fixture(scope="module")
def calm() -> Engine:
    return played(ordinary(days=DAYS, seed=5))


def test_the_score_is_twice_the_mean_quantile_loss() -> None:
    exact = np.full((1, len(LEVELS)), 7.0)
    assert interval_score(np.array([7.0]), exact)[0] == 0.0
    # 10 above a point forecast: 2 · mean(level) · 10
    assert interval_score(np.array([17.0]), exact)[0] == pytest.approx(10.0)
    wide = np.array([[0.0, 5.0, 7.0, 9.0, 14.0]])
    assert interval_score(np.array([7.0]), wide)[0] < interval_score(np.array([20.0]), wide)[0]


def test_forecasts_of_a_calm_stream_hold_and_beat_the_week_before(calm: Engine) -> None:
    day = calm.memory.forecasts.records[24]
    assert day.count > 100
    assert 0.85 <= day.covered / day.count <= 0.99
    assert day.ours < day.naive
    assert day.wins()


def test_a_restart_keeps_the_record_and_what_waits(calm: Engine) -> None:
    again = snapshot.load(snapshot.dump(calm))
    assert again.memory.forecasts == calm.memory.forecasts


def test_a_rising_issue_is_never_carried_on() -> None:
    start = START + timedelta(days=24)
    scene = ordinary(days=28, seed=5).adding(*outbreak("viec-4", start, count=60))
    engine = played(scene, until=24 * 25 + 13)
    memory = engine.memory
    row = memory.ledger.find("viec-4")
    assert row is not None
    now = int(np.ceil(memory.clock))
    latest = memory.ledger.voices.window(now - 24, now)[row].sum()
    middle = quantiles(memory.ledger, memory.exposure, np.array([row]), now, 24)[0, 2]
    usual = memory.ledger.base.daily(row)
    assert usual is not None
    assert usual < middle <= 1.2 * latest


def test_forecasts_that_lose_or_have_no_record_are_not_shown() -> None:
    assert not Record().wins()
    assert Record(count=200, covered=180, ours=100, naive=120).wins()
    assert not Record(count=200, covered=180, ours=130, naive=120).wins()
    assert not Record(count=200, covered=100, ours=100, naive=120).wins()
    assert not Record(count=20, covered=18, ours=10, naive=12).wins()


def test_seasonal_naive_learns_its_spread() -> None:
    record = Record()
    before = naive(np.array([10.0]), record)
    loud = Pending(0, 24, [], [[10.0] * 5] * 50, [[10.0] * 5] * 50, [10.0] * 50)
    record.learn(np.full(50, 40.0), loud)
    after = naive(np.array([10.0]), record)
    assert after[0, -1] - after[0, 0] > before[0, -1] - before[0, 0]
    assert (after >= 0).all()


def test_one_round_a_day(calm: Engine) -> None:
    memory = calm.memory
    forecasts = Forecasts()
    now = int(to_hours(START)) + 24 * DAYS
    for _ in range(3):
        forecasts.round(memory.ledger, memory.exposure, now, int(to_hours(START)))
    assert [entry.hours for entry in forecasts.pending] == list(HORIZONS)
