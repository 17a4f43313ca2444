"""How a try can end other than well. Each ending names what follows: never again, later, or the source stops for now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from duluan.errors import SourceError

Action = Literal["retry", "pause", "stop", "report"]

# Seconds for which a source is left alone at the least, whatever its failure says; never for good.
LEAST_WAIT: Mapping[Action, float] = {"retry": 0.0, "pause": 60.0, "stop": 6 * 3600.0, "report": 3600.0}


class Refused(SourceError):
    """Final for this address: `reason` becomes a Rejected (robots, forbidden_address, gone, too_large, …)."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.detail = detail


class Deferred(SourceError):
    """Not now: the address may be tried again `after` seconds from now (server busy, robots.txt unreachable, time-out)."""

    def __init__(self, reason: str, after: float, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.after = after
        self.detail = detail


class SourceProblem(SourceError):
    """A whole source cannot be read now. `action` follows the platform's error tables:

    retry – the next try may be soon; pause – not before `after` seconds; stop – useless until a person mends it;
    report – unknown to us: no retry of this request, a person should look. The message is for the operator.
    `local`: the fault is on this machine (no token, no browser) and no server was asked: the next crawl may try again.
    """

    def __init__(
        self, message: str, *, action: Action, after: float = 0.0, code: str = "", local: bool = False
    ) -> None:
        super().__init__(message)
        self.action = action
        self.after = 0.0 if local else max(after, LEAST_WAIT[action])
        self.code = code
        self.local = local
