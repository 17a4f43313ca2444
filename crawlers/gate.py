"""The one gate: address check → robots.txt → pace → send → what the answer means. Every connector goes through it.

A redirect starts again at the address check. Each decision is an audit event. What the transport is – Scrapy, a browser –
makes no difference to the rules.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urldefrag, urlencode, urljoin

from crawlers.audit import Audit
from crawlers.decode import MAX_BODY, decode_body
from crawlers.guard import check_url, host_key, is_loopback
from crawlers.outcome import Deferred, Refused
from crawlers.pace import DEFAULT_RETRY_AFTER, MIN_DELAY, Pace, retry_after
from crawlers.robots import MAX_ROBOTS, RobotsAnswer, RobotsGate
from crawlers.state import State

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Purpose = Literal["page", "list", "api", "browser", "robots"]
Conditional = Literal["no", "hash", "headers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request as a connector wants it. `form` makes it a POST; api answers are returned whatever their status.

    `conditional`: 'headers' sends the stored ETag and Last-Modified, 'hash' only compares contents (for sites whose
    headers lie). `permission` names the written permission under which an API is read where its robots.txt says no.
    """

    url: str
    source: str
    purpose: Purpose = "page"
    delay: float = 3.0
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    conditional: Conditional = "no"
    limit: int = MAX_BODY
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """A response as it came: header names in lower case, the body still encoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A response after the gate: `url` behind redirects, body decoded. `unchanged`: same as last time (then perhaps empty)."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    unchanged: bool = False

    @property
    def content_type(self) -> str:
        """The server's header, unverified."""
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class Sending:
    """What a transport sends. A transport raises Deferred (time-out, unreachable) or Refused (too_large, forbidden_address)."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    limit: int
    purpose: Purpose


Transport = Callable[[Sending], Awaitable[Wire]]


@dataclass(frozen=True, slots=True)
class _Validator:
    etag: str
    modified: str
    digest: str


class Gate:
    """The gate of one process. `agent` is the User-Agent header; it names the project and a contact."""

    def __init__(
        self,
        state: State,
        transport: Transport,
        *,
        audit: Audit,
        agent: str,
        allow_loopback: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._transport = transport
        self._audit = audit
        self._agent = agent
        self._allow_loopback = allow_loopback
        self._now = now
        self._pace = Pace(state, now=now)
        self.robots = RobotsGate(state, self._fetch_robots, now=now)
        self._pending: dict[str, dict[str, _Validator]] = defaultdict(dict)

    async def fetch(self, ask: Ask) -> Answer:
        """The answer to `ask`. Raises Refused (final) or Deferred (later)."""
        try:
            return await self._follow(ask)
        except (Refused, Deferred) as error:
            kind = "refused" if isinstance(error, Refused) else "deferred"
            self._audit(f"fetch_{kind}", source=ask.source, url=ask.url, reason=error.reason, agent=self._agent)
            raise

    async def admit(self, ask: Ask) -> RobotsAnswer:
        """Address check and robots.txt alone. Raises Refused or Deferred."""
        check_url(ask.url, allow_loopback=self._allow_loopback)
        answer = await self.robots.answer(ask.url, delay=ask.delay)
        if answer.allows(ask.url):
            return answer
        if ask.permission and answer.verdict == "rules":
            self._audit("robots_permission", source=ask.source, url=ask.url, permission=ask.permission)
            return answer
        if answer.verdict == "unreachable":
            raise Deferred("robots_unreachable", max(1.0, answer.expires - self._now()), "không đọc được robots.txt")
        raise Refused("robots", "robots.txt không cho phép")

    def note(self, source: str, key: str, version: str) -> None:
        """Remember `version` under `key` with the source's next `keep_validators`."""
        self._pending[source][key] = _Validator(version, "", "")

    def keep_validators(self, source: str) -> None:
        """Store ETag, Last-Modified and digest of the source's answers so far: once what they list is safely queued."""
        with self._state.change() as db:
            for key, found in self._pending.pop(source, {}).items():
                db.execute(
                    "INSERT OR REPLACE INTO validator VALUES (?, ?, ?, ?)",
                    (key, found.etag, found.modified, found.digest),
                )

    async def _follow(self, ask: Ask) -> Answer:
        url = urldefrag(ask.url).url
        for _ in range(MAX_REDIRECTS + 1):
            wire = await self._one(ask, url)
            location = wire.headers.get("location")
            if wire.status not in _REDIRECTS or not location:
                return self._judge(ask, url, wire)
            if ask.purpose == "api":  # a redirect must not carry a token to another address
                raise Refused("redirects", "API chuyển hướng, không theo")
            url = urldefrag(urljoin(url, location)).url
        raise Refused("redirects", f"quá {MAX_REDIRECTS} lần chuyển hướng")

    async def _one(self, ask: Ask, url: str) -> Wire:
        """One exchange, and what it means for the host's pace."""
        check_url(url, allow_loopback=self._allow_loopback)
        delay = self._floor(url, ask.delay)
        verdict = "own"
        if ask.purpose != "robots":
            answer = await self.admit(_at(ask, url))
            verdict, delay = answer.verdict, max(delay, answer.crawl_delay)
        host = host_key(url)
        async with self._pace.turn(host, delay):
            wire = await self._transport(self._sending(ask, url))
            wait = self._asked_to_wait(wire)
            if wait is not None:
                wait = self._pace.block(host, wait)
        self._audit("fetch", source=ask.source, url=url, robots=verdict, status=wire.status, agent=self._agent)
        if wait is not None and ask.purpose != "api":
            raise Deferred(f"http_{wire.status}", wait, "máy chủ yêu cầu chậm lại")
        return wire

    def _floor(self, url: str, delay: float) -> float:
        """At most 0.5 requests/s to any host but this machine, whatever the configuration says."""
        return delay if self._allow_loopback and is_loopback(url) else max(delay, MIN_DELAY)

    def _asked_to_wait(self, wire: Wire) -> float | None:
        """Seconds for which the host wants peace: any Retry-After on 429 and 5xx, or a bare 429."""
        if wire.status != 429 and wire.status < 500:
            return None
        asked = retry_after(wire.headers.get("retry-after", ""), self._now())
        return DEFAULT_RETRY_AFTER if asked is None and wire.status == 429 else asked

    def _sending(self, ask: Ask, url: str) -> Sending:
        headers = {
            "User-Agent": self._agent,
            "Accept": "*/*"
            if ask.purpose in {"api", "robots"}
            else "text/html,application/xhtml+xml,application/xml;q=0.9",
            "Accept-Language": "vi",
            "Accept-Encoding": "gzip, deflate",
            **ask.headers,
        }
        if ask.conditional == "headers" and (known := self._validator(ask.url)) is not None:
            headers |= {"If-None-Match": known.etag} if known.etag else {}
            headers |= {"If-Modified-Since": known.modified} if known.modified else {}
        body = b""
        if ask.form is not None:
            body = urlencode(ask.form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return Sending("POST" if ask.form is not None else "GET", url, headers, body, ask.limit, ask.purpose)

    def _judge(self, ask: Ask, url: str, wire: Wire) -> Answer:
        if wire.status == 304:
            return Answer(url, 304, wire.headers, b"", unchanged=True)
        if ask.purpose not in {"api", "robots"}:
            _refuse_by_status(wire.status)
        body = decode_body(wire.body, wire.headers.get("content-encoding", ""), ask.limit)
        return Answer(url, wire.status, wire.headers, body, unchanged=self._same_as_before(ask, wire, body))

    def _same_as_before(self, ask: Ask, wire: Wire, body: bytes) -> bool:
        if ask.conditional == "no":
            return False
        known = self._validator(ask.url)
        digest = hashlib.sha256(body).hexdigest()
        self._pending[ask.source][ask.url] = _Validator(
            wire.headers.get("etag", ""), wire.headers.get("last-modified", ""), digest
        )
        return known is not None and known.digest == digest

    def _validator(self, url: str) -> _Validator | None:
        rows = self._state.rows("SELECT etag, modified, digest FROM validator WHERE url = ?", (url,))
        return _Validator(*(str(value) for value in rows[0])) if rows else None

    async def _fetch_robots(self, url: str, delay: float) -> tuple[int, str, bytes]:
        answer = await self._follow(Ask(url=url, source="robots", purpose="robots", delay=delay, limit=MAX_ROBOTS))
        return answer.status, answer.content_type, answer.body


def _at(ask: Ask, url: str) -> Ask:
    return ask if ask.url == url else replace(ask, url=url)


def _refuse_by_status(status: int) -> None:
    """Raise what a status other than 2xx means for a page."""
    if 200 <= status < 300:
        return
    if status in {404, 410}:
        raise Refused("gone", f"HTTP {status}")
    if status in {401, 403, 451}:
        raise Refused("forbidden", f"HTTP {status}")
    if status >= 500 or status in {408, 425}:
        raise Deferred(f"http_{status}", 0.0, f"HTTP {status}")
    raise Refused("http_error", f"HTTP {status}")
