"""Messages that people send to our Official Account: private. They are classified in memory and only counted, by topic and hour.

The signature is a plain SHA-256 over appId + raw body + timestamp + OA secret key (not an HMAC; Zalo's documentation).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from crawlers.state import State
from duluan.clock import LOCAL, Clock

SEEN_FOR = timedelta(days=7)  # how long a message id is remembered, as a hash; Zalo repeats for hours at most
MAX_BODY = 256 * 1024
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message_count (hour TEXT NOT NULL, topic TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (hour, topic));
CREATE TABLE IF NOT EXISTS message_seen (id TEXT PRIMARY KEY, at REAL NOT NULL);
"""


def signature(app_id: str, body: bytes, timestamp: str, secret: str) -> str:
    """What `X-ZEvent-Signature: mac=…` must hold (hex)."""
    return hashlib.sha256(app_id.encode() + body + timestamp.encode() + secret.encode()).hexdigest()


class ZaloWebhook:
    """Receives events; `classify(text)` names a topic and keeps nothing."""

    def __init__(self, state: State, *, app_id: str, secret: str, classify: Callable[[str], str], clock: Clock) -> None:
        self._state = state
        self._app_id = app_id
        self._secret = secret
        self._classify = classify
        self._clock = clock
        _set_up(state)

    def receive(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The HTTP status to answer at once: 200 taken (or a probe, or a repetition), 400 no event, 403 a wrong signature."""
        if not body.strip():
            return 200  # Zalo probes the address with an empty body at set-up
        if len(body) > MAX_BODY:
            return 400
        try:
            event = json.loads(body)
        except ValueError:
            return 400
        if not isinstance(event, dict):
            return 400
        timestamp = str(event.get("timestamp", ""))
        if not self._signed(body, timestamp, headers):
            return 403
        if not self._recent(timestamp):
            return 200  # genuine but old: somebody plays a recording, longer ago than we remember numbers
        message = event.get("message")
        if str(event.get("event_name", "")).startswith("user_send_") and isinstance(message, dict):
            self._count(message)
        return 200

    def _signed(self, body: bytes, timestamp: str, headers: Mapping[str, str]) -> bool:
        given = next((value for name, value in headers.items() if name.lower() == "x-zevent-signature"), "")
        wanted = signature(self._app_id, body, timestamp, self._secret)
        return hmac.compare_digest(given.strip().removeprefix("mac=").strip().lower().encode(), wanted.encode())

    def _recent(self, timestamp: str) -> bool:
        """Was the event sent (milliseconds since 1970) within the time for which message ids are remembered?"""
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
            return False
        return abs(self._clock().timestamp() - int(timestamp) / 1000) <= SEEN_FOR.total_seconds()

    def _count(self, message: Mapping[str, Any]) -> None:
        """One more of its topic in this hour, once a message."""
        number = hashlib.sha256(f"{self._secret}{message.get('msg_id')}".encode()).hexdigest()[:16]
        now = self._clock()
        topic = self._classify(str(message.get("text") or ""))
        hour = now.astimezone(LOCAL).strftime("%Y-%m-%dT%H:00:00+07:00")
        with self._state.change() as db:
            db.execute("DELETE FROM message_seen WHERE at < ?", ((now - SEEN_FOR).timestamp(),))
            if db.execute("INSERT OR IGNORE INTO message_seen VALUES (?, ?)", (number, now.timestamp())).rowcount:
                db.execute(
                    "INSERT INTO message_count VALUES (?, ?, 1) ON CONFLICT (hour, topic) DO UPDATE SET n = n + 1",
                    (hour, topic),
                )


def message_counts(state: State, minimum: int) -> list[tuple[datetime, str, int | None]]:
    """(hour, topic, messages), oldest first; None where there are fewer than `minimum`: too few to show."""
    _set_up(state)
    rows = state.rows("SELECT hour, topic, n FROM message_count ORDER BY hour, topic")
    return [(_utc(str(hour)), str(topic), _shown(int(str(n)), minimum)) for hour, topic, n in rows]


def _utc(hour: str) -> datetime:
    return datetime.fromisoformat(hour).astimezone(UTC)


def _shown(count: int, minimum: int) -> int | None:
    return count if count >= minimum else None


def _set_up(state: State) -> None:
    with state.change() as db:
        for statement in filter(str.strip, _SCHEMA.split(";")):
            db.execute(statement)
