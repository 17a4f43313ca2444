"""Schedules fire for real, and the flows run without Prefect's decorators."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from index import open_store


def _rounds(store: Path) -> int:
    index = open_store(f"sqlite:///{store}")
    try:
        return sum(event.get("what") == "round" for event in index.audit_log())
    finally:
        index.close()


@pytest.mark.timeout(240)
def test_the_schedule_fires_in_a_real_process(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "HOME": str(tmp_path),
    }
    command = [sys.executable, "-m", "duluan", "serve", "--store", f"sqlite:///{store}", "--every", "5"]
    command += ["--state", str(tmp_path / "state")]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 200
        while _rounds(store) < 1 if store.exists() else True:
            assert process.poll() is None, (tmp_path / "log").read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, (tmp_path / "log").read_text(errors="replace")[-3000:]
            time.sleep(1)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        log.close()
    assert _rounds(store) >= 1


def test_the_flow_runs_without_prefect(tmp_path: Path) -> None:
    from flows.schedule import collect

    result = asyncio.run(collect.fn(None, f"sqlite:///{tmp_path / 's.sqlite'}", str(tmp_path / "state")))
    assert result["written"] == 0
    assert result["skipped_sources"] > 0
    assert _rounds(tmp_path / "s.sqlite") == 1
