"""Syllables that the diacritics restorer gets right on held-out text, and its speed: `python bench/restorer.py [--data DIR]`.

Writes its section of docs/benchmarks.md. Speed is sentences a second of CPU time.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from sections import machine, write_section

from nlp.linear import MODELS
from nlp.restore import Restorer
from nlp.restore.counting import held_out_texts
from nlp.restore.measuring import measure
from nlp.restore.model import load
from nlp.restore.restorer import bare

NAMES = {"news": "news bodies", "rss": "RSS items (title and lead), 2025–26", "comments": "readers' comments"}
_END = re.compile(r"[.!?…\n]+")


def speed(restorer: Restorer, texts: list[str]) -> float:
    """Sentences a second of CPU time."""
    bared = [bare(text) for text in texts]
    begun = time.process_time()
    restorer.restore_all(bared)
    return sum(len(_END.findall(text)) + 1 for text in texts) / (time.process_time() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    args = parser.parse_args()
    model, _ = load(MODELS)
    restorer = Restorer(model)
    lines = ["| held-out text | syllables | right | most frequent form | sentences/s |", "|---|---|---|---|---|"]
    for name, texts in held_out_texts(args.data).items():
        found = measure(restorer, model, texts)
        rate = speed(restorer, texts)
        lines.append(
            f"| {NAMES[name]} | {found.words:,} | {found.right:.4f} | {found.most_frequent:.4f} | {rate:,.0f} |"
        )
        print(lines[-1], flush=True)
    size = (MODELS / "restore.npz").stat().st_size / 1e6
    table = "\n".join(lines)
    write_section(
        "Diacritics restorer",
        f"Written by `python bench/restorer.py` {machine()}. The model ({size:.1f} MB) counted none of these texts; "
        f"sentences a second of CPU time, one thread.\n\n{table}",
    )


if __name__ == "__main__":
    main()
