"""What several boards share: data views, measures, controls, saved searches."""

from __future__ import annotations

from typing import Final

from dashboards.kibana.model import Column, Control, DataView, Interval, Search, Where

_COMMON: Final = {"topic": "Chủ đề", "places": "Xã, phường", "issue": "Mã vấn đề"}

NEWS: Final = DataView(
    "duluan-news",
    "Tin bài báo chí",
    "at",
    fields={
        **_COMMON,
        "source": "Nguồn",
        "at": "Thời điểm đăng",
        "title": "Tiêu đề",
        "text": "Nội dung",
        "sentiment": "Sắc thái",
        "p_neg": "Khả năng tiêu cực",
        "uncertain": "Chưa chắc chắn",
        "in_province": "Trong tỉnh",
        "keywords": "Từ khóa",
        "agency": "Cơ quan",
        "origin": "Bài gốc",
        "delay_minutes": "Số phút đến khi đọc được",
    },
    named=("source", "topic", "topic2", "sentiment", "places", "agency", "kind"),
)
HOURLY: Final = DataView(
    "duluan-hourly",
    "Lượt ý kiến theo giờ (ô dưới 5 được che)",
    "hour",
    fields={"hour": "Giờ", "issue": "Mã vấn đề", "place": "Xã, phường", "voices": "Lượt ý kiến", "topic": "Chủ đề"},
    named=("topic", "sentiment", "place"),
)
ISSUES: Final = DataView(
    "duluan-issues",
    "Vấn đề",
    "last",
    fields={**_COMMON, "title": "Vấn đề", "first": "Xuất hiện", "last": "Mới nhất", "voices": "Lượt ý kiến"},
    named=("topic", "places"),
)
ALERTS: Final = DataView(
    "duluan-alerts",
    "Cảnh báo",
    "detected",
    fields={
        **_COMMON,
        "title": "Cảnh báo",
        "detected": "Thời điểm báo",
        "started": "Bắt đầu chuyển xấu",
        "tier": "Mức",
        "state": "Trạng thái",
        "verdict": "Cán bộ đánh giá",
        "voices": "Lượt ý kiến",
        "share": "Xác suất tiêu cực trung bình",
        "agency": "Cơ quan",
    },
    named=("topic", "places", "tier", "state", "verdict", "agency"),
)
FETCHES: Final = DataView(
    "duluan-fetches",
    "Lượt thu thập",
    "at",
    fields={"source": "Nguồn", "at": "Thời điểm", "ok": "Kết quả"},
    named=("source", "ok"),
)
REJECTIONS: Final = DataView(
    "duluan-rejections",
    "Trang bị loại",
    None,
    fields={"source": "Nguồn", "reason": "Lý do"},
    named=("source", "reason"),
)
SHAPES: Final = DataView("duluan-communes", "Ranh giới xã, phường, đặc khu", None, fields={"code": "Mã", "name": "Tên"})
VIEWS: Final = (NEWS, HOURLY, ISSUES, ALERTS, FETCHES, REJECTIONS, SHAPES)

MAILED: Final[Where] = (("tier", "mail"),)

COUNT: Final = Column(id="count", label="Số bài", operation="count")
ORIGINS: Final = Column(id="origins", label="Không tính đăng lại", operation="unique", field="origin")
NEGATIVE: Final = Column(id="negative", label="Tỷ lệ tiêu cực", operation="average", field="p_neg")
VOICES: Final = Column(id="voices", label="Lượt ý kiến", operation="sum", field="voices")
TONE: Final = Column(id="tone", label="Sắc thái", operation="terms", field="sentiment", size=3)


def counted(label: str, id: str = "count", where: Where = ()) -> Column:
    """A plain count under another name."""
    return Column(id=id, label=label, operation="count", where=where)


def average(id: str, label: str, field: str) -> Column:
    """A mean."""
    return Column(id=id, label=label, operation="average", field=field)


def latest(label: str, field: str) -> Column:
    """The newest moment."""
    return Column(id="latest", label=label, operation="latest", field=field)


def each(interval: Interval, label: str, field: str = "at") -> Column:
    """Hours, days or months, local."""
    return Column(id="time", label=label, operation="date", field=field, interval=interval)


def top(field: str, label: str, size: int = 15, order: str = "count", *, rising: bool = False) -> Column:
    """The `size` values of a field that come first by the metric `order`."""
    name = f"top_{field.partition('.')[0]}"
    return Column(id=name, label=label, operation="terms", field=field, size=size, order=order, rising=rising)


TOPICS: Final = Control("Chủ đề", NEWS, "topic")
TONES: Final = Control("Sắc thái", NEWS, "sentiment")
SOURCES: Final = Control("Nguồn", NEWS, "source")
ONE_ISSUE: Final = Control("Mã vấn đề", NEWS, "issue")
ALERT_TIERS: Final = Control("Mức", ALERTS, "tier")
ALERT_STATES: Final = Control("Trạng thái", ALERTS, "state")
ALERT_TOPICS: Final = Control("Chủ đề", ALERTS, "topic")

ALL_NEWS: Final = Search(
    id="tin-bai",
    title="Tin bài, mới nhất trước",
    description="Toàn bộ tin bài báo chí trong khoảng thời gian đang xem.",
    view=NEWS,
    columns=("source", "title", "topic", "sentiment", "places"),
)
NEGATIVE_NEWS: Final = Search(
    id="tin-tieu-cuc",
    title="Tin bài tiêu cực, mới nhất trước",
    description="Chỉ những tin bài mà mô hình khá chắc là tiêu cực.",
    view=NEWS,
    columns=("source", "title", "topic", "places"),
    where=(("sentiment", "neg"), ("uncertain", False)),
)
PROVINCE_NEWS: Final = Search(
    id="tin-trong-tinh",
    title="Tin bài về tỉnh, mới nhất trước",
    description="Tin bài có nhắc đến địa bàn trong tỉnh.",
    view=NEWS,
    columns=("source", "title", "topic", "sentiment"),
    where=(("in_province", True),),
)
LATEST_ALERTS: Final = Search(
    id="canh-bao",
    title="Cảnh báo, mới nhất trước",
    description="Từng cảnh báo với mức, trạng thái và đánh giá của cán bộ.",
    view=ALERTS,
    columns=("title", "tier", "state", "verdict", "voices", "share", "places"),
)
SEARCHES: Final = (ALL_NEWS, NEGATIVE_NEWS, PROVINCE_NEWS, LATEST_ALERTS)
