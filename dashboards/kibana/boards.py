"""The five boards and the saved searches of the monitoring staff.

Boards read news, issues, alerts, fetches and the counts with the minimum cell applied; never people's own words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dashboards.kibana.model import Board, Column, Control, DataView, Panel, ProvinceMap, Search, Where

NEWS: Final = DataView("duluan-news", "Tin bài báo chí", "at")
HOURLY: Final = DataView("duluan-hourly", "Lượt ý kiến theo giờ (ô dưới 5 được che)", "hour")
ISSUES: Final = DataView("duluan-issues", "Vấn đề", "last")
ALERTS: Final = DataView("duluan-alerts", "Cảnh báo", "detected")
FETCHES: Final = DataView("duluan-fetches", "Lượt thu thập", "at")
REJECTIONS: Final = DataView("duluan-rejections", "Trang bị loại", None)
SHAPES: Final = DataView("duluan-communes", "Ranh giới xã, phường", None)
VIEWS: Final = (NEWS, HOURLY, ISSUES, ALERTS, FETCHES, REJECTIONS, SHAPES)

VOICES_BY_DAY: Final[Where] = (("cut", "day_topic"), ("channel", "voices"), ("below", False))
MAILED: Final[Where] = (("tier", "mail"),)

COUNT: Final = Column(id="count", label="Số bài", operation="count")
VOICES: Final = Column(id="voices", label="Lượt ý kiến (không tính đăng lại)", operation="unique", field="origin")
NEGATIVE: Final = Column(id="negative", label="Tỷ lệ tiêu cực", operation="average", field="p_neg")
TONE: Final = Column(id="tone", label="Sắc thái", operation="terms", field="sentiment", size=3, order="count")


def by_day(field: str = "at") -> Column:
    """Days, local."""
    return Column(id="day", label="Ngày", operation="date", field=field, interval="1d")


def top(field: str, label: str, size: int = 15, order: str = "count") -> Column:
    """The `size` largest values of a field."""
    return Column(
        id=f"top_{field.partition('.')[0]}", label=label, operation="terms", field=field, size=size, order=order
    )


def number(label: str) -> Column:
    """A plain count under another name."""
    return replace(COUNT, label=label)


TOPICS: Final = Control("Chủ đề", NEWS, "topic")
TONES: Final = Control("Sắc thái", NEWS, "sentiment")
SOURCES: Final = Control("Nguồn", NEWS, "source")
ONE_ISSUE: Final = Control("Vấn đề", NEWS, "issue")

OVERVIEW: Final = Board(
    id="tong-quan",
    title="Tổng quan dư luận",
    description="Khối lượng, sắc thái, chủ đề và tình trạng các nguồn trong 30 ngày.",
    controls=(TOPICS, TONES, SOURCES),
    panels=(
        Panel(id="so-bai", title="Tin bài", chart="metric", view=NEWS, columns=(COUNT,), x=0, y=0, w=12, h=6),
        Panel(
            id="luot-y-kien", title="Lượt ý kiến", chart="metric", view=NEWS, columns=(VOICES,), x=12, y=0, w=12, h=6
        ),
        Panel(
            id="tieu-cuc", title="Tỷ lệ tiêu cực", chart="metric", view=NEWS, columns=(NEGATIVE,), x=24, y=0, w=12, h=6
        ),
        Panel(
            id="canh-bao",
            title="Cảnh báo đã gửi thư",
            chart="metric",
            view=ALERTS,
            columns=(number("Cảnh báo"),),
            where=MAILED,
            x=36,
            y=0,
            w=12,
            h=6,
        ),
        Panel(
            id="theo-ngay",
            title="Tin bài theo ngày và sắc thái",
            chart="bar",
            view=NEWS,
            columns=(by_day(), TONE, COUNT),
            x=0,
            y=6,
            w=32,
            h=14,
        ),
        Panel(
            id="chu-de",
            title="Chủ đề được nói đến nhiều",
            chart="rows",
            view=NEWS,
            columns=(top("topic", "Chủ đề"), COUNT),
            x=32,
            y=6,
            w=16,
            h=14,
        ),
        Panel(
            id="nguoi-dan",
            title="Lượt ý kiến người dân theo ngày (ô dưới 5 không hiện)",
            chart="area",
            view=HOURLY,
            columns=(by_day("hour"), Column(id="sum", label="Lượt ý kiến", operation="sum", field="voices")),
            where=VOICES_BY_DAY,
            x=0,
            y=20,
            w=24,
            h=12,
        ),
        Panel(
            id="nguon",
            title="Tình trạng nguồn",
            chart="table",
            view=FETCHES,
            columns=(
                top("source", "Nguồn", 30),
                number("Lượt thu thập"),
                Column(id="failed", label="Không đọc được", operation="count", where=(("ok", False),)),
            ),
            x=24,
            y=20,
            w=24,
            h=12,
        ),
    ),
)

ISSUE: Final = Board(
    id="van-de",
    title="Một vấn đề qua thời gian",
    description="Chọn vấn đề ở thanh lọc: diễn biến theo giờ, địa bàn, từ khóa, nguồn.",
    controls=(ONE_ISSUE, TOPICS),
    since="now-14d/d",
    panels=(
        Panel(
            id="danh-sach",
            title="Vấn đề nhiều lượt ý kiến nhất",
            chart="table",
            view=ISSUES,
            columns=(
                top("title.raw", "Vấn đề", 25, "sum"),
                Column(id="sum", label="Lượt ý kiến", operation="sum", field="voices"),
            ),
            x=0,
            y=0,
            w=20,
            h=18,
        ),
        Panel(
            id="dien-bien",
            title="Diễn biến theo giờ",
            chart="bar",
            view=NEWS,
            columns=(Column(id="hour", label="Giờ", operation="date", field="at", interval="1h"), TONE, COUNT),
            x=20,
            y=0,
            w=28,
            h=18,
        ),
        Panel(
            id="dia-ban",
            title="Xã, phường được nhắc đến (mã)",
            chart="rows",
            view=NEWS,
            columns=(top("places", "Xã, phường"), COUNT),
            x=0,
            y=18,
            w=16,
            h=14,
        ),
        Panel(
            id="tu-khoa",
            title="Từ khóa nổi bật",
            chart="rows",
            view=NEWS,
            columns=(top("keywords", "Từ khóa", 20), COUNT),
            x=16,
            y=18,
            w=16,
            h=14,
        ),
        Panel(
            id="ty-le",
            title="Tỷ lệ tiêu cực theo ngày",
            chart="line",
            view=NEWS,
            columns=(by_day(), NEGATIVE),
            x=32,
            y=18,
            w=16,
            h=14,
        ),
    ),
)

ALERT: Final = Board(
    id="canh-bao",
    title="Cảnh báo",
    description="Trạng thái, độ chính xác theo tháng, thời gian từ khi vấn đề bắt đầu đến khi báo.",
    since="now-1y/d",
    panels=(
        Panel(
            id="trang-thai",
            title="Theo trạng thái và mức",
            chart="bar",
            view=ALERTS,
            columns=(top("state", "Trạng thái", 8), top("tier", "Mức", 3), number("Cảnh báo")),
            x=0,
            y=0,
            w=16,
            h=14,
        ),
        Panel(
            id="chinh-xac",
            title="Cán bộ đánh giá, theo tháng",
            chart="table",
            view=ALERTS,
            columns=(
                Column(id="month", label="Tháng", operation="date", field="detected", interval="1M"),
                number("Cảnh báo đã gửi thư"),
                Column(id="right", label="Đúng", operation="count", where=(("verdict", "right"),)),
                Column(id="false", label="Báo động nhầm", operation="count", where=(("verdict", "false"),)),
            ),
            where=MAILED,
            x=16,
            y=0,
            w=16,
            h=14,
        ),
        Panel(
            id="do-tre",
            title="Giờ từ khi bắt đầu đến khi báo, theo tháng",
            chart="line",
            view=ALERTS,
            columns=(
                Column(id="month", label="Tháng", operation="date", field="detected", interval="1M"),
                Column(id="delay", label="Số giờ trung bình", operation="average", field="delay_hours"),
            ),
            where=MAILED,
            x=32,
            y=0,
            w=16,
            h=14,
        ),
        Panel(
            id="danh-sach",
            title="Cảnh báo theo vấn đề",
            chart="table",
            view=ALERTS,
            columns=(
                top("title.raw", "Cảnh báo", 50, "sum"),
                Column(id="sum", label="Lượt ý kiến", operation="sum", field="voices"),
                Column(id="share", label="Tỷ lệ tiêu cực", operation="average", field="share"),
            ),
            x=0,
            y=14,
            w=32,
            h=16,
        ),
        Panel(
            id="chu-de",
            title="Chủ đề của cảnh báo",
            chart="rows",
            view=ALERTS,
            columns=(top("topic", "Chủ đề"), number("Cảnh báo")),
            x=32,
            y=14,
            w=16,
            h=16,
        ),
    ),
)

SOURCE: Final = Board(
    id="nguon",
    title="Nguồn",
    description="Độ phủ, khoảng lặng, độ trễ của từng nguồn và lý do trang bị loại.",
    controls=(SOURCES,),
    panels=(
        Panel(
            id="do-phu",
            title="Tin bài theo ngày và nguồn",
            chart="bar",
            view=NEWS,
            columns=(by_day(), top("source", "Nguồn"), COUNT),
            x=0,
            y=0,
            w=32,
            h=14,
        ),
        Panel(
            id="do-tre",
            title="Số phút từ khi đăng đến khi đọc được",
            chart="rows",
            view=NEWS,
            columns=(
                top("source", "Nguồn", 15, "delay"),
                Column(id="delay", label="Số phút trung bình", operation="average", field="delay_minutes"),
            ),
            x=32,
            y=0,
            w=16,
            h=14,
        ),
        Panel(
            id="khoang-lang",
            title="Lượt thu thập không đọc được, theo ngày",
            chart="bar",
            view=FETCHES,
            columns=(by_day(), top("source", "Nguồn"), number("Lượt")),
            where=(("ok", False),),
            x=0,
            y=14,
            w=24,
            h=14,
        ),
        Panel(
            id="bi-loai",
            title="Trang bị loại, theo nguồn và lý do",
            chart="table",
            view=REJECTIONS,
            columns=(top("source", "Nguồn", 20), top("reason", "Lý do", 8), number("Trang")),
            x=24,
            y=14,
            w=24,
            h=14,
        ),
    ),
)

MAP: Final = Board(
    id="ban-do",
    title="Bản đồ",
    description="Xã, phường, đặc khu được báo chí nhắc đến; ranh giới của tỉnh, không dùng bản đồ nền bên ngoài.",
    controls=(TOPICS, TONES),
    panels=(
        ProvinceMap(
            id="ban-do", title="Số bài theo xã, phường", shapes=SHAPES, view=NEWS, term="places", x=0, y=0, w=32, h=28
        ),
        Panel(
            id="theo-xa",
            title="Xã, phường được nhắc đến nhiều",
            chart="table",
            view=NEWS,
            columns=(top("places", "Xã, phường (mã)", 30), COUNT, NEGATIVE),
            x=32,
            y=0,
            w=16,
            h=28,
        ),
    ),
)

BOARDS: Final = (OVERVIEW, ISSUE, ALERT, SOURCE, MAP)

SEARCHES: Final = (
    Search(
        id="tin-tieu-cuc",
        title="Tin bài tiêu cực, mới nhất trước",
        view=NEWS,
        columns=("source", "title", "topic", "places"),
        where=(("sentiment", "neg"), ("uncertain", False)),
    ),
    Search(
        id="tin-trong-tinh",
        title="Tin bài về tỉnh, mới nhất trước",
        view=NEWS,
        columns=("source", "title", "topic", "sentiment"),
        where=(("in_province", True),),
    ),
)
