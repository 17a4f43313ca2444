"""How a try can end other than well. Each ending names what follows: never again, later, or the source stops for now."""

from __future__ import annotations

from typing import Literal

from duluan.errors import SourceError

Action = Literal["retry", "pause", "stop", "report"]


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
    """

    def __init__(self, message: str, *, action: Action, after: float = 0.0, code: str = "") -> None:
        super().__init__(message)
        self.action = action
        self.after = after
        self.code = code
