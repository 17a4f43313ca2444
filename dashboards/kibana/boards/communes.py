"""Bản đồ: the communes that news and people speak of, on our own polygons."""

from __future__ import annotations

from typing import Final

from dashboards.kibana.boards.parts import COUNT, HOURLY, NEGATIVE, NEWS, SHAPES, TONES, TOPICS, VOICES, top
from dashboards.kibana.model import Board, Box, MapLayer, Panel, ProvinceMap, Where

BY_PLACE: Final[Where] = (("cut", "day_place"), ("channel", "voices"), ("below", False))

MAP: Final = Board(
    id="ban-do",
    title="Bản đồ",
    description="Xã, phường, đặc khu được nhắc đến; ranh giới của tỉnh, không dùng bản đồ nền bên ngoài. "
    "Bấm vào danh sách lớp để đổi giữa số bài, tỷ lệ tiêu cực và lượt ý kiến người dân.",
    controls=(TOPICS, TONES),
    panels=(
        ProvinceMap(
            id="ban-do",
            title="Xã, phường, đặc khu được nhắc đến",
            shapes=SHAPES,
            layers=(
                MapLayer(id="so-bai", title="Số bài báo chí", view=NEWS, term="places", metric=COUNT),
                MapLayer(id="tieu-cuc", title="Tỷ lệ tiêu cực", view=NEWS, term="places", metric=NEGATIVE, shown=False),
                MapLayer(
                    id="nguoi-dan",
                    title="Lượt ý kiến người dân (ô dưới 5 không hiện; không theo thanh lọc)",
                    view=HOURLY,
                    term="place",
                    metric=VOICES,
                    where=BY_PLACE,
                    apart=True,
                    shown=False,
                ),
            ),
            box=Box(0, 0, 32, 30),
        ),
        Panel(
            id="theo-xa",
            title="Xã, phường được nhắc đến nhiều",
            chart="table",
            view=NEWS,
            columns=(top("places", "Xã, phường", 96), COUNT, NEGATIVE),
            box=Box(32, 0, 16, 30),
        ),
    ),
)
