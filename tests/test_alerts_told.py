"""Who is told what and when: caps and digests, repeats, silences, settled things that return, and what ails the system itself."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path

import pytest
from samples_alerts import SOURCES, START, Scene, as_document, ordinary, outbreak
from samples_index import alert, commune

from alerts import health
from alerts.lifecycle import current
from alerts.signal import Turn
from duluan.clock import fixed_clock, format_time, local
from duluan.config import Profile, Rule, load_province
from duluan.model import Clustered
from flows.acting import Act, act
from flows.journal import read
from flows.telling import Teller
from flows.watch import watch
from index.base import Batch, Index

BREAK = START + timedelta(days=13, hours=9)
OFFICE, OTHER, ADMIN = "truc@tinh.example.vn", "gt@tinh.example.vn", "it@tinh.example.vn"


@dataclass
class Postbox:
    """Keeps what is sent, by recipient; a mailer like any other."""

    sender: str = "canh-bao@tinh.example.vn"
    letters: list[tuple[str, EmailMessage]] = field(default_factory=list)

    def send(self, payload: bytes, recipients: tuple[str, ...]) -> None:
        message = email.message_from_bytes(payload, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.letters += [(to, message) for to in recipients]

    def subjects(self, to: str = OFFICE) -> list[str]:
        return [str(message["Subject"]).removeprefix("[Dư luận] ") for name, message in self.letters if name == to]


@pytest.fixture(scope="module")
def profile(province_dir: Path) -> Profile:
    return ruled(load_province(province_dir), recipients=(OFFICE,), administrators=(ADMIN,))


def ruled(profile: Profile, **changes: object) -> Profile:
    return profile.model_copy(update={"alerts": profile.alerts.model_copy(update=changes)})


def calm() -> Scene:
    return ordinary(days=18, per_day=30, issues=8)


def live(
    store: Index, profile: Profile, documents: list[Clustered], scene: Scene, begin: datetime, end: datetime
) -> Postbox:
    """Round by round, every hour from `begin`; what is older comes with the first."""
    box, before, moment = Postbox(), START - timedelta(days=1), begin
    while moment <= end:
        fetches = [f for f in scene.fetches if before < f.at <= moment]
        store.write(Batch(documents=[d for d in documents if before < d.fetched <= moment], fetches=fetches))
        watch(store, profile, clock=fixed_clock(moment), mailer=box)
        before, moment = moment, moment + timedelta(hours=1)
    return box


def lived(store: Index, profile: Profile, scene: Scene, begin: datetime, end: datetime) -> Postbox:
    return live(store, profile, list(scene.documents()), scene, begin, end)


def test_an_alert_nobody_takes_is_recalled_with_growing_pauses(store: Index, profile: Profile) -> None:
    scene = calm().adding(*outbreak("viec-3", BREAK, hours=40, count=40))
    box = lived(store, profile, scene, BREAK, BREAK + timedelta(hours=40))
    told = [message for to, message in box.letters if to == OFFICE]
    assert box.subjects()[1].startswith(("Nhắc lại: ", "Tăng mạnh: "))
    at = [local(datetime.strptime(str(m["Date"]), "%a, %d %b %Y %H:%M:%S %z")) for m in told]
    pauses = [(b - a) / timedelta(hours=1) for a, b in pairwise(at)]
    assert 2 <= len(told) <= 4
    assert all(pause >= least for pause, least in zip(pauses, (6, 12, 24), strict=False))
    assert all(m["In-Reply-To"] == told[0]["Message-ID"] for m in told[1:])
    assert "Chưa ai ghi nhận" in str(told[-1].get_body(("plain",)).get_content()) or "Tăng mạnh" in box.subjects()[-1]  # type: ignore[union-attr]


def test_news_that_fell_into_one_readers_pause_is_owed_to_them_alone(store: Index, profile: Profile) -> None:
    office = ruled(profile, recipients=(OFFICE, OTHER))
    journal = read(store, office.alerts)
    teller = Teller(journal, office, "a@b.example.vn", hooked=False)
    mailed = alert("a1", tier="mail")

    def tell(turn: Turn, hours: int) -> dict[str, str]:
        letters = teller.messages(mailed, turn, BREAK + timedelta(hours=hours), "open")
        box = Postbox()
        for letter in letters:
            box.send(letter.payload, letter.recipients)
        return {to: subject.partition(":")[0] for to, _ in box.letters for subject in box.subjects(to)}

    assert set(tell("opened", 0)) == {OFFICE, OTHER}
    journal.memory.told["a1"][OTHER] = [2, format_time(BREAK + timedelta(hours=1))]  # told once more than the office
    assert tell("escalated", 6) == {OFFICE: "Tăng mạnh"}
    assert tell("reminder", 18) == {OFFICE: "Nhắc lại", OTHER: "Tăng mạnh"}
    assert not any(journal.memory.owed.values())


def test_what_is_taken_is_not_recalled(store: Index, profile: Profile) -> None:
    scene = calm().adding(*outbreak("viec-3", BREAK, hours=20, count=25))
    middle = BREAK + timedelta(hours=8)
    box = lived(store, profile, scene, BREAK, middle)
    (alert,) = [a for a in store.alerts() if a.tier == "mail"]
    act(store, alert.id, Act("acknowledge", "lan.tt", middle))
    before = len(box.letters)
    rest = lived(store, profile, scene, middle + timedelta(hours=1), BREAK + timedelta(hours=40))
    assert before >= 1
    assert not [subject for subject in rest.subjects() if subject.startswith("Nhắc lại")]


def test_over_the_cap_comes_a_digest_and_a_rule_adds_its_reader(store: Index, profile: Profile) -> None:
    rules = (
        *profile.alerts.rule,
        Rule(id="gt", topics=("giao_thong",), note="Hỏi Sở Xây dựng trước.", recipients=(OTHER,)),
    )
    office = ruled(profile, mails_per_day=1, rule=rules)
    scene = calm().adding(
        *outbreak("viec-3", BREAK, hours=20, count=25),
        *outbreak("viec-5", BREAK + timedelta(hours=1), hours=20, count=25, seed=8),
        *outbreak("viec-6", BREAK + timedelta(hours=2), hours=20, count=25, seed=9),
    )
    box = lived(store, office, scene, BREAK, BREAK + timedelta(hours=11))
    digests = [subject for subject in box.subjects() if subject.startswith("Tổng hợp")]
    assert len(box.subjects()) - len(digests) == 1
    assert len(digests) == 1
    assert box.subjects(OTHER) == box.subjects()
    letter = next(m for to, m in box.letters if to == OFFICE and "Tổng hợp" in str(m["Subject"]))
    assert len([part for part in letter.walk() if part.get_content_type() == "image/png"]) >= 1


def test_a_silence_ends_by_itself(store: Index, profile: Profile) -> None:
    scene = calm().adding(*outbreak("viec-3", BREAK, hours=60, count=70))
    middle = BREAK + timedelta(hours=8)
    lived(store, profile, scene, BREAK, middle)
    (alert,) = [a for a in store.alerts() if a.tier == "mail"]
    until = middle + timedelta(hours=10)
    act(store, alert.id, Act("silence", "lan.tt", middle, more={"until": until.isoformat()}))
    box = lived(store, profile, scene, middle + timedelta(hours=1), BREAK + timedelta(hours=30))
    at = [local(datetime.strptime(str(m["Date"]), "%a, %d %b %Y %H:%M:%S %z")) for to, m in box.letters if to == OFFICE]
    assert at
    assert all(moment >= until for moment in at)
    assert current(store.alert_history(alert.id)) in ("open", "reopened")


def test_what_was_settled_opens_again_when_voices_return(store: Index, profile: Profile) -> None:
    """Settled after nine hours; a second wave two days later is told as a return, in the same thread."""
    second = tuple(
        replace(v, id=f"{v.id}-2", origin=f"{v.id}-2")
        for v in outbreak("viec-3", BREAK + timedelta(hours=50), hours=20, count=40, seed=7)
    )
    scene = calm().adding(*outbreak("viec-3", BREAK, hours=12, count=18), *second)
    middle = BREAK + timedelta(hours=9)
    first = lived(store, profile, scene, BREAK, middle)
    (alert,) = [a for a in store.alerts() if a.tier == "mail"]
    act(store, alert.id, Act("settle", "minh.nv", middle, "đã thông đường"))
    quiet = lived(store, profile, scene, middle + timedelta(hours=1), BREAK + timedelta(hours=33))
    assert quiet.subjects() == []
    box = lived(store, profile, scene, BREAK + timedelta(hours=34), BREAK + timedelta(hours=70))
    assert box.subjects()[0].startswith("Trở lại: ")
    letter = next(m for to, m in box.letters if to == OFFICE)
    assert letter["In-Reply-To"] == first.letters[0][1]["Message-ID"]
    assert "reopened" in [entry["state"] for entry in store.alert_history(alert.id)]


def test_a_new_commune_is_told(store: Index, profile: Profile) -> None:
    scene = calm().adding(*outbreak("viec-3", BREAK, hours=10, count=24, seed=5))
    codes = list(profile.commune_names)[:2]
    documents = list(scene.documents())
    far = outbreak("viec-3", BREAK + timedelta(hours=14), hours=8, count=9, negative=1.0, seed=11)

    def placed(document: Clustered, code: str) -> Clustered:
        return replace(document, places=(commune(code, profile.commune_names[code]),))

    documents = [placed(d, codes[0]) if d.issue == "viec-3" else d for d in documents]
    documents += [placed(replace(as_document(v), id=f"{v.id}-xa", origin=f"{v.id}-xa"), codes[1]) for v in far]
    box = live(store, profile, documents, scene, BREAK, BREAK + timedelta(hours=24))
    (alert,) = [a for a in store.alerts() if a.tier == "mail"]
    assert codes[1] in alert.places
    assert any(subject.startswith("Tăng mạnh: ") for subject in box.subjects())


# -- the system itself --------------------------------------------------------------------------------------------------


def test_a_source_that_falls_silent_is_told_to_the_administrator_once(store: Index, profile: Profile) -> None:
    scene = calm()
    dead = SOURCES[0]
    kept = tuple(v for v in scene.voices if v.source != dead or v.fetched < BREAK - timedelta(hours=10))
    scene = Scene(kept, scene.fetches, scene.end)
    box = lived(store, profile, scene, BREAK, BREAK + timedelta(hours=72))
    assert box.subjects(ADMIN) == [f"Nguồn im ắng: {dead}"]
    assert box.subjects() == []
    alert = next(a for a in store.alerts() if a.tier == "system")
    assert "duluan sources check" in str(box.letters[0][1].get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert current(store.alert_history(alert.id)) == "open"


def test_low_coverage_is_told_and_over_when_it_is(store: Index, profile: Profile) -> None:
    scene = calm()
    down = (BREAK, BREAK + timedelta(hours=12))
    dead = frozenset(SOURCES[:3])
    kept = tuple(v for v in scene.voices if not (v.source in dead and down[0] <= v.fetched < down[1]))
    tries = tuple(replace(f, ok=f.ok and not (f.source in dead and down[0] <= f.at < down[1])) for f in scene.fetches)
    box = lived(store, profile, Scene(kept, tries, scene.end), BREAK, BREAK + timedelta(hours=24))
    assert [s for s in box.subjects(ADMIN) if s.startswith("Thiếu nguồn")]
    alert = next(a for a in store.alerts() if a.tier == "system" and a.title.startswith("Thiếu nguồn"))
    assert current(store.alert_history(alert.id)) == "closed"


def test_a_model_that_sees_everything_otherwise_is_told(store: Index, profile: Profile) -> None:
    scene = ordinary(days=18, per_day=60, issues=8)
    switch = BREAK.replace(hour=0)

    def changed(document: Clustered) -> Clustered:
        if document.fetched < switch:
            return document
        return replace(document, models={**document.models, "topic": "vi-moi"}, topic="van_hoa")

    documents = [changed(d) for d in scene.documents()]
    box = live(store, profile, documents, scene, switch - timedelta(days=1), switch + timedelta(hours=40))
    assert box.subjects(ADMIN).count("Mô hình mới làm lệch số liệu") == 1


def test_a_mix_moves_only_beyond_what_days_do_by_themselves() -> None:
    days = [{"neg": 30 + n % 7, "neu": 70 - n % 7} for n in range(7)]
    assert health.shifted(days, {"neg": 38, "neu": 62}) is None
    assert health.shifted(days, {"neg": 70, "neu": 30}) == pytest.approx(0.37, abs=0.01)
    assert health.shifted(days, {"neg": 20, "neu": 2}) is None  # too few to say
    assert health.shifted(days[:2], {"neg": 70, "neu": 30}) is None
