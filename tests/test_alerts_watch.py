"""From a store to mail: an outbreak is told once, ordinary days are not, and a second run mails nothing."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import samples_index
from samples_alerts import BREAK as CRISIS
from samples_alerts import SOURCES, START, Postbox, Scene, crisis_week, mailing, ordinary, outbreak, voice

from alerts.lifecycle import current
from duluan.clock import fixed_clock
from duluan.config import Profile, load_province
from duluan.query import Filter
from flows.explain import compare, explain
from flows.watch import watch
from index.base import Batch, Index


@pytest.fixture(scope="module")
def profile(province_dir: Path) -> Profile:
    return mailing(load_province(province_dir))


def fill(store: Index, scene: Scene) -> None:
    store.write(Batch(documents=list(scene.documents()), fetches=scene.fetches))


BREAK = START + timedelta(days=33, hours=9)


def test_an_outbreak_is_mailed_once_and_explained(store: Index, profile: Profile) -> None:
    scene = ordinary().adding(*outbreak("viec-3", BREAK))
    fill(store, scene)
    box = Postbox()
    now = fixed_clock(START + timedelta(days=34, hours=17))
    report = watch(store, profile, clock=now, mailer=box)
    assert [a.issue for a in report.alerts if a.tier == "mail"] == ["viec-3"]
    assert len(box.letters) == report.sent == 2  # the alert, and eight hours later that it is ten times as strong
    again = watch(store, profile, clock=now, mailer=box)
    assert (again.mails, again.sent, len(box.letters)) == (0, 0, 2)
    alert = next(a for a in store.alerts() if a.tier == "mail")
    assert BREAK < alert.detected <= BREAK + timedelta(hours=12)
    assert current(store.alert_history(alert.id)) == "open"
    assert 3 <= len(alert.evidence) <= 5
    assert all("0905" not in e.excerpt for e in alert.evidence)
    assert len({e.source for e in alert.evidence}) >= 3
    told = explain(store, profile, alert.id)
    assert any(f"đếm từng bài trong kho: {alert.voices} " in line for line in told.lines)


def test_the_mail_has_text_page_chart_and_thread(store: Index, profile: Profile) -> None:
    fill(store, ordinary().adding(*outbreak("viec-3", BREAK)))
    box = Postbox()
    watch(store, profile, clock=fixed_clock(START + timedelta(days=34, hours=17)), mailer=box)
    message = email.message_from_bytes(box.letters[0], policy=email.policy.default)
    kinds = [part.get_content_type() for part in message.walk()]
    assert "text/plain" in kinds
    assert "text/html" in kinds
    assert "image/png" in kinds
    assert message["List-Id"].startswith("<duluan.")
    assert message["Message-ID"].endswith("@tinh.example.vn>")
    later = email.message_from_bytes(box.letters[1], policy=email.policy.default)
    assert later["In-Reply-To"] == later["References"] == message["Message-ID"] != later["Message-ID"]
    assert later["Subject"].startswith("[Dư luận] Tăng mạnh: ")
    body = message.get_body(("plain",))
    assert body is not None
    assert "DƯ LUẬN NÓI GÌ" in body.get_content()


@pytest.mark.parametrize("what", ["nothing", "reprints", "praise", "outage"])
def test_what_must_not_alert(store: Index, profile: Profile, what: str) -> None:
    scene = ordinary(seed=2)
    if what == "reprints":
        copies = [
            voice(
                f"in-{n}", "viec-moi", BREAK + timedelta(minutes=13 * n), neg=True, source=SOURCES[n % 5], origin="in-0"
            )
            for n in range(40)
        ]
        scene = scene.adding(*copies)
    if what == "praise":
        scene = scene.adding(*outbreak("viec-hay", BREAK, count=60, negative=0.05))
    if what == "outage":
        down = (BREAK, BREAK + timedelta(hours=14))
        kept = tuple(v for v in scene.voices if not (v.source == SOURCES[1] and down[0] <= v.fetched < down[1]))
        tries = tuple(
            type(f)(f.source, f.at, ok=not (f.source == SOURCES[1] and down[0] <= f.at < down[1]))
            for f in scene.fetches
        )
        scene = Scene(kept, tries, scene.end)
    fill(store, scene)
    report = watch(store, profile, clock=fixed_clock(scene.end), mailer=None)
    assert [a for a in report.alerts if a.tier != "watch"] == []
    assert len(report.alerts) <= 2


def test_history_imported_at_one_moment_teaches_what_is_usual(store: Index, profile: Profile) -> None:
    scene = ordinary().adding(*outbreak("viec-3", BREAK))
    at_once = tuple(replace(v, fetched=BREAK - timedelta(hours=1)) if v.fetched < BREAK else v for v in scene.voices)
    fill(store, Scene(at_once, (), scene.end))
    report = watch(store, profile, clock=fixed_clock(scene.end), mailer=None)
    assert [a.issue for a in report.alerts if a.tier == "mail"] == ["viec-3"]


def live(store: Index, profile: Profile, scene: Scene, begin: datetime, lag: timedelta) -> None:
    """Hour by hour; a seventh of the documents is written only `lag` after it was fetched."""
    documents = [(d.fetched + (lag if n % 7 == 0 else timedelta(0)), d) for n, d in enumerate(scene.documents())]
    before, moment = START - timedelta(days=1), begin
    while moment <= scene.end:
        store.write(Batch(documents=[d for at, d in documents if before < at <= moment]))
        store.write(Batch(fetches=[f for f in scene.fetches if before < f.at <= moment]))
        watch(store, profile, clock=fixed_clock(moment), mailer=None)
        before, moment = moment, moment + timedelta(hours=1)


@pytest.mark.parametrize("lag", [0, 5])
def test_every_number_of_every_alert_comes_out_again(store: Index, profile: Profile, lag: int) -> None:
    """Opened at once, promoted, escalated, re-stated, with late items: worked out again from the store to the last digit."""
    scene = crisis_week()
    live(store, profile, scene, CRISIS - timedelta(days=1), timedelta(hours=lag))
    alerts = [alert for alert in store.alerts() if alert.tier != "system"]
    assert len(alerts) >= 2
    for alert in alerts:
        told = explain(store, profile, alert.id)
        assert len(told.checks) >= 16
        assert [check for check in told.checks if not check.equal] == []
        shown = {check.name: check.stored for check in told.checks}
        assert shown["Xác suất tiêu cực"] == f"{alert.share:.4f}".rstrip("0").rstrip(".").replace(".", ",")
        low, high = (str(round(bound)) for bound in alert.range90)
        assert shown["Khoảng 90%"] == f"{low}, {high}"


def test_a_store_that_has_changed_since_is_told(store: Index, profile: Profile) -> None:
    fill(store, ordinary(days=20).adding(*outbreak("viec-3", START + timedelta(days=18))))
    watch(store, profile, clock=fixed_clock(START + timedelta(days=19)), mailer=None)
    alert = next(a for a in store.alerts() if a.tier == "mail")
    said = [d for d in store.documents(Filter(issues=(alert.issue,))) if d.fetched < alert.detected]
    store.write(Batch(documents=[replace(d, sentiment_p={"neg": 0.0, "neu": 1.0, "pos": 0.0}) for d in said]))
    wrong = {check.name for check in explain(store, profile, alert.id).checks if not check.equal}
    assert {"Xác suất tiêu cực", "Bằng chứng (log10)"} <= wrong


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (10.0, "10"), (20.5, "20,5"), (1200.0, "1.200"), (0.4, "0,4")]
)
def test_explain_shows_whole_figures(value: float, shown: str) -> None:
    """0 used to be shown as nothing and 10 as 1, equal to a true 1."""
    given = replace(samples_index.alert(), expected=value)
    (check,) = [check for check in compare(given, None) if check.name == "Mức thường ngày λ"]
    assert check.stored == shown
