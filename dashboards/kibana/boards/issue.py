"""Vấn đề: one issue through time, places and drivers. A click on an issue's code in the table filters the whole board."""

from __future__ import annotations

from typing import Final

from dashboards.kibana.boards.parts import (
    ALERTS,
    ALL_NEWS,
    COUNT,
    HOURLY,
    ISSUES,
    NEGATIVE,
    NEWS,
    ONE_ISSUE,
    TONE,
    VOICES,
    average,
    each,
    latest,
    top,
)
from dashboards.kibana.model import Board, Box, Listing, Panel, Where

BY_ISSUE: Final[Where] = (("cut", "day_issue"), ("channel", "voices"), ("below", False))

ISSUE: Final = Board(
    id="van-de",
    title="Một vấn đề qua thời gian",
    description="Bấm vào mã vấn đề trong bảng (hoặc chọn ở thanh lọc) để xem riêng vấn đề đó: "
    "diễn biến, địa bàn, từ khóa, nguồn, cảnh báo, tin bài.",
    controls=(ONE_ISSUE,),
    days=14,
    panels=(
        Panel(
            id="danh-sach",
            title="Vấn đề nhiều lượt ý kiến nhất",
            chart="table",
            view=ISSUES,
            columns=(
                top("title.raw", "Vấn đề", 25, "voices"),
                top("issue", "Mã vấn đề", 3, "voices"),
                VOICES,
                latest("Mới nhất", "last"),
            ),
            where=(("merged_into", None),),
            box=Box(0, 0, 22, 18),
        ),
        Panel(
            id="dien-bien",
            title="Diễn biến trên báo chí, theo giờ",
            chart="bar",
            view=NEWS,
            columns=(each("1h", "Giờ"), TONE, COUNT),
            box=Box(22, 0, 26, 9),
        ),
        Panel(
            id="nguoi-dan",
            title="Lượt ý kiến người dân theo ngày và sắc thái (ô dưới 5 không hiện)",
            chart="bar",
            view=HOURLY,
            columns=(each("1d", "Ngày", "hour"), TONE, VOICES),
            where=BY_ISSUE,
            box=Box(22, 9, 26, 9),
        ),
        Panel(
            id="dia-ban",
            title="Xã, phường được nhắc đến",
            chart="rows",
            view=NEWS,
            columns=(top("places", "Xã, phường"), COUNT),
            box=Box(0, 18, 12, 14),
        ),
        Panel(
            id="tu-khoa",
            title="Từ khóa trong tin bài tiêu cực",
            chart="rows",
            view=NEWS,
            columns=(top("keywords", "Từ khóa", 20), COUNT),
            where=(("sentiment", "neg"),),
            box=Box(12, 18, 12, 14),
        ),
        Panel(
            id="nguon",
            title="Nguồn đưa tin và tỷ lệ tiêu cực",
            chart="table",
            view=NEWS,
            columns=(top("source", "Nguồn"), COUNT, NEGATIVE),
            box=Box(24, 18, 12, 14),
        ),
        Panel(
            id="ty-le",
            title="Tỷ lệ tiêu cực theo ngày",
            chart="line",
            view=NEWS,
            columns=(each("1d", "Ngày"), NEGATIVE),
            box=Box(36, 18, 12, 14),
        ),
        Panel(
            id="canh-bao",
            title="Cảnh báo đã có về vấn đề",
            chart="table",
            view=ALERTS,
            columns=(
                top("title.raw", "Cảnh báo", 20, "latest"),
                top("state", "Trạng thái", 1, "latest"),
                latest("Thời điểm báo", "detected"),
                VOICES,
                average("share", "Xác suất tiêu cực trung bình", "share"),
            ),
            box=Box(0, 32, 24, 16),
        ),
        Listing(id="tin-bai", title="Tin bài, mới nhất trước", search=ALL_NEWS, box=Box(24, 32, 24, 16)),
    ),
)
