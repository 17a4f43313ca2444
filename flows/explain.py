"""`duluan alerts explain`: an alert's numbers taken apart, and all of them worked out again from the store.

The detector is a pure function of what was known and when, so it is run once more over the stored voices and fetch lines, hour by hour,
up to the moment of the alert's numbers. Where they differ, the store has changed since: items corrected, moved to another issue, removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from alerts.card import Card, build
from alerts.engine import Engine
from alerts.restate import restate
from alerts.words import number, percent, when
from duluan.clock import parse_time
from duluan.config import AlertRules, Profile
from duluan.errors import InputError
from duluan.model import Alert, Fetch, Voice
from duluan.query import Filter
from duluan.records import to_record
from duluan.themes import scoped
from duluan.voices import voice_of
from flows.evidence import context
from flows.journal import Memory, read
from flows.leading import as_decided
from flows.watch import as_lived, hours_between
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


_CHANGES = frozenset({"issue_merged", "issue_moved", "takedown", "label_import"})


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
    checks = tuple(compare(alert, work_out(store, profile.alerts, alert, journal.memory)))
    differ = not all(check.equal for check in checks)
    changes = tuple(changed_since(store, alert.issue, _until(alert))) if differ else ()
    return Explanation(card, tuple(_lines(store, alert)), checks, history, changes)


def work_out(store: Index, rules: AlertRules, alert: Alert, memory: Memory) -> Alert | None:
    """The alert as the stored voices give it at the moment of its numbers; None where they give none."""
    until = _until(alert)
    engine = Engine(rules)
    early, late = _known(store, memory, until)
    engine.observe_all(early)
    start = min((item.at if isinstance(item, Fetch) else item.fetched for item in early), default=until)
    found: Alert | None = None
    for moment in hours_between(start, until):
        engine.observe_all(late.pop(moment, ()))
        found = next((s.alert for s in engine.step(moment) if s.alert.id == alert.id), None)
    if found is None:
        signal = restate(engine, alert.issue, "escalated")
        found = signal.alert if signal and signal.alert.id == alert.id else None
    return found


def _known(
    store: Index, memory: Memory, until: datetime
) -> tuple[list[Voice | Fetch], dict[datetime, list[Voice | Fetch]]]:
    """What was known in time, and what was written late, by the hour from which it counted."""
    first, early, late = list[Voice](), list[Voice | Fetch](), dict[datetime, list[Voice | Fetch]]()
    for sequence, document in store.ingested():
        voice = voice_of(document)
        if not voice.in_province or voice.fetched > until:
            continue
        if sequence <= memory.first:
            first.append(voice)
        elif (hour := memory.late_items.get(str(sequence))) is not None:
            late.setdefault(parse_time(hour), []).append(voice)
        else:
            early.append(voice)
    fetches = [fetch for fetch in store.fetches() if fetch.at <= until]
    return [*as_lived(first), *early, *fetches], late


def changed_since(store: Index, issue: str, moment: datetime) -> Iterator[str]:
    """What the audit log knows of later changes to the documents of `issue` and of those that were merged into it."""
    events = [event for event in store.audit_log() if event.get("what") in _CHANGES]
    own = {issue}
    for event in reversed(events):  # the last merge first: what went into what went into this one
        if event["what"] == "issue_merged" and event["target"] in own:
            own.add(event["issue"])
    for event in events:
        if parse_time(event["at"]) > moment and (said := _change(event, own)):
            yield f"{when(parse_time(event['at']))}: {said}"


def _change(event: Mapping[str, Any], own: Set[str]) -> str:
    """One change in words; '' where it touches none of the issues `own`."""
    what = event["what"]
    if what == "issue_merged" and event["issue"] in own:
        return f"vấn đề {event['issue']} được gộp vào vấn đề {event['target']}"
    if what == "issue_moved" and not own.isdisjoint((event.get("of"), event["issue"])):
        out_of = f" của vấn đề {event['of']}" if event.get("of") else ""
        return f"{len(event['documents'])} văn bản{out_of} được tách sang vấn đề {event['issue']}"
    # of these two the log does not say which issue's documents they were
    if what == "takedown" and event["removed"]:
        return "một văn bản được gỡ khỏi kho"
    if what == "label_import" and event["changed"]:
        return f"cán bộ sửa nhãn {event['changed']} văn bản trong kho"
    return ""


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


def _lines(store: Index, alert: Alert) -> Iterator[str]:
    """How the numbers hang together, with the voices counted again document by document."""
    basis = alert.coverage
    hours = int(cast(float, basis.get("window_hours", 24)))
    until = _until(alert)
    start = until - timedelta(hours=hours)
    voices, negative = recount(store, alert, start, until)
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


def recount(store: Index, alert: Alert, start: datetime, until: datetime) -> tuple[int, float]:
    """Distinct origins of the issue or theme that were published in the window and known then, and their negative part."""
    found = store.documents(scoped(alert.issue, Filter(since=start, until=until)), oldest_first=True)
    own: dict[str, float] = {}
    for document in found:
        if document.fetched <= until:
            own.setdefault(document.origin, float(document.sentiment_p["neg"]))
    return len(own), sum(own.values())


def _value(basis: Any, key: str) -> str:
    value = basis.get(key)
    return number(float(value), 2) if isinstance(value, (int, float)) else "–"
