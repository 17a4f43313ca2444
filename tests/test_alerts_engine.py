"""The engine: deterministic whatever the batches, the same after a restart, and blind to what is no trouble."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from samples_alerts import START, Scene, ordinary, outbreak

from alerts import snapshot
from alerts.engine import Engine
from alerts.signal import Signal
from duluan.errors import StoreError

DAYS = 24
BREAK = START + timedelta(days=21, hours=8)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return ordinary(days=DAYS, seed=3).adding(*outbreak("viec-4", BREAK, count=30))


def play(scene: Scene, *, shuffle: int | None = None, restart: int | None = None) -> list[Signal]:
    items = scene.items()
    if shuffle is not None:
        random.Random(shuffle).shuffle(items)
    engine, signals = Engine(), []
    engine.observe_all(items)
    for hour in range(1, 24 * DAYS + 1):
        signals += engine.step(START + timedelta(hours=hour))
        if restart and hour % restart == 0:
            engine = snapshot.load(snapshot.dump(engine))
    return signals


@pytest.fixture(scope="module")
def told(scene: Scene) -> list[Signal]:
    return play(scene)


def test_an_outbreak_is_found_within_twelve_hours(told: list[Signal]) -> None:
    mails = [s.alert for s in told if s.alert.tier == "mail" and s.turn in ("opened", "promoted")]
    assert [a.issue for a in mails] == ["viec-4"]
    assert BREAK < mails[0].detected <= BREAK + timedelta(hours=12)
    assert mails[0].share > 0.6 > mails[0].share_usual
    assert mails[0].range90[1] < mails[0].voices


def test_order_of_arrival_changes_nothing(scene: Scene, told: list[Signal]) -> None:
    assert play(scene, shuffle=7) == told


def test_restarts_change_nothing(scene: Scene, told: list[Signal]) -> None:
    assert play(scene, restart=50) == told


def test_a_damaged_snapshot_is_refused_in_one_line() -> None:
    with pytest.raises(StoreError, match="bị hỏng"):
        snapshot.load(b"khong phai")
