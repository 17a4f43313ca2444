"""Tổng quan: volume, tone, topics, and whether the sources are well."""

from __future__ import annotations

from typing import Final

from dashboards.kibana.boards.parts import (
    ALERTS,
    COUNT,
    FETCHES,
    HOURLY,
    NEGATIVE,
    NEWS,
    ORIGINS,
    SOURCES,
    TONE,
    TONES,
    TOPICS,
    VOICES,
    counted,
    each,
    latest,
    top,
)
from dashboards.kibana.model import Board, Box, Column, Panel, Where

OPEN: Final[Where] = (("tier", "mail"), ("state", ("open", "reopened")))
BY_TOPIC: Final[Where] = (("cut", "day_topic"), ("channel", "voices"), ("below", False))


def _figure(id: str, title: str, column: Column, x: int) -> Panel:
    return Panel(id=id, title=title, chart="metric", view=NEWS, columns=(column,), box=Box(x, 0, 12, 6))


OVERVIEW: Final = Board(
    id="tong-quan",
    title="Tổng quan dư luận",
    description="Khối lượng, sắc thái, chủ đề và tình trạng các nguồn trong 30 ngày qua.",
    controls=(TOPICS, TONES, SOURCES),
    panels=(
        _figure("so-bai", "Tin bài", COUNT, 0),
        _figure("bai-goc", "Tin bài không tính đăng lại", ORIGINS, 12),
        _figure("tieu-cuc", "Tỷ lệ tiêu cực", NEGATIVE, 24),
        Panel(
            id="canh-bao",
            title="Cảnh báo đang mở (không theo thanh lọc)",
            chart="metric",
            view=ALERTS,
            columns=(counted("Đã gửi thư, chưa tiếp nhận"),),
            where=OPEN,
            apart=True,
            box=Box(36, 0, 12, 6),
        ),
        Panel(
            id="theo-ngay",
            title="Tin bài theo ngày và sắc thái",
            chart="bar",
            view=NEWS,
            columns=(each("1d", "Ngày"), TONE, COUNT),
            box=Box(0, 6, 32, 14),
        ),
        Panel(
            id="chu-de",
            title="Chủ đề được nói đến nhiều",
            chart="rows",
            view=NEWS,
            columns=(top("topic", "Chủ đề"), COUNT),
            box=Box(32, 6, 16, 14),
        ),
        Panel(
            id="sac-thai",
            title="Sắc thái của từng chủ đề",
            chart="share",
            view=NEWS,
            columns=(top("topic", "Chủ đề"), TONE, COUNT),
            box=Box(0, 20, 24, 12),
        ),
        Panel(
            id="nguoi-dan",
            title="Lượt ý kiến người dân theo ngày (ô dưới 5 không hiện; không theo thanh lọc)",
            chart="area",
            view=HOURLY,
            columns=(each("1d", "Ngày", "hour"), VOICES),
            where=BY_TOPIC,
            apart=True,
            box=Box(24, 20, 24, 12),
        ),
        Panel(
            id="nguon",
            title="Tình trạng nguồn: lâu chưa đọc được xếp trước (không theo thanh lọc)",
            chart="table",
            view=FETCHES,
            columns=(
                top("source", "Nguồn", 50, "latest", rising=True),
                latest("Lượt gần nhất", "at"),
                counted("Lượt thu thập"),
                counted("Không đọc được", "failed", (("ok", False),)),
            ),
            apart=True,
            box=Box(0, 32, 28, 14),
        ),
        Panel(
            id="doc-duoc",
            title="Tỷ lệ lượt thu thập đọc được, theo ngày (không theo thanh lọc)",
            chart="share",
            view=FETCHES,
            columns=(each("1d", "Ngày"), top("ok", "Kết quả", 2), counted("Lượt thu thập")),
            apart=True,
            box=Box(28, 32, 20, 14),
        ),
    ),
)
