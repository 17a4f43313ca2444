"""A recorded stream through the detector, hour by hour: `duluan replay`. What the stream does not give is enriched and clustered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from alerts.engine import Engine
from alerts.signal import Signal
from duluan.config import Profile
from duluan.model import SENTIMENTS, Alert, Document, Enriched, Evidence, Fetch, Issue, Rejected, Voice
from duluan.privacy import redact
from duluan.records import Record, document_from, fetch_from
from duluan.text import excerpt
from duluan.voices import commune_codes
from flows.subjects import title_of
from nlp.matters import matters

GIVEN = ("sentiment", "topic", "origin", "issue")
BATCH = 500
_EXCERPTS = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a stream with what it gives beyond the document."""

    document: Document
    record: Record


Loaded = Entry | Fetch


class Assigns(Protocol):
    """What replay needs of the clusterer."""

    def add(self, documents: Sequence[Document]) -> Sequence[Any]:
        """Assignments of documents, in order."""

    def take_changes(self) -> Any:
        """Issues and merges since the last call."""


def load(record: Record, given: frozenset[str]) -> Loaded:
    """A line of a stream. Raises ValueError for one that cannot be used."""
    fetch = fetch_from(record)
    if fetch is not None:
        return fetch
    for key in ("origin", "issue", "topic"):
        if key in given and not isinstance(record.get(key), str):
            raise ValueError(f"missing key {key!r} (given)")
    if "sentiment" in given and record.get("sentiment") not in SENTIMENTS:
        raise ValueError(f"key 'sentiment': {record.get('sentiment')!r}, allowed: {', '.join(SENTIMENTS)}")
    kept = ("origin", "issue", "topic", "sentiment", "sentiment_p", "uncertain", "in_province")
    return Entry(document_from(record), {key: record.get(key) for key in kept})


@dataclass(slots=True)
class Replay:
    """Runs a loaded stream. `profile` is needed only where something must be enriched.

    `scoped`: what is not in the province is clustered but not counted, as `duluan watch` does; else everything is.
    """

    given: frozenset[str]
    profile: Profile | None = None
    step: timedelta = timedelta(hours=1)
    scoped: bool = False
    rejected: list[Rejected] = field(default_factory=list)
    _issues: dict[str, Issue] = field(default_factory=dict)
    _shown: dict[str, Document] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)  # voice → issue, to notice moves
    _enrich: Callable[[Iterable[Document]], Iterator[Enriched | Rejected]] | None = None
    _clusterer: Assigns | None = None

    def run(self, items: Sequence[Loaded], progress: Callable[[float], None] | None = None) -> Iterator[Alert]:
        """Alerts in order of detection: one when an episode opens, one more when it is promoted to mail."""
        queue = sorted(items, key=_order)
        if not queue:
            return
        self._prepare()
        engine = Engine(self.profile.alerts if self.profile else None)
        first, last = _order(queue[0])[0], _order(queue[-1])[0]
        clock = first.replace(minute=0, second=0, microsecond=0)
        position = 0
        while clock < last:
            clock += self.step
            end = position
            while end < len(queue) and _order(queue[end])[0] <= clock:
                end += 1
            self._feed(engine, queue[position:end])
            position = end
            for signal in engine.step(clock):
                if signal.turn in ("opened", "promoted"):
                    yield self._alert(signal)
            if progress:
                progress((clock - first) / max(last - first, self.step))

    def _prepare(self) -> None:
        """Language models are loaded only where the stream does not give what they would say."""
        if not {"sentiment", "topic"} <= self.given:
            from nlp.enrich import Enricher

            if self.profile is None:
                raise ValueError("enriching needs a province profile")
            self._enrich = Enricher(self.profile).enrich
        if not {"origin", "issue"} <= self.given:
            from nlp.cluster import Clusterer

            self._clusterer = Clusterer()

    def _feed(self, engine: Engine, items: Sequence[Loaded]) -> None:
        for item in items:
            if isinstance(item, Fetch):
                engine.observe(item)
        entries = [item for item in items if isinstance(item, Entry)]
        for voice in self._voices(entries, engine):
            engine.observe(voice)

    def _voices(self, entries: Sequence[Entry], engine: Engine) -> Iterator[Voice]:
        enriched = self._enriched(entries)
        kept = [(entry, enriched[entry.document.id]) for entry in entries if entry.document.id in enriched]
        assigned: dict[str, tuple[str, str]] = {}
        if self._clusterer is not None and kept:
            for assignment in self._clusterer.add([document for _, document in kept]):
                assigned[assignment.id] = (assignment.origin, assignment.issue)
            changes = self._clusterer.take_changes()
            for old, new in changes.merges.items():
                engine.merge(old, new)
            self._issues |= {issue.id: issue for issue in changes.issues}
            for id, issue in getattr(changes, "moves", {}).items():
                engine.move(id, issue)
        for entry, document in kept:
            if self.scoped and not _inside(entry, document):
                continue
            self._shown[document.id] = document
            yield self._voice(entry, document, *assigned.get(document.id, ("", "")))

    def _enriched(self, entries: Sequence[Entry]) -> dict[str, Document]:
        documents = [entry.document for entry in entries]
        if self._enrich is None:
            return {document.id: document for document in documents}
        found: dict[str, Document] = {}
        for result in self._enrich(documents):
            if isinstance(result, Rejected):
                self.rejected.append(result)
            else:
                found[result.id] = result
        return found

    def _voice(self, entry: Entry, document: Document, origin: str, issue: str) -> Voice:
        record = entry.record
        said = _opinion(record, document, self.given)
        places, terms = tuple[str, ...](), tuple[str, ...]()
        if isinstance(document, Enriched):
            places, terms = commune_codes(document.places), matters(document)
        return Voice(
            id=document.id,
            origin=str(record["origin"]) if "origin" in self.given else origin,
            issue=str(record["issue"]) if "issue" in self.given else issue,
            source=document.source,
            kind=document.kind,
            topic=str(record["topic"]) if "topic" in self.given else _topic(document),
            sentiment=said[0],
            p_neg=said[1],
            uncertain=bool(record.get("uncertain")),
            fetched=document.fetched,
            published=document.published,
            places=places,
            terms=terms,
        )

    def _alert(self, signal: Signal) -> Alert:
        alert = signal.alert
        shown = [self._shown[id] for id in signal.voices if id in self._shown]
        title = title_of(alert.issue, shown, self._issues.get(alert.issue), self.profile)
        title = f"{title}: {alert.title.partition(': ')[2]}" if title else alert.title
        agency = self.profile.agency_for(alert.topic) if self.profile else None
        evidence = tuple(_evidence(document) for document in shown[:_EXCERPTS])
        return replace(alert, title=title, evidence=evidence, agency=agency.id if agency else None)


def _order(item: Loaded) -> tuple[datetime, int, str]:
    if isinstance(item, Fetch):
        return item.at, 1, item.source
    return item.document.fetched, 0, item.document.id


def _inside(entry: Entry, document: Document) -> bool:
    return document.in_province if isinstance(document, Enriched) else entry.record.get("in_province") is not False


def _opinion(record: Record, document: Document, given: frozenset[str]) -> tuple[Any, float]:
    if "sentiment" in given:
        return record["sentiment"], float(record["sentiment"] == "neg")
    if isinstance(document, Enriched):
        return document.sentiment, float(document.sentiment_p["neg"])
    raise ValueError("neither given nor enriched: sentiment")


def _topic(document: Document) -> str:
    return document.topic if isinstance(document, Enriched) else "khac"


def _evidence(document: Document) -> Evidence:
    whole = f"{document.title}. {document.text}".strip(" .")
    return Evidence(
        id=document.id,
        url=document.url,
        source=document.source,
        published=document.published,
        excerpt=excerpt(redact(whole, document.kind)),
    )
