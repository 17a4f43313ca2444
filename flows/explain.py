"""`duluan alerts explain`: an alert's numbers taken apart, and all of them worked out again from the store.

The detector is a pure function of what was known and when, so it lives once more through the stored voices and fetch lines, merges and
splits (`flows/past.py`), up to the moment of the alert's numbers. Where they differ, documents have changed since: corrected, removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from alerts.card import Card, build
from alerts.engine import Engine
from alerts.restate import restate
from alerts.words import number, percent, when
from duluan.clock import parse_time
from duluan.config import AlertRules, Profile
from duluan.errors import InputError
from duluan.model import Alert, Clustered
from duluan.query import Filter
from duluan.records import to_record
from duluan.themes import theme
from flows.evidence import context
from flows.journal import read
from flows.leading import as_decided
from flows.past import Past, recall
from flows.subjects import documents_of
from index.base import Index

_NAMES = {
    "voices": "Lượt ý kiến",
    "expected": "Mức thường ngày λ",
    "range90": "Khoảng 90%",
    "share": "Xác suất tiêu cực",
    "share_usual": "Xác suất thường ngày",
    "score": "Bằng chứng (log10)",
    "reprints": "Bài đăng lại",
    "places": "Địa bàn",
    "topic": "Chủ đề",
    "started": "Bắt đầu",
    "detected": "Phát hiện",
    "window_hours": "Khung giờ",
    "negatives": "Lượt tiêu cực (mềm)",
    "size": "Độ phân tán r",
    "threshold_watch": "Ngưỡng theo dõi",
    "threshold_mail": "Ngưỡng gửi thư",
    "days_learnt": "Số ngày đã học",
    "coverage": "Độ phủ nguồn",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One number: as the alert has it, and as the store gives it now."""

    name: str
    stored: str
    again: str

    @property
    def equal(self) -> bool:
        """Whether both are the same."""
        return self.stored == self.again


@dataclass(frozen=True, slots=True)
class Explanation:
    """The card, how its numbers come about, each of them worked out again, and the history of states.

    `changes`: where some differ, what has happened since to the documents that they were counted from.
    """

    card: Card
    lines: tuple[str, ...]
    checks: tuple[Check, ...]
    history: tuple[dict[str, Any], ...]
    changes: tuple[str, ...] = ()


def explain(store: Index, profile: Profile, id: str) -> Explanation:
    """Raises InputError where there is no such alert."""
    alert = next((alert for alert in store.alerts() if alert.id == id), None)
    if alert is None:
        raise InputError(f"không có cảnh báo {id!r}; xem danh sách bằng: duluan alerts list")
    (alert,) = as_decided(store, [alert])
    journal = read(store, profile.alerts)
    card = build(alert, profile, context(store, journal.engine, alert, profile))
    history = tuple(entry for entry in store.alert_history(id) if entry["state"] != "version")
    if alert.tier == "system":
        return Explanation(card, (alert.reason,), (), history)
    past = recall(store, journal.memory, _until(alert))
    again = work_out(past, profile.alerts, alert)
    issue = again.issue if again else alert.issue  # which has another name since, where it was merged
    checks = tuple(compare(alert, again))
    changes = () if all(check.equal for check in checks) else tuple(changed_since(store, past, issue))
    return Explanation(card, tuple(_lines(store, past, replace(alert, issue=issue))), checks, history, changes)


def work_out(past: Past, rules: AlertRules, alert: Alert) -> Alert | None:
    """The alert as `past` gives it at its end, the moment of the alert's numbers; None where it gives none."""
    engine = Engine(rules)
    found: Alert | None = None
    for signals in past.relive(engine):
        found = next((signal.alert for signal in signals if signal.alert.id == alert.id), None)
    if found is None:
        running = next((row for row in engine.rows if row.episode and row.episode.id == alert.id), None)
        signal = restate(engine, running.issue, "escalated") if running else None
        found = signal.alert if signal else None
    return found


def changed_since(store: Index, past: Past, issue: str) -> Iterator[str]:
    """What cannot be undone: newer versions of documents that `issue` had then, and take-downs and corrected labels since."""
    if rewritten := past.members(issue)[1]:
        yield f"{len(rewritten)} văn bản của vấn đề đã được thay bằng bản mới hơn"
    for event in store.audit_log():
        moment = parse_time(event["at"])
        if moment <= past.until:
            continue
        # of these two the log does not say which issue's documents they were
        if event.get("what") == "takedown" and event["removed"]:
            yield f"{when(moment)}: một văn bản được gỡ khỏi kho"
        if event.get("what") == "label_import" and event["changed"]:
            yield f"{when(moment)}: cán bộ sửa nhãn {event['changed']} văn bản trong kho"


def compare(alert: Alert, again: Alert | None) -> Iterator[Check]:
    """Number by number; '–' where the store gives no such alert any more."""
    mine, other = _numbers(alert), _numbers(again) if again else {}
    for key, name in _NAMES.items():
        if key in mine:
            yield Check(name, mine[key], other.get(key, "–"))


def _numbers(alert: Alert) -> dict[str, str]:
    record = to_record(alert)
    basis = cast("dict[str, object]", record["coverage"])
    own = {key: record[key] for key in _NAMES if key in record and key != "coverage"}
    # the basis has a share of its own: the part of the usual volume that was read
    own |= {key: basis[key] for key in _NAMES if key in basis and key not in own} | {"coverage": basis.get("share", "")}
    return {key: _shown(value) for key, value in own.items()}


def _shown(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ", ".join(_shown(item) for item in value) if isinstance(value, list) else str(value)
    if not isinstance(value, float):
        return str(value)
    text = number(round(value, 4), 4)
    return text.rstrip("0") if "," in text else text


def _until(alert: Alert) -> datetime:
    basis = alert.coverage
    return parse_time(str(basis["until"])) if "until" in basis else alert.detected


def _lines(store: Index, past: Past, alert: Alert) -> Iterator[str]:
    """How the numbers hang together, with the voices counted again document by document."""
    basis = alert.coverage
    hours = int(cast(float, basis.get("window_hours", 24)))
    until = _until(alert)
    start = until - timedelta(hours=hours)
    voices, negative = recount(store, past, alert.issue, start)
    low, high = alert.range90
    yield f"Khung thời gian: {hours} giờ trước lần tính gần nhất ({when(start)} – {when(until)})."
    yield f"Lượt ý kiến: {alert.voices}; đếm từng bài trong kho: {voices} (mỗi bài gốc một lượt, bài đăng lại gộp)."
    share = percent(negative / voices) if voices else "–"
    yield (
        f"Xác suất tiêu cực trung bình (trọng số của bằng chứng): {percent(alert.share)}; tính từng bài: {share}; "
        f"thường ngày {percent(alert.share_usual)}."
    )
    yield (
        f"Mức thường ngày λ = {number(alert.expected, 2)} lượt (tốc độ học được của vấn đề × độ phủ từng giờ), "
        f"độ phân tán r = {_value(basis, 'size')}; khoảng 90%: {number(low, 0)}–{number(high, 0)}."
    )
    yield f"Bằng chứng (log10 của tỷ số hợp lý, trung bình trên các khung giờ và mức tăng): {number(alert.score, 2)}."
    yield (
        f"Ngưỡng lúc đó: theo dõi {_value(basis, 'threshold_watch')}, gửi thư {_value(basis, 'threshold_mail')} "
        "(từ ngân sách báo động nhầm mỗi tuần)."
    )


def recount(store: Index, past: Past, subject: str, start: datetime) -> tuple[int, float]:
    """Distinct origins of an event or theme that were published from `start` on and known then, and their negative part."""
    own: dict[str, float] = {}
    for document in _own(store, past, subject, Filter(since=start, until=past.until)):
        if document.fetched <= past.until:
            own.setdefault(document.origin, float(document.sentiment_p["neg"]))
    return len(own), sum(own.values())


def _own(store: Index, past: Past, subject: str, window: Filter) -> Iterator[Clustered]:
    """The documents of a theme are those of today; an event's may have been moved since."""
    if theme(subject):
        yield from documents_of(store, subject, window)
    elif ids := tuple(voice.id for voice in past.members(subject)[0]):
        yield from store.documents(replace(window, ids=ids), oldest_first=True)


def _value(basis: Any, key: str) -> str:
    value = basis.get(key)
    return number(float(value), 2) if isinstance(value, (int, float)) else "–"
