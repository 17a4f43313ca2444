"""Streams that `bench/alerts.py` runs on, and the detector on one of them."""

from __future__ import annotations

import importlib
import io
import json
import sys
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from alerts.simulation.stream import simulate
from alerts.simulation.world import Kind, Setting
from duluan.clock import format_time
from flows.replay import Replay, load

YARDSTICK: Final = Path(__file__).resolve().parents[2] / "shared" / "bench"
GIVEN: Final = frozenset({"sentiment", "topic", "origin", "issue"})
WEEKS: Final = 20
BUDGET: Final = {"mail": 0.5, "watch": 5.0}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One stream in the records of the contract, with its truth."""

    records: list[dict[str, Any]]
    truth: dict[str, Any]


def yardstick(kind: str, seed: int, **change: float) -> Recorded:
    """A stream of ../shared/bench/stream.py; `change` goes to its generator."""
    sys.path.insert(0, str(YARDSTICK))
    stream, generator = importlib.import_module("stream"), importlib.import_module("opinion_sim")
    made: dict[str, Any] = {}

    def sim(*args: Any, **options: Any) -> dict[str, Any]:
        made.update(generator.sim(*args, **options, **change))
        return made

    stream.sim = sim
    with tempfile.TemporaryDirectory(prefix="duluan-bench-") as name, redirect_stdout(io.StringIO()):
        out, truth = Path(name) / "stream.jsonl", Path(name) / "truth.json"
        stream.main(kind, seed, WEEKS, out, truth)
        with out.open(encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        facts = json.loads(truth.read_text(encoding="utf-8"))
    for one, (family, _, start, fifth) in zip(facts["truth"], made["inc"], strict=True):
        if family == "new":
            one["fifth"] = start + fifth  # hour of the fifth publication
    facts["nuisances"] = [(f"i{issue}", float(start)) for _, issue, start in made["nuis"] if issue >= 0]
    return Recorded(records, facts)


def ours(kind: Kind, seed: int, **change: float) -> Recorded:
    """A stream of `duluan simulate`; `change` goes to its setting."""
    made = simulate(replace(Setting(kind=kind, seed=seed, weeks=WEEKS), **change))
    return Recorded(list(made.records()), made.truth_record())


class Timer:
    """CPU seconds of the detector."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def detect(self, stream: Recorded) -> list[dict[str, Any]]:
        """What `duluan replay --given sentiment,topic,origin,issue` answers."""
        begun = time.process_time()
        items = [load(record, GIVEN) for record in stream.records]
        found = [
            {"detected": format_time(alert.detected), "issue": alert.issue, "tier": alert.tier}
            for alert in Replay(GIVEN).run(items)
        ]
        self.seconds.append(time.process_time() - begun)
        return found
