"""`python -m nlp.pretraining.trial PACK`: one task, one held-out fold, on a CPU: is the pre-trained encoder worth more than a random start?

Fine-tunes from the weights of this folder, or with `--random` from none, on what the pack's other folds say of the task alone, and prints
accuracy and macro-F1 on the fold left out. The weights that answer are the mean over the last half of the steps (Izmailov et al. 2018).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nlp.datasets import TASKS
from nlp.metrics import f1_table
from nlp.pretraining.course import WIDTHS, Pack
from nlp.pretraining.encoder import Encoder, Shape
from nlp.pretraining.tuning import Reader, Tuning, answer, targets, tune
from nlp.pretraining.weights import FOLDER, load_rows


@dataclass(frozen=True, slots=True)
class Result:
    """On the held-out fold; `seconds` of CPU time."""

    texts: int
    accuracy: float
    macro_f1: float
    seconds: float


def started(random: bool, shape: Shape, dropout: float) -> Encoder:
    """An encoder of `shape`; with the stored weights unless `random`."""
    encoder = Encoder(shape, dropout=dropout)
    if not random:
        stored = {name: torch.from_numpy(array) for name, array in load_rows(FOLDER / "encoder.npz").items()}
        encoder.load_state_dict(stored)
    return encoder


def trial(pack: Path, task: str, fold: int, plan: Tuning, *, random: bool = False, seed: int = 1) -> Result:
    """Fit on the folds but `fold`, answer `fold`."""
    begun = time.process_time()
    rows, labelled = Pack(pack).ragged("labelled.npz", torch.device("cpu"))
    place = TASKS.index(task)
    answers = labelled["answers"][:, place]
    torch.manual_seed(seed)
    vocabulary = len(load_rows(FOLDER / "encoder.npz")["table.weight"])
    reader = Reader(started(random, Shape(vocabulary), plan.dropout), WIDTHS[place : place + 1], plan.dropout)
    told = targets(answers, WIDTHS[place], None, 0.0)
    tune(reader, rows, [told], np.flatnonzero((answers >= 0) & (labelled["folds"] != fold)), plan, seed)
    held = np.flatnonzero((answers >= 0) & (labelled["folds"] == fold))
    said = answer(reader, rows, held).argmax(axis=1)
    own = answers[held]
    table = f1_table(own, said, [str(label) for label in range(WIDTHS[place])])
    macro_f1 = float(np.mean([row["f1"] for row in table.values() if row["n"]]))
    return Result(len(held), float(np.mean(said == own)), macro_f1, time.process_time() - begun)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--task", choices=TASKS, default="sentiment")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--random", action="store_true", help="start from random weights")
    given = parser.parse_args()
    plan = Tuning(rate=given.rate, epochs=given.epochs, batch=given.batch, averaged=0.5)
    found = trial(given.pack, given.task, given.fold, plan, random=given.random)
    start = "random start" if given.random else "pre-trained"
    print(
        f"{given.task}, fold {given.fold}, {start}: n {found.texts}, accuracy {found.accuracy:.3f}, "
        f"macro-F1 {found.macro_f1:.3f}, {found.seconds:.0f} s of CPU"
    )


if __name__ == "__main__":
    main()
