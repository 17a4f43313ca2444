"""Named blobs, counters and tombstones in Elasticsearch (index duluan-state)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from duluan.clock import Clock, format_time, parse_time
from duluan.errors import StoreError
from index.elastic import Cluster, path_of
from index.elastic_bulk import Action
from index.elastic_schema import META_ID, STATE

PART = 6_000_000  # bytes of a blob in one document; base64 makes a third more
ABANDONED = timedelta(minutes=10)  # a writer that reserved numbers and never reported is taken for dead

_RESERVE = """
def first = ((Number) ctx._source.counters.getOrDefault(params.name, 0L)).longValue() + 1;
ctx._source.counters[params.name] = first + params.count - 1;
ctx._source.open[params.name + ':' + first] = params.at;
"""
_LEASE = """
def standing = ctx._source.target;
boolean over = standing == null || standing == params.holder || standing == params.over
    || ZonedDateTime.parse(ctx._source.at).toInstant().toEpochMilli() <= params.now;
if (over) { ctx._source.target = params.holder; ctx._source.at = params.until; }
"""
_DONE = "ctx._source.open.remove(params.key)"


class Counters:
    """Numbers that are never given twice. A reader waits behind numbers that are given and not yet written."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock

    def reserve(self, name: str, count: int, beside: Iterable[Action] = ()) -> int:
        """The first of `count` new numbers (0 where `count` is 0); report them `done` once they are written.

        `beside` is written in the same request.
        """
        if not count:
            self._cluster.write_all(beside)
            return 0
        params = {"name": name, "count": count, "at": format_time(self._clock())}
        after = self._update(_RESERVE, params, beside)
        return int(after["counters"][name]) - count + 1

    def done(self, name: str, first: int, beside: Iterable[Action] = ()) -> None:
        """The numbers that were reserved as `first` are written. `beside` is written in the same request."""
        if not first:
            self._cluster.write_all(beside)
            return
        self._update(_DONE, {"key": f"{name}:{first}"}, beside)

    def last(self, name: str) -> int:
        """The last number given; 0 before the first."""
        return int(self._meta()["counters"].get(name, 0))

    def settled_below(self, name: str) -> int | None:
        """The first number that may still be on its way; None where all are written."""
        now = self._clock()
        waiting = [
            int(key.rpartition(":")[2])
            for key, at in self._meta()["open"].items()
            if key.startswith(f"{name}:") and _recent(at, now)
        ]
        return min(waiting, default=None)

    def _meta(self) -> dict[str, Any]:
        found: dict[str, Any] = self._cluster.ask("GET", path_of(STATE, "_doc", META_ID))["_source"]
        return found

    def _update(self, script: str, params: Mapping[str, Any], beside: Iterable[Action]) -> Mapping[str, Any]:
        body = {"script": {"source": script, "params": params}}
        change = Action(STATE, META_ID, json.dumps(body), verb="update")
        # what the server pushed back comes last
        (outcome,) = (each for each in self._cluster.write_all([change, *beside]) if each.action is change)
        if not outcome.written:
            raise StoreError(f"kho {self._cluster.shown}: không tăng được bộ đếm ({outcome.error}); hãy chạy lại")
        return outcome.source


def _recent(at: str, now: datetime) -> bool:
    return now - parse_time(at) < ABANDONED


def put_state(cluster: Cluster, name: str, value: bytes) -> None:
    """Write a blob: its parts first, then the head that points to them, then the former parts go."""
    before = cluster.ask_or_none("GET", path_of(STATE, "_doc", f"state:{name}"))
    generation = int(before["_source"]["generation"]) + 1 if before else 1
    parts = [value[start : start + PART] for start in range(0, len(value), PART)]
    for number, part in enumerate(parts):
        source = {"kind": "part", "name": name, "part": number, "value": base64.b64encode(part).decode()}
        cluster.put(STATE, f"state:{name}:{generation}:{number}", json.dumps(source))
    head = {"kind": "state", "name": name, "parts": len(parts), "generation": generation}
    cluster.put(STATE, f"state:{name}", json.dumps(head))
    former = range(int(before["_source"]["parts"])) if before else ()
    cluster.write_all(Action(STATE, f"state:{name}:{generation - 1}:{number}", None) for number in former)


def state(cluster: Cluster, name: str) -> bytes | None:
    """A named blob."""
    head = cluster.ask_or_none("GET", path_of(STATE, "_doc", f"state:{name}"))
    if head is None:
        return None
    generation, parts = head["_source"]["generation"], int(head["_source"]["parts"])
    found = (
        cluster.ask("GET", path_of(STATE, "_doc", f"state:{name}:{generation}:{number}"))["_source"]["value"]
        for number in range(parts)
    )
    return b"".join(base64.b64decode(part) for part in found)


def lease(cluster: Cluster, name: str, holder: str, now: datetime, until: datetime, over: str | None) -> str:
    """Who has the turn after this try; the server runs the script on one version of the document at a time."""
    params = {
        "holder": holder,
        "over": over,
        "now": int(now.timestamp() * 1000),
        "until": format_time(until.astimezone(UTC)),
    }
    body = {
        "script": {"source": _LEASE, "params": params},
        "scripted_upsert": True,
        "upsert": {"kind": "lease", "name": name},
    }
    path = path_of(STATE, "_update", f"lease:{name}")
    answer = cluster.ask("POST", path, body, retry_on_conflict="50", _source="target")
    return str(answer["get"]["_source"]["target"])


def bury(cluster: Cluster, id: str, now: datetime) -> None:
    """A tombstone: the document of this id never comes in again."""
    cluster.put(STATE, f"tombstone:{id}", json.dumps({"kind": "tombstone", "at": format_time(now)}), create=True)
    cluster.refresh(STATE)
