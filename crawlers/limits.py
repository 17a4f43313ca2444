"""How far one crawl may go. Shared by parent and child, so that it imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, counts; the defaults suit a poll every quarter of an hour."""

    timeout: float = 30.0  # one exchange, body included: tarpits and endless bodies end here
    source_seconds: float = 900.0  # one source's pages; what is left waits in the frontier
    source_pages: int = 500
    wait_for_page: float = 60.0  # a page due later than this is left to the next crawl
    sources_at_once: int = 512  # waiting costs nothing: what is bounded is the exchanges under way (pace.AT_ONCE)
