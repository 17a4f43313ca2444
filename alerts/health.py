"""What ails the system itself, as alerts for its administrators: silent sources, models that see otherwise, undeliverable mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from alerts.episode import episode_id
from alerts.hours import to_hours
from alerts.report import system_alert
from alerts.words import percent
from duluan.model import Alert

LEAST_ITEMS: Final = 30  # in a day, before its mix says anything
_MOVED: Final = 0.15  # total variation; a new model that moves less is within what a week does by itself
_BEYOND: Final = 1.5  # times the largest move between two ordinary days

Mix = Mapping[str, int]  # class → items


def silent_sources(names: Sequence[str], at: datetime) -> Alert:
    """Sources that said nothing all yesterday though they usually do."""
    listed = ", ".join(names)
    reason = f"Cả ngày hôm qua không có tin bài nào từ: {listed}. Thường ngày các nguồn này đều có bài."
    return _ailment(f"silent:{listed}", f"Nguồn im ắng: {listed}", reason, at)


def moved_models(versions: Sequence[str], moves: Mapping[str, float], at: datetime) -> Alert:
    """A new model's day is unlike the days before it: `moves` names what moved, and by how much (total variation)."""
    told = ", ".join(f"{name} lệch {percent(move)}" for name, move in moves.items())
    reason = (
        f"Từ khi chạy mô hình {', '.join(versions)}, phân bố đổi hẳn ({told}) so với các ngày trước. "
        "Chưa nên so số liệu hôm nay với tuần trước; hãy kiểm tra mô hình bằng duluan eval."
    )
    return _ailment(f"models:{','.join(versions)}", "Mô hình mới làm lệch số liệu", reason, at)


def stuck_messages(count: int, at: datetime) -> Alert:
    """Messages that no receiver takes."""
    reason = (
        f"{count} thư hoặc webhook bị bên nhận từ chối hẳn, hoặc quá năm ngày chưa gửi được; "
        "hãy xem lại địa chỉ người nhận trong alerts.toml."
    )
    return _ailment(f"stuck:{count}", f"{count} thư cảnh báo không gửi được", reason, at)


def shifted(days: Sequence[Mix], after: Mix) -> float | None:
    """How far the mix `after` lies from those of `days` together (0–1), where that is more than any two days differ; else None.

    Total variation distance; days of fewer than LEAST_ITEMS items are left out.
    """
    full = [day for day in days if sum(day.values()) >= LEAST_ITEMS]
    if len(full) < 3 or sum(after.values()) < LEAST_ITEMS:
        return None
    usual: dict[str, int] = {}
    for day in full:
        for name, count in day.items():
            usual[name] = usual.get(name, 0) + count
    ordinary = max(_distance(day, usual) for day in full)
    move = _distance(after, usual)
    return move if move > max(_MOVED, _BEYOND * ordinary) else None


def _distance(one: Mix, other: Mix) -> float:
    left, right = sum(one.values()), sum(other.values())
    return sum(abs(one.get(k, 0) / left - other.get(k, 0) / right) for k in one.keys() | other.keys()) / 2


def _ailment(kind: str, title: str, reason: str, at: datetime) -> Alert:
    return system_alert(episode_id(kind, int(to_hours(at))), title, reason, at)
