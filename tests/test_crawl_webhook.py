"""The Zalo webhook as Zalo and others meet it: signatures, repetitions, recordings, hostile clients; only counts are left."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawlers import webhook_server
from crawlers.state import State
from crawlers.webhook_server import WebhookServer, listening
from crawlers.zalo_webhook import ZaloWebhook, message_counts, signature
from duluan.clock import fixed_clock, system_clock
from duluan.errors import ConfigError
from duluan.privacy import MIN_CELL

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VECTOR = b'{"app_id":"1234567890","event_name":"user_send_text","timestamp":"1700000000000"}'
MAC = "acec9a97faf48961437053ecbfbfe0e357a5730e80a6ea0075989474138023a7"


SENT = str(int(NOW.timestamp() * 1000))


def _event(number: int, text: str, **more: object) -> tuple[bytes, dict[str, str]]:
    value = {
        "app_id": "1234567890",
        "event_name": "user_send_text",
        "timestamp": SENT,
        "sender": {"id": "778899"},
        "message": {"msg_id": f"m{number}", "text": text},
    } | more
    body = json.dumps(value, ensure_ascii=False).encode()
    return body, {"X-ZEvent-Signature": "mac=" + signature("1234567890", body, str(value["timestamp"]), "oa-secret")}


def _webhook(folder: Path) -> ZaloWebhook:
    def classify(text: str) -> str:
        return "giao_thong" if "đường" in text else "khac"

    return ZaloWebhook(
        State(folder), app_id="1234567890", secret="oa-secret", classify=classify, clock=fixed_clock(NOW)
    )


def test_webhook_signature_by_the_published_vector(tmp_path: Path) -> None:
    assert signature("1234567890", VECTOR, "1700000000000", "oa-secret") == MAC
    hook = _webhook(tmp_path)
    assert hook.receive(VECTOR, {"x-zevent-signature": f"mac={MAC}"}) == 200
    assert hook.receive(VECTOR, {"X-ZEvent-Signature": f"mac={MAC[:-1]}0"}) == 403
    assert hook.receive(VECTOR, {}) == 403
    assert hook.receive(b"", {}) == 200
    assert hook.receive(b"[1]", {}) == 400
    assert hook.receive(b"{", {}) == 400


def test_messages_are_counted_once_and_leave_no_word(tmp_path: Path) -> None:
    hook = _webhook(tmp_path)
    for number in range(6):
        for _ in range(2):  # Zalo repeats what was not acknowledged in time
            assert hook.receive(*_event(number, "đường trước nhà ông Nguyễn Văn Kín hư")) == 200
    assert hook.receive(*_event(99, "chuyện riêng")) == 200
    assert message_counts(State(tmp_path), MIN_CELL) == [(NOW, "giao_thong", 6), (NOW, "khac", None)]
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in ("Nguyễn Văn Kín", "chuyện riêng", "778899", "m99"):
        assert secret.encode() not in kept


def test_a_recording_is_not_counted_after_its_number_is_forgotten(tmp_path: Path) -> None:
    hook = _webhook(tmp_path)
    old = str(int((NOW - timedelta(days=8)).timestamp() * 1000))
    for timestamp in (old, "", "hôm qua", "9" * 40, -1):
        assert hook.receive(*_event(1, "đường hư", timestamp=timestamp)) == 200
    assert hook.receive(*_event(1, "x", event_name="oa_send_text")) == 200  # our own answers are no voices
    assert hook.receive(*_event(1, "x", message="không phải đối tượng")) == 200
    assert message_counts(State(tmp_path), 1) == []


@given(st.binary(max_size=300), st.dictionaries(st.sampled_from(["X-ZEvent-Signature", "a"]), st.text(max_size=80)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_nothing_unsigned_is_counted(tmp_path: Path, body: bytes, headers: dict[str, str]) -> None:
    assert _webhook(tmp_path).receive(body, headers) in {200, 400, 403}
    assert message_counts(State(tmp_path), 1) == []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebhookServer]:
    with listening("127.0.0.1", 0, lambda: _webhook(tmp_path)) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def _post(port: int, body: bytes, headers: dict[str, str], method: str = "POST") -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, "/", body, headers)
        answer = connection.getresponse()
        assert answer.read() == b""
        return answer.status
    finally:
        connection.close()


def test_events_over_http_from_many_sides_are_each_counted_once(tmp_path: Path, server: WebhookServer) -> None:
    events = [_event(number % 20, "đường hư") for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda event: _post(server.server_port, *event), events))
    assert statuses == [200] * 60
    assert message_counts(State(tmp_path), MIN_CELL) == [(NOW, "giao_thong", 20)]


def test_hostile_clients_get_a_status_and_hold_nothing_up(
    tmp_path: Path, server: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_server._Handler, "timeout", 0.5)
    port = server.server_port
    assert _post(port, b"", {}) == 200  # Zalo's probe at set-up
    assert _post(port, b"", {}, method="GET") == 405
    assert _post(port, b"x" * 300_000, {}) == 413
    assert _post(port, b"{}", {"X-ZEvent-Signature": "mac=00"}) == 403
    assert _post(port, b"", {"Transfer-Encoding": "chunked"}) == 411
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(webhook_server.AT_ONCE)]
    for one in held:  # half a request each, and then silence
        one.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
    for one in held:
        one.settimeout(10)
        assert one.recv(1000).startswith((b"HTTP/1.0 4", b"HTTP/1.0 5", b""))
        one.close()
    assert _post(port, *_event(1, "đường hư")) == 200


def test_a_port_that_is_taken_is_one_line(tmp_path: Path, server: WebhookServer) -> None:
    with (
        pytest.raises(ConfigError, match="--port"),
        listening("127.0.0.1", server.server_port, lambda: _webhook(tmp_path)),
    ):
        pass


def test_the_command_receives_classifies_and_shows(tmp_path: Path, province_dir: Path) -> None:
    """The real process with the real models; its output and state are searched for the words that people sent."""
    secrets = {"DULUAN_ZALO_APP_ID": "1234567890", "DULUAN_ZALO_OA_SECRET": "oa-secret", "DULUAN_STATE": str(tmp_path)}
    duluan = [sys.executable, "-m", "duluan", "zalo"]
    environ = {**os.environ, **secrets}
    command = [*duluan, "serve", "--port", "0", "--province", str(province_dir)]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        port = int(running.stderr.readline().rpartition(":")[2].split("/")[0])
        now = str(int(system_clock().timestamp() * 1000))
        text = "Đường liên xã qua cầu hư hỏng, ổ gà đầy mặt đường, xe tải chạy suốt gây kẹt xe, ông Trần Văn Kín nói"
        for number in range(6):
            assert _post(port, *_event(number, text, timestamp=now)) == 200
        running.terminate()  # SIGTERM, as `docker stop` sends; a shell may have SIGINT ignored
        told = running.stderr.read()
        assert running.wait(20) == 0
    shown = subprocess.run([*duluan, "counts"], env=environ, capture_output=True, text=True, check=True).stdout
    as_json = subprocess.run([*duluan, "counts", "--json"], env=environ, capture_output=True, text=True, check=True)
    counted = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert sum(row["messages"] or 0 for row in counted) in {0, 6}  # 0: the hour changed in between
    assert {row["topic"] for row in counted} == {"giao_thong"}
    assert "Giao thông" in shown
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode("latin-1")
    for word in ("Trần Văn Kín", "ổ gà", "778899", "oa-secret"):
        assert word not in told + shown
        assert word.encode().decode("latin-1") not in kept
    missing = subprocess.run(
        [*duluan, "serve", "--port", "0"], env={**environ, "DULUAN_ZALO_OA_SECRET": ""}, capture_output=True, text=True
    )
    assert missing.returncode == 1
    assert "DULUAN_ZALO_OA_SECRET" in missing.stderr
    assert len(missing.stderr.splitlines()) == 1
