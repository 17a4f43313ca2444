"""The sample province on loopback: one port, so one host, an outlet; fixed ports, so that addresses and ids are the same in every run."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Final, cast
from urllib.parse import parse_qsl, urlsplit

from flows.sample.content import Item, Sample
from flows.sample.outlets import DAK_BLA, OUTLETS, PORTS, SONG_TRA, Host
from flows.sample.replicas import graph, zalo
from flows.sample.replicas.graph import Graph
from flows.sample.replicas.http import Replica, Request, Response
from flows.sample.replicas.newsroom import Newsroom
from flows.sample.replicas.portal import FloodBlocker, Portal
from flows.sample.replicas.zalo import Zalo

LOG: Final = logging.getLogger(__name__)
FREE: Final[Mapping[Host, int]] = dict.fromkeys(PORTS, 0)  # any free port, for tests that run side by side


@dataclass(frozen=True, slots=True)
class Hit:
    """One request that reached a server: the only witness a test of manners should ask."""

    host: Host
    method: str
    path: str
    query: str
    status: int
    user_agent: str


@dataclass(frozen=True, slots=True)
class Site:
    """The running servers. `sample` carries the addresses they really have; `environ` holds the connectors' credentials.

    `show(moment)` takes all outlets to that moment: what they publish later is not there yet. At first it is the sample's end.
    """

    sample: Sample
    bases: Mapping[Host, str]
    environ: Mapping[str, str]
    show: Callable[[datetime], None]
    log: list[Hit] = field(default_factory=list)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All requests so far, in the order of their answers."""
        return tuple(self.log)


@contextmanager
def serve(
    sample: Sample, *, ports: Mapping[Host, int] = PORTS, flood_blocker: bool = False, throttle_once: bool = False
) -> Iterator[Site]:
    """Serve `sample` on 127.0.0.1 until the block ends. A taken port is replaced by a free one, with a warning in the log.

    `flood_blocker`: the portal refuses more than 40 requests a minute (off for the demo, which has no pace).
    `throttle_once`: the Graph API's first answer is error 32 inside HTTP 200.
    """
    log: list[Hit] = []
    with ExitStack() as stack:
        servers = {host: stack.enter_context(_listening(host, port, log)) for host, port in ports.items()}
        bases: dict[Host, str] = {host: f"http://127.0.0.1:{server.server_port}" for host, server in servers.items()}
        placed = sample.at(bases)
        replicas = _replicas(placed, placed.end, flood_blocker=flood_blocker, throttle_once=throttle_once)
        official = cast(Zalo, replicas["zalo"])

        def show(moment: datetime) -> None:
            later = _replicas(placed, moment, flood_blocker=flood_blocker, account=official)
            for host, server in servers.items():
                with server.lock:
                    server.replica = later[host]

        for host, server in servers.items():
            server.replica = replicas[host]
            stack.enter_context(_running(server))
        yield Site(placed, bases, credentials(), show, log)


def credentials() -> dict[str, str]:
    """What an operator would set for the connectors of the replicas."""
    return {
        "DULUAN_FACEBOOK_TOKEN": graph.TOKEN,
        "DULUAN_ZALO_APP_ID": zalo.APP_ID,
        "DULUAN_ZALO_SECRET": zalo.SECRET,
        "DULUAN_ZALO_REFRESH_TOKEN": zalo.FIRST_REFRESH,
    }


def _replicas(
    sample: Sample,
    now: datetime,
    *,
    flood_blocker: bool,
    throttle_once: bool = False,
    account: Zalo | None = None,
) -> dict[Host, Replica]:
    """The hosts as they are at `now`; `account` is the Official Account that goes on, with its tokens."""
    mine: dict[Host, list[Item]] = {host: [] for host in PORTS}
    hosts = {outlet.id: outlet.host for outlet in OUTLETS}
    for item in sorted(sample.items, key=lambda i: i.published, reverse=True):
        if item.published <= now:
            mine[hosts[item.outlet]].append(item)
    if account is not None:
        account.show(mine["zalo"], now)
    bases = sample.bases
    return {
        "portal": Portal(mine["portal"], bases["portal"], now, blocker=FloodBlocker() if flood_blocker else None),
        "song_tra": Newsroom(SONG_TRA, mine["song_tra"], bases["song_tra"], ld=False),
        "dak_bla": Newsroom(DAK_BLA, mine["dak_bla"], bases["dak_bla"], ld=True),
        "graph": Graph(mine["graph"], bases["graph"], now, throttle_once=throttle_once),
        "zalo": account or Zalo(mine["zalo"], now),
    }


class _Server(ThreadingHTTPServer):
    """A server that knows its replica and writes the common log."""

    daemon_threads = True
    request_queue_size = 128
    replica: Replica

    def __init__(self, address: tuple[str, int], host: Host, log: list[Hit]) -> None:
        super().__init__(address, _Handler)
        self.host, self.hits, self.lock = host, log, Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error of ours; anything else is worth a line."""
        LOG.debug("sample server %s: connection from %s ended early", self.host, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 20

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), 65_536)
        self._answer(dict(parse_qsl(self.rfile.read(length).decode("utf-8", "replace"))))

    def _answer(self, form: Mapping[str, str]) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            form=form,
        )
        with self.server.lock:
            response = self.server.replica.answer(request)
        agent = self.headers.get("User-Agent", "")
        self.server.hits.append(Hit(self.server.host, self.command, parts.path, parts.query, response.status, agent))
        self._send(response)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: requests are in the hit log."""


def _listening(host: Host, port: int, log: list[Hit]) -> _Server:
    try:
        return _Server(("127.0.0.1", port), host, log)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        LOG.warning(
            "cổng %d đang bận: trang mẫu %s dùng một cổng khác, mã tài liệu của lần chạy này sẽ khác", port, host
        )
        return _Server(("127.0.0.1", 0), host, log)


@contextmanager
def _running(server: _Server) -> Iterator[None]:
    thread = Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=f"sample-{server.host}", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(timeout=5)
