"""The briefing as one self-contained page, for reading on a screen and for printing."""

from __future__ import annotations

from pathlib import Path

from dashboards import charts
from dashboards.briefing import Briefing, sections, state_of
from dashboards.templating import data_url, render


def write_html(briefing: Briefing, path: Path) -> None:
    """Write `path` (UTF-8). Raises OSError where it cannot be written."""
    path.write_text(html(briefing), encoding="utf-8")


def html(briefing: Briefing) -> str:
    """The page's text."""
    seen = bool(briefing.tone.voices)
    return render(
        "briefing.html.j2",
        b=briefing,
        sections=sections(briefing),
        state_of=state_of,
        days=data_url(charts.tone_by_day(briefing.days)) if seen else None,
        topics=data_url(charts.topics_by_tone(briefing.topics)) if seen else None,
    )
