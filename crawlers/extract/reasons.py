"""Why a page was not kept: the one list of `Rejected.reason` values of extraction, and the refusal that carries one."""

from __future__ import annotations

NOT_ARTICLE = "not_article"  # a list, a section front, a search page: no one body of text
TOO_SHORT = "too_short"
TRUNCATED = "truncated"  # a cut gzip stream, or a page without its end
WRONG_LANGUAGE = "wrong_language"  # not Vietnamese: no model of ours reads it
FUTURE_DATE = "future_date"  # published long after it was fetched
NOT_HTML = "not_html"
TOO_LARGE = "too_large"
BAD_CHARSET = "bad_charset"
BAD_URL = "bad_url"
HTTP_STATUS = "http_status"

REASONS = frozenset(
    {
        NOT_ARTICLE,
        TOO_SHORT,
        TRUNCATED,
        WRONG_LANGUAGE,
        FUTURE_DATE,
        NOT_HTML,
        TOO_LARGE,
        BAD_CHARSET,
        BAD_URL,
        HTTP_STATUS,
    }
)


class Refused(Exception):
    """Ends the extraction of one page; `extract` turns it into a `Rejected`. `detail` never quotes the page."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
