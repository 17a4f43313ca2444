"""Forecasts: scored when they come due, shown only where they beat the same hours a week earlier."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from samples_alerts import START, Scene, ordinary, outbreak

from alerts import snapshot
from alerts.calibration import LEVELS, SIZES, Due, Record, interval_score, naive, quantiles, size_class
from alerts.engine import Engine
from alerts.forecast import HORIZONS, Forecasts, outlook
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
    records = calm.memory.forecasts.records[24]
    count, covered = sum(r.count for r in records), sum(r.covered for r in records)
    assert count > 100
    assert 0.85 <= covered / count <= 0.99
    assert sum(r.ours for r in records) < sum(r.naive for r in records)


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
    mean, size = outlook(memory.ledger, memory.exposure, np.array([row]), now, 24)
    middle = quantiles(mean, size, [Record() for _ in range(len(SIZES) + 1)])[0, 2]
    usual = memory.ledger.base.daily(row)
    assert usual is not None
    assert usual < middle <= 1.2 * latest


def test_forecasts_that_lose_or_have_no_record_are_not_shown() -> None:
    assert not Record().wins()
    assert Record(count=200, covered=180, ours=100, naive=120).wins()
    assert not Record(count=200, covered=180, ours=130, naive=120).wins()
    assert not Record(count=200, covered=100, ours=100, naive=120).wins()
    assert not Record(count=200, covered=199, ours=100, naive=120).wins()  # a band that holds everything says nothing
    assert not Record(count=20, covered=18, ours=10, naive=12).wins()


def flat(came: np.ndarray, last: float, mean: float, size: float = 5.0) -> Due:
    """Forecasts of one mean, told as LEVELS × the mean."""
    row = np.ones(len(came))
    told = np.full((len(came), len(LEVELS)), mean)
    return Due(came, last * row, mean * row, size * row, told, told)


def test_seasonal_naive_learns_its_spread() -> None:
    records = [Record() for _ in range(len(SIZES) + 1)]
    before = naive(np.array([10.0]), np.array([10.0]), records)
    records[int(size_class(np.array([10.0]))[0])].learn(flat(np.full(50, 40.0), 10.0, 10.0))
    after = naive(np.array([10.0]), np.array([10.0]), records)
    assert after[0, -1] - after[0, 0] > before[0, -1] - before[0, 0]
    assert (after >= 0).all()


@pytest.mark.parametrize(("true_mean", "true_size"), [(30.0, 5.0), (30.0, 1.5), (45.0, 5.0), (20.0, 20.0)])
def test_bands_learn_to_hold_whatever_the_forecast_had_wrong(true_mean: float, true_size: float) -> None:
    g = np.random.default_rng(3)
    came = g.negative_binomial(true_size, true_size / (true_size + true_mean), 4000).astype(float)
    records = [Record() for _ in range(len(SIZES) + 1)]
    own = records[int(size_class(np.array([30.0]))[0])]
    own.learn(flat(came[:2000], 30.0, 30.0))
    band = quantiles(np.array([30.0]), np.array([5.0]), records)[0]
    later = came[2000:]
    assert 0.86 <= float(((later >= band[0]) & (later <= band[-1])).mean()) <= 0.94
    assert band[2] == pytest.approx(np.median(came), rel=0.1)


def test_a_class_learns_only_of_its_own_size() -> None:
    records = [Record() for _ in range(len(SIZES) + 1)]
    records[3].learn(flat(np.full(500, 300.0), 100.0, 100.0))
    small = quantiles(np.array([3.0]), np.array([5.0]), records)
    assert (small == quantiles(np.array([3.0]), np.array([5.0]), [Record() for _ in range(len(SIZES) + 1)])).all()


def test_one_round_a_day(calm: Engine) -> None:
    memory = calm.memory
    forecasts = Forecasts()
    now = int(to_hours(START)) + 24 * DAYS
    for _ in range(3):
        forecasts.round(memory.ledger, memory.exposure, now, int(to_hours(START)))
    assert [entry.hours for entry in forecasts.pending] == list(HORIZONS)
