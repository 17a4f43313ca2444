"""How often a host is asked: one slot at a time, kept on disk, so that two crawls or a restart never add up.

A slot is taken at the moment of sending, not booked ahead: booked slots that are used late bring two requests close together.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crawlers.outcome import Deferred
from crawlers.state import State

MIN_DELAY = 2.0  # seconds between two requests to a public host: 0.5 requests/s, whatever a source's config says
MAX_WAIT = 90.0  # seconds; a page that would wait longer stays in the frontier instead of holding its source
AT_ONCE = 64  # exchanges under way in one process: bounds memory (8 MiB each), and a server that hangs holds one for its time-out
MAX_RETRY_AFTER = 24 * 3600.0  # a host that asks for more is tried once a day: back-off never disables for good
DEFAULT_RETRY_AFTER = 60.0  # a 429 without Retry-After; NukeViet's flood window is 60 s


class Pace:
    """The per-host clock of one process, backed by the shared state file."""

    def __init__(self, state: State, *, now: Callable[[], float] = time.time) -> None:
        self._state = state
        self._now = now
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._places = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def turn(self, host: str, delay: float) -> AsyncIterator[None]:
        """Hold the host for one request, at least `delay` seconds after the one before it, by whichever process.

        Raises Deferred where the host must be left alone for longer than MAX_WAIT.
        """
        async with self._locks[host]:
            while True:
                async with (
                    self._places
                ):  # before the slot is taken: one taken and used later would bring two requests close
                    wait = self._take(host, delay)
                    if wait <= 0:
                        try:
                            yield
                        finally:
                            self._rest(host, delay)
                        return
                if wait > MAX_WAIT:
                    raise Deferred("host_busy", wait, "máy chủ yêu cầu chờ lâu")
                await asyncio.sleep(wait + 0.002)

    def _take(self, host: str, delay: float) -> float:
        """0 where the slot is ours, else seconds until it may be."""
        with self._state.change() as db:
            db.execute("INSERT OR IGNORE INTO host (host) VALUES (?)", (host,))
            free, blocked = db.execute("SELECT next_slot, blocked_until FROM host WHERE host = ?", (host,)).fetchone()
            now = self._now()
            wait = max(free, blocked) - now
            if wait > 0:
                return float(wait)
            db.execute("UPDATE host SET next_slot = ? WHERE host = ?", (now + delay, host))
        return 0.0

    def _rest(self, host: str, delay: float) -> None:
        """The next slot counts from the answer too: a request arrives later than it was sent, by a handshake or more."""
        if delay > 0:
            with self._state.change() as db:
                db.execute("UPDATE host SET next_slot = max(next_slot, ?) WHERE host = ?", (self._now() + delay, host))

    def block(self, host: str, seconds: float) -> float:
        """Leave the host alone for `seconds` (capped at a day) from now; returns what was applied."""
        seconds = min(max(seconds, 0.0), MAX_RETRY_AFTER)
        with self._state.change() as db:
            db.execute("INSERT OR IGNORE INTO host (host) VALUES (?)", (host,))
            db.execute(
                "UPDATE host SET blocked_until = max(blocked_until, ?) WHERE host = ?", (self._now() + seconds, host)
            )
        return seconds


def retry_after(value: str, now: float) -> float | None:
    """`Retry-After` as seconds from `now`; both forms of RFC 9110 10.2.3 (seconds, date); None where it is neither."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now, UTC)).total_seconds())
