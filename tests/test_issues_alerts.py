"""What staff decide of issues reaches the detector and the cards: moved documents, merged issues, staff's titles."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from samples_alerts import START, ordinary, outbreak, voice
from samples_index import issue

from alerts.engine import Engine
from duluan.clock import fixed_clock
from duluan.config import Profile, load_province
from duluan.model import Alert
from duluan.query import Filter
from flows.decisions import move_events
from flows.explain import explain
from flows.journal import read
from flows.watch import card_of, watch
from index.base import Batch, Index


@pytest.fixture(scope="module")
def profile(province_dir: Path) -> Profile:
    return load_province(province_dir)


def alerted(store: Index, profile: Profile) -> Alert:
    """An outbreak of viec-3 that was told."""
    scene = ordinary(days=20).adding(*outbreak("viec-3", START + timedelta(days=18)))
    titles = [issue(id, title=f"Việc của {id}") for id in ("viec-3", "viec-5")]
    store.write(Batch(documents=list(scene.documents()), fetches=scene.fetches, issues=titles))
    watch(store, profile, clock=fixed_clock(START + timedelta(days=19)), mailer=None)
    return next(a for a in store.alerts() if a.tier == "mail")


def test_what_a_split_moves_counts_where_it_belongs(store: Index, profile: Profile) -> None:
    scene = ordinary(days=16)
    store.write(Batch(documents=list(scene.documents()), fetches=scene.fetches))
    until = START + timedelta(days=15)
    watch(store, profile, clock=fixed_clock(until), mailer=None)
    recent = Filter(issues=("viec-4",), since=until - timedelta(days=3), until=until - timedelta(hours=3))
    moving = [replace(d, issue="tach-ra") for d in store.documents(recent)][:2]
    before = read(store, profile.alerts).engine.series("viec-4")
    moves = {d.id: d.issue for d in moving}
    store.write(Batch(documents=moving, issues=[issue("tach-ra")], audit=move_events(store, moves, until.timestamp())))
    for hours in (2, 4):
        watch(store, profile, clock=fixed_clock(until + timedelta(hours=hours)), mailer=None)
    engine = read(store, profile.alerts).engine
    marks = {mark.id for row in engine.rows if row.issue == "tach-ra" for mark in row.marks}
    assert marks == set(moves)
    assert sum(day.voices for day in engine.series("tach-ra")) == len(moves)
    assert before


def test_what_is_still_to_come_moves_too() -> None:
    engine = Engine()
    engine.observe_all([voice(f"d{n}", "viec-1", START + timedelta(hours=n), neg=False) for n in range(4)])
    engine.move("d2", "tach-ra")
    engine.step(START + timedelta(hours=6))
    found = {row.issue: {mark.id for mark in row.marks} for row in engine.rows}
    assert found["tach-ra"] == {"d2"}
    assert "d2" not in found["viec-1"]


def test_cards_show_staffs_title(store: Index, profile: Profile) -> None:
    alert = alerted(store, profile)
    assert alert.title.startswith("Tin về viec-3: ")  # by its voices
    store.write(Batch(issues=[issue("viec-3", title="Do cán bộ đặt: đường hỏng", title_by_staff=True)]))
    change = alert.title.partition(": ")[2]
    for card in (card_of(store, profile, alert), explain(store, profile, alert.id).card):
        assert card.title == f"Do cán bộ đặt: đường hỏng: {change}"


def test_an_alert_of_a_merged_issue_is_explained_where_it_leads(store: Index, profile: Profile) -> None:
    alert = alerted(store, profile)
    store.write(Batch(merges={"viec-3": "viec-5"}, issues=[issue("viec-5", title="Một việc", title_by_staff=True)]))
    told = explain(store, profile, alert.id)
    (counted,) = [line for line in told.lines if "đếm từng bài trong kho" in line]
    assert "trong kho: 0 " not in counted
    assert told.card.title.startswith("Một việc: ")
