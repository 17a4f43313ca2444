"""Sending against real servers on loopback that misbehave in every way RFC 5321 and HTTP allow: none lost, none twice."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from samples_index import alert

from alerts.delivery import SmtpMailer, mailer_from
from alerts.webhook import Webhook, body, webhook_from
from duluan.clock import fixed_clock
from duluan.config import AlertRules, Rule
from duluan.errors import ConfigError, DeliveryDown, DeliveryError, DeliveryRefused, DeliveryUnclear
from flows.machine import free_port
from flows.outbox import Outlets, deliver, given_up
from index.base import Index, Outgoing

NOON = datetime(2026, 3, 18, 5, 0, tzinfo=UTC)  # 12:00 in the office
RULES = AlertRules(rule=(Rule(id="chung", note="Xác minh trước khi báo cáo lãnh đạo."),))
LETTER = (
    b"From: canh-bao@tinh.example.vn\r\nTo: truc@tinh.example.vn\r\nMessage-ID: <a1@tinh.example.vn>\r\n"
    b"Subject: Thu\r\n\r\n.dong bat dau bang dau cham\r\n"
)


@dataclass
class Post:
    """A handler that keeps what it takes; `faults` are replies or deeds for the coming transactions, by command."""

    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)  # came over the wire, taken or not
    users: list[str] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.rcpt and (reply := self.rcpt.pop(0)):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.seen.append(envelope.original_content)
        fault = self.data.pop(0) if self.data else ""
        if fault == "drop":  # the line goes dead before the answer
            server.transport.abort()
            return "250 never arrives"
        if fault == "slow":
            await asyncio.sleep(1.5)
        elif fault == "drop after":
            asyncio.get_running_loop().call_later(0.05, server.transport.abort)
        elif fault:
            return fault
        self.taken.append(envelope.original_content)
        return "250 OK"

    def sign_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"duluan", b"m@t khau")
        self.users.append(session.peer[0] if good else "refused")
        return AuthResult(success=good, handled=False)


@contextmanager
def post_office(post: Post, **options: Any) -> Iterator[int]:
    port = free_port()
    server = Controller(post, hostname="127.0.0.1", port=port, **options)
    server.start()
    try:
        yield port
    finally:
        server.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate for 127.0.0.1 in one PEM file, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "cert.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=thu -keyout {key} -out {pem}"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True, timeout=60
    )
    pem.write_text(pem.read_text() + key.read_text())
    return pem


def server_tls(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def mailer(port: int, **options: Any) -> SmtpMailer:
    return SmtpMailer("127.0.0.1", port, "Dư luận <canh-bao@tinh.example.vn>", **options)


TO = ("truc@tinh.example.vn",)


def test_what_is_sent_arrives_to_the_byte() -> None:
    post = Post()
    with post_office(post) as port:
        mailer(port).send(LETTER, TO)
    assert post.taken == [LETTER]


def test_starttls_and_auth(certificate: Path) -> None:
    post = Post()
    options = {
        "tls_context": server_tls(certificate),
        "require_starttls": True,
        "authenticator": post.sign_in,
        "auth_required": True,
    }
    with post_office(post, **options) as port:
        url = f"smtp://duluan:m%40t%20khau@127.0.0.1:{port}?starttls=1"
        good = mailer_from(url, "canh-bao@tinh.example.vn", str(certificate))
        assert good is not None
        good.send(LETTER, TO)
        assert (post.taken, post.users) == ([LETTER], ["127.0.0.1"])
        with pytest.raises(DeliveryDown, match="chứng thư không được tin cậy"):
            mailer(port, user="duluan", password="m@t khau", starttls=True).send(LETTER, TO)
        wrong = mailer(port, user="duluan", password="sai", starttls=True, context=good.context)
        with pytest.raises(DeliveryDown, match=r"không cho đăng nhập \(mã 535\)") as told:
            wrong.send(LETTER, TO)
        assert "sai" not in str(told.value)
    assert post.taken == [LETTER]


def test_tls_from_the_start(certificate: Path) -> None:
    post = Post()
    with post_office(post, ssl_context=server_tls(certificate)) as port:
        good = mailer_from(f"smtps://127.0.0.1:{port}", "a@b.vn", str(certificate))
        assert good is not None
        good.send(LETTER, TO)
        with pytest.raises(DeliveryDown, match="DULUAN_SMTP_CA"):
            mailer(port, tls=True).send(LETTER, TO)
    assert len(post.taken) == 1


def test_a_server_without_starttls_gets_neither_password_nor_mail() -> None:
    post = Post()
    with post_office(post) as port, pytest.raises(DeliveryDown, match="không có STARTTLS"):
        mailer(port, starttls=True, user="duluan", password="x").send(LETTER, TO)
    assert post.seen == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("smtp://duluan:bi-mat@thu.example.vn:587", "starttls=1"),
        ("http://thu.example.vn", "smtp://"),
        ("smtp://thu.example.vn:99999", "cổng"),
    ],
)
def test_a_wrong_address_is_refused_without_repeating_it(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as told:
        mailer_from(url, "a@b.vn")
    assert "bi-mat" not in str(told.value)


@pytest.mark.parametrize(
    ("rcpt", "data", "error"),
    [
        ("451 4.7.1 greylisted truc@tinh.example.vn", "", DeliveryError),
        ("550 5.1.1 no truc@tinh.example.vn here", "", DeliveryRefused),
        ("", "452 4.3.1 full", DeliveryError),
        ("", "554 5.7.1 spam", DeliveryRefused),
        ("", "drop", DeliveryUnclear),
    ],
)
def test_each_answer_has_its_meaning(rcpt: str, data: str, error: type[DeliveryError]) -> None:
    post = Post([rcpt], [data])
    with post_office(post) as port, pytest.raises(DeliveryError) as told:
        mailer(port).send(LETTER, TO)
    assert type(told.value) is error
    assert "truc@" not in str(told.value)
    assert post.taken == []


@pytest.mark.parametrize("fault", ["slow", "drop after"])
def test_what_was_taken_is_delivered_however_the_line_ends(fault: str) -> None:
    post = Post(data=[fault])
    with post_office(post) as port:
        mailer(port, timeout=1.0).send(LETTER, TO)  # the final dot has its own, longer patience
    assert len(post.taken) == 1


def test_a_server_that_never_answers_is_given_up() -> None:
    post = Post(data=["slow"])
    with post_office(post) as port, pytest.raises(DeliveryUnclear):
        mailer(port, timeout=1.0, data_timeout=0.3).send(LETTER, TO)


def test_nobody_there() -> None:
    with pytest.raises(DeliveryDown, match="không nối được"):
        mailer(free_port()).send(LETTER, TO)


# -- the outbox ---------------------------------------------------------------------------------------------------------


def letter(id: str, channel: str = "mail", to: str = TO[0]) -> Outgoing:
    text = LETTER.replace(b"<a1@", f"<{id}@".encode())
    return Outgoing(id=id, alert="a", created=NOON, payload=text, recipients=(to,), channel=channel)


def ids(taken: list[bytes]) -> list[str]:
    return [str(message_from_bytes(raw, policy=default)["Message-ID"]) for raw in taken]


def test_faults_delay_a_mail_and_neither_lose_nor_double_it(store: Index) -> None:
    """A day with every fault in turn; passes every five minutes."""
    store.outbox_add([letter(f"m{n}") for n in range(4)])
    post = Post(rcpt=["451 later", "", "", "421 busy"], data=["drop", "drop after", "452 full", "slow"])
    with post_office(post) as port:
        outlets = Outlets(mailer(port))
        for minute in range(0, 240, 5):
            deliver(store, RULES, outlets, now=NOON + timedelta(minutes=minute))
    assert sorted(ids(post.taken)) == [f"<m{n}@tinh.example.vn>" for n in range(4)]
    assert store.outbox() == []


def test_failed_tries_wait_longer_each_time_and_end_after_five_days(store: Index) -> None:
    store.outbox_add([letter("m")])
    post = Post(rcpt=["451 later"] * 200)
    tried = []
    with post_office(post) as port:
        for minute in range(0, 6 * 24 * 60, 30):
            before = len(post.rcpt)
            deliver(store, RULES, Outlets(mailer(port)), now=NOON + timedelta(minutes=minute))
            if len(post.rcpt) < before:
                tried.append(minute)
    pauses = [b - a for a, b in pairwise(tried)]
    assert max(pauses) <= 12 * 60  # four hours, and the quiet night
    assert len(tried) < 30
    assert max(tried) >= 5 * 24 * 60
    assert list(given_up(store)) == ["m"]
    assert [m.id for m in store.outbox()] == ["m"]  # kept for a person to see


def test_a_refused_recipient_holds_up_nobody(store: Index) -> None:
    store.outbox_add([letter("x"), letter("y", to="khac@tinh.example.vn")])
    post = Post(rcpt=["550 no such user"])
    with post_office(post) as port:
        first = deliver(store, RULES, Outlets(mailer(port)), now=NOON)
        again = deliver(store, RULES, Outlets(mailer(port)), now=NOON + timedelta(hours=8))
    assert (first.sent, first.refused, again.sent) == (1, 1, 0)
    assert ids(post.taken) == ["<y@tinh.example.vn>"]
    assert [e["what"] for e in store.audit_log()] == ["message_given_up"]


def test_quiet_hours_hold_all_but_the_urgent(store: Index) -> None:
    store.outbox_add([letter("thuong"), letter("gap", "urgent")])
    night = NOON.replace(hour=17)  # midnight
    post = Post()
    with post_office(post) as port:
        assert deliver(store, RULES, Outlets(mailer(port)), now=night).sent == 1
        assert ids(post.taken) == ["<gap@tinh.example.vn>"]
        assert deliver(store, RULES, Outlets(mailer(port)), now=night + timedelta(hours=6)).sent == 1


def test_a_crash_between_250_and_the_mark_repeats_that_one_mail_under_its_id(store: Index) -> None:
    """The only gap there is (RFC 1047): the repetition is the same to the byte, and the audit log names it."""
    store.outbox_add([letter("m1"), letter("m2")])

    class Crash(BaseException):
        pass

    class Dying:
        sender = "a@b.vn"

        def send(self, payload: bytes, recipients: tuple[str, ...]) -> None:
            real.send(payload, recipients)
            raise Crash

    post = Post()
    with post_office(post) as port:
        real = mailer(port)
        with pytest.raises(Crash):
            deliver(store, RULES, Outlets(Dying()), now=NOON)
        report = deliver(store, RULES, Outlets(real), now=NOON + timedelta(minutes=5))
    assert (report.sent, report.repeated) == (2, 1)
    assert ids(post.taken) == ["<m1@tinh.example.vn>", "<m1@tinh.example.vn>", "<m2@tinh.example.vn>"]
    assert post.taken[0] == post.taken[1]
    assert [(e["what"], e["message"]) for e in store.audit_log()] == [("message_repeated", "m1")]


# -- webhook ------------------------------------------------------------------------------------------------------------

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass
class Hook:
    """A receiver that checks as Standard Webhooks asks: signature over id.timestamp.body, then drops ids that it knows."""

    answers: list[int] = field(default_factory=list)
    calls: int = 0
    bad: int = 0
    bodies: dict[str, bytes] = field(default_factory=dict)

    def take(self, headers: Any, raw: bytes) -> int:
        self.calls += 1
        id, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        mac = hmac.new(bytes(range(32)), f"{id}.{stamp}.".encode() + raw, hashlib.sha256).digest()
        if headers["webhook-signature"] != "v1," + base64.b64encode(mac).decode():
            self.bad += 1
        status = self.answers.pop(0) if self.answers else 200
        if status in (0, 200):
            self.bodies.setdefault(id, raw)
        return status


@contextmanager
def receiver(hook: Hook) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = hook.take(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
            if status == 0:  # took it, and the line goes dead
                self.close_connection = True
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v2/alerts"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_webhook_is_signed_and_repeats_after_faults(store: Index) -> None:
    hook = Hook(answers=[503, 429, 0, 500])
    store.outbox_add([letter("h1", "webhook"), letter("h2", "webhook")])
    with receiver(hook) as url:
        target = webhook_from(url, SECRET)
        for minute in range(0, 120, 5):
            deliver(store, RULES, Outlets(webhook=target), now=NOON + timedelta(minutes=minute))
    assert sorted(hook.bodies) == ["h1", "h2"]
    assert hook.bad == 0
    assert hook.calls == 6  # four faults, two successes
    assert store.outbox() == []


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410])
def test_the_webhook_takes_no_for_an_answer(status: int) -> None:
    hook = Hook(answers=[status])
    with receiver(hook) as url, pytest.raises(DeliveryRefused, match=str(status)):
        Webhook.at(url, SECRET).send("x", b"[]")
    assert hook.calls == 1  # no redirect was followed


def test_a_tampered_body_does_not_verify() -> None:
    hook = Hook()
    with receiver(hook) as url:
        sender = Webhook.at(url, SECRET.replace("A", "B", 1))
        sender.send("x", b"[]")
    assert hook.bad == 1


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [
        ("http://noi-khac.example.vn/x", SECRET, "https"),
        ("https://noi.example.vn/x", "ngan", "24 byte"),
        ("https://noi.example.vn/x", "whsec_***", "base64"),
        ("https://noi.example.vn/x", None, "DULUAN_WEBHOOK_SECRET"),
    ],
)
def test_a_wrong_webhook_is_refused_without_repeating_its_secret(url: str, key: str | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as told:
        webhook_from(url, key)
    assert "ngan" not in str(told.value).replace("ngang", "")


def test_the_body_is_alertmanagers() -> None:
    """What github.com/prometheus/alertmanager's openapi.yaml (v2, postableAlerts) demands of each entry."""
    now = datetime(2026, 3, 18, 5, tzinfo=UTC)
    for closed in (None, now):
        (entry,) = json.loads(body(alert(), closed=closed))
        assert set(entry) == {"labels", "annotations", "startsAt", "endsAt"}
        assert all(isinstance(v, str) for v in [*entry["labels"].values(), *entry["annotations"].values()])
        assert all(entry["labels"].values())
        assert datetime.fromisoformat(entry["startsAt"]) <= datetime.fromisoformat(entry["endsAt"])
    assert json.loads(body(alert(), closed=now))[0]["endsAt"] == "2026-03-18T05:00:00+00:00"
    assert fixed_clock(now)() == now
