"""A web site on loopback with a log of every request it saw: what the crawler's tests assert on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from crawlers.crawl import crawl
from crawlers.limits import Limits
from duluan.clock import system_clock
from duluan.config import Source
from duluan.model import Document, Fetch, Rejected

QUICK = Limits(timeout=1.5, wait_for_page=10.0)


@dataclass(frozen=True)
class Hit:
    """One request as the server saw it; `at` is monotonic seconds."""

    at: float
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the server sends; `raw` writes to the socket itself (faults)."""

    body: bytes | str = b""
    status: int = 200
    type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: Callable[[BaseHTTPRequestHandler], None] | None = None


Route = Reply | Callable[[Hit], Reply]


@dataclass
class Site:
    """Routes by path; an unknown path is 404. Without a /robots.txt everything may be fetched."""

    base: str
    routes: dict[str, Route]
    hits: list[Hit] = field(default_factory=list)

    def paths(self) -> list[str]:
        """Requested paths in order, robots.txt left out."""
        return [hit.path for hit in self.hits if hit.path != "/robots.txt"]


EVERY = "0.0.0.0"  # as `host`: one server that is 127.0.0.1, 127.0.0.2 …, each a host of its own to the crawler


@contextmanager
def site(routes: Mapping[str, Route] | None = None, host: str = "127.0.0.1") -> Iterator[Site]:
    """A running server; requests are served side by side. `host` EVERY: all of 127.0.0.0/8."""
    server = ThreadingHTTPServer((host, 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    here = Site(f"http://{'127.0.0.1' if host == EVERY else host}:{server.server_port}", dict(routes or {}))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b""
            headers = {name.lower(): value for name, value in self.headers.items()}
            hit = Hit(time.monotonic(), self.command, parts.path, parse_qs(parts.query), headers, body)
            here.hits.append(hit)
            route = here.routes.get(self.path) or here.routes.get(parts.path)
            reply = route(hit) if callable(route) else route or Reply("not here", 404)
            try:
                self._send(reply)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_POST = do_GET

        def _send(self, reply: Reply) -> None:
            if reply.raw is not None:
                self.close_connection = True
                reply.raw(self)
                return
            body = reply.body.encode() if isinstance(reply.body, str) else reply.body
            self.send_response(reply.status)
            for name, value in {"Content-Type": reply.type, "Content-Length": str(len(body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """The hit log is enough."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def source(url: str, via: str = "rss", **changes: object) -> Source:
    """A lawful source on loopback without pace."""
    values: dict[str, object] = {
        "id": "nguon_thu",
        "name": "Nguồn thử",
        "url": url,
        "via": via,
        "trust": 3,
        "expected_per_day": (0, 50),
        "delay": 3 if url.startswith("file:") else 0,
        "verified": True,
        "purpose": "Kiểm thử",
        "lawful_basis": "Trang do chúng ta viết",
    }
    return Source.model_validate(values | changes)


def run(sources: Source | list[Source], state: Path, **options: object) -> list[Document | Rejected | Fetch]:
    """All that one crawl yields."""
    chosen = [sources] if isinstance(sources, Source) else sources
    given: dict[str, object] = {"spool_dir": None, "clock": system_clock, "allow_loopback": True, "limits": QUICK}
    return list(crawl(chosen, state_dir=state, **(given | options)))  # type: ignore[arg-type]


def documents(items: list[Document | Rejected | Fetch]) -> list[Document]:
    """The documents among `items`."""
    return [item for item in items if isinstance(item, Document)]


def reasons(items: list[Document | Rejected | Fetch]) -> list[str]:
    """The reasons of the rejections among `items`."""
    return [item.reason for item in items if isinstance(item, Rejected)]


def fetches(items: list[Document | Rejected | Fetch]) -> list[bool]:
    """`ok` of each fetch line."""
    return [item.ok for item in items if isinstance(item, Fetch)]


SENTENCES = (
    "Sáng nay, ủy ban nhân dân xã họp với bà con về việc sửa tuyến đường liên thôn hư hỏng sau đợt mưa lớn.",
    "Theo kế hoạch, đoạn đường dài gần ba cây số sẽ được đổ bê tông trước khi vào năm học mới.",
    "Nhiều hộ dân đồng tình hiến đất, song còn băn khoăn về mức đóng góp và thời gian thi công.",
    "Lãnh đạo xã cho biết kinh phí do tỉnh hỗ trợ phần lớn, phần còn lại lấy từ nguồn thu của địa phương.",
    "Đơn vị thi công cam kết bảo đảm giao thông thông suốt cho học sinh đi lại trong suốt thời gian làm đường.",
)


def article(title: str, number: int = 1, published: str = "2026-11-20T08:15:00+07:00", extra: str = "") -> str:
    """A news page of ours: JSON-LD with the time, a sapo and a body that differs by `number`."""
    body = "".join(f"<p>{sentence} (Đợt {number}.)</p>" for sentence in SENTENCES)
    return f"""<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>{title}</title>
<meta property="og:type" content="article"><meta property="og:title" content="{title}">
<meta property="article:published_time" content="{published}">
<script type="application/ld+json">{{"@context":"https://schema.org","@type":"NewsArticle","headline":"{title}",
"datePublished":"{published}"}}</script></head>
<body><article><h1>{title}</h1>{body}{extra}</article></body></html>"""


def feed(base: str, paths: list[str], published: str = "Fri, 20 Nov 2026 08:15:00 +0700") -> Reply:
    """An RSS feed that lists `paths`."""
    items = "".join(
        f"<item><title>Bài {path}</title><link>{path if '://' in path else base + path}</link>"
        f"<pubDate>{published}</pubDate></item>"
        for path in paths
    )
    return Reply(
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>',
        type="application/rss+xml",
    )
