"""The Graph API's posts and comments of two Pages: tokens, paging with an empty page in between, usage headers, errors in HTTP 200."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from flows.sample.content import Item
from flows.sample.outlets import BY_ID
from flows.sample.replicas.http import Request, Response, as_json, text

TOKEN: Final = "EAAmauTokenTrangMau20260320"
# Older posts are with the import, unless people still answer them; a real Page lists all.
SHOWN: Final = timedelta(days=3)
ANSWERED: Final = timedelta(days=1)
PAGE_IDS: Final = {"quenha": "100200300400501", "phonui": "100200300400502"}
_EDGE = re.compile(r"^/v\d+\.\d+/([A-Za-z0-9_]+)/(posts|published_posts|feed|comments)$")


class Graph:
    """The host. `throttle_once` makes the very first call answer error 32 inside HTTP 200."""

    def __init__(self, items: Sequence[Item], base: str, now: datetime, *, throttle_once: bool = False) -> None:
        self._base, self._throttle = base, throttle_once
        self._calls = 0
        alive = {item.parent for item in items if item.parent and item.published >= now - ANSWERED}
        shown = [i for i in items if i.kind == "post" and (i.published >= now - SHOWN or i.url in alive)]
        self._posts = {page: [i for i in shown if BY_ID[i.outlet].page == page] for page in PAGE_IDS}
        self._comments: dict[str, list[Item]] = {}
        numbers = {item.url: _post_id(item) for posts in self._posts.values() for item in posts}
        for item in items:
            if item.parent in numbers:
                self._comments.setdefault(numbers[item.parent], []).append(item)

    def answer(self, request: Request) -> Response:
        """One call."""
        if request.path == "/robots.txt":
            return text("User-agent: *\nDisallow: /login/\n")
        self._calls += 1
        if self._throttle:
            self._throttle = False
            return self._error(32, "Page request limit reached", "OAuthException")
        if request.query.get("access_token") != TOKEN:
            return self._error(
                190, "Invalid OAuth access token - Cannot parse access token", "OAuthException", status=400
            )
        found = _EDGE.match(request.path)
        records = self._records(found[1], found[2], request.query) if found else None
        if records is None:
            return self._error(100, "Unsupported get request", "GraphMethodException", status=400)
        return as_json(self._page(records, request), headers=self._usage())

    def _records(self, name: str, edge: str, query: Mapping[str, str]) -> list[dict[str, Any]] | None:
        """All records of the edge, newest first, in the fields that were asked for."""
        fields = {part.split(".")[0].strip() for part in query.get("fields", "id,message,created_time").split(",")}
        if edge == "comments":
            if all(name != _post_id(i) for posts in self._posts.values() for i in posts):
                return None
            return [_only(_comment(i), fields) for i in sorted(self._comments.get(name, []), key=_newest)]
        if name not in self._posts:
            return None
        since, until = (_moment(query.get(key)) for key in ("since", "until"))
        chosen = [
            i for i in self._posts[name] if (not since or i.published >= since) and (not until or i.published <= until)
        ]
        return [_only(self._post(i), fields) for i in sorted(chosen, key=_newest)]

    def _page(self, records: list[dict[str, Any]], request: Request) -> dict[str, Any]:
        """One page. After the first comes an empty one with `next`: legal, and the end of the list for a careless reader."""
        limit = max(1, min(100, int(request.query.get("limit", "25"))))
        after = request.query.get("after", "0")
        if after.startswith("e"):
            return {"data": [], "paging": {"next": self._next(request, after[1:])}}
        start = int(after)
        answer: dict[str, Any] = {"data": records[start : start + limit]}
        if start + limit < len(records):
            following = f"e{start + limit}" if start == 0 else str(start + limit)
            answer["paging"] = {"cursors": {"after": following}, "next": self._next(request, following)}
        return answer

    def _next(self, request: Request, after: str) -> str:
        return f"{self._base}{request.path}?{urlencode({**request.query, 'after': after})}"

    def _post(self, item: Item) -> dict[str, Any]:
        reactions, shares = (item.engagement.reactions, item.engagement.shares) if item.engagement else (0, 0)
        return {
            "id": _post_id(item),
            "message": item.text,
            "created_time": _graph_time(item.published),
            "updated_time": _graph_time(item.published),
            "permalink_url": item.url,
            "status_type": "mobile_status_update",
            "shares": {"count": shares},
            "comments": {
                "data": [],
                "summary": {"order": "chronological", "total_count": len(self._comments.get(_post_id(item), ()))},
            },
            "reactions": {"data": [], "summary": {"total_count": reactions}},
            "from": {"name": item.author, "id": f"7{item.number:014d}"},
        }

    def _usage(self) -> tuple[tuple[str, str], ...]:
        """How much of the quotas is used, in per cent."""
        used = min(80, self._calls // 4)
        pages = {
            "type": "pages",
            "call_count": used,
            "total_cputime": 2,
            "total_time": 3,
            "estimated_time_to_regain_access": 0,
        }
        return (
            ("X-App-Usage", json.dumps({"call_count": used, "total_cputime": 1, "total_time": 2})),
            ("X-Business-Use-Case-Usage", json.dumps({"100200300": [pages]})),
        )

    def _error(self, code: int, message: str, kind: str, *, status: int = 200) -> Response:
        error = {
            "message": f"(#{code}) {message}",
            "type": kind,
            "code": code,
            "fbtrace_id": f"AmauTrace{self._calls:04d}",
        }
        return as_json({"error": error}, status=status, headers=self._usage())


def _comment(item: Item) -> dict[str, Any]:
    return {
        "id": item.url.rpartition("#c=")[2],
        "message": item.text,
        "created_time": _graph_time(item.published),
        "like_count": (item.engagement and item.engagement.reactions) or 0,
        "comment_count": 0,
        "from": {"name": item.author, "id": f"8{item.number:014d}"},
    }


def _only(record: Mapping[str, Any], fields: set[str]) -> dict[str, Any]:
    """The id and what was asked for: an author shows only where `from` is requested."""
    return {key: value for key, value in record.items() if key == "id" or key in fields}


def _post_id(item: Item) -> str:
    return f"{PAGE_IDS[BY_ID[item.outlet].page]}_{item.number}"


def _newest(item: Item) -> float:
    return -item.published.timestamp()


def _graph_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+0000"


def _moment(value: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(value), UTC) if value and value.isdigit() else None
