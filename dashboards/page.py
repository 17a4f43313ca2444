"""The overview page: one self-contained file that works offline, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboards import charts
from dashboards.briefing import Briefing, state_of
from dashboards.province_map import Shape, draw_map
from dashboards.templating import data_url, render
from duluan.tone import Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewPage:
    """What the page shows: the last days as a briefing's data, the alert cards as safe HTML fragments, the map's shapes."""

    briefing: Briefing
    cards: tuple[str, ...]
    notices: tuple[str, ...]  # of the system itself: coverage, models
    rejected: tuple[tuple[str, int], ...]  # reason in words, count
    shapes: Sequence[Shape]
    communes: Mapping[str, Tone]  # code → voices that name it


def write_page(page: OverviewPage, path: Path) -> None:
    """Write `path` (UTF-8). Raises OSError where it cannot be written."""
    path.write_text(html(page), encoding="utf-8")


def html(page: OverviewPage) -> str:
    """The page's text."""
    b = page.briefing
    seen = bool(b.tone.voices)
    return render(
        "page.html.j2",
        b=b,
        cards=page.cards,
        notices=page.notices,
        rejected=page.rejected,
        earlier=f"{len(b.days)} ngày liền trước",
        state_of=state_of,
        days=data_url(charts.tone_by_day(b.days)) if seen else None,
        topics=data_url(charts.topics_by_tone(b.topics)) if seen else None,
        map=draw_map(page.shapes, page.communes),
    )
