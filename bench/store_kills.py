"""kill -9 of a writer, or of the Elasticsearch node it writes to, at random moments: what is lost, what is stored twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from elastic_node import Node
from store_items import SHARED, items

from duluan.query import Filter
from index import open_store

_WRITER = """
import sys
from itertools import islice
sys.path[:0] = [{bench!r}]
from store_items import items
from index import open_store
from index.base import Batch
store = open_store(sys.argv[1])
store.setup()
first = int(sys.argv[2])
stream = islice(items(), first * 50, None)
number = first
while batch := list(islice(stream, 50)):
    store.write(Batch(documents=batch, state={{"last": str(number).encode()}}))
    print(number, flush=True)
    number += 1
"""


def _killed(url: str, first: int, moment: float, node: Node | None) -> int:
    """Kill a writer, or the node it writes to, `moment` seconds after its first acknowledgement; its last acknowledged batch."""
    code = _WRITER.format(bench=str(Path(__file__).parent))
    command = [sys.executable, "-c", code, url, str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == str(first)
    time.sleep(moment)
    if node:
        node.kill()  # the writer ends by itself
        node.start()
    else:
        process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait()
    return int(rest[-1]) if rest else first


def _kills(url: str, times: int, node: Node | None = None) -> dict[str, object]:
    """kill -9 of the writer (or of the node) at random moments: acknowledged documents lost, ids stored twice."""
    chance = random.Random(9)
    lost = twice = first = 0
    for _ in range(times):
        acknowledged = _killed(url, first, chance.uniform(0, 0.4), node)
        store = open_store(url)
        ids = [document.id for document in store.documents(Filter())]
        expected = {item.id for item in islice(items(), (acknowledged + 1) * 50)}
        lost += len(expected - set(ids))
        twice += len(ids) - len(set(ids))
        first = int(store.state("last") or b"-1") + 1
        store.close()
    return {"times": times, "lost": lost, "twice": twice, "documents": len(ids), "target": "0 lost, 0 twice"}


def kills_of_both(folder: Path, times: int, report: Callable[..., None]) -> None:
    """The writer on both stores `times` times, the node a sixth as often; a figure line each to `report`."""
    report("SQLite kill -9 of the writer", **_kills(f"sqlite:///{folder}/kill.sqlite", times))
    own = Node(SHARED)
    own.start()
    try:
        report("Elasticsearch kill -9 of the node", **_kills(own.url, max(1, times // 6), own))
        report("Elasticsearch kill -9 of the writer", **_kills(own.url, times))
    finally:
        own.remove()
