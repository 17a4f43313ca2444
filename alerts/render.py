"""One card, three forms: page fragment, plain text, and the e-mail that joins them with the chart."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from alerts.card import Card
from alerts.chart import describe, draw
from alerts.signal import Turn
from alerts.words import when

COLUMNS: Final = 78  # of the text part: fits 80 with a quotation mark before it
_SUBJECT: Final = "duluan-subject"
_LEADS: Final[dict[str, str]] = {
    "promoted": "Nâng mức",
    "escalated": "Tăng mạnh",
    "reopened": "Trở lại",
    "reminder": "Nhắc lại",
}
_REASONS: Final[dict[str, str]] = {
    "promoted": "Việc đang theo dõi nay đủ mức cảnh báo.",
    "escalated": "Từ thư trước, dư luận mạnh lên gấp nhiều lần hoặc lan sang địa bàn mới.",
    "reopened": "Việc đã lắng hoặc đã giải quyết, nay ý kiến tiêu cực trở lại.",
    "reminder": "Chưa ai ghi nhận đã tiếp nhận, dư luận vẫn đang cao.",
}
_FOOT: Final = (
    "Hệ thống đếm lượt ý kiến về vấn đề, không theo dõi cá nhân; trích dẫn đã che thông tin riêng. "
    "Cần xác minh trước khi báo cáo. Thư tự động, xin không trả lời."
)


@dataclass(frozen=True, slots=True)
class Letter:
    """Who writes to whom."""

    sender: str
    recipients: tuple[str, ...]
    list_id: str  # "duluan.quang_ngai"
    domain: str  # right side of Message-IDs


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("alerts", "templates"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
    )
    environment.filters["fold"] = _fold
    return environment


def _fold(text: str, indent: str = "") -> str:
    """At most COLUMNS wide; addresses stay whole."""
    return textwrap.fill(text, COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _render(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(**values)


def _described(card: Card) -> str:
    return describe(card.days) if card.days else ""


def fragment(card: Card, chart: str | None = None, *, lead: str = "") -> str:
    """HTML `<article>` for a page; without `chart` (a URL) the picture is inlined as a data URL."""
    if chart is None and card.days:
        chart = "data:image/png;base64," + base64.b64encode(draw(card.days)).decode()
    return _render("card.html.j2", card=card, chart=chart, lead=lead, described=_described(card))


def text(card: Card, *, lead: str = "") -> str:
    """The card as plain text, 78 columns."""
    return _render("card.txt.j2", card=card, lead=lead, described=_described(card))


def message_id(key: str, letter: Letter) -> str:
    """'<key@domain>': the same for every rendering of the same message."""
    return f"<{key}@{letter.domain}>"


def mail(
    card: Card,
    letter: Letter,
    *,
    key: str,
    created: datetime,
    thread: str | None = None,
    turn: Turn = "opened",
    count: int = 1,
) -> bytes:
    """The whole message (RFC 5322): HTML and text parts, inline chart, List-Id, stable Message-ID.

    `thread` is the key of the issue's first message; later ones refer to it, so that a mail program keeps them together. `turn` says why
    the `count`-th mail on the alert is sent.
    """
    lead = f"Thư thứ {count} về việc này. {_REASONS[turn]}" if count > 1 and turn in _REASONS else ""
    title = f"{_LEADS[turn]}: {card.title}" if lead else card.title
    body = _Body([card], f"{text(card, lead=lead)}\n-- \n{_fold(_FOOT)}\n", title, lead=lead)
    return _message(body, letter, key, created, thread)


def digest(cards: Sequence[Card], letter: Letter, *, key: str, created: datetime) -> bytes:
    """One mail for the alerts of a day beyond the cap, a table of them first."""
    title = f"Tổng hợp {len(cards)} cảnh báo đến {when(created)}"
    intro = "Ngoài các thư đã gửi trong ngày, còn các việc sau."
    contents = "\n".join(_fold(f"{n}. {card.title}", "   ") for n, card in enumerate(cards, 1))
    parts = [f"{title}\n\n{intro}\n\n{contents}\n", *(text(card) for card in cards), _fold(_FOOT) + "\n"]
    return _message(_Body(cards, f"\n{'─' * COLUMNS}\n\n".join(parts), title, intro=intro), letter, key, created, None)


@dataclass(frozen=True, slots=True)
class _Body:
    """What stands in a message, before it is one."""

    cards: Sequence[Card]
    text: str
    title: str
    lead: str = ""
    intro: str = ""


def _message(body: _Body, letter: Letter, key: str, created: datetime, thread: str | None) -> bytes:
    message = _envelope(letter, key, created, thread)
    message.set_content(body.text, cte="quoted-printable")
    pictures = {f"chart{n}.{key}": draw(card.days) for n, card in enumerate(body.cards, 1) if card.days}
    fragments = (
        fragment(card, f"cid:chart{n}.{key}" if card.days else None, lead=body.lead)
        for n, card in enumerate(body.cards, 1)
    )
    articles = [Markup(escaped) for escaped in fragments]  # by their own template
    page = _render("mail.html.j2", title=body.title, intro=body.intro, articles=articles, foot=_FOOT)
    message.add_alternative(page, subtype="html", cte="quoted-printable")
    html = message.get_payload()[1]  # type: ignore[index]
    for id, picture in pictures.items():
        html.add_related(picture, "image", "png", cid=f"<{id}>", disposition="inline", filename="bieu-do.png")  # type: ignore[union-attr]
    return _bytes(message, body.title, key)


def _envelope(letter: Letter, key: str, created: datetime, thread: str | None) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _SUBJECT
    message["From"] = letter.sender
    message["To"] = ", ".join(letter.recipients)
    message["Date"] = format_datetime(created)
    message["Message-ID"] = message_id(key, letter)
    message["List-Id"] = f"<{letter.list_id}.{letter.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if thread is not None and thread != key:
        message["In-Reply-To"] = message["References"] = message_id(thread, letter)
    return message


def _bytes(message: EmailMessage, title: str, key: str) -> bytes:
    """Fixed boundaries, so that the same card gives the same bytes.

    The subject is encoded by the older `Header`: in folding, EmailMessage loses spaces between encoded words (CPython 3.11).
    """
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{key}_{number}")
    subject = Header("[Dư luận] " + " ".join(title.split()), "utf-8", header_name="Subject").encode(linesep="\r\n")
    return message.as_bytes().replace(_SUBJECT.encode(), subject.encode(), 1)
