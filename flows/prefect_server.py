"""A Prefect server on loopback for `duluan serve`. The client's own temporary server runs no scheduler: with it, schedules never fire."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from duluan.errors import DuluanError
from flows.machine import free_port

START_LIMIT = 120.0  # seconds: generous, for a loaded machine
STOP_LIMIT = 15.0


@contextmanager
def local_server() -> Iterator[str]:
    """Yield the API's address: $PREFECT_API_URL where the operator runs a server, else one of ours, ended on leaving.

    Raises DuluanError where our server does not answer in time.
    """
    if given := os.environ.get("PREFECT_API_URL"):
        yield given
        return
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-ui",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait(process, f"http://127.0.0.1:{port}/api/health")
        yield f"http://127.0.0.1:{port}/api"
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], health: str) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(health, timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise DuluanError(
        "máy chủ lịch (Prefect) không khởi động được; thử lại, hoặc đặt PREFECT_API_URL tới máy chủ đang chạy"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
