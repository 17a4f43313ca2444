"""What a store holds, as the rows that the boards count: read through the `Index` protocol, so from SQLite as well.

The fields are those of the Elasticsearch templates, computed here a second time on purpose: check 6 compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from duluan.model import KINDS, VOICE_KINDS
from duluan.privacy import MIN_CELL
from duluan.query import Filter
from duluan.voices import commune_codes
from index.base import Index
from index.elastic_hourly import CHANNELS, CUTS

Row = dict[str, Any]


def _news(store: Index) -> Iterator[Row]:
    kinds = tuple(kind for kind in KINDS if kind not in VOICE_KINDS)
    for d in store.documents(Filter(kinds=kinds)):
        yield {
            "at": d.published or d.fetched,
            "source": d.source,
            "topic": d.topic,
            "sentiment": d.sentiment,
            "p_neg": d.sentiment_p["neg"],
            "places": commune_codes(d.places),
            "uncertain": d.uncertain,
            "in_province": d.in_province,
            "keywords": d.keywords,
            "origin": d.origin,
            "issue": d.issue,
            "delay_minutes": None if d.published is None else (d.fetched - d.published).total_seconds() / 60,
        }


def _hourly(store: Index) -> Iterator[Row]:
    for channel, kinds in CHANNELS.items():
        for cut, keys in CUTS.items():
            for cell in store.counts(Filter(kinds=kinds), keys):
                below = channel == "voices" and cell.voices < MIN_CELL
                numbers = {} if below else {"documents": cell.documents, "voices": cell.voices}
                named = {key: getattr(cell, key) for key in keys if key not in {"hour", "day"}}
                yield {
                    "hour": cell.hour or cell.day,
                    "cut": cut,
                    "channel": channel,
                    "below": below,
                    **named,
                    **numbers,
                }


def _issues(store: Index) -> Iterator[Row]:
    for issue in store.issues():
        yield {
            "issue": issue.id,
            "title": issue.title or None,
            "voices": issue.voices,
            "last": issue.last,
            "topic": issue.topic,
            "merged_into": issue.merged_into,
        }


VERDICTS = {"acknowledged": "right", "false_alarm": "false"}


def _alerts(store: Index) -> Iterator[Row]:
    for alert in store.alerts():
        states = [entry["state"] for entry in store.alert_history(alert.id) if entry["state"] != "version"]
        judged = [VERDICTS[state] for state in states if state in VERDICTS]
        published = [item.published for item in alert.evidence if item.published is not None]
        yield {
            "detected": alert.detected,
            "issue": alert.issue,
            "tier": alert.tier,
            "title": alert.title,
            "topic": alert.topic,
            "voices": alert.voices,
            "share": alert.share,
            "state": states[-1] if states else None,
            "verdict": judged[-1] if judged else None,
            "right": int(judged[-1] == "right") if judged else None,
            "delay_hours": (alert.detected - alert.started).total_seconds() / 3600,
            "hours_to_alert": (alert.detected - min(published)).total_seconds() / 3600 if published else None,
        }


def _fetches(store: Index) -> Iterator[Row]:
    for fetch in store.fetches():
        yield {"at": fetch.at, "source": fetch.source, "ok": fetch.ok}


def _rejections(store: Index) -> Iterator[Row]:
    for source, reason, count in store.rejections():
        for _ in range(count):
            yield {"source": source, "reason": reason}


ROWS: Final[Mapping[str, Callable[[Index], Iterator[Row]]]] = {
    "duluan-news": _news,
    "duluan-hourly": _hourly,
    "duluan-issues": _issues,
    "duluan-alerts": _alerts,
    "duluan-fetches": _fetches,
    "duluan-rejections": _rejections,
}
