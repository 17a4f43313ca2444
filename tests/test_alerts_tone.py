"""What an alert says of the tone can be checked by counting the stored documents one by one, in both stores."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import contract_stores
import pytest
from samples_alerts import START, Postbox, mailing, ordinary, outbreak

from alerts import report
from alerts.engine import Engine
from alerts.scoring import Finding
from alerts.tone import count, tone_of
from duluan.clock import fixed_clock, local, parse_time
from duluan.config import Profile, load_province
from duluan.model import Alert, Clustered
from duluan.query import Filter
from duluan.records import alert_from, to_record
from duluan.tone import Tone
from flows.past import hours_between
from flows.watch import card_of, watch
from index.base import Batch, Index

opener = contract_stores.opener
store = contract_stores.store

BREAK = START + timedelta(days=18, hours=9)
NOW = START + timedelta(days=19, hours=10)


@pytest.fixture(scope="module")
def profile(province_dir: Path) -> Profile:
    return mailing(load_province(province_dir))


def doubted(document: Clustered, number: int) -> Clustered:
    """As a model would have it: never sure to the last digit; of one in four not sure at all; some of the rest are praise."""
    if document.sentiment == "neg":
        unsure = number % 4 == 0
        parts = {"neg": 0.4, "neu": 0.35, "pos": 0.25} if unsure else {"neg": 0.92, "neu": 0.05, "pos": 0.03}
        return replace(document, sentiment_p=parts, uncertain=unsure)
    tone = "pos" if number % 3 == 0 else "neu"
    rest = {"neg": 0.05, "neu": 0.3, "pos": 0.3} | {tone: 0.65}
    return replace(document, sentiment=tone, sentiment_p=rest)


def filled(store: Index) -> None:
    scene = ordinary(days=20).adding(*outbreak("viec-3", BREAK, count=80, negative=0.9))
    documents = [doubted(document, n) for n, document in enumerate(scene.documents())]
    first = next(d for d in documents if d.id == "viec-3-b0")
    again = replace(first, id="dang-lai", url="https://bao-b.example.vn/dang-lai.html", source="bao-b.example.vn")
    store.write(Batch(documents=[*documents, again], fetches=scene.fetches))


def by_hand(store: Index, alert: Alert, start: datetime, end: datetime, known: datetime) -> Tone:
    """The issue's voices published in [start, end) and `known` by then, as a person with the list of documents counts them."""
    found = [
        d
        for d in store.documents(Filter(issues=(alert.issue,)))
        if d.published is not None and start <= d.published < end and d.fetched <= known and d.id == d.origin
    ]
    tones = Counter(d.sentiment for d in found)
    return Tone(tones["neg"], tones["neu"], tones["pos"], sum(d.uncertain for d in found))


def test_an_alerts_counts_are_those_of_the_stored_documents(store: Index, profile: Profile) -> None:
    filled(store)
    box = Postbox()
    watch(store, profile, clock=fixed_clock(NOW), mailer=box)
    alert = next(a for a in store.alerts() if a.tier == "mail")
    end = parse_time(str(alert.coverage["until"]))
    start = end - timedelta(hours=int(str(alert.coverage["window_hours"])))
    tone, before = tone_of(alert), tone_of(alert, "tone_before")
    assert tone == by_hand(store, alert, start, end, end)
    assert before == by_hand(store, alert, start - timedelta(days=7), start, end)
    assert tone is not None
    assert before is not None
    assert tone.voices == alert.voices
    assert min(tone.neg, tone.uncertain, before.neg, before.neu, before.pos) > 0
    # the mean probability, which the contract calls share, is another number
    assert abs(alert.share - tone.share) > 0.05
    card = card_of(store, profile, alert)
    assert f" {tone.voices} lượt này " in card.summary
    assert (tone.neg == tone.voices) or f"có {tone.neg} lượt tiêu cực ({round(100 * tone.share)}%)" in card.summary
    assert f"{before.neg} trong {before.voices} lượt" in card.summary
    body = email.message_from_bytes(box.letters[-1], policy=email.policy.default)
    for kind in ("plain", "html"):
        part = body.get_body((kind,))
        assert part is not None
        said = " ".join(part.get_content().split())
        assert "trước đó: " in said
        assert f"{round(100 * alert.share)}%" not in said
    assert alert_from(to_record(alert)).coverage["tone"] == alert.coverage["tone"]


def test_the_charts_red_bars_are_counted_too(store: Index, profile: Profile) -> None:
    filled(store)
    watch(store, profile, clock=fixed_clock(NOW), mailer=None)
    alert = next(a for a in store.alerts() if a.tier == "mail")
    for day in card_of(store, profile, alert).days:
        counted = by_hand(store, alert, day.until - timedelta(days=1), day.until, NOW)
        assert (day.voices, day.negatives) == (counted.voices, counted.neg), local(day.until)


def test_voices_of_an_unknown_hour_leave_no_bar_higher_than_the_voices() -> None:
    scene = ordinary(days=20).adding(*outbreak("viec-3", BREAK))
    engine = Engine()
    engine.observe_all([replace(v, published=None) if n % 3 == 0 else v for n, v in enumerate(scene.voices)])
    engine.observe_all(scene.fetches)
    for moment in hours_between(START, NOW):
        engine.step(moment)
    days = engine.series("viec-3")
    assert sum(day.negatives for day in days) > 10
    assert all(0 <= day.negatives <= day.voices for day in days)


def test_a_reprint_is_no_voice() -> None:
    engine = Engine()
    item = ordinary(days=1).voices[0]
    engine.observe_all([item, replace(item, id="lan-hai", source="bao-khac.example.vn")])
    engine.step(item.fetched)
    (row,) = [row for row in engine.rows if row.issue == item.issue]
    assert len(row.marks) == 2
    assert count(row.marks).voices == 1


@pytest.mark.parametrize(("usual", "more"), [(0.4, True), (0.7, False)])
def test_a_title_says_more_only_where_the_count_is(usual: float, more: bool) -> None:
    """The evidence weighs doubt, so that an alert may come of a count that is no higher than usual."""
    finding = Finding("standing", 0, 3.0, 24, voices=10, negatives=8, expected=9, size=3, share=usual)
    assert ("nhiều hơn thường ngày" in report._change(finding, Tone(neg=6, neu=4))) is more
