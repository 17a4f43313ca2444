"""The province's store: Elasticsearch 9, monthly indices behind two aliases. The same answers as SQLite's, contract-tested."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from duluan.clock import Clock, system_clock
from duluan.errors import StoreError
from duluan.model import Alert, Clustered, Fetch, Issue, Label, Voice
from duluan.query import Filter
from duluan.settings import secret
from index import (
    elastic_alerts,
    elastic_counts,
    elastic_ledger,
    elastic_read,
    elastic_retain,
    elastic_roles,
    elastic_schema,
    elastic_state,
)
from index.base import Batch, CountRow, DuplicatePolicy, Outgoing, Page, WriteResult
from index.elastic import Cluster
from index.elastic_bulk import Action
from index.elastic_write import Writer
from index.ledger import dump
from index.retention import ids_of
from index.rows import from_micros, micros

log = logging.getLogger(__name__)

_IDS = 5000  # ids asked for at once


class ElasticIndex:
    """See `index.base.Index`. Reads see this process's own writes and all that was acknowledged before this object was first
    used; what other processes write later, within a second."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        login: tuple[str, str] | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._cluster = Cluster(url, api_key, login=login)
        self.shown = self._cluster.shown  # the address without a password
        self._clock = clock
        self._counters = elastic_state.Counters(self._cluster, clock)
        self._writer = Writer(self._cluster, clock)
        self._checked = False

    @classmethod
    def at(cls, url: str) -> ElasticIndex:
        """The store at `http(s)://host:port`, with DULUAN_ES_API_KEY, or DULUAN_ES_USER (elastic) and DULUAN_ES_PASSWORD."""
        password = secret("DULUAN_ES_PASSWORD")
        login = (secret("DULUAN_ES_USER") or "elastic", password) if password else None
        return cls(url, api_key=secret("DULUAN_ES_API_KEY"), login=login)

    def setup(self) -> None:
        """Templates, indices, aliases; needs the admin role, unless all is in place. Copies indices of an older mapping."""
        if elastic_schema.stored_version(self._cluster) != elastic_schema.VERSION:
            elastic_schema.install(self._cluster, self._clock())
        self._opened()

    def secure(self, keys: Path | None = None, kibana_password: str | None = None) -> Iterator[str]:
        """Roles, API keys into the folder `keys`, Kibana's own password; what was done, a line each. Needs manage_security."""
        return elastic_roles.install_roles(self._cluster, keys, kibana_password)

    def drop(self) -> None:
        """Remove everything of ours from the cluster: indices and templates. For tests and for starting anew."""
        names = self._cluster.ask("GET", "/duluan-*/_alias", ignore_unavailable="true")
        if names:
            self._cluster.ask("DELETE", f"/{','.join(sorted(names))}")
        self._cluster.ask_or_none("DELETE", "/_index_template/duluan-*")
        self._cluster.ask_or_none("DELETE", "/_component_template/duluan-*")
        self._checked = False

    def close(self) -> None:
        """Bring the counts for Kibana up to date where this object wrote, and close the connections."""
        try:
            if self._checked and self._writer.recounter.pending:
                self._writer.recounter.run()
        except StoreError as error:
            log.warning("counts for Kibana wait for the next writer: %s", error)  # the marks stay in the store
        self._cluster.close()
        self._checked = False

    def recount(self) -> int:
        """Bring the counts for Kibana up to date now; how many days were counted anew."""
        self._ready()
        return self._writer.recounter.run()

    def write(self, batch: Batch, *, policy: DuplicatePolicy = DuplicatePolicy.NEWER) -> WriteResult:
        """Store one batch; documents first, state last."""
        self._ready()
        return self._writer.write(batch, policy)

    def known(self, ids: Iterable[str]) -> dict[str, datetime]:
        """Stored ids with their version."""
        self._ready()
        asked = list(ids)
        found: dict[str, datetime] = {}
        for start in range(0, len(asked), _IDS):
            stored, *_ = self._writer.look_up(asked[start : start + _IDS])
            found.update((id_, from_micros(item.version)) for id_, item in stored.items())
        return found

    def get(self, id: str) -> Clustered | None:
        """One document."""
        self._ready()
        hits = list(elastic_read.by_ids(self._cluster, [id], []))
        return elastic_read.document_of(hits[0]["_source"]) if hits else None

    def documents(self, query: Filter, *, oldest_first: bool = False) -> Iterator[Clustered]:
        """Stream all matches from one point in time."""
        self._ready()
        yield from elastic_read.stream(self._cluster, query, oldest_first=oldest_first)

    def ingested(self, after: int = 0) -> Iterator[tuple[int, Clustered]]:
        """Documents by sequence number, up to the first number that another writer may still be writing."""
        self._ready()
        below = self._counters.settled_below("sequence")
        while found := elastic_read.ingested(self._cluster, after, below):
            yield from found
            after = found[-1][0]

    def first_issues(self) -> Iterator[tuple[str, str]]:
        """Where documents stood that were moved since."""
        self._ready()
        yield from elastic_read.first_issues(self._cluster)

    def last_sequence(self) -> int:
        """The highest sequence number given."""
        self._ready()
        return self._counters.last("sequence")

    def search(self, query: Filter, *, limit: int = 20, after: str | None = None) -> Page:
        """One page of hits."""
        self._ready()
        return elastic_read.search(self._cluster, query, limit, after)

    def count(self, query: Filter) -> int:
        """Number of matches."""
        self._ready()
        return elastic_read.count(self._cluster, query)

    def counts(self, query: Filter, by: Sequence[str]) -> list[CountRow]:
        """Grouped counts."""
        self._ready()
        return elastic_counts.counts(self._cluster, query, by)

    def voices(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Voice]:
        """Voices by (fetched, id), from one point in time."""
        self._ready()
        yield from elastic_read.voices(
            self._cluster, None if since is None else micros(since), None if until is None else micros(until)
        )

    def fetches(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Fetch]:
        """The fetch ledger."""
        self._ready()
        yield from elastic_ledger.fetches(self._cluster, since, until)

    def rejections(self) -> list[tuple[str, str, int]]:
        """What was refused, by source and reason."""
        self._ready()
        return elastic_ledger.rejections(self._cluster)

    def issues(self, ids: Sequence[str] | None = None) -> Iterator[Issue]:
        """Issues."""
        self._ready()
        yield from elastic_ledger.issues(self._cluster, ids)

    def put_labels(self, labels: Sequence[Label]) -> None:
        """Store staff's corrections."""
        self._ready()
        elastic_ledger.put_labels(self._cluster, labels)

    def labels(self, ids: Iterable[str] | None = None) -> dict[str, Label]:
        """Staff's corrections by id."""
        self._ready()
        return elastic_ledger.labels(self._cluster, ids)

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        """Store versions of alerts."""
        self._ready()
        elastic_alerts.put_alerts(self._cluster, self._counters, alerts)

    def alerts(self, *, since: datetime | None = None, until: datetime | None = None) -> list[Alert]:
        """Current versions, newest first."""
        self._ready()
        return elastic_alerts.alerts(self._cluster, since, until)

    def alert_history(self, id: str) -> list[dict[str, Any]]:
        """One alert's versions and events."""
        self._ready()
        return elastic_alerts.alert_history(self._cluster, id)

    def add_alert_event(self, id: str, event: Mapping[str, Any]) -> None:
        """Append to an alert's history."""
        self._ready()
        elastic_alerts.add_alert_event(self._cluster, self._counters, id, event)

    def outbox_add(self, messages: Sequence[Outgoing]) -> int:
        """Add messages to be sent."""
        self._ready()
        return elastic_alerts.outbox_add(self._cluster, messages)

    def outbox(self, *, pending: bool = True) -> list[Outgoing]:
        """Messages, oldest first."""
        self._ready()
        return elastic_alerts.outbox(self._cluster, pending=pending)

    def outbox_mark(self, id: str, *, sent: datetime | None, error: str = "") -> None:
        """Record one try."""
        self._ready()
        elastic_alerts.outbox_mark(self._cluster, id, sent, error)

    def state(self, name: str) -> bytes | None:
        """A named blob."""
        self._ready()
        return elastic_state.state(self._cluster, name)

    def put_state(self, name: str, value: bytes) -> None:
        """Write a named blob."""
        self._ready()
        elastic_state.put_state(self._cluster, name, value)

    def lease(self, name: str, holder: str, *, now: datetime, until: datetime, over: str | None = None) -> str:
        """Take or renew a turn."""
        self._ready()
        standing = elastic_state.lease(self._cluster, name, holder, now, until, over)
        self._cluster.look_anew()
        return standing

    def audit(self, event: Mapping[str, Any]) -> None:
        """Append to the audit log."""
        self._ready()
        elastic_ledger.add_audit(self._cluster, self._counters, event)

    def audit_log(self) -> Iterator[dict[str, Any]]:
        """The audit log."""
        self._ready()
        yield from elastic_ledger.audit_log(self._cluster)

    def issue_log(self, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """What was decided of issues, and moved, by number."""
        self._ready()
        return elastic_ledger.issue_log(self._cluster, self._counters, after)

    def aggregate(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one aggregation, as Kibana would ask it; for checking boards only, no stage asks this way."""
        self._ready()
        self._cluster.refresh("duluan")
        return dict(self._cluster.search(index, body))

    def put_shapes(self, shapes: Iterable[Mapping[str, Any]]) -> int:
        """Store the communes' polygons for Kibana's map; how many."""
        self._ready()
        elastic_schema.create(self._cluster, elastic_schema.SHAPES, elastic_schema.template("communes"))
        actions = [Action(elastic_schema.SHAPES, str(shape["code"]), dump(shape)) for shape in shapes]
        self._cluster.write_all(actions)
        return len(actions)

    def retain(self, now: datetime) -> dict[str, int]:
        """Apply the retention rules."""
        self._ready()
        return elastic_retain.retain(self._cluster, self._writer, now)

    def takedown(self, url: str, now: datetime) -> bool:
        """Remove a URL's document from everything."""
        self._ready()
        takedown = elastic_retain.takedown
        removed = [takedown(self._cluster, self._writer, self._counters, id_, now) for id_ in ids_of(url)]
        return any(removed)

    def backup(self, target: str) -> None:
        """A snapshot into the repository folder `target` of the server."""
        self._ready()
        elastic_retain.backup(self._cluster, target, self._clock())

    def restore(self, source: str) -> None:
        """The newest snapshot of the repository folder `source` of the server."""
        elastic_retain.restore(self._cluster, source)

    def check(self) -> list[str]:
        """What is wrong with the store; empty where all is well."""
        self._ready()
        return elastic_retain.check(self._cluster)

    def _ready(self) -> None:
        """Raises StoreError unless the schema is the one that this program knows."""
        if self._checked:
            return
        found = elastic_schema.stored_version(self._cluster)
        shown = self._cluster.shown
        if found is None:
            raise StoreError(f"kho {shown}: chưa có lược đồ; hãy chạy: duluan setup")
        if found != elastic_schema.VERSION:
            advice = "hãy nâng cấp duluan" if found > elastic_schema.VERSION else "hãy chạy: duluan setup"
            raise StoreError(f"kho {shown}: lược đồ ở bản {found}, cần bản {elastic_schema.VERSION}; {advice}")
        self._opened()

    def _opened(self) -> None:
        self._checked = True
        self._cluster.look_anew()
