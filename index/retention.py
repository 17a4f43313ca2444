"""How long what is kept (design.md §4.5), the same in both stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from duluan.model import VOICE_KINDS, Clustered, Kind
from duluan.text import excerpt
from duluan.urls import document_id

NEWS_BODY: Final = timedelta(days=30)  # then title and an excerpt
VOICE_TEXT: Final = timedelta(days=90)  # posts, comments, reports, survey answers; alert excerpts and mails kept
NEWS_EXCERPT: Final = 300  # characters
ANSWERED_TITLE: Final[frozenset[Kind]] = frozenset({"comment"})  # its title is the news item's, not the person's words


def shortened(document: Clustered) -> Clustered:
    """A document as it is kept for good: news with an excerpt, people's words without any text."""
    if document.kind not in VOICE_KINDS:
        return replace(document, text=excerpt(document.text, NEWS_EXCERPT))
    title = document.title if document.kind in ANSWERED_TITLE else ""
    places = tuple(replace(place, written="") for place in document.places)
    return replace(document, title=title, text="", keywords=(), places=places)


def ids_of(url: str) -> tuple[str, ...]:
    """The ids that a page at `url` may be stored under: its own, and that of a NukeViet page where it looks like one.

    Raises ValueError where `url` is no address.
    """
    return tuple(dict.fromkeys((document_id(url), document_id(url, nukeviet=True))))
