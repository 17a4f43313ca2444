"""The alert card: everything an officer needs to judge one alert, in plain Vietnamese, built once and rendered as mail, page and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from alerts.plan import note_for
from alerts.report import DayCount
from duluan.clock import format_time, local
from duluan.config import Profile
from duluan.model import Alert, Evidence
from duluan.privacy import cell


@dataclass(frozen=True, slots=True)
class Context:
    """What the store knows beyond the alert's own numbers; everything may be empty."""

    days: tuple[DayCount, ...] = ()
    terms: tuple[str, ...] = ()
    sources: Mapping[str, int] = field(default_factory=dict)  # source id → voices in the window
    public: bool = True  # False where posts or comments are among them: small cells are masked
    positive: int = 0  # voices that are not negative
    official: int = 0  # answers of agencies
    alike: float = 0.0  # share of near-identical texts (reprints)
    past: tuple[str, ...] = ()  # earlier alerts on the issue and how they ended


@dataclass(frozen=True, slots=True)
class Card:
    """All parts, ready to print; `alert` stays at hand for numbers."""

    alert: Alert
    title: str
    summary: str
    since: str
    confidence: str
    numbers: tuple[tuple[str, str], ...]
    drivers: tuple[tuple[str, str], ...]
    counter: tuple[str, ...]
    basis: tuple[str, ...]
    actions: tuple[str, ...]
    cancel: str
    note: str
    agency: str
    evidence: tuple[Evidence, ...]
    days: tuple[DayCount, ...]

    def record(self) -> dict[str, Any]:
        """The card as a JSON object."""
        names = ("title", "summary", "since", "confidence", "cancel", "note", "agency")
        lists = ("numbers", "drivers", "counter", "basis", "actions")
        plain: dict[str, Any] = {"id": self.alert.id, "issue": self.alert.issue, "tier": self.alert.tier}
        plain |= {name: getattr(self, name) for name in names}
        plain |= {name: [list(i) if isinstance(i, tuple) else i for i in getattr(self, name)] for name in lists}
        plain["evidence"] = [
            {"url": e.url, "source": e.source, "excerpt": e.excerpt, "published": when(e.published)}
            for e in self.evidence
        ]
        plain["days"] = [
            {
                "until": format_time(d.until),
                "voices": round(d.voices, 1),
                "negatives": round(d.negatives, 1),
                "low": d.low,
                "high": d.high,
            }
            for d in self.days
        ]
        return plain


def build(alert: Alert, profile: Profile, context: Context | None = None) -> Card:
    """The card of `alert`. Pure: the same input gives the same card."""
    context = context or Context()
    agency = profile.agency_for(alert.topic)
    where = ", ".join(profile.commune_names.get(code, code) for code in alert.places)
    return Card(
        alert=alert,
        title=alert.title,
        summary=alert.reason,
        since=when(alert.started),
        confidence=_confidence(alert),
        numbers=_numbers(alert),
        drivers=_drivers(alert, profile, context, where),
        counter=_counter(alert, context),
        basis=_basis(alert, profile),
        actions=(
            f"Đã tiếp nhận: duluan alerts ack {alert.id}",
            f"Báo động nhầm: duluan alerts ack {alert.id} --false-alarm",
            f"Tạm ẩn 3 ngày: duluan alerts ack {alert.id} --silence 72",
            f"Xem cách tính: duluan alerts explain {alert.id}",
        ),
        cancel=_cancel(alert),
        note=note_for(alert.topic, profile.alerts),
        agency=agency.name if agency else "",
        evidence=alert.evidence,
        days=context.days,
    )


def when(moment: datetime | None) -> str:
    """'08:06 ngày 07/03/2026', local time; 'không rõ giờ' where unknown."""
    return f"{local(moment):%H:%M ngày %d/%m/%Y}" if moment else "không rõ giờ"


def number(value: float, digits: int = 1) -> str:
    """Vietnamese decimals: 1,5; whole numbers without."""
    text = f"{value:,.{digits}f}".replace(",", " ").replace(".", ",")
    return text.removesuffix("," + "0" * digits)


def percent(share: float) -> str:
    """'83 %'."""
    return f"{round(100 * share)} %"


def _shown(count: int, public: bool) -> str:
    """A count as it may be shown: people's own words below five are '<5'."""
    return str(count) if public else cell(count)


def _numbers(alert: Alert) -> tuple[tuple[str, str], ...]:
    low, high = alert.range90
    hours = int(cast(float, alert.coverage.get("window_hours", 24)))
    return (
        ("Lượt ý kiến", f"{alert.voices} trong {hours} giờ"),
        ("Mức thường ngày", f"{number(alert.expected)} (khoảng 90 %: {number(low, 0)}–{number(high, 0)})"),
        ("Tỷ lệ tiêu cực", f"{percent(alert.share)} (thường ngày {percent(alert.share_usual)})"),
        ("Bài đăng lại đã gộp", str(alert.reprints)),
        ("Độ mạnh của bằng chứng", f"{number(alert.score)} (ngưỡng gửi thư {_threshold(alert)})"),
        ("Bắt đầu", when(alert.started)),
        ("Phát hiện", when(alert.detected)),
    )


def _threshold(alert: Alert) -> str:
    value = alert.coverage.get("threshold_mail")
    return number(float(value)) if isinstance(value, (int, float)) else "–"


def _confidence(alert: Alert) -> str:
    surplus = alert.score - float(cast(float, alert.coverage.get("threshold_mail", 3.0)))
    words = "rất chắc" if surplus >= 3 else "khá chắc" if surplus >= 1 else "cần xác minh thêm"
    odds = f"bằng chứng mạnh gấp khoảng 10^{round(alert.score)} lần so với biến động thường ngày"
    weak = alert.coverage.get("prior") == "weak"
    return f"{words}: {odds}" + ("; hệ thống mới học số liệu dưới 4 tuần nên còn dè dặt" if weak else "")


def _drivers(alert: Alert, profile: Profile, context: Context, where: str) -> tuple[tuple[str, str], ...]:
    names = {id: source.name for id, source in profile.source_by_id.items()}
    sources = ", ".join(
        f"{names.get(s, s)} ({_shown(n, context.public)})" for s, n in list(context.sources.items())[:5]
    )
    rows = (
        ("Từ ngữ nổi bật", ", ".join(context.terms[:8])),
        ("Nguồn", sources),
        ("Địa bàn", where),
        ("Chủ đề", profile.topic_names.get(alert.topic, alert.topic)),
    )
    return tuple((label, value) for label, value in rows if value)


def _counter(alert: Alert, context: Context) -> tuple[str, ...]:
    lines = [f"{alert.reprints} bài đăng lại không được tính là lượt ý kiến."] if alert.reprints else []
    if context.positive:
        lines.append(f"{_shown(context.positive, context.public)} lượt ý kiến không tiêu cực trong cùng thời gian.")
    if context.official:
        lines.append(f"{context.official} tin bài của cơ quan nhà nước đã nói về việc này.")
    if context.alike >= 0.3:
        lines.append(f"{percent(context.alike)} số bài gần như giống hệt nhau: có thể là đăng lại hoặc phối hợp.")
    lines.extend(context.past)
    return tuple(lines) or ("Chưa thấy dấu hiệu ngược lại.",)


def _basis(alert: Alert, profile: Profile) -> tuple[str, ...]:
    coverage = alert.coverage
    share = coverage.get("share", 1.0)
    lines = [f"Độ phủ nguồn {percent(float(cast(float, share)))} lượng tin thường ngày."]
    dark = cast("list[str]", coverage.get("dark") or [])
    if dark:
        names = {id: source.name for id, source in profile.source_by_id.items()}
        lines.append("Không đọc được trong 24 giờ qua: " + ", ".join(names.get(name, name) for name in dark) + ".")
    days = coverage.get("days_learnt")
    if isinstance(days, (int, float)):
        lines.append(f"Mức thường ngày học từ {number(float(days), 0)} ngày số liệu.")
    models = "; ".join(f"{task}: {version}" for task, version in sorted(alert.models.items()))
    lines.append(f"Mô hình: {models}.")
    return tuple(lines)


def _cancel(alert: Alert) -> str:
    if alert.tier == "system":
        return "Hết khi các nguồn được đọc lại bình thường."
    return (
        "Cảnh báo tự hạ khi số lượt ý kiến trở về khoảng thường ngày trong 24 giờ, "
        "hoặc khi xác minh cho thấy nội dung không đúng hay đã được giải quyết."
    )
