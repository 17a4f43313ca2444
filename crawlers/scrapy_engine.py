"""Scrapy as the transport under the gate: Twisted's HTTP client with its connection pool, size and time limits, nothing else.

What Scrapy would do on its own – robots.txt (it fails open and lets waiting requests through), retries, redirects, cookies,
decompression (cut streams pass unseen), telnet, proxies from the environment – is off: the gate does it, or nobody.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from OpenSSL.SSL import Error as TlsError
from scrapy import Request, Spider
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred as TxDeferred
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError

from crawlers.gate import Sending, Wire
from crawlers.guard import address_allowed
from crawlers.outcome import Deferred, Refused
from crawlers.pace import AT_ONCE

Job = Callable[["ScrapyTransport"], Awaitable[None]]

_FAILURES = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
    ConnectError,
    ConnectionClosed,
    TlsError,
    UnicodeError,  # a host name that IDNA cannot encode
    ValueError,  # an address that Scrapy's Request cannot spell
)


class GuardedResolver(CachingThreadedResolver):
    """Looks a name up once and refuses addresses that the gate forbids; the connection goes to the address that passed."""

    allow_loopback = False
    refused: set[str] = set()  # noqa: RUF012  # names that were refused: the error that reaches us only says 'not found'

    def getHostByName(self, name: str, timeout: Any = ()) -> TxDeferred[str]:  # Twisted's name
        found: TxDeferred[str] = super().getHostByName(name, timeout)
        return found.addCallback(self._check, name)

    def _check(self, address: str, name: str) -> str:
        if not address_allowed(address, allow_loopback=self.allow_loopback):
            self.refused.add(name)
            raise DNSLookupError(f"refused address for {name}")
        return address


class FreshConnections(HTTP11DownloadHandler):
    """One connection a request. Twisted repeats a request by itself when a kept connection turns out dead: a fetch that
    neither the pace nor the audit log would know of."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool.persistent = False


class ScrapyTransport:
    """Sends through a running Scrapy engine; a request may take `timeout` seconds in all, body included."""

    def __init__(self, crawler: Crawler, timeout: float) -> None:
        self._crawler = crawler
        self._timeout = timeout

    async def __call__(self, sending: Sending) -> Wire:
        try:
            request = Request(
                sending.url,
                method=sending.method,
                headers=dict(sending.headers),
                body=sending.body,
                dont_filter=True,
                meta={"download_timeout": self._timeout, "download_maxsize": sending.limit},
            )
            response = await self._crawler.engine.download_async(request)
        except _FAILURES as error:
            raise _meaning(error, sending.url) from None
        headers = {
            name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.items()
        }
        return Wire(int(response.status), headers, bytes(response.body))


def _meaning(error: Exception, url: str) -> Refused | Deferred:
    """A failed exchange in the gate's words; the text of the error may quote an address and is not kept."""
    if isinstance(error, DownloadCancelledError):
        return Refused("too_large", "dài hơn giới hạn")
    if isinstance(error, ResponseDataLossError):
        return Refused("truncated", "kết nối đứt giữa chừng")
    if isinstance(error, CannotResolveHostError) and (urlsplit(url).hostname or "") in GuardedResolver.refused:
        return Refused("forbidden_address", "tên máy chủ trỏ về mạng nội bộ")
    if isinstance(error, (ValueError, UnsupportedURLSchemeError)):
        return Refused("forbidden_address", "địa chỉ sai dạng")
    if isinstance(error, DownloadTimeoutError):
        return Deferred("timeout", 0.0, "máy chủ không trả lời kịp")
    return Deferred("unreachable", 0.0, "không kết nối được")


class _JobSpider(Spider):
    """Keeps the engine open while the job runs; all requests are the job's."""

    name = "duluan"

    def __init__(self, job: Job, timeout: float) -> None:
        super().__init__()
        self._job = job
        self._timeout = timeout

    async def start(self) -> AsyncIterator[Any]:
        await self._job(ScrapyTransport(self.crawler, self._timeout))
        no_requests: tuple[Any, ...] = ()
        for request in no_requests:
            yield request


def settings(agent: str, limit: int, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """Scrapy's settings for use under the gate."""
    here = "crawlers.scrapy_engine"
    return {
        "USER_AGENT": agent,
        "ROBOTSTXT_OBEY": False,  # the gate asks, under a lock and fail-closed
        "DOWNLOADER_MIDDLEWARES_BASE": {},
        "SPIDER_MIDDLEWARES_BASE": {},
        "EXTENSIONS_BASE": {},
        "DOWNLOAD_HANDLERS": {"http": f"{here}.FreshConnections", "https": f"{here}.FreshConnections"},
        "DOWNLOAD_MAXSIZE": limit,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_DELAY": 0,  # the gate paces, across processes
        "RANDOMIZE_DOWNLOAD_DELAY": False,
        "CONCURRENT_REQUESTS": AT_ONCE,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
        "TWISTED_DNS_RESOLVER": f"{here}.GuardedResolver",
        "DNS_TIMEOUT": 10,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
        **(extra or {}),
    }


def run_job(
    job: Job, *, agent: str, timeout: float, limit: int, allow_loopback: bool, extra: dict[str, Any] | None = None
) -> None:
    """Run `job` inside a Scrapy engine; returns when it ended. Once a process: Twisted's reactor does not start twice."""
    GuardedResolver.allow_loopback = allow_loopback
    process = AsyncCrawlerProcess(settings(agent, limit, extra))
    process.crawl(_JobSpider, job=job, timeout=timeout)
    process.start()
