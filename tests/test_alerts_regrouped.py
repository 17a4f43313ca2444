"""Issues that were merged or split between two rounds of `watch`: their counts and alerts follow, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from samples_alerts import START, ordinary, outbreak
from samples_index import issue

from alerts.engine import Engine
from alerts.lifecycle import current
from duluan.clock import fixed_clock
from duluan.config import Profile, load_province
from duluan.model import Voice
from flows.journal import read
from flows.past import hours_between
from flows.watch import watch
from index.base import Batch, Index

BREAK = START + timedelta(days=33, hours=9)
NOON = START + timedelta(days=34, hours=3)
SCENE = ordinary().adding(
    *outbreak("viec-3", BREAK, count=30, seed=5), *outbreak("viec-7", BREAK + timedelta(hours=2), count=40, seed=6)
)


@pytest.fixture(scope="module")
def profile(province_dir: Path) -> Profile:
    return load_province(province_dir)


def rounds(store: Index, profile: Profile, *moments: datetime) -> None:
    for moment in moments:
        watch(store, profile, clock=fixed_clock(moment), mailer=None)


@pytest.mark.parametrize("merge", [{"viec-7": "viec-3"}, {"viec-3": "viec-7"}], ids=["one way", "the other"])
def test_alerts_of_merged_issues_become_one(store: Index, profile: Profile, merge: dict[str, str]) -> None:
    known = [issue(f"viec-{n}", title=f"Việc số {n}", first=START, last=SCENE.end) for n in range(20)]
    store.write(Batch(documents=list(SCENE.documents()), fetches=SCENE.fetches, issues=known))
    rounds(store, profile, NOON)
    before = {a.issue: a for a in store.alerts() if a.issue in ("viec-3", "viec-7")}
    assert [current(store.alert_history(a.id)) for a in before.values()] == ["open", "open"]
    store.write(Batch(merges=merge))
    (stays,) = merge.values()
    rounds(store, profile, NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2), NOON + timedelta(hours=2))
    first = min(before.values(), key=lambda a: store.alert_history(a.id)[0]["at"])
    states = {a.id: current(store.alert_history(a.id)) for a in before.values()}
    (ended,) = (id for id, state in states.items() if state == "closed")
    closings = [entry for entry in store.alert_history(ended) if entry.get("note") == "merged"]
    assert [entry["merged_into"] for entry in closings] == [stays]
    assert first.id != ended  # the trouble that was told of first goes on
    assert {a.issue for a in store.alerts() if a.id in states} == {stays}
    assert [row.issue for row in read(store, profile.alerts).engine.rows if row.issue in before] == [stays]


def observed() -> Engine:
    """The scene up to NOON, one voice in four of an unknown time of publication."""
    engine = Engine()
    voices = [replace(v, published=None) if n % 4 == 0 else v for n, v in enumerate(SCENE.voices)]
    engine.observe_all([*voices, *SCENE.fetches])
    for moment in hours_between(START, NOON):
        engine.step(moment)
    return engine


def test_a_split_takes_counts_and_baseline_along_and_leaves_none_below_zero() -> None:
    engine = observed()
    ledger = engine.memory.ledger
    old = ledger.index["viec-3"]
    whole, before, taught = ledger.voices.data.sum(), ledger.voices.data[old].sum(), ledger.base.voices[old]
    mine = [item.id for item in SCENE.voices if isinstance(item, Voice) and item.issue == "viec-3"][::2]
    for id in mine:
        engine.move(id, "moi")
    new = ledger.index["moi"]
    assert ledger.voices.data.sum() == pytest.approx(whole)
    assert ledger.voices.data[old].sum() + ledger.voices.data[new].sum() == pytest.approx(before)
    assert ledger.voices.data[new].sum() > 0.3 * before
    assert ledger.voices.data.min() >= -1e-9
    assert ledger.negatives.data.min() >= -1e-9
    assert 0 < ledger.base.voices[new] < taught
    assert ledger.base.voices[old] + ledger.base.voices[new] == pytest.approx(taught)
    engine.step(NOON + timedelta(hours=1))
