"""The card's chart: 14 days of voices, the negative part, and the usual range, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from alerts.report import DayCount
from duluan.clock import local


def draw(days: Sequence[DayCount]) -> bytes:
    """PNG, about 640 × 260 pixels; the same days give the same bytes."""
    figure = Figure(figsize=(6.4, 2.6), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    at = list(range(len(days)))
    axes.fill_between(
        at, [d.low for d in days], [d.high for d in days], color="#d9e2ec", step="mid", label="mức thường ngày (90 %)"
    )
    axes.bar(at, [d.voices for d in days], color="#9aa5b1", width=0.7, label="lượt ý kiến")
    axes.bar(at, [d.negatives for d in days], color="#c0392b", width=0.7, label="trong đó tiêu cực")
    axes.set_xticks(at[::2], [f"{local(d.until):%d/%m}" for d in days][::2])
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    buffer = io.BytesIO()
    canvas.print_png(buffer, metadata={"Software": ""})  # type: ignore[no-untyped-call]
    return buffer.getvalue()
