"""Charts as PNG bytes (matplotlib, no display): tone by day, topics by tone. Colours can be told apart in black and white."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

from matplotlib.figure import Figure

from dashboards.briefing import DayLine, TopicLine
from duluan.clock import local

COLOURS = {"neg": "#b3261e", "neu": "#9aa0a6", "pos": "#1e7d4f"}
NAMES = {"neg": "Tiêu cực", "neu": "Trung tính", "pos": "Tích cực"}
ORDER = ("neg", "neu", "pos")
DPI = 150


def tone_by_day(days: Sequence[DayLine]) -> bytes:
    """Stacked bars, one a local day."""
    figure = Figure(figsize=(6.4, 2.6), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    labels = [_short(line.date) for line in days]
    base = [0] * len(days)
    for tone in ORDER:
        values = [getattr(line.tone, tone) for line in days]
        axes.bar(labels, values, bottom=base, color=COLOURS[tone], label=NAMES[tone], width=0.72)
        base = [b + v for b, v in zip(base, values, strict=True)]
    axes.set_ylabel("lượt ý kiến", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="x", rotation=45 if len(days) > 10 else 0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, 1.16))
    return _png(figure)


def topics_by_tone(topics: Sequence[TopicLine]) -> bytes:
    """Horizontal stacked bars, the topic with most voices on top."""
    shown = [line for line in topics if line.tone.voices][:10][::-1]
    figure = Figure(figsize=(6.4, 0.6 + 0.27 * max(1, len(shown))), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    left = [0] * len(shown)
    for tone in ORDER:
        values = [getattr(line.tone, tone) for line in shown]
        axes.barh([line.name for line in shown], values, left=left, color=COLOURS[tone], height=0.7)
        left = [a + v for a, v in zip(left, values, strict=True)]
    axes.set_xlabel("lượt ý kiến", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def _short(date: datetime) -> str:
    here = local(date)
    return f"{here.day}/{here.month}"


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
