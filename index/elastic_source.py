"""A document as it lies in Elasticsearch."""

from __future__ import annotations

from typing import Any

import orjson

from duluan.clock import format_time
from index.rows import Prepared, from_seconds


def source_of(item: Prepared, seq: int, first_issue: str | None) -> str:
    """A document's JSON: what people see in Kibana, what filters ask, and the body that the store reads back.

    `first_issue`: the issue that it was first written under, where that has changed.
    """
    d = item.document
    seen = d.engagement
    source: dict[str, Any] = {
        "id": d.id,
        "url": d.url,
        "source": d.source,
        "kind": d.kind,
        "title": d.title,
        "text": d.text,
        "search": item.tokens,
        "at": format_time(from_seconds(item.at)),
        "published": None if d.published is None else format_time(d.published),
        "fetched": format_time(d.fetched),
        "version": item.fetched,
        "published_us": item.published,
        "delay_minutes": None if item.published is None else (item.fetched - item.published) / 60_000_000,
        "topic": d.topic,
        "topic_p": d.topic_p,
        "topic2": d.topic2,
        "sentiment": d.sentiment,
        "p_neg": d.sentiment_p["neg"],
        "uncertain": d.uncertain,
        "feedback": d.feedback,
        "toxic_p": d.toxic_p,
        "places": item.communes,
        "in_province": d.in_province,
        "agency": d.agency,
        "keywords": d.keywords,
        "lang": d.lang,
        "origin": d.origin,
        "original": d.origin == d.id,
        "issue": d.issue,
        "parent": d.parent,
        "seq": seq,
        "kept": False,
        "fingerprint": item.fingerprint,
        "body": item.body,
    }
    if first_issue is not None:
        source["first_issue"] = first_issue
    if seen is not None:
        source["engagement"] = {"reactions": seen.reactions, "comments": seen.comments, "shares": seen.shares}
    return orjson.dumps(source).decode()
