"""A mail server on loopback that keeps every message as an .eml file: the demo's post office."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from flows.machine import free_port

MAX_MESSAGE = 4 * 1024**2  # bytes: a hundred times an alert with its chart


@dataclass(slots=True)
class Mailbox:
    """Where the messages lie, in the order in which they came."""

    url: str  # smtp://127.0.0.1:PORT
    folder: Path
    files: list[Path] = field(default_factory=list)


class _Handler:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        taken = len(list(self._mailbox.folder.glob("*.eml")))
        path = self._mailbox.folder / f"{taken + 1:02d}.eml"
        path.write_bytes(envelope.original_content or b"")
        self._mailbox.files.append(path)
        return "250 OK"


@contextmanager
def mail_sink(folder: Path) -> Iterator[Mailbox]:
    """Run the server while the block runs; messages go to `folder`/01.eml …, numbered on from what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    mailbox = Mailbox(f"smtp://127.0.0.1:{port}", folder)
    server = Controller(_Handler(mailbox), hostname="127.0.0.1", port=port, data_size_limit=MAX_MESSAGE)
    server.start()
    try:
        yield mailbox
    finally:
        server.stop()
