"""What a card says of an alert's numbers: counts beside what is usual, how sure it is, and the forecast, in plain Vietnamese."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.tone import of_all, tone_of
from alerts.words import number, odds, percent
from duluan.model import Alert
from duluan.tone import Tone


@dataclass(frozen=True, slots=True)
class Band:
    """Voices that the hours ahead will bring with nine chances in ten; only from a forecast that has proved itself."""

    low: float
    high: float


def hours(alert: Alert) -> str:
    """The alert's window: '25 giờ', '4 ngày'."""
    window = int(value_of(alert, "window_hours", 24))
    return f"{window} giờ" if window < 72 or window % 24 else f"{window // 24} ngày"


def value_of(alert: Alert, key: str, otherwise: float) -> float:
    """A number that the detector noted under `key`."""
    value = alert.coverage.get(key)
    return float(value) if isinstance(value, (int, float)) else otherwise


def summary(alert: Alert) -> str:
    """Voices beside what is usual; the negative ones, counted, beside those of the week before."""
    usual = "các vấn đề mới cùng tuổi thường có" if alert.coverage.get("newborn") else "ngày thường có"
    told = f"{alert.voices} lượt ý kiến trong {hours(alert)}, trong khi {usual} khoảng {number(alert.expected)}. "
    tone = tone_of(alert)
    told += _counted(alert, tone) if tone else _probable(alert)
    if alert.coverage.get("alarming"):
        told += " Ở chủ đề này, tin dồn dập tự nó đã đáng lo, kể cả khi lời lẽ trung tính."
    return told


def _counted(alert: Alert, tone: Tone) -> str:
    """'Trong 45 lượt này có 29 lượt tiêu cực (64%), máy chưa chắc về 6 lượt; 7 ngày trước đó: 12 trong 40 lượt tiêu cực (30%).'"""
    told = (
        _negative_of(tone)
        if tone.voices == alert.voices
        else f"Đếm từng bài được {tone.voices} lượt, {tone.neg} tiêu cực"
    )
    if tone.uncertain:
        told += f", máy chưa chắc về {tone.uncertain} lượt"
    before = tone_of(alert, "tone_before")
    if before is None:
        return f"{told}."
    if not before.voices:
        return f"{told}; 7 ngày trước đó chưa có lượt ý kiến nào."
    return f"{told}; 7 ngày trước đó: {before.neg} trong {before.voices} lượt tiêu cực ({percent(before.share)})."


def _negative_of(tone: Tone) -> str:
    if tone.neg == tone.voices:
        return f"Cả {tone.voices} lượt này đều tiêu cực"
    if not tone.neg:
        return f"Trong {tone.voices} lượt này không có lượt nào tiêu cực"
    return f"Trong {tone.voices} lượt này có {tone.neg} lượt tiêu cực ({percent(tone.share)})"


def _probable(alert: Alert) -> str:
    """Of an alert without counts by tone there is the detector's own statistic, under its own name."""
    usual = "ở các vấn đề mới" if alert.coverage.get("newborn") else "ngày thường"
    return f"Xác suất tiêu cực trung bình {percent(alert.share)}, {usual} {percent(alert.share_usual)}."


def tiles(alert: Alert) -> tuple[tuple[str, str, str], ...]:
    """The same as three tiles: what, how much, against what."""
    low, high = alert.range90
    usual = "vấn đề mới khác" if alert.coverage.get("newborn") else "thường ngày"
    return (
        (
            f"Lượt ý kiến trong {hours(alert)}",
            str(alert.voices),
            f"{usual} {number(alert.expected)}; 90% số lần từ {number(low, 0)} đến {number(high, 0)}",
        ),
        _negative(alert, usual),
        ("Mức chắc chắn", _sureness(alert), f"bằng chứng {number(alert.score)}, ngưỡng gửi thư {_threshold(alert)}"),
    )


def _negative(alert: Alert, usual: str) -> tuple[str, str, str]:
    tone, before = tone_of(alert), tone_of(alert, "tone_before")
    if tone is None:
        share = f"{usual} {percent(alert.share_usual)}"
        return "Xác suất tiêu cực trung bình", percent(alert.share), share
    against = f"{tone.neg} trong {tone.voices} lượt"
    if before is not None:
        against += f"; 7 ngày trước: {of_all(before)}" if before.voices else "; 7 ngày trước không có lượt nào"
    return "Tỷ lệ tiêu cực", percent(tone.share), against


def _threshold(alert: Alert) -> str:
    value = alert.coverage.get("threshold_mail")
    return number(float(value)) if isinstance(value, (int, float)) else "–"


def _sureness(alert: Alert) -> str:
    surplus = alert.score - value_of(alert, "threshold_mail", 3.0)
    return "rất chắc" if surplus >= 3 else "khá chắc" if surplus >= 1 else "cần xác minh"


def confidence(alert: Alert) -> str:
    """How sure it is and why."""
    weak = alert.coverage.get("prior") == "weak"
    words = f"{_sureness(alert).capitalize()}: {_ground(alert)}"
    return words + (" Hệ thống mới học số liệu chưa đủ bốn tuần nên còn dè dặt." if weak else "")


def _ground(alert: Alert) -> str:
    """A standing issue's evidence bounds the odds (Ville); a newborn one's only ranks it among other new issues."""
    if alert.coverage.get("newborn"):
        return "vấn đề lan nhanh và tiêu cực hơn hẳn những vấn đề mới trước đây; chưa có mức thường ngày riêng để so."
    return f"nếu mọi việc vẫn như thường ngày thì {odds(alert.score)} khả năng có biến động mạnh như vậy."


def _band(alert: Alert, horizon: str) -> Band | None:
    """The detector's forecast for `horizon` hours, which it gives only where past ones beat the same hours a week earlier."""
    bands = alert.coverage.get("forecast")
    band = bands.get(horizon) if isinstance(bands, dict) else None
    return Band(float(band["low"]), float(band["high"])) if band else None


def ahead(alert: Alert, horizon: str) -> str:
    """'dự báo từ 3 đến 12 lượt ý kiến (90%)'; empty where the detector gives no forecast."""
    band = _band(alert, horizon)
    return "" if band is None else f"dự báo từ {number(band.low, 0)} đến {number(band.high, 0)} lượt ý kiến (90%)"
