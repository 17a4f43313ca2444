"""How long what is kept (design.md §4.5), the same in both stores."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from duluan.model import Kind

NEWS_BODY: Final = timedelta(days=30)  # then title and an excerpt
VOICE_TEXT: Final = timedelta(days=90)  # posts, comments, reports, survey answers; alert excerpts and mails kept
NEWS_EXCERPT: Final = 300  # characters
ANSWERED_TITLE: Final[frozenset[Kind]] = frozenset({"comment"})  # its title is the news item's, not the person's words
