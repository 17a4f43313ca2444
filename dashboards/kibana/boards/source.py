"""Nguồn: coverage, silence and delays of each source, and what was refused."""

from __future__ import annotations

from typing import Final

from dashboards.kibana.boards.parts import (
    COUNT,
    FETCHES,
    NEWS,
    REJECTIONS,
    SOURCES,
    average,
    counted,
    each,
    latest,
    top,
)
from dashboards.kibana.model import Board, Box, Panel

MINUTES: Final = average("delay", "Số phút trung bình", "delay_minutes")

SOURCE: Final = Board(
    id="nguon",
    title="Nguồn",
    description="Độ phủ, khoảng lặng, độ trễ của từng nguồn và lý do trang bị loại.",
    controls=(SOURCES,),
    panels=(
        Panel(
            id="do-phu",
            title="Độ phủ: tin bài theo ngày và nguồn",
            chart="bar",
            view=NEWS,
            columns=(each("1d", "Ngày"), top("source", "Nguồn"), COUNT),
            box=Box(0, 0, 30, 14),
        ),
        Panel(
            id="im-lang",
            title="Khoảng lặng: nguồn lâu chưa có tin xếp trước",
            chart="table",
            view=NEWS,
            columns=(top("source", "Nguồn", 50, "latest", rising=True), latest("Tin mới nhất", "at"), COUNT),
            box=Box(30, 0, 18, 14),
        ),
        Panel(
            id="doc-duoc",
            title="Tỷ lệ lượt thu thập đọc được, theo nguồn",
            chart="share",
            view=FETCHES,
            columns=(top("source", "Nguồn", 50), top("ok", "Kết quả", 2), counted("Lượt thu thập")),
            box=Box(0, 14, 24, 14),
        ),
        Panel(
            id="khong-doc",
            title="Lượt thu thập không đọc được, theo ngày",
            chart="bar",
            view=FETCHES,
            columns=(each("1d", "Ngày"), top("source", "Nguồn"), counted("Lượt")),
            where=(("ok", False),),
            box=Box(24, 14, 24, 14),
        ),
        Panel(
            id="do-tre",
            title="Độ trễ: số phút từ khi đăng đến khi đọc được",
            chart="rows",
            view=NEWS,
            columns=(top("source", "Nguồn", 15, "delay"), MINUTES),
            box=Box(0, 28, 16, 14),
        ),
        Panel(
            id="do-tre-ngay",
            title="Độ trễ theo ngày",
            chart="line",
            view=NEWS,
            columns=(each("1d", "Ngày"), MINUTES),
            box=Box(16, 28, 14, 14),
        ),
        Panel(
            id="bi-loai",
            title="Trang bị loại, theo nguồn và lý do",
            chart="table",
            view=REJECTIONS,
            columns=(top("source", "Nguồn", 20), top("reason", "Lý do", 8), counted("Trang")),
            box=Box(30, 28, 18, 14),
        ),
    ),
)
