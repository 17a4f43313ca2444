"""Cảnh báo: what is open, what was acknowledged, how often we were right, how long it took."""

from __future__ import annotations

from typing import Final

from dashboards.kibana.boards.parts import (
    ALERT_STATES,
    ALERT_TIERS,
    ALERT_TOPICS,
    ALERTS,
    LATEST_ALERTS,
    MAILED,
    average,
    counted,
    each,
    top,
)
from dashboards.kibana.model import Board, Box, Column, Listing, Panel, Where

MONTH: Final = each("1M", "Tháng", "detected")
PRECISION: Final = average("precision", "Độ chính xác", "right")


def _figure(id: str, title: str, column: Column, x: int, where: Where = ()) -> Panel:
    box = Box(x, 0, 12, 6)
    return Panel(id=id, title=title, chart="metric", view=ALERTS, columns=(column,), where=(*MAILED, *where), box=box)


ALERT: Final = Board(
    id="canh-bao",
    title="Cảnh báo",
    description="Trạng thái, độ chính xác theo tháng, thời gian từ khi bài được đăng đến khi báo.",
    controls=(ALERT_TIERS, ALERT_STATES, ALERT_TOPICS),
    days=365,
    panels=(
        _figure("dang-mo", "Đang mở", counted("Chưa tiếp nhận"), 0, (("state", ("open", "reopened")),)),
        _figure("tiep-nhan", "Đã tiếp nhận", counted("Cán bộ xác nhận đúng"), 12, (("verdict", "right"),)),
        _figure("do-chinh-xac", "Độ chính xác", PRECISION, 24),
        _figure(
            "thoi-gian", "Từ bài đăng đầu tiên đến khi báo", average("hours", "Số giờ trung bình", "hours_to_alert"), 36
        ),
        Panel(
            id="chinh-xac",
            title="Cán bộ đánh giá, theo tháng",
            chart="table",
            view=ALERTS,
            columns=(
                MONTH,
                counted("Đã gửi thư"),
                counted("Đúng", "right", (("verdict", "right"),)),
                counted("Báo động nhầm", "false", (("verdict", "false"),)),
                PRECISION,
            ),
            where=MAILED,
            box=Box(0, 6, 24, 12),
        ),
        Panel(
            id="do-tre",
            title="Số giờ đến khi báo, theo tháng",
            chart="line",
            view=ALERTS,
            columns=(
                MONTH,
                average("hours", "Từ bài đăng đầu tiên", "hours_to_alert"),
                average("delay", "Từ khi bắt đầu chuyển xấu", "delay_hours"),
            ),
            where=MAILED,
            box=Box(24, 6, 24, 12),
        ),
        Panel(
            id="trang-thai",
            title="Theo trạng thái và mức",
            chart="bar",
            view=ALERTS,
            columns=(top("state", "Trạng thái", 8), top("tier", "Mức", 3), counted("Cảnh báo")),
            box=Box(0, 18, 24, 12),
        ),
        Panel(
            id="chu-de",
            title="Chủ đề của cảnh báo",
            chart="rows",
            view=ALERTS,
            columns=(top("topic", "Chủ đề"), counted("Cảnh báo")),
            box=Box(24, 18, 24, 12),
        ),
        Listing(id="danh-sach", title="Cảnh báo, mới nhất trước", search=LATEST_ALERTS, box=Box(0, 30, 48, 16)),
    ),
)
