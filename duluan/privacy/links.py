"""E-mail addresses, links to profiles, handles. News links stay, and the numbers inside them are protected."""

from __future__ import annotations

import re
from dataclasses import dataclass

from duluan.privacy.marks import EMAIL, PROFILE, Span
from duluan.privacy.view import UPPER, View

# "ten@noi.vn", "ten @ noi . vn", "ten(at)noi(dot)vn", "ten a cong gmail cham com": the at sign in every disguise seen.
_BRACKETED = r"\s?[\[({]\s?(?:at|a|a cong)\s?[\])}]\s?"  # plain enough to be believed before any host
_AT = r"(?:\s?@\s?|\s?[\[({]\s?(?:at|a|a cong)\s?[\])}]\s?|\s(?:at|a cong|a moc|acong)\s)"
_DOT = r"(?:\s?\.\s?|\s?[\[({]\s?(?:dot|cham)\s?[\])}]\s?|\s(?:dot|cham)\s)"
_MAIL_HOSTS = r"(?:gmail|yahoo|ymail|hotmail|outlook|icloud|proton(?:mail)?|live|zoho|gm|vnn|fpt|viettel)"
_TLD = r"(?:com|vn|net|org|edu|gov|info|me|io|biz|co|us)"
_LOCAL = r"[a-z0-9](?:[a-z0-9._%+\-]{0,63})"
_BRACKET_HINT = re.compile(r"[\[({]\s?a")
_EMAIL = re.compile(
    rf"(?<![a-z0-9@]){_LOCAL}\s?@\s?[a-z0-9](?:[a-z0-9\-]{{0,62}})(?:\.[a-z0-9\-]{{1,63}}){{0,4}}\s?\.\s?[a-z]{{2,24}}(?![a-z0-9])"
    rf"|(?<![a-z0-9@]){_LOCAL}{_BRACKETED}[a-z0-9][a-z0-9\-]{{0,62}}(?:\.[a-z0-9\-]{{1,63}}){{0,4}}\.[a-z]{{2,24}}(?![a-z0-9])"
    rf"|(?<![a-z0-9@]){_LOCAL}{_AT}{_MAIL_HOSTS}(?:{_DOT}{_TLD}){{0,2}}(?![a-z0-9])"
)

_NETWORKS = (
    r"(?:facebook\.com|fb\.com|fb\.me|m\.me|messenger\.com|zalo\.me|tiktok\.com|instagram\.com|threads\.(?:net|com)"
    r"|twitter\.com|x\.com|t\.me|telegram\.me|youtube\.com|linkedin\.com|vk\.com)"
)
_PUBLIC_PATH = re.compile(r"/(?:groups|pages|watch|events|hashtag|share|sharer|reel|story|video|shorts|playlist)\b")
_PROFILE = re.compile(
    rf"(?<![a-z0-9@.])(?:https?://)?(?:[a-z\-]{{1,12}}\.){{0,2}}{_NETWORKS}\s?/\s?[^\s<>\"'”)\]]{{2,300}}"
)
# Words that announce a name on a network: "fb: hoa.nguyen", "nick zalo Mẹ Bông", "tiktok @abc".
_HANDLE = re.compile(r"(?<![\w@./\[])@(?!\s)[a-z_][\w.]{2,40}(?<![.])")
_ANNOUNCED = re.compile(
    r"(?<![\w\[])(?:nick(?:\s?name)?|acc|fb|face(?:book)?|zalo|tiktok|tik tok|insta(?:gram)?|ig|tele(?:gram)?|viber)"
    r"(?:\s(?:cua|ca nhan|la|ten|minh|em|toi|tui|chi|anh|co|no|ong|ba|ay|do|nay|nguoi|nick"
    r"|fb|face(?:book)?|zalo|tiktok)){0,4}\s?(?::|=|->)\s?"
)
_ANNOUNCED_NAME = re.compile(r"(?:[a-z_][\w]*[._][\w.]*\w|[a-z][a-z_]*\d+\w*)", re.IGNORECASE)
_DISPLAY_NAME = re.compile(rf"[{UPPER}][\w'’]*(?: [{UPPER}][\w'’]*){{1,4}}")

_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"”]+|(?<![\w@])[a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.(?:vn|com|net|org|gov)/[^\s<>\"”]+"
)


@dataclass(frozen=True, slots=True)
class Links:
    """What was found: spans to replace, and ranges (other links) whose digits are no personal numbers."""

    spans: tuple[Span, ...] = ()
    protected: tuple[tuple[int, int], ...] = ()


_NOTHING = Links()


def find_links(view: View) -> Links:
    """E-mails, profile links and handles."""
    folded = view.folded
    spans: list[Span] = []
    protected: tuple[tuple[int, int], ...] = ()
    if "@" in folded or "mail" in folded or "a cong" in folded or _BRACKET_HINT.search(folded):
        spans += (Span(m.start(), m.end(), EMAIL) for m in _EMAIL.finditer(folded))
    if "/" in folded and "." in folded:
        spans += _profiles(folded)
        protected = tuple((m.start(), m.end()) for m in _URL.finditer(folded))
    if "@" in folded:
        spans += (Span(m.start(), m.end(), PROFILE) for m in _HANDLE.finditer(folded))
    if ":" in folded or "=" in folded or "->" in folded:
        spans += _announced(view.text, folded)
    return Links(tuple(spans), protected) if spans or protected else _NOTHING


def _profiles(folded: str) -> list[Span]:
    return [
        Span(m.start(), m.end() - len(m[0]) + len(m[0].rstrip(".,;:!?")), PROFILE)
        for m in _PROFILE.finditer(folded)
        if not _PUBLIC_PATH.search(m[0])
    ]


def _announced(text: str, folded: str) -> list[Span]:
    spans: list[Span] = []
    for match in _ANNOUNCED.finditer(folded):
        start = match.end()
        handle = _ANNOUNCED_NAME.match(folded, start) or _DISPLAY_NAME.match(text, start)
        if handle:
            spans.append(Span(start, handle.end(), PROFILE))
    return spans
