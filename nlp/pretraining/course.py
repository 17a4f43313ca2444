"""`python -m nlp.pretraining.course PACK OUT --until SECONDS`: pre-train, fine-tune on grouped folds, keep what came of it.

Needs PyTorch and NumPy and nothing else of the project, so that it runs on a machine with a card that has no text. OUT gets:
`pretrained_N.npz`, `final_N.npz` (half-precision weights), `results.npz` (held-out logits of every try) and `curve.json`.
"""

from __future__ import annotations

import argparse
import json
import lzma
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, multiprocessing

from nlp.pretraining.encoder import Encoder, Shape
from nlp.pretraining.replaced import Detection, Note, Plan, Stream, pretrain
from nlp.pretraining.tuning import Reader, Rows, Tuning, answer, targets, tune
from nlp.pretraining.weights import save_arrays

F16 = npt.NDArray[np.float16]
Weights = Mapping[str, Tensor]
LENGTH, FOLDS = 128, 5
TOPIC, SENTIMENT, TONE, FEEDBACK, TOXIC = range(5)
WIDTHS = (15, 3, 3, 2, 2)
_FILE = 15_500_000  # bytes of weights in one file
_SECTIONS = Tuning(rate=3e-4, epochs=4, batch=256, dropout=0.0, layer=1.0, balance=0.0)
TRIES: dict[str, Tuning] = {
    "plain": Tuning(rate=4e-4, epochs=5, batch=64),
    "longer": Tuning(epochs=9),
    "fast": Tuning(rate=8e-4, epochs=6, dropout=0.2),
    "slow": Tuning(rate=2e-4, epochs=8),
}


@dataclass(frozen=True, slots=True)
class Pack:
    """What nlp.pretraining.packing wrote, as arrays."""

    folder: Path

    def stream(self, device: torch.device, parts: int | None, rare_share: float) -> Stream:
        """The ids to pre-train on."""
        names = sorted(self.folder.glob("plain_*.npy.xz"))[:parts]
        with multiprocessing.Pool(8) as pool:
            plain = np.concatenate(pool.map(_unpacked, names))
        rare = np.concatenate([_unpacked(name) for name in sorted(self.folder.glob("voices_*.npy.xz"))])
        both = [torch.from_numpy(ids.astype(np.int16)).to(device) for ids in (plain, rare)]
        return Stream(both[0], both[1], rare_share, LENGTH)

    def ragged(self, name: str, device: torch.device) -> tuple[Rows, dict[str, npt.NDArray[Any]]]:
        """(texts, what else the file holds)."""
        with np.load(self.folder / name) as file:
            held = {key: file[key] for key in file.files}
        return Rows.of(held.pop("ids"), held.pop("ends"), LENGTH, device), held


def _unpacked(path: Path) -> npt.NDArray[np.uint16]:
    found: npt.NDArray[np.uint16] = np.load(BytesIO(lzma.decompress(path.read_bytes())))
    return found


@dataclass(frozen=True, slots=True)
class Job:
    """One fit: from which weights, how, without which fold (-1: on everything)."""

    name: str
    weights: Path | None
    plan: Tuning
    fold: int
    seed: int = 1
    pool: bool = False  # answer the unlabelled texts too
    keep: Path | None = None  # where the reader's weights go


def fit(job: Job, pack: Path, shape: Shape) -> tuple[Job, F16, npt.NDArray[np.uint8] | None]:
    """(job, logits of the held-out texts, probabilities of the unlabelled in 255ths)."""
    device = _device()
    torch.set_num_threads(2)
    rows, labelled = Pack(pack).ragged("labelled.npz", device)
    encoder = Encoder(shape, dropout=job.plan.dropout)
    if job.weights:
        encoder.load_state_dict(torch.load(job.weights, weights_only=True))
    torch.manual_seed(job.seed)
    reader = Reader(encoder, WIDTHS, job.plan.dropout).to(device)
    wanted = [
        targets(labelled["answers"][:, task], width, labelled["second"] if task == TOPIC else None, job.plan.second)
        for task, width in enumerate(WIDTHS)
    ]
    seen = np.flatnonzero(labelled["folds"] != job.fold)
    tune(reader, rows, wanted, seen, job.plan, job.seed)
    held = answer(reader, rows, np.flatnonzero(labelled["folds"] == job.fold)).astype(np.float16)
    if job.keep:
        torch.save({name: value.half().cpu() for name, value in reader.state_dict().items()}, job.keep)
    if not job.pool:
        return job, held, None
    others, _ = Pack(pack).ragged("unlabelled.npz", device)
    logits = torch.from_numpy(answer(reader, others, np.arange(len(others.sizes))))
    shares = torch.cat([part.softmax(dim=1) for part in logits.split(list(WIDTHS), dim=1)], dim=1)
    return job, held, (shares * 255).round().byte().numpy()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def jobs(work: Path, early: list[Path]) -> Iterator[Job]:
    """All fits, those that matter most first."""
    last = work / "sections.pt"
    yield from (Job("plain", last, TRIES["plain"], fold) for fold in range(FOLDS))
    yield from (Job(f"curve_{path.stem}", path, TRIES["plain"], 0) for path in early)
    yield Job("curve_whole", work / "pretrained.pt", TRIES["plain"], 0)
    yield Job("curve_scratch", None, replace(TRIES["plain"], epochs=9), 0)
    for name in ("longer", "fast", "slow"):
        yield from (Job(name, last, TRIES[name], fold) for fold in range(FOLDS))


def macro(job: Job, held: F16, labelled: Mapping[str, npt.NDArray[Any]]) -> list[float]:
    """Macro-F1 of each task on one job's held-out fold; topic, of comments and news alike."""
    answers = labelled["answers"][labelled["folds"] == job.fold]
    found, start = [], 0
    for task, width in enumerate(WIDTHS):
        told = held[:, start : start + width].argmax(axis=1)
        start += width
        known = answers[:, task] >= 0
        own, said = answers[known, task], told[known]
        hits = [(np.sum((own == k) & (said == k)), np.sum(own == k) + np.sum(said == k)) for k in range(width)]
        found.append(float(np.mean([2 * hit / max(both, 1) for hit, both in hits if both])))
    return found


@dataclass(frozen=True, slots=True)
class Course:
    """One run from ids to readers."""

    pack: Pack
    out: Path
    work: Path
    shape: Shape
    small: Shape
    until: float  # of the monotonic clock
    plan: Plan
    parts: int | None
    workers: int
    last: float  # seconds kept for the fits on everything

    def run(self) -> None:
        """All of it; whatever is done by `until` is kept."""
        self.work.mkdir(parents=True, exist_ok=True)
        self.out.mkdir(parents=True, exist_ok=True)
        early = self._pretrain()
        self._sections()
        self._tune(early)

    def _pretrain(self) -> list[Path]:
        device = _device()
        torch.manual_seed(1)
        torch.set_float32_matmul_precision("high")
        stream = self.pack.stream(device, self.parts, rare_share=0.03)
        print(f"{len(stream.plain):,} + {len(stream.rare):,} ids at {self._left():.0f} s to go", flush=True)
        model = Detection(self.shape, self.small).to(device)
        early: list[Path] = []
        curve: list[dict[str, float]] = []

        def tell(note: Note) -> None:
            curve.append(asdict(note))
            print(json.dumps(curve[-1]), flush=True)
            if len(curve) in (3, 6):
                early.append(self.work / f"{note.tokens // 1_000_000}M.pt")
                torch.save(model.encoder.state_dict(), early[-1])

        pretrain(model, stream, self.plan, tell)
        torch.save(model.encoder.state_dict(), self.work / "pretrained.pt")
        (self.out / "curve.json").write_text(json.dumps({"shape": asdict(self.shape), "notes": curve}, indent=1) + "\n")
        stored(model.encoder.state_dict(), self.out, "pretrained")
        return early

    def _sections(self) -> None:
        """Outlets' sections as a first lesson in subjects."""
        device = _device()
        rows, held = self.pack.ragged("sections.npz", device)
        encoder = Encoder(self.shape)
        encoder.load_state_dict(torch.load(self.work / "pretrained.pt", weights_only=True))
        width = int(held["sections"].max()) + 1
        reader = Reader(encoder, [width], 0.0).to(device)
        places = np.random.default_rng(1).permutation(len(rows.sizes))
        test, seen = places[: len(places) // 20], places[len(places) // 20 :]
        told = torch.zeros(len(rows.sizes), width)
        told[torch.arange(len(told)), torch.from_numpy(held["sections"].astype(np.int64))] = 1.0
        tune(reader, rows, [told], seen, _SECTIONS)
        right = answer(reader, rows, test).argmax(axis=1) == held["sections"][test]
        print(f"sections: {right.mean():.3f} right, {self._left():.0f} s to go", flush=True)
        torch.save(reader.encoder.state_dict(), self.work / "sections.pt")

    def _tune(self, early: list[Path]) -> None:
        _, labelled = self.pack.ragged("labelled.npz", torch.device("cpu"))
        found: dict[str, npt.NDArray[Any]] = {}
        scores: dict[str, list[list[float]]] = {}
        with multiprocessing.get_context("spawn").Pool(self.workers) as pool:
            waiting = [pool.apply_async(fit, (job, self.pack.folder, self.shape)) for job in jobs(self.work, early)]
            for one in waiting:
                try:
                    job, held, _ = one.get(timeout=max(0.1, self._left() - self.last))
                except multiprocessing.TimeoutError:
                    break
                found[f"{job.name}_{job.fold}"] = held
                scores.setdefault(job.name, []).append(macro(job, held, labelled))
                print(
                    job.name, job.fold, [round(x, 3) for x in scores[job.name][-1]], f"{self._left():.0f}", flush=True
                )
            pool.terminate()
        means = {name: np.mean(rows, axis=0) for name, rows in scores.items() if len(rows) == FOLDS}
        for name, mean in means.items():
            print(name, [round(float(x), 4) for x in mean], flush=True)
        best = max(means, key=lambda name: float(means[name][:TOXIC].sum()), default="plain")
        save_arrays(self.out / "results.npz", found)
        self._final(best, found)

    def _final(self, best: str, found: dict[str, npt.NDArray[Any]]) -> None:
        """The best try on everything, and the folds' answers to the unlabelled texts."""
        weights, plan = self.work / "sections.pt", TRIES[best]
        todo = [Job("final", weights, plan, -1, pool=True, keep=self.work / "final.pt")]
        todo += [Job("pool", weights, plan, fold, seed=2, pool=True) for fold in range(FOLDS)]
        with multiprocessing.get_context("spawn").Pool(self.workers) as pool:
            waiting = [pool.apply_async(fit, (job, self.pack.folder, self.shape)) for job in todo]
            for one in waiting:
                try:
                    job, held, shares = one.get(timeout=max(1.0, self._left() - 10))
                except multiprocessing.TimeoutError:
                    break
                if shares is not None:
                    found[f"unlabelled_{job.fold}"] = shares
                found[f"{job.name}_{job.fold}"] = held
            pool.terminate()
        found["best"] = np.asarray(best)
        save_arrays(self.out / "results.npz", found)
        if (self.work / "final.pt").is_file():
            stored(torch.load(self.work / "final.pt", weights_only=True), self.out, "final")
        print(f"best: {best}; {self._left():.0f} s to go", flush=True)

    def _left(self) -> float:
        return self.until - time.monotonic()


def stored(weights: Weights, out: Path, name: str) -> None:
    """Half-precision npz files, each of a size that travels."""
    part: dict[str, F16] = {}
    number = size = 0
    for key, value in weights.items():
        array = value.detach().half().cpu().numpy()
        if part and size + array.nbytes > _FILE:
            save_arrays(out / f"{name}_{number}.npz", part)
            part, number, size = {}, number + 1, 0
        part[key] = array
        size += array.nbytes
    save_arrays(out / f"{name}_{number}.npz", part)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--until", type=float, default=560.0, help="seconds for everything")
    parser.add_argument("--pretrain", type=float, default=380.0, help="seconds for pre-training")
    parser.add_argument("--steps", type=int, default=1_000_000, help="at most so many steps of pre-training")
    parser.add_argument("--batch", type=int, default=256, help="sequences in a step")
    parser.add_argument("--parts", type=int, default=None, help="read so many files of ids only")
    parser.add_argument("--work", type=Path, default=Path("/tmp/encoder"), help="for weights on the way")
    parser.add_argument("--workers", type=int, default=6, help="fits at once")
    parser.add_argument("--last", type=float, default=95.0, help="seconds kept for the fits on everything")
    parser.add_argument("--tiny", action="store_true", help="a toy, to try the whole way on a CPU")
    given = parser.parse_args()
    with (given.pack / "tokenizer.json").open(encoding="utf-8") as file:
        vocabulary = len(json.load(file)["model"]["vocab"])
    shape, small = Shape(vocabulary), Shape(vocabulary, 384, 128, 6, 2)
    if given.tiny:
        shape, small = Shape(vocabulary, 64, 64, 2, 2), Shape(vocabulary, 64, 32, 2, 1)
    until = time.monotonic() + given.until
    plan = Plan(given.pretrain, given.batch, given.steps)
    Course(
        Pack(given.pack), given.out, given.work, shape, small, until, plan, given.parts, given.workers, given.last
    ).run()


if __name__ == "__main__":
    main()
