"""A live issue as others see it: its title and key terms, and its record."""

from __future__ import annotations

from datetime import UTC, datetime

from duluan.model import Issue
from nlp.clustering.events import Event
from nlp.issue_titles import best_title, key_terms


def name(event: Event) -> None:
    """Choose title and terms anew; where there is one text, its headline and keywords are all there is."""
    event.named = event.texts
    weights = event.weights() if len(event.titles) > 1 else {}
    event.title = best_title(event.titles, weights)
    event.key_terms = key_terms(event.titles, weights, event.keywords) if event.texts > 1 else _keywords(event)


def told(event: Event, given: str | None) -> Issue:
    """Its record; `given`: the title that staff gave it."""
    return Issue(
        id=event.id,
        title=given or event.title,
        terms=event.key_terms,
        first=_moment(event.first),
        last=_moment(event.last),
        voices=event.voices,
        topic=_most_common(event.topics) or "khac",
        places=tuple(sorted(event.places, key=lambda code: (-event.places[code], code))[:8]),
        title_by_staff=given is not None,
    )


def _keywords(event: Event) -> tuple[str, ...]:
    return tuple(sorted(event.keywords, key=lambda word: (-event.keywords[word], word)))


def _most_common(counts: dict[str, int]) -> str | None:
    return min(counts, key=lambda name: (-counts[name], name)) if counts else None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
