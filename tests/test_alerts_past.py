"""An alert's numbers come out again as they were, whatever has been merged and parted before, meanwhile and since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from samples_alerts import BREAK, START, Scene, crisis_week, ordinary, outbreak, voice
from samples_index import issue
from typer.testing import CliRunner

from alerts.engine import Engine
from duluan.cli.main import app
from duluan.clock import fixed_clock
from duluan.config import Profile, load_province
from duluan.model import Alert
from duluan.query import Filter
from flows.decisions import merge_events, move_events
from flows.explain import explain
from flows.past import hours_between
from flows.watch import watch
from index.base import Batch, Index

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def profile(province_dir: Path) -> Profile:
    return load_province(province_dir)


def regrouped(store: Index, rng: np.random.Generator, moment: datetime) -> Batch:
    """Staff's and the clusterer's work of one hour: two issues become one, or some documents leave theirs, or nothing."""
    chance = rng.random()
    standing = sorted({d.issue for d in store.documents(Filter(since=moment - 10 * DAY))})
    if chance < 0.12 and len(standing) > 4:
        old, new = rng.choice(standing, 2, replace=False)
        merges = {str(old): str(new)}
        titles = [issue(name) for name in (str(old), str(new))]
        return Batch(issues=titles, merges=merges, audit=merge_events(merges, moment.timestamp()))
    if chance < 0.3:
        part = [d.id for d in store.documents(Filter(issues=(str(rng.choice(standing)),), since=moment - 3 * DAY))][::3]
        moves = dict.fromkeys(part, f"tach-{moment:%d%H}")
        titles = [issue(name) for name in set(moves.values())]
        return Batch(issues=titles, moves=moves, audit=move_events(store, moves, moment.timestamp()))
    return Batch()


def live(store: Index, profile: Profile, scene: Scene, seed: int) -> None:
    """The last days hour by hour, regrouped all the while; a seventh of the documents is written five hours late."""
    rng = np.random.default_rng(seed)
    documents = [(d.fetched + timedelta(hours=5 * (n % 7 == 0)), d) for n, d in enumerate(scene.documents())]
    before = START - DAY
    for moment in hours_between(BREAK - DAY, scene.end):
        store.write(Batch(documents=[d for at, d in documents if before < at <= moment]))
        store.write(Batch(fetches=[f for f in scene.fetches if before < f.at <= moment]))
        store.write(regrouped(store, rng, moment))
        if rng.random() < 0.8:  # sometimes an hour is made up for
            watch(store, profile, clock=fixed_clock(moment), mailer=None)
        before = moment


def wrong(store: Index, profile: Profile, alert: Alert) -> list[tuple[str, str, str]]:
    """Every number that does not come out again, and the count of documents where it is another."""
    told = explain(store, profile, alert.id)
    found = [(check.name, check.stored, check.again) for check in told.checks if not check.equal]
    (line,) = [line for line in told.lines if "đếm từng bài trong kho" in line]
    again = line.partition("trong kho: ")[2].partition(" ")[0]
    return found if again == str(alert.voices) else [*found, ("đếm từng bài", str(alert.voices), again)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_number_comes_out_again_through_merges_and_splits(store: Index, profile: Profile, seed: int) -> None:
    live(store, profile, crisis_week(), seed)
    alerts = [alert for alert in store.alerts() if alert.tier != "system"]
    assert len(alerts) >= 2
    assert len(dict(store.first_issues())) > 50
    assert {alert.id: wrong(store, profile, alert) for alert in alerts} == {alert.id: [] for alert in alerts}


def alerted(store: Index, profile: Profile) -> Alert:
    """An outbreak of viec-3 that was told."""
    scene = ordinary(days=20).adding(*outbreak("viec-3", START + 18 * DAY))
    titles = [issue(id, title=f"Việc của {id}") for id in ("viec-3", "viec-5")]
    store.write(Batch(documents=list(scene.documents()), fetches=scene.fetches, issues=titles))
    watch(store, profile, clock=fixed_clock(START + 19 * DAY), mailer=None)
    return next(a for a in store.alerts() if a.tier == "mail")


def later(store: Index, profile: Profile, alert: Alert) -> Iterator[Batch]:
    """What comes afterwards: a split, and then the rest goes into another issue."""
    said = [d.id for d in store.documents(Filter(issues=("viec-3",))) if d.fetched < alert.detected]
    moves, merges, at = dict.fromkeys(said[-4:], "tach-ra"), {"viec-3": "viec-5"}, START + 20 * DAY
    yield Batch(moves=moves, issues=[issue("tach-ra")], audit=move_events(store, moves, at.timestamp()))
    yield Batch(merges=merges, audit=merge_events(merges, at.timestamp()))


@pytest.mark.parametrize("watched", [False, True])
def test_a_split_and_a_merge_afterwards_change_no_number(store: Index, profile: Profile, *, watched: bool) -> None:
    """They used to be told as changes that nobody can undo."""
    alert = alerted(store, profile)
    for hours, batch in enumerate(later(store, profile, alert), start=1):
        store.write(batch)
        if watched:
            watch(store, profile, clock=fixed_clock(START + 20 * DAY + timedelta(hours=hours)), mailer=None)
    (alert,) = [a for a in store.alerts() if a.id == alert.id]
    assert alert.issue == "viec-5"
    assert wrong(store, profile, alert) == []


def test_what_cannot_be_undone_is_said(store: Index, profile: Profile, tmp_path: Path) -> None:
    alert = alerted(store, profile)
    said = [d for d in store.documents(Filter(issues=("viec-3",))) if START + 18 * DAY < d.fetched < alert.detected]
    other = next(store.documents(Filter(issues=("viec-4",))))
    late = START + 21 * DAY
    store.write(Batch(documents=[replace(d, text="Bản sửa của bài.", fetched=late) for d in (*said[:2], other)]))
    assert explain(store, profile, alert.id).changes == ("2 văn bản của vấn đề đã được thay bằng bản mới hơn",)
    store.audit({"at": late.isoformat(), "what": "takedown", "hash": said[3].id, "removed": True})
    store.audit({"at": late.isoformat(), "what": "label_import", "changed": 3})
    assert explain(store, profile, alert.id).changes[1:] == (
        "00:00 ngày 26/01/2026: một văn bản được gỡ khỏi kho",
        "00:00 ngày 26/01/2026: cán bộ sửa nhãn 3 văn bản trong kho",
    )
    words = ["alerts", "explain", alert.id, "--store", f"sqlite:///{tmp_path / 'kho.sqlite'}"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 1
    assert "VÌ SAO KHÔNG KHỚP" in result.stdout


def test_a_merge_turned_round_lets_the_first_issue_stand_again() -> None:
    engine = Engine()
    engine.observe_all([voice("d1", "a", START, neg=False), voice("d2", "b", START, neg=False)])
    engine.step(START + DAY)
    engine.merge("a", "b")
    engine.merge("b", "a")
    engine.observe_all([voice("d3", "a", START + DAY, neg=False), voice("d4", "b", START + DAY, neg=False)])
    engine.step(START + 2 * DAY)
    assert {row.issue: len(row.marks) for row in engine.rows if row.marks and ":" not in row.issue} == {"a": 4}
