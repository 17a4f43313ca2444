"""`watch` killed with -9 again and again: identical alerts, identical mails, none lost, none twice; and no two watchers at once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from contract_stores import url_of

from duluan.records import to_record
from flows.machine import free_port
from index import open_store

HERE = Path(__file__).resolve().parent
KILLS = {"scoring": 4, "commit": 4, "effects": 4, "before smtp": 4, "after 250": 4}


@dataclass
class Sink:
    """Counts by Message-ID and recipient, as a receiver does; keeps every delivery that came over the wire."""

    port: int = 0
    raw: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.original_content, policy=default)
        self.raw += [(str(message["Message-ID"]), to, envelope.original_content) for to in envelope.rcpt_tos]
        return "250 OK"

    def delivered(self) -> dict[tuple[str, str], bytes]:
        """One copy of each; a repetition must be the same to the byte."""
        copies: dict[tuple[str, str], bytes] = {}
        for id, to, content in self.raw:
            assert copies.setdefault((id, to), content) == content
        return copies

    def repeated(self) -> int:
        return len(self.raw) - len(self.delivered())


@contextmanager
def sink() -> Iterator[Sink]:
    kept = Sink(free_port())
    server = Controller(kept, hostname="127.0.0.1", port=kept.port)
    server.start()
    try:
        yield kept
    finally:
        server.stop()


@dataclass
class Outcome:
    alerts: list[str]
    states: list[str]
    mails: dict[tuple[str, str], bytes]


def outcome(url: str, mails: dict[tuple[str, str], bytes]) -> Outcome:
    store = open_store(url)
    try:
        assert store.outbox() == []
        alerts = sorted(store.alerts(), key=lambda alert: alert.id)
        states = [
            json.dumps([(e["at"], e["state"]) for e in store.alert_history(a.id)], ensure_ascii=False) for a in alerts
        ]
        return Outcome([json.dumps(to_record(a), ensure_ascii=False, sort_keys=True) for a in alerts], states, mails)
    finally:
        store.close()


class Nursery:
    """Starts watching processes, one at a time; see `drive_watch.py`."""

    def __init__(self) -> None:
        env = os.environ | {"PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE}", "OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "drive_watch.py")], env=env, stdin=pipe, stdout=pipe, text=True
        )

    def start(self, url: str, port: int, mark: Path, cadence: int = 1, batch: int = 500) -> int:
        """The new process's number."""
        order = {"url": url, "port": port, "mark": str(mark), "cadence": cadence, "batch": batch}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._answer())

    def ended(self) -> int:
        """Wait for its end; the exit status."""
        return int(self._answer())

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    kept = Nursery()
    yield kept
    kept.close()


def whole(nursery: Nursery, folder: Path, cadence: int = 1, batch: int = 500) -> Outcome:
    url = f"sqlite:///{folder / 'kho.sqlite'}"
    with sink() as post:
        nursery.start(url, post.port, folder / "mark", cadence, batch)
        assert nursery.ended() == 0
        assert post.repeated() == 0
    return outcome(url, post.delivered())


@pytest.fixture(scope="module")
def undisturbed(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return whole(nursery, tmp_path_factory.mktemp("yen"))


Moment = tuple[int, str]  # number of the round, stage


def course(mark: Path, skip: int = 0) -> list[Moment]:
    """What was entered, in order, without the first `skip` lines."""
    number, passed = -1, []
    for line in (mark.read_text().splitlines() if mark.exists() else [])[skip:]:
        stage, _, at = line.rpartition(" ") if line.startswith("scoring ") else (line, "", "")
        number = int(at) if at else number
        passed.append((number, stage))
    return passed


def targets(whole_course: list[Moment], g: random.Random) -> list[Moment]:
    """Twenty moments of an undisturbed run, of every stage, in its order."""
    chosen = [
        moment
        for stage, kills in KILLS.items()
        for moment in g.sample([m for m in whole_course if m[1] == stage], kills)
    ]
    return sorted(chosen, key=lambda moment: (moment[0], list(KILLS).index(moment[1])))


def kill_at(pid: int, mark: Path, target: Moment, g: random.Random) -> str:
    """Let it come to `target`, or past that round, wait a random moment, kill; the stage it was in."""
    before = len(course(mark))
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        passed = course(mark, before)
        if target in passed or (passed and passed[-1][0] > target[0]):
            break
        time.sleep(0.0005)
    time.sleep(g.choice([0, 0, 0, 0.001, 0.003, 0.01]))
    os.kill(pid, signal.SIGKILL)
    return course(mark)[-1][1]


def killed(
    nursery: Nursery, url: str, folder: Path, moments: list[Moment], g: random.Random, cadence: int
) -> tuple[Sink, Counter[str]]:
    """Kill it at each of `moments`, then let it come to its end; how often it died in which stage."""
    where: Counter[str] = Counter()
    with sink() as post:
        for moment in moments:
            pid = nursery.start(url, post.port, folder / "mark", cadence)
            at = kill_at(pid, folder / "mark", moment, g)
            assert nursery.ended() == -signal.SIGKILL
            where[at] += 1
        nursery.start(url, post.port, folder / "mark", cadence)
        assert nursery.ended() == 0
    return post, where


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "cadence"),
    [("sqlite", 1), ("elasticsearch", 4)],  # there a round takes a second: fewer rounds
    ids=["sqlite", "elasticsearch"],
)
def test_killed_twenty_times_it_alerts_and_mails_the_same(
    nursery: Nursery, tmp_path: Path, kind: str, cadence: int, request: pytest.FixtureRequest
) -> None:
    quiet = tmp_path / "yen"
    quiet.mkdir()
    undisturbed = whole(nursery, quiet, cadence)
    url = url_of(kind, request, tmp_path)
    g = random.Random(1)
    moments = targets(course(quiet / "mark"), g)
    post, where = killed(nursery, url, tmp_path, moments, g, cadence)
    assert sum(where.values()) == len(moments) == 20
    found = outcome(url, post.delivered())
    assert found == undisturbed
    store = open_store(url)
    named = [entry for entry in store.audit_log() if entry["what"] == "message_repeated"]
    store.close()
    cut_off = where["before smtp"] + where["after 250"]  # while a message was being handed over
    assert cut_off >= 2
    assert post.repeated() <= len(named) <= cut_off


def test_the_stream_has_what_the_test_is_about(undisturbed: Outcome) -> None:
    tiers = Counter(json.loads(alert)["tier"] for alert in undisturbed.alerts)
    assert tiers["mail"] >= 2
    assert tiers["system"] >= 1
    assert {to for _, to in undisturbed.mails} == {"truc@tinh.example.vn", "pho@tinh.example.vn", "it@tinh.example.vn"}


@pytest.mark.parametrize("batch", [1, 7])
def test_other_batches_change_nothing(nursery: Nursery, undisturbed: Outcome, tmp_path: Path, batch: int) -> None:
    assert whole(nursery, tmp_path, batch=batch) == undisturbed


def test_rarer_rounds_change_no_alert_and_no_first_mail(nursery: Nursery, undisturbed: Outcome, tmp_path: Path) -> None:
    """Five hours between rounds: the same alerts and the same first mails; only reminders wait for the clock."""
    found = whole(nursery, tmp_path, cadence=5)
    assert found.alerts == undisturbed.alerts
    firsts = {key: mail for key, mail in undisturbed.mails.items() if ".1@" in key[0]}
    assert {key: mail for key, mail in found.mails.items() if ".1@" in key[0]} == firsts
