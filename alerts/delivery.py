"""Sending: SMTP (STARTTLS, AUTH) and a signed webhook. What is sent was in the outbox before; a failure leaves it there."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from duluan.clock import format_time
from duluan.errors import ConfigError, DeliveryError
from duluan.model import Alert

TIMEOUT = 30  # seconds


class Mailer(Protocol):
    """Hands one rendered message to a server. Raises DeliveryError where it is not accepted."""

    @property
    def sender(self) -> str:
        """The From address."""

    def send(self, payload: bytes, recipients: tuple[str, ...]) -> None:
        """Deliver."""


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """smtp://user:password@host:587?starttls=1 (smtps:// for TLS from the start). The password never shows in errors."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False
    context: ssl.SSLContext | None = None

    @classmethod
    def at(cls, url: str, sender: str, context: ssl.SSLContext | None = None) -> SmtpMailer:
        """From DULUAN_SMTP_URL and DULUAN_MAIL_FROM. Raises ConfigError that does not repeat the URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ConfigError("DULUAN_SMTP_URL phải có dạng smtp://người:mật_khẩu@máy:587?starttls=1")
        if "@" not in sender:
            raise ConfigError("DULUAN_MAIL_FROM phải là một địa chỉ thư, ví dụ canhbao@tinh.gov.vn")
        tls = parts.scheme == "smtps"
        try:
            port = parts.port or (465 if tls else 25)
        except ValueError:
            raise ConfigError("DULUAN_SMTP_URL: cổng phải là số từ 1 đến 65535") from None
        starttls = parse_qs(parts.query).get("starttls", ["0"])[0] in ("1", "true")
        return cls(
            parts.hostname,
            port,
            sender,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            starttls,
            tls,
            context,
        )

    def send(self, payload: bytes, recipients: tuple[str, ...]) -> None:
        """Deliver to all recipients or raise DeliveryError."""
        try:
            with self._connect() as server:
                if self.starttls:
                    server.starttls(context=self.context or ssl.create_default_context())
                if self.user:
                    server.login(self.user, self.password)
                refused = server.sendmail(self._address(), list(recipients), payload)
        except smtplib.SMTPException as error:
            raise DeliveryError(f"máy chủ thư {self.host}:{self.port} không nhận: {_short(error)}") from None
        except OSError as error:
            raise DeliveryError(
                f"không nối được máy chủ thư {self.host}:{self.port}: {error.strerror or error}"
            ) from None
        if refused:
            raise DeliveryError(f"máy chủ thư {self.host}:{self.port} từ chối {len(refused)} người nhận")

    def _connect(self) -> smtplib.SMTP:
        if self.tls:
            context = self.context or ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)

    def _address(self) -> str:
        return self.sender.rpartition("<")[2].rstrip("> ")


def _short(error: smtplib.SMTPException) -> str:
    """Kind and code only: servers like to repeat addresses in their texts."""
    code = getattr(error, "smtp_code", "")
    return f"{type(error).__name__} {code}".strip()


@dataclass(frozen=True, slots=True)
class Webhook:
    """POSTs alerts in Alertmanager's v2 form, signed: X-Duluan-Signature = sha256=HMAC(secret, body)."""

    url: str
    secret: str

    def send(self, payload: bytes) -> None:
        """Deliver one body made by `webhook_body`; anything but 2xx raises DeliveryError."""
        headers = {"Content-Type": "application/json", "X-Duluan-Signature": signature(payload, self.secret)}
        try:
            answer = httpx.post(self.url, content=payload, headers=headers, timeout=TIMEOUT)
        except httpx.HTTPError as error:
            raise DeliveryError(f"webhook không nhận được: {type(error).__name__}") from None
        if not answer.is_success:
            raise DeliveryError(f"webhook trả lời mã {answer.status_code}")


def signature(payload: bytes, secret: str) -> str:
    """'sha256=…' over the exact bytes sent."""
    return "sha256=" + hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


def webhook_body(alert: Alert, *, resolved: bool = False) -> bytes:
    """Alertmanager API v2: a list with one alert; labels identify, annotations explain. Never text of people."""
    labels: Mapping[str, str] = {
        "alertname": "duluan",
        "id": alert.id,
        "issue": alert.issue,
        "tier": alert.tier,
        "topic": alert.topic,
    }
    entry: dict[str, Any] = {
        "labels": dict(labels),
        "annotations": {"title": alert.title, "reason": alert.reason, "score": f"{alert.score:.2f}"},
        "startsAt": format_time(alert.started),
    }
    if resolved:
        entry["endsAt"] = format_time(alert.detected)
    return json.dumps([entry], ensure_ascii=False).encode()


def mailer_from(url: str | None, sender: str | None, context: ssl.SSLContext | None = None) -> SmtpMailer | None:
    """The mailer that DULUAN_SMTP_URL and DULUAN_MAIL_FROM describe; None where no server is set.

    Raises ConfigError where only one of them is set or one is wrong.
    """
    if not url:
        return None
    if not sender:
        raise ConfigError("thiếu DULUAN_MAIL_FROM (địa chỉ gửi thư cảnh báo)")
    return SmtpMailer.at(url, sender, context)
