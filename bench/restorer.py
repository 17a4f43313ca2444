"""Syllables that the diacritics restorer gets right on held-out text, and its speed: `python bench/restorer.py [--data DIR]`.

Writes its section of docs/benchmarks.md. Speed is sentences a second of CPU time. `--classes` instead trains the models without the
articles that the restorer did not count, and shows what their accent-less copies lose (some minutes).
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from sections import machine, write_section

from nlp.datasets import TASKS, Example, labelled
from nlp.evaluate import score
from nlp.linear import MODELS, Bundle
from nlp.metrics import report
from nlp.restore import Restorer
from nlp.restore.counting import held_out_texts
from nlp.restore.measuring import measure
from nlp.restore.model import load
from nlp.restore.restorer import bare
from nlp.train import fold_of, train

NAMES = {"news": "news bodies", "rss": "RSS items (title and lead), 2025–26", "comments": "readers' comments"}
_END = re.compile(r"[.!?…\n]+")


def speed(restorer: Restorer, texts: list[str]) -> float:
    """Sentences a second of CPU time."""
    bared = [bare(text) for text in texts]
    begun = time.process_time()
    restorer.restore_all(bared)
    return sum(len(_END.findall(text)) + 1 for text in texts) / (time.process_time() - begun)


def classes(data: Path) -> None:
    """Accuracy of each task, with diacritics and without, on the fold of articles that neither models nor restorer saw.

    `fold_of` in five folds holds out the same articles as nlp/restore/counting.py does for comments.
    """
    examples = labelled(data)
    bundle = train([e for e in examples if fold_of(e.group) != 0], "fold", inner=3)
    held = [e for e in examples if fold_of(e.group) == 0]
    lines = ["| task | n | accuracy | of accent-less copies |", "|---|---|---|---|"]
    for task in TASKS:
        for kind in ("comment", "news"):
            mine = [e for e in held if task in e.answers and e.kind == kind]
            if mine:
                lines.append(row(bundle, task, kind, mine))
                print(lines[-1], flush=True)
    table = "\n".join(lines)
    write_section(
        "Accent-less copies, restored",
        f"Written by `python bench/restorer.py --classes` {machine()}: one fold in five by article; of its comments the restorer "
        f"counted none, of its news some.\n\n{table}",
    )


def row(bundle: Bundle, task: str, kind: str, examples: list[Example]) -> str:
    """One line of the table."""
    whole, stripped = (report(score(bundle, task, examples, bare=bare_)) for bare_ in (False, True))
    return f"| {kind} {task} | {len(examples):,} | {whole['accuracy']:.4f} | {stripped['accuracy']:.4f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--classes", action="store_true")
    args = parser.parse_args()
    if args.classes:
        classes(args.data)
        return
    model, _ = load(MODELS)
    restorer = Restorer(model)
    lines = ["| held-out text | syllables | right | likeliest form alone | sentences/s |", "|---|---|---|---|---|"]
    for name, texts in held_out_texts(args.data).items():
        found = measure(restorer, model, texts)
        rate = speed(restorer, texts)
        lines.append(f"| {NAMES[name]} | {found.words:,} | {found.right:.4f} | {found.alone:.4f} | {rate:,.0f} |")
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
