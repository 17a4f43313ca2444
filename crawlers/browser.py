"""A browser that renders but never reaches the network: each request of a page is answered through the gate.

So robots.txt, addresses, redirects, pace and audit hold for scripts and their requests as for any page. Chromium has no name
resolution at all. Why not scrapy-playwright: docs/decisions/0003.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable

from playwright.async_api import Browser as Chromium
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Playwright, Route, async_playwright

from crawlers.gate import Answer
from crawlers.outcome import Deferred, Refused, SourceProblem

RENDER_SECONDS = 60.0  # a page and its scripts, at the host's pace
_NEEDED = frozenset({"document", "script", "xhr", "fetch"})  # what decides the text; images, fonts, styles are left out
_ARGUMENTS = (
    "--no-sandbox",  # the containers we run in have no user namespaces; the pages cannot reach anything anyway
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    # WebRTC asks STUN servers by UDP, past every hook: without these a page reached any address of ours.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--no-first-run",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")

Fetch = Callable[[str], Awaitable[Answer]]


def find_chromium() -> str | None:
    """Path of an installed chromium; None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class Renderer:
    """One chromium for a crawl, started when the first page needs it."""

    def __init__(self, agent: str, *, seconds: float = RENDER_SECONDS) -> None:
        self._agent = agent
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None

    async def render(self, url: str, fetch: Fetch, allowed: Callable[[str], bool]) -> Answer:
        """The page's document as it stands when its scripts are at rest. `allowed(url)` is the allow-list for what it loads.

        Raises Refused, Deferred (the page itself) or SourceProblem (no browser).
        """
        document = await fetch(url)
        chromium = await self._running()
        context = await chromium.new_context(
            user_agent=self._agent,
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            service_workers="block",
            accept_downloads=False,
        )
        try:
            page = await context.new_page()
            await context.route("**/*", _answering(document, fetch, allowed))
            await page.goto(document.url, timeout=self._seconds * 1000, wait_until="networkidle")
            body = (await page.content()).encode()
        except PlaywrightError:
            raise Deferred("timeout", 0.0, "trang không dựng xong kịp") from None
        finally:
            await context.close()
        return Answer(document.url, document.status, {"content-type": "text/html; charset=utf-8"}, body)

    async def _running(self) -> Chromium:
        async with self._lock:
            if self._chromium is None:
                path = find_chromium()
                if path is None:
                    raise SourceProblem(
                        "chưa có chromium; hãy chạy: apt-get install chromium", action="stop", local=True
                    )
                self._playwright = await async_playwright().start()
                self._chromium = await self._playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
            return self._chromium

    async def close(self) -> None:
        """End the browser."""
        if self._chromium is not None:
            await self._chromium.close()
        if self._playwright is not None:
            await self._playwright.stop()


def _answering(document: Answer, fetch: Fetch, allowed: Callable[[str], bool]) -> Callable[[Route], Awaitable[None]]:
    async def answer(route: Route) -> None:
        request = route.request
        if request.url == document.url and request.is_navigation_request():
            await _fulfil(route, document)
            return
        if request.method != "GET" or request.resource_type not in _NEEDED or not allowed(request.url):
            await route.abort()
            return
        try:
            await _fulfil(route, await fetch(request.url))
        except (Refused, Deferred):
            await route.abort()

    return answer


async def _fulfil(route: Route, answer: Answer) -> None:
    try:
        await route.fulfill(status=answer.status, body=answer.body, content_type=answer.content_type or "text/html")
    except PlaywrightError:
        return  # the page was closed while the gate kept it waiting
