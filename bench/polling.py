"""200 sources polled by one process: `python bench/polling.py [--sources N] [--pages N]` prints its peak memory and CPU time.

Each source is a host of its own (127.0.0.1, 127.0.0.2 …) on a server in another process: robots.txt, an RSS feed and article pages
of some 120 KB, as large as real ones. The pace is off, since this machine is polled: the network's wait is no part of the figure.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from sections import machine, write_section

from crawlers.crawl import crawl
from duluan.clock import system_clock
from duluan.config import Source
from duluan.model import Document

LIMIT_MB = 300  # what one process may take for 200 sources
SENTENCE = "Ủy ban nhân dân xã họp với bà con về việc sửa tuyến đường liên thôn hư hỏng sau đợt mưa lớn. "
FURNITURE = '<div class="box"><a href="/muc/{n}">Chuyên mục {n}</a><script>var x{n} = "{pad}";</script></div>'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages = 3

    def do_GET(self) -> None:
        kind, body = self._content()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _content(self) -> tuple[str, bytes]:
        base = f"http://{self.headers['Host']}"
        if self.path == "/rss":
            return "application/rss+xml", feed(base, self.pages).encode()
        if self.path.startswith("/tin-"):
            return "text/html; charset=utf-8", article(f"{base}{self.path}").encode()
        return "text/plain", b"User-agent: *\nDisallow: /cam/\n" if self.path == "/robots.txt" else b""

    def log_message(self, format: str, *args: object) -> None:
        pass


def feed(base: str, pages: int) -> str:
    items = "".join(f"<item><title>Tin {n}</title><link>{base}/tin-{n}.html</link></item>" for n in range(pages))
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'


def article(title: str) -> str:
    body = "".join(f"<p>{SENTENCE * 3}</p>" for _ in range(12))
    furniture = "".join(FURNITURE.format(n=n, pad="x" * 120) for n in range(400))
    return f"""<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>{title}</title>
<meta property="og:type" content="article"><meta property="article:published_time" content="2026-11-20T08:15:00+07:00">
</head><body>{furniture}<article><h1>{title}</h1>{body}</article>{furniture}</body></html>"""


def serve(pages: int, port_to: Connection) -> None:
    _Handler.pages = pages
    server = ThreadingHTTPServer(("0.0.0.0", 0), _Handler)
    server.daemon_threads = True
    port_to.send(server.server_port)
    server.serve_forever()


def sources(count: int, port: int) -> Iterator[Source]:
    for n in range(count):
        yield Source(
            id=f"nguon_{n}", name=f"Nguồn {n}", url=f"http://127.0.{n // 200}.{n % 200 + 1}:{port}/rss", via="rss", trust=3,
            expected_per_day=(0, 50), delay=0, verified=True, purpose="đo", lawful_basis="trang do chúng tôi viết",
        )  # fmt: skip


def poll(count: int, pages: int) -> str:
    """One poll; the line that goes into docs/benchmarks.md."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(pages, theirs), daemon=True)
    server.start()
    chosen = list(sources(count, ours.recv()))
    begun, documents = time.perf_counter(), 0
    with tempfile.TemporaryDirectory(prefix="duluan-bench-") as folder:
        for item in crawl(
            chosen, state_dir=Path(folder), spool_dir=Path(folder) / "spool", clock=system_clock, allow_loopback=True
        ):
            documents += isinstance(item, Document)
    seconds = time.perf_counter() - begun
    worker = resource.getrusage(resource.RUSAGE_CHILDREN)  # the worker alone: the server still runs
    server.terminate()
    megabytes = worker.ru_maxrss / 1024
    size = len(article("x").encode()) // 1024
    return (
        f"{count} sources polled by one process: {documents:,} pages of {size} KB, peak memory {megabytes:.0f} MB"
        f" (limit {LIMIT_MB}), {worker.ru_utime + worker.ru_stime:.1f} s of CPU, {seconds:.0f} s in all."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=int, default=200)
    parser.add_argument("--pages", type=int, default=3, help="pages a source")
    options = parser.parse_args()
    line = poll(options.sources, options.pages)
    print(line)
    write_section("Polling", f"Written by `python bench/polling.py` {machine()}. {line}")


if __name__ == "__main__":
    main()
