"""Hourly and daily counts for Kibana, with the minimum cell applied on write (index duluan-hourly).

Kibana's role cannot read people's own words; of these it sees only these counts. A cell of fewer than MIN_CELL voices carries
no number, only `below: true`. Counts change when a late document or a merge comes in, so a day is recounted as a whole under
fixed ids rather than appended to a data stream: whoever recounts it, and how often, ends in the same documents. Days to be
recounted are marked in duluan-state first, so that a crash in between leaves the mark.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from duluan.clock import LOCAL, Clock, format_time
from duluan.model import KINDS, VOICE_KINDS
from duluan.privacy import MIN_CELL
from duluan.query import Filter
from index.base import CountRow
from index.elastic import Cluster
from index.elastic_bulk import Action
from index.elastic_counts import counts
from index.elastic_schema import BOTH, HOURLY, STATE
from index.ledger import dump

log = logging.getLogger(__name__)

CUTS: Final[dict[str, tuple[str, ...]]] = {
    "hour_topic": ("hour", "topic", "sentiment"),
    "day_topic": ("day", "topic", "sentiment"),
    "day_place": ("day", "place", "sentiment"),
    "day_issue": ("day", "issue", "sentiment"),
}
CHANNELS: Final = {"news": tuple(k for k in KINDS if k not in VOICE_KINDS), "voices": tuple(sorted(VOICE_KINDS))}
EVERY: Final = timedelta(minutes=1)
_REST: Final = 10  # a recount is left alone for so many times as long as it took


class Recounter:
    """Remembers which local days changed and brings their counts up to date."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._marked: set[str] = set()
        self._due = datetime(1970, 1, 1, tzinfo=UTC)

    def marks(self, moments: Iterable[int]) -> list[Action]:
        """What marks the local days of these seconds: to be written before what changes them, for a crash in between, and again
        afterwards, for another process may have counted in between. Never left out for a day that was marked before: another
        process may have taken that mark away.
        """
        hours = {second - second % 3600 for second in moments}  # a local day begins with an hour
        days = {f"{datetime.fromtimestamp(hour, LOCAL):%Y-%m-%d}" for hour in hours}
        self._marked |= days
        return [Action(STATE, f"dirty:{day}", dump({"kind": "dirty", "name": day})) for day in days]

    @contextmanager
    def marked(self, moments: Iterable[int]) -> Iterator[None]:
        """A change of documents of these seconds: their days are marked before it and after it."""
        days = list(moments)
        self._cluster.write_all(self.marks(days))
        yield
        self._cluster.write_all(self.marks(days))

    @property
    def pending(self) -> bool:
        """Whether this object marked days that it has not recounted."""
        return bool(self._marked)

    def run_if_due(self) -> None:
        """At most once in EVERY, and at most a tenth of the time: a bulk load touches hundreds of days with each batch."""
        now = self._clock()
        if self._marked and now >= self._due:
            begun = time.monotonic()
            self.run()
            self._due = now + max(EVERY, _REST * timedelta(seconds=time.monotonic() - begun))

    def run(self) -> int:
        """Recount all marked days, other processes' too; how many.

        A mark goes only after its day is counted, and only where nobody marked the day again meanwhile.
        """
        self._cluster.look_anew(STATE)
        dirty = {"term": {"kind": "dirty"}}
        marks = list(self._cluster.stream(STATE, dirty, [{"name": "asc"}], seq_no_primary_term=True))
        # Whatever was written before these marks is counted: whoever writes later marks again.
        self._cluster.look_anew(*BOTH.split(","))
        for mark in marks:
            day = mark["_source"]["name"]
            self._marked.discard(day)
            recount(self._cluster, day)
            seen = (mark["_seq_no"], mark["_primary_term"])
            self._cluster.write_all([Action(STATE, f"dirty:{day}", None, seen=seen)])
        return len(marks)


def recount(cluster: Cluster, day: str) -> None:
    """Write the cells of one local day anew and remove those that are gone."""
    start = datetime.fromisoformat(day).replace(tzinfo=LOCAL)
    span = {"gte": int(start.timestamp()) * 1000, "lt": int((start + timedelta(days=1)).timestamp()) * 1000}
    cells: dict[str, str] = {}
    for channel, kinds in CHANNELS.items():
        query = Filter(since=start, until=start + timedelta(days=1), kinds=kinds)
        for cut, keys in CUTS.items():
            for row in counts(cluster, query, keys):
                id_, cell = _cell(channel, cut, keys, row)
                cells[id_] = cell
    before = cluster.stream(
        HOURLY, {"range": {"hour": {**span, "format": "epoch_millis"}}}, [{"_doc": "asc"}], _source=False
    )
    gone = [hit["_id"] for hit in before if hit["_id"] not in cells]
    actions = [Action(HOURLY, id_, source) for id_, source in cells.items()]
    cluster.write_all([*actions, *(Action(HOURLY, id_, None) for id_ in gone)])


def _cell(channel: str, cut: str, keys: Sequence[str], row: CountRow) -> tuple[str, str]:
    """(id, JSON) of one cell."""
    at = row.hour or row.day
    assert at is not None
    below = channel == "voices" and row.voices < MIN_CELL
    cell: dict[str, Any] = {"hour": format_time(at), "cut": cut, "channel": channel, "below": below}
    cell |= {key: getattr(row, key) for key in keys if key not in {"hour", "day"}}
    if not below:
        cell |= {"documents": row.documents, "voices": row.voices}
    name = "|".join(
        str(cell.get(key, "")) for key in ("hour", "cut", "channel", "issue", "topic", "sentiment", "place")
    )
    return blake2b(name.encode(), digest_size=12).hexdigest(), dump(cell)
