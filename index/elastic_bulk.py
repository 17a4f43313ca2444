"""Bulk requests to Elasticsearch: what is pushed back is sent again, what is refused whole is halved down to the one culprit.

An outcome is a document's own (written, conflict, absent, poison) or the cluster's (overloaded, disk full, no primary shard).
Only its own may ever be counted against a document; the cluster's make the caller run the step again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

BULK_BYTES: Final = 8_000_000  # of one request; Elasticsearch refuses 100 MB, and advises 5–15
BULK_ACTIONS: Final = 1000
LANE_ACTIONS: Final = 250  # of one request among several at a time
BULK_TRIES: Final = 6
UPDATE_TRIES: Final = 50
PUSHED_BACK: Final = 429
TOO_LARGE: Final = 413
BLOCKED: Final = (
    "cluster_block_exception"  # comes as 429 where the disk is nearly full: waiting a few seconds frees none
)
_POISON: Final = frozenset({400, TOO_LARGE})
_OWN: Final = frozenset({404, 409})


@dataclass(frozen=True, slots=True)
class Action:
    """One line pair of a bulk request; `source` None deletes."""

    index: str
    id: str
    source: str | None  # JSON: a document, or the body of an update
    version: int | None = None  # external, equal or greater passes
    # An update changes it where it lies, tried again where somebody else changed it meanwhile; the outcome has what became of it.
    verb: Literal["index", "create", "update"] = "index"
    # Sequence number and term that the document must still have.
    seen: tuple[int, int] | None = None

    def lines(self) -> str:
        """Its NDJSON."""
        head: dict[str, Any] = {"_index": self.index, "_id": self.id}
        if self.version is not None:
            head |= {"version": self.version, "version_type": "external_gte"}
        if self.seen is not None:
            head |= {"if_seq_no": self.seen[0], "if_primary_term": self.seen[1]}
        if self.verb == "update":
            head |= {"retry_on_conflict": UPDATE_TRIES, "_source": True}
        line = orjson.dumps({"delete" if self.source is None else self.verb: head}).decode()
        return f"{line}\n" if self.source is None else f"{line}\n{self.source}\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action: HTTP status and the error's type ('' where it went well)."""

    action: Action
    status: int
    error: str = ""
    # The document after an update.
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def written(self) -> bool:
        """Acknowledged: on the disk of the primary."""
        return not self.error

    @property
    def conflict(self) -> bool:
        """A newer version is there already."""
        return self.status == 409

    @property
    def poison(self) -> bool:
        """Refused for what is in it: it would be refused for ever."""
        return bool(self.error) and self.status in _POISON

    @property
    def foreign(self) -> bool:
        """Refused for a reason that is not its own: the cluster's state, a missing index, missing rights."""
        return (
            bool(self.error)
            and not self.poison
            and not (self.status in _OWN and self.error != "index_not_found_exception")
        )

    def pushed_back(self) -> bool:
        """Worth sending again in a moment."""
        return self.status == PUSHED_BACK and self.error != BLOCKED


Request = Callable[
    [str], "Mapping[str, Any] | int"
]  # NDJSON → the answer, or the status of a request refused as a whole


def send(actions: Iterable[Action], request: Request, sleep: Callable[[float], None], lanes: int = 1) -> list[Outcome]:
    """The outcome of every action, in chunks of bounded size. What stays pushed back has an outcome of status 429.

    `lanes`: how many requests at a time, each no larger than LANE_ACTIONS; what comes next is made up meanwhile. With more than
    one no two actions may be on the same document.
    """
    if lanes == 1:
        return [outcome for chunk in _chunks(actions, BULK_ACTIONS) for outcome in _send_chunk(chunk, request, sleep)]
    with ThreadPoolExecutor(lanes) as pool:
        parts = [pool.submit(_send_chunk, chunk, request, sleep) for chunk in _chunks(actions, LANE_ACTIONS)]
        return [outcome for part in parts for outcome in part.result()]


def _send_chunk(actions: list[Action], request: Request, sleep: Callable[[float], None]) -> list[Outcome]:
    done: list[Outcome] = []
    for wait in (*_waits(), None):
        outcomes = _attempt(actions, request, sleep)
        waiting = [] if wait is None else [outcome.action for outcome in outcomes if outcome.pushed_back()]
        done += outcomes if wait is None else [outcome for outcome in outcomes if not outcome.pushed_back()]
        if not waiting:
            break
        actions = waiting
        sleep(wait or 0.0)
    return done


def _attempt(actions: list[Action], request: Request, sleep: Callable[[float], None]) -> list[Outcome]:
    answer = request("".join(action.lines() for action in actions))
    if not isinstance(answer, int):
        return [_outcome(action, item) for action, item in zip(actions, answer["items"], strict=True)]
    if answer == PUSHED_BACK:
        return [Outcome(action, PUSHED_BACK, "request_pushed_back") for action in actions]
    if len(actions) == 1:
        return [Outcome(actions[0], TOO_LARGE, "request_refused")]
    middle = len(actions) // 2
    return _send_chunk(actions[:middle], request, sleep) + _send_chunk(actions[middle:], request, sleep)


def _waits() -> Iterator[float]:
    return (min(30.0, 0.5 * 2**attempt) for attempt in range(BULK_TRIES - 1))


def _outcome(action: Action, item: Mapping[str, Any]) -> Outcome:
    ((_, result),) = item.items()
    error = result.get("error")
    source = result.get("get", {}).get("_source", {})
    return Outcome(action, int(result["status"]), error.get("type", "error") if error else "", source)


def _chunks(actions: Iterable[Action], most: int) -> Iterator[list[Action]]:
    chunk, size = list[Action](), 0
    for action in actions:
        length = len(action.source or "") * 2
        if chunk and (size + length > BULK_BYTES or len(chunk) >= most):
            yield chunk
            chunk, size = [], 0
        chunk.append(action)
        size += length
    if chunk:
        yield chunk
