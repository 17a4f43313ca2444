"""What an alert is about, read from the store: the documents of its event, or of its theme."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from duluan.config import Profile
from duluan.model import Clustered, Document, Issue
from duluan.query import Filter
from duluan.text import nfc
from duluan.themes import Theme, scoped, theme
from index.base import Index
from nlp.issue_titles import shared_headline
from nlp.matters import matters


def documents_of(store: Index, subject: str, window: Filter) -> Iterator[Clustered]:
    """Those of `window` that `subject`, an alert's `issue`, counts; oldest first."""
    standing = theme(subject)
    for document in store.documents(scoped(subject, window), oldest_first=True):
        if standing is None or not standing.term or standing.term in matters(document):
            yield document


def title_of(subject: str, documents: Sequence[Document], issue: Issue | None, profile: Profile | None) -> str:
    """What an alert on `subject` with the voices `documents` is called: a theme by its name, an issue as staff call it, else by its voices.

    '' where nothing names it.
    """
    if standing := theme(subject):
        return _titled(standing, documents, profile) if profile else ""
    if issue and issue.title_by_staff:
        return issue.title
    return shared_headline(documents) or (issue.title if issue else "")


def _titled(standing: Theme, documents: Iterable[Document], profile: Profile) -> str:
    """A theme's title, its term as the documents write it."""
    return replace(standing, term=spelled(standing.term, documents) if standing.term else "").title(profile)


def spelled(term: str, documents: Iterable[Document]) -> str:
    """A keyword as the documents write it, most often, within sentences: 'bão kalmaegi' → 'bão Kalmaegi'."""
    pattern = re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)
    found = Counter(
        written for document in documents for written in pattern.findall(nfc(f"{document.title}. {document.text}"))
    )
    usual = {written: count for written, count in found.items() if not written.isupper()}
    # at the start of a sentence the first letter is capital whatever the word; where all words are, it is a name
    inside = {written: count for written, count in usual.items() if written[0] == term[0]}
    best = inside or {_within_sentence(written): count for written, count in usual.items()}
    return max(best, key=lambda written: (best[written], written), default=term)


def _within_sentence(written: str) -> str:
    words = written.split()
    return written if all(word[0].isupper() for word in words) else written[0].lower() + written[1:]
