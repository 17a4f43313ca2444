"""Numbers, dates and lists as Vietnamese office prose writes them."""

from __future__ import annotations

import re
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


# What each model does, for the line that names their versions.
TASKS = {
    "topic": "chủ đề",
    "sentiment": "sắc thái",
    "tone": "giọng điệu báo chí",
    "feedback": "phản ánh",
    "toxic": "lời lẽ xúc phạm",
    "detector": "phát hiện",
}
_QUOTED = re.compile(r"""(?<!\w)(['"])(?=\S)(.+?)(?<=\S)\1(?!\w)""")


def headline(title: str) -> str:
    """A title as it stands in a list: no full stop at its end, curly quotation marks.

    Apostrophes in names (Ia H'Drai) stay.
    """
    return _QUOTED.sub(r"“\2”", title.strip().rstrip("."))


def versions(models: Sequence[tuple[str, str]]) -> str:
    """'vi-2026.11-1 (chủ đề, sắc thái)': each version once, with what its models do."""
    tasks: dict[str, list[str]] = {}
    for task, version in models:
        tasks.setdefault(version, []).append(TASKS.get(task, task))
    return "; ".join(f"{version} ({', '.join(names)})" for version, names in tasks.items())


def number(value: int) -> str:
    """1234 → '1.234'."""
    return f"{value:,}".replace(",", ".")


def cell(voices: int) -> str:
    """A cell of a breakdown: '<5' for 1 to 4, since so few could point at people; 0 stays 0."""
    return f"<{MIN_CELL}" if 0 < voices < MIN_CELL else number(voices)


def percent(share: float) -> str:
    """0.372 → '37%'; without a space, so that no line ends between the two."""
    return f"{share * 100:.0f}%"


def change(now: int, before: int, earlier: str = "kỳ trước") -> str:
    """How a count moved against an `earlier` one ('tuần trước'), in words."""
    if before == 0:
        return f"{earlier} không có" if now else f"không đổi so với {earlier}"
    ratio = now / before - 1
    if abs(ratio) < 0.05:
        return f"gần như không đổi so với {earlier}"
    return f"{'tăng' if ratio > 0 else 'giảm'} {percent(abs(ratio))} so với {earlier}"


def listed(names: Sequence[str], most: int = 4, what: str = "nơi") -> str:
    """'a, b và c'; beyond `most` the rest is counted as `what`: 'a, b, c, d và 3 nơi khác'."""
    if not names:
        return ""
    if len(names) > most:
        return f"{', '.join(names[:most])} và {len(names) - most} {what} khác"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} và {names[-1]}"


def _month(moment: datetime) -> str:
    """Only January and February are written with a zero (Decree 30/2020, annex I)."""
    return f"{moment.month:02d}" if moment.month < 3 else str(moment.month)


def day(moment: datetime) -> str:
    """'07/3/2026', '27/02/2026', local."""
    here = local(moment)
    return f"{here:%d}/{_month(here)}/{here.year}"


def date_in_words(moment: datetime) -> str:
    """'ngày 07 tháng 3 năm 2026', local, as above a signature."""
    here = local(moment)
    return f"ngày {here:%d} tháng {_month(here)} năm {here.year}"


def minute(moment: datetime) -> str:
    """'08:06 ngày 07/3/2026', local."""
    return f"{local(moment):%H:%M} ngày {day(moment)}"
