"""Mail to a server that may fail at any word (RFC 5321): STARTTLS, AUTH, and a verdict for every way in which it can end.

What is sent was in the outbox before, so each failure has one meaning, and the outbox acts on them (`flows/outbox.py`):
`DeliveryError` – not taken, try again (`DeliveryDown`: nor would the next message be); `DeliveryRefused` – the server says never;
`DeliveryUnclear` – all of it was handed over and no answer came, so the server may have it. What the server took with 250 is delivered,
whatever happens to the connection afterwards.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from duluan.errors import ConfigError, DeliveryDown, DeliveryError, DeliveryRefused, DeliveryUnclear

TIMEOUT: Final = 60.0  # seconds for each answer
DATA_TIMEOUT: Final = (
    600.0  # for the answer to the final dot (RFC 5321 4.5.3.2.6): giving up earlier makes doubles (RFC 1047)
)
_QUIT_TIMEOUT: Final = 5.0


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
    timeout: float = TIMEOUT
    data_timeout: float = DATA_TIMEOUT

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
        if parts.password and not (tls or starttls or _loopback(parts.hostname)):
            raise ConfigError(
                "DULUAN_SMTP_URL: mật khẩu chỉ gửi qua kết nối mã hóa; thêm ?starttls=1 hoặc dùng smtps://"
            )
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, port, sender, user, password, starttls, tls, context)

    def send(self, payload: bytes, recipients: tuple[str, ...]) -> None:
        """Deliver to all recipients or raise: DeliveryError (try again), DeliveryRefused (never), DeliveryUnclear (perhaps taken)."""
        with self._talk() as server:
            self._greet(server)
            self._envelope(server, recipients)
            self._hand_over(server, payload)
            with suppress(OSError, smtplib.SMTPException):  # it has been taken: no fault from here on may send it again
                self._wait(server, _QUIT_TIMEOUT)
                server.quit()

    @contextmanager
    def _talk(self) -> Iterator[smtplib.SMTP]:
        """A connection; whatever goes wrong inside becomes a DeliveryError of one clear line."""
        server: smtplib.SMTP | None = None
        try:
            server = self._connect()
            yield server
        except ssl.SSLCertVerificationError as error:
            raise DeliveryDown(
                f"{self._name}: chứng thư không được tin cậy ({error.verify_message}); "
                "kiểm tra tên máy, hạn dùng, hoặc đặt DULUAN_SMTP_CA là tệp chứng thư gốc của đơn vị"
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            raise DeliveryDown(
                f"{self._name}: không cho đăng nhập (mã {error.smtp_code}); kiểm tra tài khoản"
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            what = "STARTTLS" if "STARTTLS" in str(error) else "đăng nhập (AUTH)"
            raise DeliveryDown(f"{self._name}: không có {what}; kiểm tra cổng và DULUAN_SMTP_URL") from None
        except smtplib.SMTPResponseException as error:
            raise DeliveryDown(f"{self._name}: chưa tiếp chuyện (mã {error.smtp_code})") from None
        except smtplib.SMTPException:
            raise DeliveryDown(f"{self._name}: ngắt kết nối giữa chừng") from None
        except OSError as error:
            raise DeliveryDown(f"{self._name}: không nối được: {error.strerror or error}") from None
        finally:
            if server is not None:
                server.close()

    @property
    def _name(self) -> str:
        return f"máy chủ thư {self.host}:{self.port}"

    def _connect(self) -> smtplib.SMTP:
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=self._context())
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout)

    def _context(self) -> ssl.SSLContext:
        return self.context or ssl.create_default_context()

    def _greet(self, server: smtplib.SMTP) -> None:
        if self.starttls:
            server.starttls(context=self._context())  # raises where it is not offered: never on in the clear
        if self.user:
            server.login(self.user, self.password)
        server.ehlo_or_helo_if_needed()

    def _envelope(self, server: smtplib.SMTP, recipients: tuple[str, ...]) -> None:
        code, _ = server.mail(self.sender.rpartition("<")[2].rstrip("> "))
        if code != 250:
            raise self._verdict(code, "người gửi")
        for recipient in recipients:
            code, _ = server.rcpt(recipient)
            if code not in (250, 251):
                raise self._verdict(code, "người nhận")

    def _hand_over(self, server: smtplib.SMTP, payload: bytes) -> None:
        self._wait(server, self.data_timeout)
        try:
            code, _ = server.data(payload)
        except smtplib.SMTPDataError as error:  # answered DATA with something other than 354
            raise self._verdict(error.smtp_code, "nội dung") from None
        except (OSError, smtplib.SMTPServerDisconnected):
            raise DeliveryUnclear(
                f"{self._name}: ngắt kết nối khi đang nhận thư, có thể đã nhận; sẽ gửi lại với cùng Message-ID"
            ) from None
        if code != 250:
            raise self._verdict(code, "nội dung")

    def _verdict(self, code: int, what: str) -> DeliveryError:
        """By the reply's first digit. Never the reply's text: servers like to repeat addresses in it."""
        if 500 <= code < 600:
            return DeliveryRefused(f"{self._name}: từ chối {what} (mã {code})")
        return DeliveryError(f"{self._name}: tạm thời chưa nhận {what} (mã {code})")

    @staticmethod
    def _wait(server: smtplib.SMTP, seconds: float) -> None:
        if server.sock is not None:
            server.sock.settimeout(seconds)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def mailer_from(url: str | None, sender: str | None, ca: str | None = None) -> SmtpMailer | None:
    """The mailer that DULUAN_SMTP_URL, DULUAN_MAIL_FROM and DULUAN_SMTP_CA (a PEM file) describe; None where no server is set.

    Raises ConfigError where only one of the first two is set or one is wrong.
    """
    if not url:
        return None
    if not sender:
        raise ConfigError("thiếu DULUAN_MAIL_FROM (địa chỉ gửi thư cảnh báo)")
    return SmtpMailer.at(url, sender, _trusting(Path(ca)) if ca else None)


def _trusting(ca: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError):
        raise ConfigError(f"DULUAN_SMTP_CA: {ca} không phải tệp chứng thư PEM đọc được") from None
