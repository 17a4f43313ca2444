"""Themes: what no single issue shows – a flood told in many small neutral texts – and what an issue says better itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples_alerts import START, Scene, as_document, ordinary, outbreak, voice
from samples_index import BA_TO

from alerts import snapshot
from alerts.card import build
from alerts.engine import DEFAULT_RULES, Engine
from alerts.signal import Signal
from duluan.clock import fixed_clock
from duluan.config import AlertRules, Profile, Rule, load_province
from duluan.model import Alert, Voice
from duluan.query import Filter
from duluan.themes import Theme, scoped, theme, themes_of
from flows.evidence import context
from flows.explain import explain
from flows.watch import watch
from index.base import Batch, Index

DAYS = 24
FLOOD = START + timedelta(days=20, hours=6)
NOTE = "Gọi trực ban xã nêu trong cảnh báo để xác minh trước khi báo cáo."
ALARMING = AlertRules(rule=(Rule(id="lu", topics=("thien_tai",), note=NOTE, alarming=True),))


@pytest.fixture(scope="module")
def profile(province_dir: Path) -> Profile:
    return load_province(province_dir)


def rain(number: int, hours: float, *, topic: str = "thien_tai", neg: bool = False) -> Voice:
    """A text on an issue of its own."""
    told = voice(f"mua-{number}", f"mua-{number}", FLOOD + timedelta(hours=hours), neg=neg)
    return replace(told, topic=topic, places=BA_TO.now)


def flooded(topic: str = "thien_tai", *, neg: bool = False) -> Scene:
    """Everyday life with a text on the topic now and then, and ten within as many hours."""
    usual = [rain(100 + day, 24.0 * day - 480, topic=topic, neg=neg) for day in range(0, 20, 3)]
    burst = [rain(n, n, topic=topic, neg=neg) for n in range(10)]
    return ordinary(days=DAYS, per_day=30, issues=8, seed=3).adding(*usual, *burst)


def play(scene: Scene, rules: AlertRules = ALARMING, restart: int = 0) -> list[Signal]:
    engine, signals = Engine(rules), []
    engine.observe_all(scene.items())
    for hour in range(1, 24 * DAYS + 1):
        signals += engine.step(START + timedelta(hours=hour))
        if restart and hour % restart == 0:
            engine = snapshot.load(snapshot.dump(engine), rules)
    return signals


def opened(signals: list[Signal]) -> list[Alert]:
    return [s.alert for s in signals if s.turn == "opened" and theme(s.alert.issue)]


def test_a_flood_in_many_small_neutral_texts_is_told_within_hours() -> None:
    first, *rest = opened(play(flooded()))
    assert theme(first.issue) == Theme("thien_tai")
    assert FLOOD < first.detected <= FLOOD + timedelta(hours=8)
    assert first.voices >= 4
    assert first.share < 0.1  # as it is: the texts are neutral
    assert first.coverage["alarming"]
    assert not rest, "the communes' own themes add nothing while the province's has an alert"


def test_it_is_mailed_when_the_texts_go_on() -> None:
    mails = [s.alert for s in play(flooded()) if s.alert.tier == "mail" and theme(s.alert.issue)]
    assert mails
    assert mails[0].detected <= FLOOD + timedelta(hours=12)


def test_volume_alone_is_no_trouble_where_the_office_does_not_say_so() -> None:
    assert not opened(play(flooded(), DEFAULT_RULES))


def test_scattered_complaints_add_up_in_their_theme() -> None:
    (first, *_) = opened(play(flooded("dien_nuoc", neg=True), DEFAULT_RULES))
    found = theme(first.issue)
    assert found
    assert found.topic == "dien_nuoc"
    assert first.share > 0.9


def test_an_issue_that_speaks_for_itself_needs_no_theme() -> None:
    burst = outbreak("viec-4", FLOOD, count=30)
    signals = play(ordinary(days=DAYS, seed=3).adding(*burst))
    assert not opened(signals)
    assert any(s.alert.issue == "viec-4" and s.alert.tier == "mail" for s in signals)


def test_restarts_change_nothing() -> None:
    scene = flooded()
    assert play(scene, restart=37) == play(scene)


def test_fewer_voices_than_the_rule_asks_for_raise_nothing() -> None:
    shy = AlertRules(rule=(Rule(id="lu", topics=("thien_tai",), note=NOTE, alarming=True, min_voices=9),))
    (first, *_) = opened(play(flooded(), shy))
    assert first.voices >= 9
    general = Rule(id="chung", note=NOTE, min_voices=9)  # of topics without a rule of their own
    (first, *_) = opened(play(flooded("dien_nuoc", neg=True), AlertRules(rule=(general,))))
    assert first.voices >= 9


def test_a_theme_is_titled_quoted_and_worked_out_again_from_the_store(store: Index, profile: Profile) -> None:
    scene = flooded()
    store.write(
        Batch(
            documents=[replace(as_document(v), places=(BA_TO,) if v.places else ()) for v in scene.voices],
            fetches=scene.fetches,
        )
    )
    for hour in (4, 8, 12):
        watch(store, profile, clock=fixed_clock(FLOOD + timedelta(hours=hour)), mailer=None)
    (alert,) = [a for a in store.alerts() if theme(a.issue) == Theme("thien_tai")]
    assert alert.title.startswith("Thiên tai, thời tiết trên địa bàn tỉnh: lượt ý kiến gấp ")
    assert 3 <= len(alert.evidence) <= 5
    assert alert.places == BA_TO.now
    card = build(alert, profile, context(store, Engine(profile.alerts), alert, profile))
    assert "tự nó đã đáng lo" in card.summary
    assert dict(card.facts)["Địa bàn"] == "xã Ba Tơ"
    assert "Nguồn nói nhiều" in dict(card.facts)
    told = explain(store, profile, alert.id)
    assert told.checks
    assert all(check.equal for check in told.checks), [check for check in told.checks if not check.equal]
    assert any(f"đếm từng bài trong kho: {alert.voices} " in line for line in told.lines)


CODES = st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True)


@given(CODES, st.from_regex(r"(\d{5})?", fullmatch=True))
def test_a_themes_key_says_all_of_it(topic: str, place: str) -> None:
    assert theme(Theme(topic, place).key) == Theme(topic, place)


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: not text.startswith("theme:")))
def test_an_issues_id_is_no_theme(issue: str) -> None:
    assert theme(issue) is None
    assert scoped(issue, Filter()).issues == (issue,)


def test_what_belongs_to_no_topic_makes_no_theme() -> None:
    assert themes_of(rain(1, 0, topic="khac")) == ()
    assert themes_of(rain(1, 0)) == (Theme("thien_tai"), Theme("thien_tai", BA_TO.code))
