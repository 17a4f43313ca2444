"""Numbers, dates and lists as Vietnamese office prose writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from duluan.clock import local
from duluan.privacy import MIN_CELL

TONES = {"neg": "tiêu cực", "neu": "trung tính", "pos": "tích cực"}
TIERS = {"mail": "đã gửi thư", "watch": "theo dõi", "system": "hệ thống"}
REASONS = {
    "robots": "robots.txt không cho phép",
    "truncated": "trang bị cắt giữa chừng",
    "not_article": "không phải bài viết",
    "too_short": "quá ngắn",
    "wrong_language": "không phải tiếng Việt",
    "future_date": "ngày đăng ở tương lai",
    "bad_record": "bản ghi hỏng",
    "taken_down": "địa chỉ đã được gỡ",
}
STATES = {
    "watching": "đang theo dõi",
    "open": "đang mở",
    "acknowledged": "đã tiếp nhận",
    "silenced": "tạm ẩn",
    "false_alarm": "báo động nhầm",
    "easing": "đang hạ nhiệt",
    "closed": "đã hạ nhiệt",
    "reopened": "mở lại",
}


def number(value: int) -> str:
    """1234 → '1.234'."""
    return f"{value:,}".replace(",", ".")


def cell(voices: int) -> str:
    """A cell of a breakdown: '<5' for 1 to 4, since so few could point at people; 0 stays 0."""
    return f"<{MIN_CELL}" if 0 < voices < MIN_CELL else number(voices)


def percent(share: float) -> str:
    """0.372 → '37 %'."""
    return f"{share * 100:.0f} %"


def change(now: int, before: int) -> str:
    """How a count moved against an earlier one, in words."""
    if before == 0:
        return "kỳ trước không có" if now else "không đổi"
    ratio = now / before - 1
    if abs(ratio) < 0.05:
        return "gần như không đổi so với kỳ trước"
    return f"{'tăng' if ratio > 0 else 'giảm'} {abs(ratio) * 100:.0f} % so với kỳ trước"


def listed(names: Sequence[str], most: int = 4, what: str = "nơi") -> str:
    """'a, b và c'; beyond `most` the rest is counted as `what`: 'a, b, c, d và 3 nơi khác'."""
    if not names:
        return ""
    if len(names) > most:
        return f"{', '.join(names[:most])} và {len(names) - most} {what} khác"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} và {names[-1]}"


def day(moment: datetime) -> str:
    """'07/3/2026', local."""
    here = local(moment)
    return f"{here:%d}/{here.month}/{here.year}"


def minute(moment: datetime) -> str:
    """'08:06 ngày 07/3/2026', local."""
    return f"{local(moment):%H:%M} ngày {day(moment)}"
