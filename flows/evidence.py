"""From a signal of the detector to an alert that a person can read: title, quotations, department, and the card's context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from alerts.card import Context
from alerts.engine import Engine
from alerts.signal import Signal
from alerts.words import headline
from duluan.clock import local, parse_time
from duluan.config import Profile
from duluan.model import VOICE_KINDS, Alert, Clustered, Evidence, Issue
from duluan.privacy import redact
from duluan.query import Filter
from duluan.text import excerpt
from flows.leading import as_decided
from flows.subjects import documents_of, title_of
from index.base import Index

EXCERPTS = 5
_OFFICIAL = frozenset({"nukeviet", "liferay"})

Lookup = Callable[[str], Clustered | None]


def readable(signal: Signal, lookup: Lookup, issue: Issue | None, profile: Profile | None) -> Alert:
    """The signal's alert with its `title_of`, the department, and at most five quotations of distinct origins, distinct sources first."""
    alert = signal.alert
    found = [document for id in signal.voices if (document := lookup(id)) is not None]
    agency = profile.agency_for(alert.topic) if profile else None
    title = title_of(alert.issue, found, issue, profile)
    return replace(
        alert,
        title=f"{headline(title)}: {alert.title.partition(': ')[2]}" if title else alert.title,
        agency=agency.id if agency else None,
        evidence=tuple(quotation(document) for document in _varied(found)),
        models={**alert.models, **(found[0].models if found else {})},
    )


def _varied(documents: Sequence[Clustered]) -> list[Clustered]:
    """One for each origin, other sources first."""
    unique = list({document.origin: document for document in reversed(documents)}.values())[::-1]
    heads: dict[str, Clustered] = {}
    for document in unique:
        heads.setdefault(document.source, document)
    rest = [document for document in unique if heads[document.source] is not document]
    return [*heads.values(), *rest][:EXCERPTS]


def quotation(document: Clustered) -> Evidence:
    """A redacted excerpt of at most 300 characters."""
    whole = f"{document.title}. {document.text}" if document.title and document.kind == "news" else document.text
    return Evidence(
        id=document.id,
        url=document.url,
        source=document.source,
        published=document.published,
        excerpt=excerpt(redact(whole or document.title, document.kind)),
    )


def context(store: Index, engine: Engine, alert: Alert, profile: Profile) -> Context:
    """What the store adds to the card: nothing that came after the moment of the alert's numbers."""
    until = parse_time(str(alert.coverage["until"])) if "until" in alert.coverage else alert.detected
    found = [d for d in documents_of(store, alert.issue, Filter(since=alert.started)) if d.fetched <= until]
    own = {document.origin: document for document in found}
    counts = Counter(document.source for document in own.values())
    issue = next(iter(store.issues([alert.issue])), None) if alert.issue else None
    return Context(
        days=tuple(engine.series(alert.issue)),
        terms=tuple(term.replace("_", " ") for term in issue.terms) if issue else (),
        sources=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        public=not any(document.kind in VOICE_KINDS for document in own.values()),
        official=sum(_official(document, profile) for document in own.values()),
        alike=1 - len(own) / len(found) if found else 0.0,
        past=tuple(_past(store, alert)),
    )


def _official(document: Clustered, profile: Profile) -> bool:
    source = profile.source_by_id.get(document.source)
    return source is not None and source.via in _OFFICIAL


def _past(store: Index, alert: Alert) -> Iterable[str]:
    words = {"false_alarm": "báo động nhầm", "acknowledged": "đã tiếp nhận", "closed": "đã hạ nhiệt"}
    earlier = [other for other in store.alerts(until=alert.started) if other.id != alert.id and other.tier != "system"]
    mine, *others = as_decided(store, [alert, *earlier])
    for other in others:
        if other.issue != mine.issue:
            continue
        states = [entry["state"] for entry in store.alert_history(other.id) if entry["state"] in words]
        outcome = words[states[-1]] if states else "chưa ghi nhận kết quả"
        yield f"Đã có cảnh báo ngày {local(other.detected):%d/%m/%Y}: {outcome}."
