"""Themes by term: a matter that is told in many small issues all over the province, in a topic that is busy anyway."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples_alerts import START, Scene, as_document, ordinary, voice
from samples_index import BA_TO, document

from alerts import snapshot
from alerts.engine import Engine
from alerts.nursery import Heard, Nursery
from duluan.clock import fixed_clock
from duluan.config import AlertRules, Profile, Rule, load_province
from duluan.model import Alert, Voice
from duluan.query import Filter
from duluan.themes import Theme, theme
from flows.explain import explain
from flows.subjects import documents_of, spelled
from flows.watch import watch
from index.base import Batch, Index
from nlp.matters import TERMS, matters

DAYS = 24
CUT = START + timedelta(days=20, hours=6)
OUTAGE = Theme("dien_nuoc", term="mất điện")


@pytest.fixture(scope="module")
def profile(province_dir: Path) -> Profile:
    return load_province(province_dir)


def told(number: int, at: datetime, *terms: str) -> Voice:
    """A complaint on an issue of its own."""
    return replace(voice(f"dn-{number}", f"dn-{number}", at, neg=True), topic="dien_nuoc", terms=terms)


def scene(count: int = 9, terms: tuple[str, ...] = ("mất điện",)) -> Scene:
    """A topic with twelve complaints a day about this and that; then `count` about one thing within as many hours."""
    usual = [
        told(1000 + n, START + timedelta(hours=2 * n), "mất điện" if n % 60 == 0 else f"việc {n % 90}")
        for n in range(12 * DAYS)
    ]
    burst = [told(n, CUT + timedelta(hours=n), *terms) for n in range(count)]
    return ordinary(days=DAYS, per_day=30, issues=8, seed=3).adding(*usual, *burst)


def play(scene: Scene, rules: AlertRules | None = None, restart: int = 0) -> tuple[list[Alert], Engine]:
    """What opened on themes, and the engine at the end."""
    engine, found = Engine(rules), list[Alert]()
    engine.observe_all(scene.items())
    for hour in range(1, 24 * DAYS + 1):
        found += [s.alert for s in engine.step(START + timedelta(hours=hour)) if s.turn == "opened"]
        if restart and hour % restart == 0:
            engine = snapshot.load(snapshot.dump(engine), rules)
    return [alert for alert in found if theme(alert.issue)], engine


def test_what_its_topic_hides_its_term_shows() -> None:
    (alert,), _ = play(scene())
    assert theme(alert.issue) == OUTAGE
    assert CUT < alert.detected <= CUT + timedelta(hours=8)
    assert alert.voices >= 4
    assert alert.topic == "dien_nuoc"


def test_two_terms_of_one_matter_are_told_once() -> None:
    assert len(play(scene(terms=("mất điện", "trạm biến áp")))[0]) == 1


def test_without_terms_nothing_is_told() -> None:
    assert not play(scene(terms=()))[0]


def test_a_term_is_silent_while_its_topic_speaks() -> None:
    rules = AlertRules(
        rule=(Rule(id="dien", topics=("dien_nuoc",), note="Gọi điện lực xác minh trước khi báo cáo.", alarming=True),)
    )
    alerts, _ = play(scene(count=40), rules)
    assert {theme(alert.issue) for alert in alerts} in ({Theme("dien_nuoc")}, {OUTAGE})


def test_seldom_terms_take_no_row() -> None:
    _, engine = play(scene())
    assert [row.issue for row in engine.memory.terms.rows] == [OUTAGE.key]
    waiting = engine.memory.nursery.waiting
    assert waiting
    assert all(len(heard) < 4 for heard in waiting.values())
    oldest = min(heard.mark.hour for each in waiting.values() for heard in each)
    assert engine.clock - oldest <= 8 * 24


def test_restarts_change_nothing() -> None:
    assert play(scene(), restart=37)[0] == play(scene())[0]


def test_those_that_waited_are_counted_with_the_one_that_comes() -> None:
    engine = Engine()
    engine.observe_all(told(n, START + timedelta(days=n), "mất điện") for n in range(5))
    engine.step(START + timedelta(days=3, hours=6))
    found = engine.memory.find(OUTAGE.key)
    assert found
    ledger, row = found
    assert ledger.voices.data[row].sum() == len(ledger.rows[row].marks) == 4


def test_a_theme_waits_no_longer_than_a_week() -> None:
    nursery = Nursery()
    (mark,) = (mark for row in _heard_once().rows for mark in row.marks if row.issue == "dn-1")
    for day in range(0, 40, 3):
        assert not nursery.hear("theme:x~y", Heard(replace(mark, hour=24.0 * day), [(24 * day, 1.0)]))
    assert len(nursery.waiting["theme:x~y"]) == 3
    nursery.forget(24 * 60)
    assert not nursery.waiting


def _heard_once() -> Engine:
    engine = Engine()
    engine.observe(told(1, START, "mất điện"))
    engine.step(START + timedelta(hours=2))
    return engine


def test_it_is_titled_and_worked_out_again_from_the_store(store: Index, profile: Profile) -> None:
    """Only documents that are about it count: one that names the term among its last keywords does not."""
    given_scene = scene()
    documents = [
        replace(
            as_document(v),
            keywords=v.terms,
            title=f"Bản tin số {v.id}" if v.terms else "Tin khác",
            text="Mất điện ở nhiều thôn. Người dân phản ánh mất điện kéo dài.",
        )
        for v in given_scene.voices
    ]
    last = replace(documents[-1], id="cuoi", origin="cuoi", issue="cuoi", topic="dien_nuoc", fetched=CUT, published=CUT)
    last = replace(last, keywords=("một việc", "hai việc", "ba việc", "bốn việc", "mất điện"))
    store.write(Batch(documents=[*documents, last], fetches=given_scene.fetches))
    for hour in (4, 8, 12):
        watch(store, profile, clock=fixed_clock(CUT + timedelta(hours=hour)), mailer=None)
    (alert,) = [a for a in store.alerts() if theme(a.issue) == OUTAGE]
    assert alert.title.startswith("Điện, nước sạch, viễn thông – “mất điện” trên địa bàn tỉnh: ")
    explained = explain(store, profile, alert.id)
    assert [check for check in explained.checks if not check.equal] == []
    assert any(f"đếm từng bài trong kho: {alert.voices} " in line for line in explained.lines)
    counted = {d.id for d in documents_of(store, OUTAGE.key, Filter(since=CUT))}
    assert "cuoi" not in counted
    assert {"dn-0", "dn-8"} <= counted


def test_what_a_document_is_about() -> None:
    # "tài sản" and "quốc lộ" stand in more than one text in a hundred, "buổi sáng" in the list
    named = "ba tơ, quảng ngãi, buổi sáng, tài sản, quốc lộ, sạt lở, mưa lớn, cầu tạm, thông xe, đá lăn"
    found = matters(replace(document(), keywords=tuple(named.split(", ")), places=(BA_TO,)))
    assert found == ("sạt lở", "mưa lớn", "cầu tạm", "thông xe")
    assert len(found) == TERMS


@pytest.mark.parametrize(
    ("term", "texts", "shown"),
    [
        ("bão kalmaegi", ["Bão Kalmaegi vào bờ", "Tin bão Kalmaegi", "BÃO KALMAEGI"], "bão Kalmaegi"),
        ("mất điện", ["Mất điện cả xã.", "Mất điện nữa."], "mất điện"),
        ("cầu cây sung", ["CẦU CÂY SUNG"], "cầu cây sung"),
        ("cầu cây sung", [], "cầu cây sung"),
        ("phnom penh", ["Phnom Penh sáng nay", "Ở Phnom Penh"], "Phnom Penh"),
        ("bão no", ["bão nổi lên"], "bão no"),
    ],
)
def test_a_term_is_written_as_its_documents_write_it(term: str, texts: list[str], shown: str) -> None:
    assert (
        spelled(term, [document(f"https://a.example.vn/{n}", title="", text=t) for n, t in enumerate(texts)]) == shown
    )


WORDS = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=8)


@given(st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True), st.lists(WORDS, max_size=3))
def test_a_themes_key_says_its_term(topic: str, words: list[str]) -> None:
    standing = Theme(topic, term=" ".join(words))
    assert theme(standing.key) == standing
