"""Request and answer of a replica, free of sockets: what a replica does is a plain function from one to the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in. `headers` has lower-case names; `form` and `query` keep the last value of a repeated key."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """What goes out; Content-Length is added by the server."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()


class Replica(Protocol):
    """One host."""

    def answer(self, request: Request) -> Response: ...


def page(markup: str, *, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """An HTML page in UTF-8."""
    return Response(markup.encode(), headers=headers)


def xml(markup: str, content_type: str = "application/xml; charset=utf-8") -> Response:
    """A feed or sitemap."""
    return Response(markup.encode(), content_type)


def text(body: str) -> Response:
    """Plain text (robots.txt)."""
    return Response(body.encode(), "text/plain; charset=utf-8")


def as_json(value: Any, *, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """JSON as the platforms send it."""
    return Response(json.dumps(value, ensure_ascii=False).encode(), "application/json; charset=UTF-8", status, headers)


def not_found() -> Response:
    """404 with a short page."""
    return Response("<html><body><h1>Không tìm thấy trang</h1></body></html>".encode(), status=404)


def revalidated(response: Response, request: Request) -> Response:
    """`response` with an ETag, or 304 where the client already has it."""
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:20]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(b"", response.content_type, 304, (("ETag", tag),))
    return Response(response.body, response.content_type, response.status, (*response.headers, ("ETag", tag)))


def http_date(moment: datetime) -> str:
    """'Fri, 20 Mar 2026 09:15:00 +0700', as feeds write it."""
    return format_datetime(moment)
