"""One document in both stores: its search tokens, its time to the second, its fingerprint, and its JSON body and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import isfinite
from typing import Any

import orjson

from duluan.model import Clustered, Engagement, Place, Rejected
from duluan.voices import commune_codes
from index.tokens import search_texts

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_FIRST, _LAST = -2_208_988_800, 4_102_444_800  # 1900 and 2100: what is outside is a broken clock or a wrong parse


def micros(moment: datetime) -> int:
    """Microseconds since 1970 (exact integer arithmetic)."""
    return (moment - EPOCH) // _MICROSECOND


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970, rounded down: what `since`, `until` and the order of search rest on."""
    return (moment - EPOCH) // _SECOND


def from_micros(value: int) -> datetime:
    """The moment `value` microseconds after 1970, in UTC."""
    return EPOCH + value * _MICROSECOND


def from_seconds(value: int) -> datetime:
    """The moment `value` seconds after 1970, in UTC."""
    return EPOCH + value * _SECOND


def time_of(document: Clustered) -> datetime:
    """The time that a document counts at: published, else fetched."""
    return document.published or document.fetched


def body_of(document: Clustered) -> str:
    """Everything but title, text and the columns that stores keep themselves, as one JSON array (see `document_from`)."""
    seen = document.engagement
    published = document.published
    parts = (
        document.fetched.isoformat(),
        None if published is None else published.isoformat(),
        document.parent,
        None if seen is None else (seen.reactions, seen.comments, seen.shares),
        document.lang,
        document.topic_p,
        document.topic2,
        dict(document.sentiment_p),
        document.feedback,
        document.feedback_p,
        document.toxic_p,
        [(p.code, p.era, p.level, p.name, p.now, p.written) for p in document.places],
        document.agency,
        document.keywords,
        dict(document.models),
    )
    # orjson writes NaN as null: refused here, since no store could give it back
    if not isfinite(document.topic_p + document.feedback_p + document.toxic_p + sum(document.sentiment_p.values())):
        raise ValueError("a probability that is no number")
    return orjson.dumps(parts).decode()


def document_from(
    body: str,
    *,
    id: str,
    url: str,
    source: str,
    kind: Any,
    title: str,
    text: str,
    topic: str,
    sentiment: Any,
    uncertain: bool,
    in_province: bool,
    origin: str,
    issue: str,
) -> Clustered:
    """The inverse of `body_of` with a store's own columns."""
    b = orjson.loads(body)
    return Clustered(
        id=id,
        url=url,
        source=source,
        kind=kind,
        title=title,
        text=text,
        fetched=datetime.fromisoformat(b[0]),
        published=None if b[1] is None else datetime.fromisoformat(b[1]),
        parent=b[2],
        engagement=None if b[3] is None else Engagement(*b[3]),
        lang=b[4],
        topic=topic,
        topic_p=b[5],
        topic2=b[6],
        sentiment=sentiment,
        sentiment_p=b[7],
        uncertain=uncertain,
        feedback=b[8],
        feedback_p=b[9],
        toxic_p=b[10],
        places=tuple(_place(*item) for item in b[11]),
        in_province=in_province,
        agency=b[12],
        keywords=tuple(b[13]),
        models=b[14],
        origin=origin,
        issue=issue,
    )


@dataclass(slots=True)
class Prepared:
    """A document ready for either store; computed outside any transaction."""

    document: Clustered
    body: str
    tokens: str  # see `tokens.search_text`
    at: int  # seconds since 1970 of published, else fetched
    fetched: int  # microseconds since 1970: the version
    published: int | None
    communes: tuple[str, ...]
    fingerprint: str


def prepare(documents: Iterable[Clustered]) -> tuple[list[Prepared], list[Rejected]]:
    """Documents in the form that stores write; what no store can hold is rejected with its reason."""
    ready: list[Prepared] = []
    rejected: list[Rejected] = []
    given = list(documents)
    tokens = search_texts([(document.title, document.text) for document in given])
    for document, searched in zip(given, tokens, strict=True):
        try:
            ready.append(_prepared(document, searched))
        except (UnicodeEncodeError, orjson.JSONEncodeError):
            rejected.append(Rejected("bad_text", document.id, document.source, "không mã hóa được sang UTF-8"))
        except ValueError as error:
            rejected.append(Rejected("bad_value", document.id, document.source, str(error)[:120]))
    return ready, rejected


def _prepared(document: Clustered, tokens: str) -> Prepared:
    fetched = micros(document.fetched)
    published = None if document.published is None else micros(document.published)
    at = (fetched if published is None else published) // 1_000_000
    if not _FIRST <= at <= _LAST:
        raise ValueError(f"time outside 1900–2100: {at} s")
    body = body_of(document)
    return Prepared(
        document=document,
        body=body,
        tokens=tokens,
        at=at,
        fetched=fetched,
        published=published,
        communes=commune_codes(document.places) if document.places else (),
        fingerprint=fingerprint(document, body),
    )


def fingerprint(document: Clustered, body: str) -> str:
    """Changes whenever anything of a document but its origin and issue does: a known one need not be written again.

    Origin and issue are compared apart, since merges change them in the store alone. Raises UnicodeEncodeError for text
    that is no UTF-8 (lone surrogates).
    """
    d = document
    parts = (
        body,
        d.id,
        d.url,
        d.source,
        d.kind,
        d.title,
        d.text,
        d.topic,
        d.sentiment,
        "FT"[d.uncertain],
        "FT"[d.in_province],
    )
    (d.origin + d.issue).encode()
    return blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()


def _place(code: str, era: Any, level: Any, name: str, now: list[str], written: str) -> Place:
    return Place(code=code, era=era, level=level, name=name, now=tuple(now), written=written)
