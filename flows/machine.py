"""What this machine has: a browser, a free port."""

from __future__ import annotations

import shutil
import socket

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """Path of an installed browser that prints pages, or None."""
    return next((found for name in _BROWSERS if (found := shutil.which(name))), None)


def free_port() -> int:
    """A port on loopback that nobody listens on now, for servers that cannot be given port 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
