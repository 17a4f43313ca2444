"""The card's chart: 14 days of voices, the negative part, and the usual range, as PNG; and the same in words for who cannot see it."""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from alerts.report import DayCount
from alerts.words import number
from duluan.clock import local

WIDTH, HEIGHT = 520, 240  # as shown; the picture has twice as many pixels each way. On a phone it shrinks to 300
_INK, _GREY, _RED, _BAND = "#334e68", "#9fb3c8", "#c0392b", "#cfdbe8"

_SIZE = 10.5  # points: nine pixels on a phone


def draw(days: Sequence[DayCount]) -> bytes:
    """PNG of 2·WIDTH × 2·HEIGHT pixels; the same days give the same bytes."""
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=200, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    at = list(range(len(days)))
    band = axes.fill_between(at, [d.low for d in days], [d.high for d in days], color=_BAND, step="mid", linewidth=0)
    every = axes.bar(at, [d.voices for d in days], color=_GREY, width=0.62)
    bad = axes.bar(at, [d.negatives for d in days], color=_RED, width=0.62)
    axes.set_xticks(at[::-2][::-1], [f"{local(d.until):%d/%m}" for d in days][::-2][::-1])
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.tick_params(labelsize=_SIZE, colors=_INK, length=0)
    axes.grid(axis="y", color="#eef2f6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set(visible=True, color=_GREY)
    axes.margins(x=0.02)
    figure.legend(  # type: ignore[call-overload]
        [every, bad, band],
        ["lượt ý kiến", "trong đó tiêu cực", "mức thường ngày (90%)"],
        loc="outside upper left",
        ncols=3,
        columnspacing=1.2,
        fontsize=_SIZE,
        frameon=False,
        labelcolor=_INK,
        handlelength=1.2,
    )
    buffer = io.BytesIO()
    canvas.print_png(buffer, metadata={"Software": ""})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def describe(days: Sequence[DayCount]) -> str:
    """'Biểu đồ 14 ngày: cao nhất 44 lượt ý kiến (29 tiêu cực) trong 24 giờ đến 19/03; thường ngày 0–6.'"""
    top = max(days, key=lambda day: day.voices)
    return (
        f"Biểu đồ {len(days)} ngày: cao nhất {number(top.voices, 0)} lượt ý kiến ({number(top.negatives, 0)} tiêu cực) trong 24 giờ "
        f"đến {local(top.until):%d/%m}; thường ngày {number(top.low, 0)}–{number(top.high, 0)}."
    )
