"""Raw page → redacted document: the crawler's call into `extract/`, by the source's rule and kind."""

from __future__ import annotations

from crawlers.extract import extract_redacted
from duluan.config import Source
from duluan.model import Document, RawPage, Rejected

_TEXTUAL = ("text/", "html", "xml", "application/octet-stream")


def extract_page(page: RawPage, source: Source) -> Document | Rejected:
    """The document on `page`; a response that is no text (a PDF, an image) is rejected unread."""
    kind = page.content_type.lower()
    if kind and not any(word in kind for word in _TEXTUAL):
        return Rejected("not_html", page.url, source.id, kind.partition(";")[0][:60])
    return extract_redacted(page, rules=source.rules, nukeviet=source.via == "nukeviet")
