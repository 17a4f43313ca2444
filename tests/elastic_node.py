"""A genuine Elasticsearch node that a test may kill -9 and start again on the same data and port."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import httpx

START_SECONDS = 300.0  # 12 on a quiet machine; two minutes were not enough beside a dozen other jobs


def serve_module(shared: Path) -> ModuleType:
    """../shared/elasticsearch/serve.py."""
    spec = importlib.util.spec_from_file_location("serve", shared / "elasticsearch" / "serve.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Node:
    """One node; `url` stays the same over restarts."""

    def __init__(self, shared: Path, *, secure: bool = False, heap: str = "512m") -> None:
        self._serve = serve_module(shared)
        self._secure, self._heap = secure, heap
        self._port = self._serve.free_port()
        self._data = tempfile.mkdtemp(prefix="es-killed-", dir="/var/tmp")
        self._running = ExitStack()
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start and wait until it answers and has found its shards again (on a busy machine that takes it a minute)."""
        own = {"port": self._port, "data": self._data, "secure": self._secure, "heap": self._heap}
        node = self._serve.node(**own, wait_s=START_SECONDS)
        self._running.enter_context(node)
        asked = {"wait_for_status": "yellow", "wait_for_no_initializing_shards": "true", "timeout": "110s"}
        login = ("admin", "duluan-test") if self._secure else None
        httpx.get(
            f"{self.url}/_cluster/health", params=asked, auth=login, timeout=120, trust_env=False
        ).raise_for_status()

    def kill(self) -> None:
        """kill -9 of the server and of its launcher, found by the data folder on their command lines."""
        own = [pid for pid in _processes() if self._data in _command(pid)]
        for pid in own:
            os.kill(pid, signal.SIGKILL)
        while any(_command(pid) for pid in own):
            time.sleep(0.05)
        self._running.close()

    def remove(self) -> None:
        """End it and remove its data."""
        self._running.close()
        shutil.rmtree(self._data, ignore_errors=True)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _command(pid: int) -> str:
    """The command line; '' where the process is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
