"""The HTTP side of the Zalo webhook: one address that takes POSTs, answers with a status and nothing else, and logs no address.

It stands behind the province's own TLS proxy. Requests are read side by side, each within its own time limit; events are counted
by one thread, which owns the state file.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore
from typing import Any

from crawlers.zalo_webhook import MAX_BODY, ZaloWebhook
from duluan.errors import ConfigError

log = logging.getLogger(__name__)

READ_SECONDS = 10.0  # for a body; Zalo sends at once, only an attacker does not
AT_ONCE = 32  # requests read side by side; more are turned away with 503


class WebhookServer(ThreadingHTTPServer):
    """Listens until `shutdown`. `open_hook` runs in the counting thread, so that its SQLite file stays there."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], open_hook: Callable[[], ZaloWebhook]) -> None:
        self._counting = ThreadPoolExecutor(max_workers=1)
        self._hook = self._counting.submit(open_hook).result()
        self.places = BoundedSemaphore(AT_ONCE)
        super().__init__(address, _Handler)

    def count(self, body: bytes, headers: dict[str, str]) -> int:
        """The status for one event, when it is counted."""
        return self._counting.submit(self._hook.receive, body, headers).result()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke off. Nothing of it is logged: whoever called is nobody's business."""
        log.info("một kết nối webhook bị đứt")

    def server_close(self) -> None:
        """Close the socket and see the counting thread off."""
        super().server_close()
        self._counting.shutdown()


@contextmanager
def listening(host: str, port: int, open_hook: Callable[[], ZaloWebhook]) -> Iterator[WebhookServer]:
    """A bound server, closed at the end. Raises ConfigError where the address cannot be had."""
    try:
        server = WebhookServer((host, port), open_hook)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"không mở được cổng {host}:{port} ({error}); chọn cổng khác bằng --port") from None
    try:
        yield server
    finally:
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: WebhookServer
    timeout = READ_SECONDS
    server_version, sys_version = "duluan", ""

    def do_POST(self) -> None:
        if not self.server.places.acquire(blocking=False):
            self._answer(503)
            return
        try:
            self._answer(self._status())
        finally:
            self.server.places.release()

    def do_GET(self) -> None:
        """Nothing is shown here, to anybody."""
        self._answer(405)

    do_HEAD = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_GET

    def _status(self) -> int:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit() and len(length) < 9):
            return 411
        if int(length) > MAX_BODY:
            return 413
        body = self._body(int(length))
        return self.server.count(body, dict(self.headers.items())) if len(body) == int(length) else 400

    def _body(self, length: int) -> bytes:
        """What comes of `length` bytes within READ_SECONDS in all: a client that drips must not keep its place."""
        until, body = time.monotonic() + self.timeout, b""
        while len(body) < length and (left := until - time.monotonic()) > 0:
            self.connection.settimeout(left)
            try:
                piece = self.rfile.read1(length - len(body))
            except TimeoutError:
                break
            if not piece:
                break
            body += piece
        return body

    def _answer(self, status: int) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """No access log."""
