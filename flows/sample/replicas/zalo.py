"""Zalo's OA API: single-use refresh tokens, slices of at most ten, details with an author that nobody may keep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from flows.sample.content import Item
from flows.sample.outlets import OA_ID
from flows.sample.replicas.http import Request, Response, as_json, text

APP_ID: Final = "260320180000"
SECRET: Final = "mau-oa-secret"
FIRST_REFRESH: Final = "mau-refresh-0"
SHOWN: Final = timedelta(days=4)  # older articles are with the import
MOST: Final = 10


class Zalo:
    """Token endpoint and API on one host; `items` newest first."""

    def __init__(self, items: Sequence[Item], now: datetime) -> None:
        self._lock = Lock()
        self.show(items, now)
        self._turn = 0
        self._access = ""

    def show(self, items: Sequence[Item], now: datetime) -> None:
        """What the account has published by `now`; the tokens stay as they are."""
        self._items = [item for item in items if item.published >= now - SHOWN]
        self._by_id = {f"{item.number:x}": item for item in self._items}

    def answer(self, request: Request) -> Response:
        """One call."""
        if request.path == "/robots.txt":
            return text("User-agent: *\nDisallow: /admin/\n")
        if request.path == "/v4/oa/access_token" and request.method == "POST":
            return self._token(request)
        if not self._access or request.headers.get("access_token") != self._access:
            return _error(-216, "access_token is invalid")
        if request.path == "/v2.0/oa/getoa":
            data: dict[str, Any] = {
                "oa_id": OA_ID,
                "name": "Nhịp sống Trà – Bla (mẫu)",
                "is_verified": True,
                "num_follower": 8412,
            }
            return as_json({"error": 0, "message": "Success", "data": data})
        if request.path == "/v2.0/article/getslice":
            return self._slice(request)
        if request.path == "/v2.0/article/getdetail":
            item = self._by_id.get(request.query.get("id", ""))
            return (
                _error(-201, "id is invalid")
                if item is None
                else as_json({"error": 0, "message": "Success", "data": _detail(item)})
            )
        return _error(-209, "not supported")

    def _token(self, request: Request) -> Response:
        """A refresh token is good for one use; the answer carries the next."""
        with self._lock:
            wanted = f"mau-refresh-{self._turn}"
            good = request.headers.get("secret_key") == SECRET and request.form.get("app_id") == APP_ID
            if (
                not good
                or request.form.get("grant_type") != "refresh_token"
                or request.form.get("refresh_token") != wanted
            ):
                return as_json(
                    {"error": -14003, "error_name": "Invalid refresh token", "error_description": "used or unknown"}
                )
            self._turn += 1
            self._access = f"mau-access-{self._turn}"
            pair = {"access_token": self._access, "refresh_token": f"mau-refresh-{self._turn}", "expires_in": "90000"}
            return as_json(pair)

    def _slice(self, request: Request) -> Response:
        offset, limit = (int(request.query.get(key, "0") or 0) for key in ("offset", "limit"))
        if not 1 <= limit <= MOST or request.query.get("type", "normal") not in {"normal", "video"}:
            return _error(-201, "limit is invalid")
        items = self._items if request.query.get("type", "normal") == "normal" else []
        medias = [_media(item) for item in items[offset : offset + limit]]
        return as_json({"error": 0, "message": "Success", "data": {"total": len(items), "medias": medias}})


def _media(item: Item) -> dict[str, Any]:
    millis = int(item.published.timestamp() * 1000)
    return {
        "id": f"{item.number:x}",
        "type": "normal",
        "title": item.title,
        "status": "show",
        "create_date": millis,
        "update_date": millis,
        "total_view": 300 + item.number % 700,
        "total_share": item.number % 23,
    }


def _detail(item: Item) -> dict[str, Any]:
    body = [{"type": "text", "content": f"<p>{part}</p>"} for part in item.paragraphs[1:]]
    return {
        "id": f"{item.number:x}",
        "type": "normal",
        "title": item.title,
        "author": item.author,
        "cover": {"cover_type": "photo", "photo_url": "https://oa.example/anh.jpg", "status": "show"},
        "description": item.paragraphs[0],
        "status": "show",
        "body": body,
        "comment": "show",
    }


def _error(code: int, message: str) -> Response:
    return as_json({"error": code, "message": message})
