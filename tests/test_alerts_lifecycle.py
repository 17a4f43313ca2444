"""The states of an alert: the reference's machine, held against both stores by random lives; and what staff do from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from contract_stores import url_of
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from samples_index import NOON, alert
from typer.testing import CliRunner

from alerts import plan
from alerts.lifecycle import ACTIONS, STATES, Action, State, advance, allowed, begin, current, returned, silence_over
from alerts.signal import Turn
from duluan.cli.main import app
from duluan.clock import format_time, parse_time
from duluan.config import AlertRules, Rule
from flows.acting import Act, act
from index import open_store
from index.base import Index

TURNS: tuple[Turn, ...] = ("promoted", "escalated", "easing", "closed", "reopened")
RULES = AlertRules(rule=(Rule(id="chung", note="Xác minh trước khi báo cáo lãnh đạo."),))

# The reference, sentence by sentence, as sets of states that each event may lead from and to: written apart from the product's table.
LEADS: dict[str, State] = {
    "promoted": "open",
    "easing": "easing",
    "closed": "closed",
    "reopened": "reopened",
    "acknowledge": "acknowledged",
    "assign": "acknowledged",
    "silence": "silenced",
    "unsilence": "open",
    "settle": "closed",
    "false_alarm": "false_alarm",
}
OVER: frozenset[State] = frozenset({"closed", "false_alarm"})


class Lives(RuleBasedStateMachine):
    """Any detector turn and any staff action, in any order, repeated, with the store opened anew in between."""

    open_: Callable[[], Index]
    count = 0

    @initialize(mail=st.booleans())
    def born(self, mail: bool) -> None:
        type(self).count += 1
        self.id = f"song-{type(self).count}"
        self.store = self.open_()
        self.now = NOON
        self.acts = 0
        self.store.put_alerts([alert(self.id, tier="mail" if mail else "watch")])
        self.state: State = begin(mail=mail)
        self.store.add_alert_event(self.id, {"at": self.now, "state": self.state, "note": "opened"})

    @rule(turn=st.sampled_from(TURNS), hours=st.integers(0, 30))
    def turns(self, turn: Turn, hours: int) -> None:
        """What the watcher writes: twice the same after a crash."""
        self.now += timedelta(hours=hours)
        following = advance(self.state, turn)
        if following is None:
            return
        assert turn == "escalated" or following == LEADS[turn]
        assert self.state != "false_alarm" or turn == "promoted"
        assert self.state != "silenced" or turn == "closed"
        self.store.add_alert_event(self.id, {"at": self.now, "state": following, "note": turn})
        self.state = following

    @rule(action=st.sampled_from(ACTIONS), minutes=st.integers(1, 600))
    def acts_(self, action: Action, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        more = {"until": format_time(self.now + timedelta(hours=5))} if action == "silence" else {}
        before, following = act(self.store, self.id, Act(action, "can_bo_1", self.now, "gọi 0905 123 456", more))
        assert before == self.state
        assert (following is not None) == (action in allowed(before))
        if following is not None:
            assert following == LEADS[action]
            self.state, self.acts = following, self.acts + 1
        assert following is None or before not in OVER or action == "false_alarm"

    @rule(hours=st.integers(1, 9))
    def silence_ends(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        history = self.store.alert_history(self.id)
        if silence_over(history, self.now):
            assert self.state == "silenced"
            self.store.add_alert_event(self.id, {"at": self.now, "state": "open", "note": "unsilence"})
            self.state = "open"

    @rule(hours=st.integers(0, 50))
    def voices_return(self, hours: int) -> None:
        history = self.store.alert_history(self.id)
        if returned(history, self.now + timedelta(hours=hours)):
            assert self.state == "closed"
            assert hours >= 24 or parse_time(history[-1]["at"]) < self.now

    @rule()
    def reopened_store(self) -> None:
        self.store = self.open_()

    @invariant()
    def the_store_says_the_same(self) -> None:
        history = self.store.alert_history(self.id)
        assert current(history) == self.state
        assert self.state in STATES
        assert "0905" not in json.dumps(history)
        times = [parse_time(entry["at"]) for entry in history]
        assert times == sorted(times)

    @invariant()
    def the_muted_get_no_mail(self) -> None:
        sent = plan.decide(alert(tier="mail"), "escalated", RULES, self.now, before=None, today=0, state=self.state)
        assert (sent == "no") == (self.state in ("silenced", "false_alarm"))

    def teardown(self) -> None:
        if hasattr(self, "id"):
            mine = [entry for entry in self.store.audit_log() if entry.get("alert") == self.id]
            assert len(mine) == self.acts
            assert all(entry["by"] == "can_bo_1" and entry["what"].startswith("alert_") for entry in mine)


@pytest.mark.parametrize("kind", ["sqlite", "elasticsearch"])
def test_lives(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = url_of(kind, request, tmp_path)
    opened: list[Index] = []

    def open_() -> Index:
        opened.append(open_store(url))
        return opened[-1]

    machine = type("LivesHere", (Lives,), {"open_": staticmethod(open_)})
    examples, steps = (25, 25) if kind == "sqlite" else (2, 8)
    calm = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=calm)
    for store in opened:
        store.close()


def test_nothing_but_promotion_ends_a_false_alarm() -> None:
    for event in (*TURNS, *ACTIONS):
        assert advance("false_alarm", event) == ("open" if event == "promoted" else None)


def test_settled_opens_again_only_when_voices_return_after_a_day() -> None:
    history = [
        {"at": format_time(NOON), "state": "open"},
        {"at": format_time(NOON + timedelta(hours=5)), "state": "closed", "action": "settle"},
    ]
    assert not returned(history, NOON + timedelta(hours=28))
    assert returned(history, NOON + timedelta(hours=29))
    by_itself = [{"at": format_time(NOON), "state": "closed", "note": "closed"}]
    assert not returned(by_itself, NOON + timedelta(hours=100))


# -- the command line ---------------------------------------------------------------------------------------------------


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'kho.sqlite'}"
    store = open_store(url)
    store.setup()
    store.put_alerts([alert("a1", tier="mail")])
    store.add_alert_event("a1", {"at": NOON, "state": "open", "note": "opened"})
    store.close()
    return url


def run(url: str, *words: str) -> str:
    result = CliRunner().invoke(app, ["alerts", *words, "--store", url], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_staff_take_assign_and_settle_an_alert(store_url: str) -> None:
    assert json.loads(run(store_url, "ack", "a1", "--by", "lan.tt"))["state"] == "acknowledged"
    assert json.loads(run(store_url, "assign", "a1", "so_xay_dung", "--by", "lan.tt"))["to"] == "so_xay_dung"
    settled = run(store_url, "settle", "a1", "--by", "minh.nv", "--note", "đã đắp đường, hỏi anh Nam 0905 123 456")
    assert json.loads(settled)["state"] == "closed"
    assert "không thực hiện được" in run(store_url, "ack", "a1", "--by", "lan.tt")
    store = open_store(store_url)
    history = [e for e in store.alert_history("a1") if e.get("action")]
    assert [e["action"] for e in history] == ["acknowledge", "assign", "settle"]
    assert "0905" not in json.dumps(history)
    assert "lan.tt" not in json.dumps(history)  # who: in the audit log, not beside the alert
    assert [(e["what"], e["by"]) for e in store.audit_log()] == [
        ("alert_acknowledge", "lan.tt"),
        ("alert_assign", "lan.tt"),
        ("alert_settle", "minh.nv"),
    ]
    store.close()


def test_a_wrong_agency_is_refused_with_those_that_exist(store_url: str) -> None:
    from duluan.errors import ConfigError

    with pytest.raises(ConfigError, match="so_xay_dung"):
        CliRunner().invoke(app, ["alerts", "assign", "a1", "so_khong_co", "--store", store_url], catch_exceptions=False)
