"""Every bench starts the way its own docstring says, from a plain checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
AS_MODULE = {"real_replay"}
BENCHES = sorted(
    path.stem for path in (ROOT / "bench").glob("*.py") if '__name__ == "__main__"' in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", BENCHES)
def test_it_starts(name: str) -> None:
    how = ["-m", f"bench.{name}"] if name in AS_MODULE else [f"bench/{name}.py"]
    done = subprocess.run([sys.executable, *how, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("usage:")
