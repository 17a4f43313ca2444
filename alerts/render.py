"""One card, three forms: page fragment, plain text, and the e-mail that joins them with the chart."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alerts.card import Card, when
from alerts.chart import draw


@dataclass(frozen=True, slots=True)
class Letter:
    """Who writes to whom."""

    sender: str
    recipients: tuple[str, ...]
    list_id: str  # "duluan.quang_ngai"
    domain: str  # right side of Message-IDs


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("alerts", "templates"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
    )


def _render(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(when=when, **values)


def fragment(card: Card, chart: str | None = None) -> str:
    """HTML `<article>` for a page; without `chart` (a URL) the picture is inlined as a data URL."""
    if chart is None and card.days:
        chart = "data:image/png;base64," + base64.b64encode(draw(card.days)).decode()
    return _render("card.html.j2", card=card, chart=chart)


def text(card: Card) -> str:
    """The card as plain text."""
    return _render("card.txt.j2", card=card)


def message_id(key: str, letter: Letter) -> str:
    """'<key@domain>': the same for every rendering of the same message."""
    return f"<{key}@{letter.domain}>"


def mail(card: Card, letter: Letter, *, key: str, created: datetime, thread: str | None = None) -> bytes:
    """The whole message (RFC 5322): HTML and text parts, inline chart, List-Id, stable Message-ID.

    `thread` is the key of the issue's first message; later ones refer to it, so that a mail program keeps them together.
    """
    message = _envelope(card.title, letter, key, created, thread)
    message.set_content(text(card), cte="quoted-printable")
    picture = draw(card.days) if card.days else None
    message.add_alternative(
        _render("card.html.j2", card=card, chart=f"cid:chart.{key}" if picture else None),
        subtype="html",
        cte="quoted-printable",
    )
    if picture:
        html = message.get_payload()[1]  # type: ignore[index]
        html.add_related(picture, "image", "png", cid=f"<chart.{key}>", disposition="inline", filename="bieu-do.png")  # type: ignore[union-attr]
    return _bytes(message, key)


def digest(cards: tuple[Card, ...], letter: Letter, *, key: str, created: datetime) -> bytes:
    """One mail for the alerts of a day beyond the cap."""
    message = _envelope(f"Tổng hợp {len(cards)} cảnh báo", letter, key, created, None)
    message.set_content("\n\n────────\n\n".join(text(card) for card in cards), cte="quoted-printable")
    message.add_alternative(
        "<hr>".join(_render("card.html.j2", card=card, chart=None) for card in cards),
        subtype="html",
        cte="quoted-printable",
    )
    return _bytes(message, key)


def _envelope(title: str, letter: Letter, key: str, created: datetime, thread: str | None) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "[Dư luận] " + " ".join(title.split())
    message["From"] = letter.sender
    message["To"] = ", ".join(letter.recipients)
    message["Date"] = format_datetime(created)
    message["Message-ID"] = message_id(key, letter)
    message["List-Id"] = f"<{letter.list_id}.{letter.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if thread and thread != key:
        message["In-Reply-To"] = message["References"] = message_id(thread, letter)
    return message


def _bytes(message: EmailMessage, key: str) -> bytes:
    """Fixed boundaries, so that the same card gives the same bytes."""
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{key}_{number}")
    return message.as_bytes()
