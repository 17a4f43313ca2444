"""robots.txt (RFC 9309) by Protego, fail-closed, one fetch per host under a lock; the answer is shared through the state file.

Scrapy ≥ 2.14 lets all but the first of several waiting requests through; here every waiter reads the same stored verdict.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from protego import Protego

from crawlers.guard import host_key
from crawlers.outcome import Deferred, Refused
from crawlers.state import State

AGENT = "duluan"  # the product token that robots.txt groups are matched against
TTL_RULES = 3600.0  # seconds; the RFC allows a day
TTL_UNREACHABLE = 300.0  # until the next try
MAX_ROBOTS = 512 * 1024  # bytes; the RFC asks for at least 500 KiB
_MARKUP = re.compile(r"^\s*(?:<!doctype|<html|<\?xml|<head|<body|<script|<!--|\{|\[)", re.IGNORECASE)
_DIRECTIVE = re.compile(r"^\s*(?:user-?agent|disallow|allow|sitemap|crawl-delay)\s*:", re.IGNORECASE | re.MULTILINE)

Verdict = Literal["rules", "none", "unreachable"]


@dataclass(frozen=True, slots=True)
class RobotsAnswer:
    """What a host said: rules to apply, none (404: all allowed) or unreachable (nothing allowed until the next try)."""

    verdict: Verdict
    rules: Protego | None
    expires: float

    def allows(self, url: str) -> bool:
        """May `url` be fetched?"""
        if self.verdict == "none":
            return True
        return self.rules is not None and bool(self.rules.can_fetch(url, AGENT))

    @property
    def crawl_delay(self) -> float:
        """Seconds that the host asks for between requests; 0 where it asks for nothing."""
        if self.rules is None:
            return 0.0
        asked = [float(self.rules.crawl_delay(AGENT) or 0.0)]
        if (rate := self.rules.request_rate(AGENT)) is not None and rate.requests:
            asked.append(float(rate.seconds) / float(rate.requests))
        return max(asked)


# (address, delay) → (status, content type, body); a network failure or a time-out raises Deferred, anything refused raises Refused.
FetchRobots = Callable[[str, float], Awaitable[tuple[int, str, bytes]]]


class RobotsGate:
    """Answers per host; a host is asked once, however many requests wait."""

    def __init__(self, state: State, fetch: FetchRobots, *, now: Callable[[], float] = time.time) -> None:
        self._state = state
        self._fetch = fetch
        self._now = now
        self._memory: dict[str, RobotsAnswer] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def answer(self, url: str, *, delay: float, fresh: bool = False) -> RobotsAnswer:
        """The host's answer for `url`; `fresh` asks again (for `sources check`). Asking costs a turn of `delay` seconds."""
        host = host_key(url)
        async with self._locks[host]:
            known = None if fresh else self._memory.get(host) or self._stored(host)
            if known is None or known.expires <= self._now():
                known = await self._ask(host, delay)
            self._memory[host] = known
            return known

    def _stored(self, host: str) -> RobotsAnswer | None:
        rows = self._state.rows("SELECT state, body, expires FROM robots WHERE host = ?", (host,))
        if not rows:
            return None
        state, body, expires = rows[0]
        return _answer(str(state), str(body), float(str(expires)))

    async def _ask(self, host: str, delay: float) -> RobotsAnswer:
        try:
            status, content_type, body = await self._fetch(f"{host}/robots.txt", delay)
            state, text = read_robots(status, content_type, body)
        except (Deferred, Refused) as error:
            if isinstance(error, Refused) and error.reason == "forbidden_address":
                raise  # not the host's doing: the address itself must not be asked
            state, text = "unreachable", ""
        expires = self._now() + (TTL_UNREACHABLE if state == "unreachable" else TTL_RULES)
        with self._state.change() as db:
            db.execute("INSERT OR REPLACE INTO robots VALUES (?, ?, ?, ?)", (host, state, text, expires))
        return _answer(state, text, expires)


def read_robots(status: int, content_type: str, body: bytes) -> tuple[Verdict, str]:
    """A robots.txt response → (verdict, text). 2xx text: rules; 404, 410: none; all else (5xx, 401, 403, 429, HTML): unreachable.

    RFC 9309 2.3.1.3 lets every 4xx mean 'no rules'; 401, 403 and 429 are taken as refusals instead: they are not an invitation.
    """
    if status in {404, 410}:
        return "none", ""
    if not 200 <= status < 300:
        return "unreachable", ""
    text = body[:MAX_ROBOTS].decode("utf-8-sig", errors="replace").replace("\x00", "")
    if "html" in content_type.lower() or _MARKUP.match(text):
        return "unreachable", ""
    if text.strip() and not _DIRECTIVE.search(text) and not all(_comment(line) for line in text.splitlines()):
        return "unreachable", ""  # some error page in plain text
    return "rules", text


def _comment(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _answer(state: str, text: str, expires: float) -> RobotsAnswer:
    if state == "none":
        return RobotsAnswer("none", None, expires)
    if state == "rules":
        return RobotsAnswer("rules", Protego.parse(text), expires)
    return RobotsAnswer("unreachable", None, expires)
