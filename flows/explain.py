"""`duluan alerts explain`: an alert's numbers taken apart and counted again from the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from alerts.card import Card, number, percent, when
from duluan.clock import parse_time
from duluan.config import Profile
from duluan.errors import InputError
from duluan.model import Alert
from duluan.query import Filter
from flows.watch import card_of
from index.base import Index


@dataclass(frozen=True, slots=True)
class Explanation:
    """The card, the steps of the calculation in Vietnamese, and the history of states."""

    card: Card
    lines: tuple[str, ...]
    history: tuple[dict[str, Any], ...]


def explain(store: Index, profile: Profile, id: str) -> Explanation:
    """Raises InputError where there is no such alert."""
    alert = next((alert for alert in store.alerts() if alert.id == id), None)
    if alert is None:
        raise InputError(f"không có cảnh báo {id!r}; xem danh sách bằng: duluan alerts list")
    history = tuple(entry for entry in store.alert_history(id) if entry["state"] != "version")
    return Explanation(card_of(store, profile, alert), tuple(_lines(store, alert)), history)


def _lines(store: Index, alert: Alert) -> list[str]:
    basis = alert.coverage
    if alert.tier == "system":
        return [alert.reason]
    hours = int(cast(float, basis.get("window_hours", 24)))
    until = parse_time(str(basis["until"])) if "until" in basis else alert.detected
    start = until - timedelta(hours=hours)
    voices, negative = recount(store, alert, start, until)
    low, high = alert.range90
    return [
        f"Khung thời gian: {hours} giờ trước lần tính gần nhất ({when(start)} – {when(until)}).",
        f"Lượt ý kiến lúc tính: {alert.voices}; đếm lại từ kho bây giờ: {voices} (mỗi bài gốc một lượt, bài đăng lại gộp).",
        f"Tiêu cực: {percent(alert.share)}; đếm lại: {percent(negative / voices) if voices else '–'}; thường ngày "
        f"{percent(alert.share_usual)}.",
        f"Mức thường ngày λ = {number(alert.expected, 2)} lượt, độ phân tán r = {_value(basis, 'size')}; "
        f"khoảng 90 %: {number(low, 0)}–{number(high, 0)}.",
        f"Bằng chứng (log10 của tỷ số hợp lý, trung bình trên các khung và mức tăng): {number(alert.score, 2)}.",
        f"Ngưỡng lúc đó: theo dõi {_value(basis, 'threshold_watch')}, gửi thư {_value(basis, 'threshold_mail')} "
        "(từ ngân sách báo động nhầm mỗi tuần).",
        f"Độ phủ nguồn: {percent(float(cast(float, basis.get('share', 1.0))))}; học từ {_value(basis, 'days_learnt')} ngày số liệu.",
    ]


def recount(store: Index, alert: Alert, start: datetime, until: datetime) -> tuple[int, float]:
    """Distinct origins of the issue that were published in the window and known then, and their negative part."""
    found = store.documents(Filter(issues=(alert.issue,), since=start, until=until), oldest_first=True)
    own: dict[str, float] = {}
    for document in found:
        if document.fetched <= until:
            own.setdefault(document.origin, float(document.sentiment_p["neg"]))
    return len(own), sum(own.values())


def _value(basis: Any, key: str) -> str:
    value = basis.get(key)
    return number(float(value), 2) if isinstance(value, (int, float)) else "–"
