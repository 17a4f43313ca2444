"""The webhook: alerts in the form of Alertmanager's API v2, signed after Standard Webhooks (standardwebhooks.com, v1).

A receiver verifies `webhook-signature` over `id.timestamp.body`, refuses old timestamps and drops an id that it has seen;
Alertmanager itself knows a repeated alert by its labels. So a repetition after a crash does no harm. Never text of people.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from alerts.tone import of_all, tone_of
from duluan.clock import Clock, format_time, system_clock
from duluan.errors import ConfigError, DeliveryDown, DeliveryError, DeliveryRefused, DeliveryUnclear
from duluan.model import Alert

TIMEOUT: Final = 30.0  # seconds
STANDS: Final = timedelta(
    days=14
)  # how long an alert is shown as firing unless it closes: Alertmanager forgets after 5 minutes else
_LATER: Final = frozenset({408, 425, 429})  # 4xx that say "not now"
_PREFIX: Final = "whsec_"
_LEAST_KEY: Final = 24  # bytes, as Standard Webhooks asks


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts one body at a time. Anything but 2xx raises; redirects are not followed, for they could lead anywhere."""

    url: str
    key: bytes
    timeout: float = TIMEOUT
    clock: Clock = system_clock

    @classmethod
    def at(cls, url: str, secret: str) -> Webhook:
        """From DULUAN_WEBHOOK_URL and DULUAN_WEBHOOK_SECRET. Raises ConfigError, which repeats neither."""
        parts = urlsplit(url)
        inside = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("DULUAN_WEBHOOK_URL phải là một địa chỉ https://…")
        if parts.scheme == "http" and not inside:
            raise ConfigError("DULUAN_WEBHOOK_URL phải dùng https (http chỉ cho chính máy này)")
        return cls(url, _key(secret))

    def send(self, id: str, payload: bytes) -> None:
        """Deliver. Raises DeliveryError (try again), DeliveryRefused (4xx), DeliveryUnclear (sent, no answer)."""
        try:
            answer = httpx.post(self.url, content=payload, headers=self._headers(id, payload), timeout=self.timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise DeliveryDown(f"webhook: không nối được ({type(error).__name__})") from None
        except httpx.HTTPError as error:
            raise DeliveryUnclear(f"webhook: đã gửi nhưng không có trả lời ({type(error).__name__})") from None
        if answer.is_success:
            return
        if 300 <= answer.status_code < 500 and answer.status_code not in _LATER:
            raise DeliveryRefused(f"webhook: từ chối (mã {answer.status_code})")
        raise DeliveryError(f"webhook: tạm thời chưa nhận (mã {answer.status_code})")

    def _headers(self, id: str, payload: bytes) -> dict[str, str]:
        stamp = int(self.clock().timestamp())
        return {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(self.key, id, stamp, payload),
        }


def signature(key: bytes, id: str, stamp: int, payload: bytes) -> str:
    """'v1,' + base64 of HMAC-SHA-256 over 'id.timestamp.body', the exact bytes sent."""
    mac = hmac.new(key, b".".join((id.encode(), str(stamp).encode(), payload)), hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def _key(secret: str) -> bytes:
    """The key in 'whsec_<base64>', or the text itself as UTF-8. Raises ConfigError where it is too short to protect anything."""
    try:
        key = (
            base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
            if secret.startswith(_PREFIX)
            else secret.encode()
        )
    except binascii.Error:
        raise ConfigError("DULUAN_WEBHOOK_SECRET: sau whsec_ phải là base64") from None
    if len(key) < _LEAST_KEY:
        raise ConfigError(f"DULUAN_WEBHOOK_SECRET: cần ít nhất {_LEAST_KEY} byte, gặp {len(key)}")
    return key


def body(alert: Alert, *, closed: datetime | None = None) -> bytes:
    """A list with one alert (POST /api/v2/alerts): labels identify, annotations explain. `closed` ends it."""
    labels = {
        "alertname": "duluan",
        "id": alert.id,
        "issue": alert.issue,
        "severity": alert.tier,
        "topic": alert.topic,
        "places": ",".join(alert.places),
    }
    tone = tone_of(alert)
    entry: dict[str, Any] = {
        "labels": {name: value for name, value in labels.items() if value},  # Alertmanager refuses empty labels
        "annotations": {
            "title": alert.title,
            "reason": alert.reason,
            "voices": str(alert.voices),
            "expected": f"{alert.expected:.2f}",
            "share": f"{alert.share:.2f}",
            "score": f"{alert.score:.2f}",
            **({"negative": of_all(tone)} if tone else {}),
        },
        "startsAt": format_time(alert.started),
        "endsAt": format_time(closed or alert.detected + STANDS),
    }
    return json.dumps([entry], ensure_ascii=False, sort_keys=True).encode()


def webhook_from(url: str | None, secret: str | None) -> Webhook | None:
    """The webhook that DULUAN_WEBHOOK_URL and DULUAN_WEBHOOK_SECRET describe; None where no address is set. Raises ConfigError."""
    if not url:
        return None
    if not secret:
        raise ConfigError("thiếu DULUAN_WEBHOOK_SECRET (khóa ký webhook, ít nhất 24 byte)")
    return Webhook.at(url, secret)
