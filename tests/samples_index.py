"""Documents, issues and alerts that we wrote for the store tests; only the fields a test speaks of differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from duluan.clock import LOCAL
from duluan.model import Alert, Clustered, Evidence, Issue, Place
from duluan.urls import document_id
from duluan.voices import commune_codes
from index.base import CountRow

NOON = datetime(2026, 3, 7, 12, 0, tzinfo=LOCAL)


def commune(code: str, name: str, **changes: Any) -> Place:
    """A commune of today, named as such."""
    base: dict[str, Any] = {
        "code": code,
        "era": "now",
        "level": "commune",
        "name": name,
        "now": (code,),
        "written": name,
    }
    return Place(**base | changes)


DAK_HA = commune("23500", "Đăk Hà")
BA_TO = commune("21484", "Ba Tơ")


def document(url: str = "https://bao.example.vn/tin-1.html", **changes: Any) -> Clustered:
    """A news item; `url` fixes its id, and its own id is its origin where none is given."""
    id_ = changes.pop("id", None) or document_id(url)
    base: dict[str, Any] = {
        "id": id_,
        "url": url,
        "source": "bao.example.vn",
        "kind": "news",
        "title": "Sạt lở trên đường vào xã Đăk Hà",
        "text": "Mưa lớn làm đường xấu thêm, xe không qua được cầu Cây Sung. Người dân mong sớm sửa.",
        "fetched": NOON,
        "published": NOON - timedelta(hours=1),
        "parent": None,
        "engagement": None,
        "lang": "vi",
        "topic": "giao_thong",
        "topic_p": 0.8123456789,
        "topic2": None,
        "sentiment": "neg",
        "sentiment_p": {"neg": 0.7, "neu": 0.2, "pos": 0.1},
        "uncertain": False,
        "feedback": True,
        "feedback_p": 0.6,
        "toxic_p": 0.01,
        "places": (DAK_HA,),
        "in_province": True,
        "agency": "so_xay_dung",
        "keywords": ("sạt_lở", "đường_xấu"),
        "models": {"sentiment": "linear-1"},
        "origin": id_,
        "issue": "issue-1",
    }
    return Clustered(**base | changes)


def numbered(number: int, **changes: Any) -> Clustered:
    """The `number`-th of a series of documents with different addresses."""
    return document(f"https://bao.example.vn/tin-{number}.html", **changes)


def issue(id: str = "issue-1", **changes: Any) -> Issue:
    """An issue."""
    base: dict[str, Any] = {
        "id": id,
        "title": "Sạt lở đường vào Đăk Hà",
        "terms": ("sạt_lở",),
        "first": NOON,
        "last": NOON + timedelta(hours=2),
        "voices": 3,
        "topic": "giao_thong",
        "places": ("23500",),
    }
    return Issue(**base | changes)


def alert(id: str = "alert-1", evidence: tuple[Evidence, ...] = (), **changes: Any) -> Alert:
    """An alert."""
    base: dict[str, Any] = {
        "id": id,
        "issue": "issue-1",
        "tier": "watch",
        "reason": "volume",
        "title": "Sạt lở đường vào Đăk Hà",
        "started": NOON,
        "detected": NOON + timedelta(hours=3),
        "voices": 12,
        "expected": 2.123456789,
        "range90": (0.0, 5.5),
        "share": 0.7512345,
        "share_usual": 0.3,
        "score": 4.2,
        "reprints": 1,
        "places": ("23500",),
        "topic": "giao_thong",
        "agency": "so_xay_dung",
        "evidence": evidence,
        "coverage": {"sources": 3},
        "models": {"sentiment": "linear-1"},
    }
    return Alert(**base | changes)


def shown(item: Clustered) -> Evidence:
    """The evidence that an alert shows of a document."""
    return Evidence(id=item.id, url=item.url, source=item.source, published=item.published, excerpt=item.text[:300])


def counted(documents: list[Clustered], by: Sequence[str]) -> list[CountRow]:
    """What `counts` must answer of these documents (times at +07:00), the plain way."""
    groups: dict[tuple[Any, ...], list[Clustered]] = {}
    for d in documents:
        hour = (d.published or d.fetched).replace(minute=0)
        for place in commune_codes(d.places) if "place" in by else ("",):
            named = {
                **{"hour": hour, "day": hour.replace(hour=0), "place": place},
                **{key: getattr(d, key) for key in ("issue", "topic", "sentiment", "source", "kind")},
            }
            groups.setdefault(tuple(named[key] for key in by), []).append(d)
    return [
        CountRow(documents=len(held), voices=len({d.origin for d in held}), **dict(zip(by, values, strict=True)))
        for values, held in sorted(groups.items())
    ]
