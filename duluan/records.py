"""Records ⇄ JSON objects (contract.md). Reading is strict: a bad value raises ValueError that names the key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar, cast

from duluan.clock import format_time, parse_time
from duluan.model import (
    KINDS,
    SENTIMENTS,
    Alert,
    Clustered,
    Document,
    Engagement,
    Enriched,
    Evidence,
    Fetch,
    Place,
)
from duluan.text import nfc
from duluan.urls import canonical_url, document_id

Record = dict[str, Any]
D = TypeVar("D", bound=Document)

_OPTIONAL = {"published", "parent", "engagement", "topic2", "agency"}


def dumps(record: Mapping[str, Any]) -> str:
    """One line of JSON, UTF-8, keys in the order of the contract."""
    return json.dumps(record, ensure_ascii=False, separators=(", ", ": "))


def to_record(item: Document | Alert | Fetch | Place) -> Record:
    """A record's JSON object; optional keys that are empty are left out."""
    if isinstance(item, Fetch):
        return {"fetch": {"source": item.source, "at": format_time(item.at), "ok": item.ok}}
    return {
        spec.name: _plain(value)
        for spec in fields(item)
        if not ((value := getattr(item, spec.name)) is None and spec.name in _OPTIONAL)
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Engagement):
        return {s.name: v for s in fields(value) if (v := getattr(value, s.name)) is not None}
    if isinstance(value, (Place, Evidence)):
        return {s.name: _plain(getattr(value, s.name)) for s in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


def fetch_from(record: Record) -> Fetch | None:
    """The fetch line in `record`, or None where it is none."""
    inner = record.get("fetch")
    if not isinstance(inner, dict):
        return None
    return Fetch(_text(inner, "source"), _time(inner, "at"), bool(_need(inner, "ok")))


def document_from(record: Record, *, nukeviet: bool = False) -> Document:
    """A Document; `id` is computed from `url` where it is missing. Unknown keys are ignored (see `unknown_keys`)."""
    return Document(**_document_fields(record, nukeviet))


def enriched_from(record: Record) -> Enriched:
    """An Enriched record; raises ValueError where a key of the contract is missing."""
    return Enriched(**_document_fields(record, nukeviet=False), **_enriched_fields(record))


def clustered_from(record: Record) -> Clustered:
    """A Clustered record."""
    return Clustered(
        **_document_fields(record, nukeviet=False),
        **_enriched_fields(record),
        origin=_text(record, "origin"),
        issue=_text(record, "issue"),
    )


def unknown_keys(record: Record, known: type[Document] = Document) -> list[str]:
    """Keys outside the schema (an author, say): dropped and counted, never stored."""
    names = {spec.name for spec in fields(known)}
    return sorted(key for key in record if key not in names)


def place_from(record: Record) -> Place:
    """A Place."""
    return Place(
        code=_text(record, "code"),
        era=cast(Any, _one_of(record, "era", ("now", "old"))),
        level=cast(Any, _one_of(record, "level", ("province", "district", "commune"))),
        name=_text(record, "name"),
        now=tuple(str(code) for code in _list(record, "now")),
        written=_text(record, "written"),
    )


def alert_from(record: Record) -> Alert:
    """An Alert, as stored or replayed."""
    low, high = (float(bound) for bound in _list(record, "range90"))
    return Alert(
        id=_text(record, "id"),
        issue=_text(record, "issue"),
        tier=cast(Any, _one_of(record, "tier", ("mail", "watch", "system"))),
        reason=_text(record, "reason"),
        title=_text(record, "title"),
        started=_time(record, "started"),
        detected=_time(record, "detected"),
        voices=int(_need(record, "voices")),
        expected=float(_need(record, "expected")),
        range90=(low, high),
        share=float(_need(record, "share")),
        share_usual=float(_need(record, "share_usual")),
        score=float(_need(record, "score")),
        reprints=int(_need(record, "reprints")),
        places=tuple(_list(record, "places")),
        topic=_text(record, "topic"),
        agency=record.get("agency"),
        evidence=tuple(
            Evidence(
                id=_text(item, "id"),
                url=_text(item, "url"),
                source=_text(item, "source"),
                published=_time(item, "published") if item.get("published") else None,
                excerpt=_text(item, "excerpt"),
            )
            for item in _list(record, "evidence")
        ),
        coverage=dict(record.get("coverage") or {}),
        models=dict(record.get("models") or {}),
    )


def _document_fields(record: Record, nukeviet: bool) -> dict[str, Any]:
    url = _text(record, "url")
    given = record.get("id")
    engagement = record.get("engagement")
    return {
        "id": str(given) if given else document_id(url, nukeviet=nukeviet),
        "url": url if given else canonical_url(url, nukeviet=nukeviet),
        "source": _text(record, "source"),
        "kind": _one_of(record, "kind", KINDS),
        "title": nfc(_text(record, "title")),
        "text": nfc(_text(record, "text")),
        "fetched": _time(record, "fetched"),
        "published": _time(record, "published") if record.get("published") else None,
        "parent": record.get("parent"),
        "engagement": Engagement(**{k: _count(engagement, k) for k in ("reactions", "comments", "shares")})
        if isinstance(engagement, dict)
        else None,
    }


def _enriched_fields(record: Record) -> dict[str, Any]:
    shares = _need(record, "sentiment_p")
    return {
        "lang": _text(record, "lang"),
        "topic": _text(record, "topic"),
        "topic_p": float(_need(record, "topic_p")),
        "topic2": record.get("topic2"),
        "sentiment": _one_of(record, "sentiment", SENTIMENTS),
        "sentiment_p": {name: float(shares[name]) for name in SENTIMENTS},
        "uncertain": bool(_need(record, "uncertain")),
        "feedback": bool(_need(record, "feedback")),
        "feedback_p": float(_need(record, "feedback_p")),
        "toxic_p": float(_need(record, "toxic_p")),
        "places": tuple(place_from(item) for item in _list(record, "places")),
        "in_province": bool(_need(record, "in_province")),
        "agency": record.get("agency"),
        "keywords": tuple(str(word) for word in _list(record, "keywords")),
        "models": dict(_need(record, "models")),
    }


def _need(record: Record, key: str) -> Any:
    if key not in record or record[key] is None:
        raise ValueError(f"missing key {key!r}")
    return record[key]


def _text(record: Record, key: str) -> str:
    value = _need(record, key)
    if not isinstance(value, str):
        raise ValueError(f"key {key!r} must be text, found {type(value).__name__}")
    return value


def _list(record: Record, key: str) -> list[Any]:
    value = _need(record, key)
    if not isinstance(value, list):
        raise ValueError(f"key {key!r} must be a list, found {type(value).__name__}")
    return value


def _time(record: Record, key: str) -> datetime:
    try:
        return parse_time(_text(record, key))
    except ValueError as error:
        raise ValueError(f"key {key!r}: {error}") from None


def _one_of(record: Record, key: str, allowed: Iterable[str]) -> str:
    value = _text(record, key)
    if value not in (choices := tuple(allowed)):
        raise ValueError(f"key {key!r}: {value[:40]!r}, allowed: {', '.join(choices)}")
    return value


def _count(record: Record, key: str) -> int | None:
    value = record.get(key)
    return None if value is None else int(value)
