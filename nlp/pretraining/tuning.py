"""Fine-tuning: one encoder, one head for each task; texts that do not answer a task do not teach its head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nlp.pretraining.encoder import Encoder

I64 = npt.NDArray[np.int64]
_STEP = 16  # widths of batches are multiples of it, so that few shapes occur


class Reader(nn.Module):
    """Token ids → the logits of all tasks side by side. Each head weighs the tokens by itself before it judges (attention pooling)."""

    def __init__(self, encoder: Encoder, widths: Sequence[int], dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.widths = tuple(widths)
        self.queries = nn.Parameter(torch.zeros(len(self.widths), encoder.shape.width))
        self.heads = nn.ModuleList(nn.Linear(encoder.shape.width, width) for width in self.widths)
        self.dropout = nn.Dropout(dropout)
        for head in self.heads:
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """`ids`, `mask`: texts × tokens; the answer: texts × the sum of all widths."""
        hidden = self.encoder(ids, mask)
        weight = hidden @ self.queries.t().to(hidden.dtype) - (1.0 - mask[..., None].to(hidden.dtype)) * 1e4
        pooled = torch.einsum("btk,btd->bkd", weight.softmax(dim=1), hidden)
        return torch.cat([head(self.dropout(pooled[:, k])) for k, head in enumerate(self.heads)], dim=1)


@dataclass(frozen=True, slots=True)
class Rows:
    """Texts as padded ids on the device: texts × length; `sizes`: tokens of each, on the host."""

    ids: Tensor
    sizes: I64

    @classmethod
    def of(cls, ids: npt.NDArray[np.uint16], ends: I64, length: int, device: torch.device) -> Rows:
        """From ragged rows: `ends[k]` is where text k ends in `ids`."""
        sizes = np.diff(ends, prepend=0)
        padded = np.zeros((len(ends), length), dtype=np.int64)
        padded[np.arange(length) < sizes[:, None]] = ids
        return cls(torch.from_numpy(padded).to(device), sizes)

    def read(self, places: I64) -> tuple[Tensor, Tensor]:
        """(ids, mask) of some texts, no wider than the longest needs."""
        width = min(-(-int(self.sizes[places].max()) // _STEP) * _STEP, self.ids.shape[1])
        ids = self.ids[torch.from_numpy(places).to(self.ids.device), :width]
        return ids, ids != 0


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a reader is fitted. `layer`: what the learning rate is multiplied with from one block to the one below it."""

    rate: float = 2e-4
    epochs: int = 6
    batch: int = 32
    dropout: float = 0.1
    layer: float = 0.9
    balance: float = 0.25  # power of (mean class size / class size) that a text weighs
    second: float = 0.25  # share of the target that a second topic gets
    tasks: Mapping[int, float] | None = None  # weight of each task's loss; without one, 1
    averaged: float = 0.0  # share of the steps, the last ones, whose mean weights answer; 0: the last weights do


def targets(answers: npt.NDArray[np.int8], width: int, second: npt.NDArray[np.int8] | None, share: float) -> Tensor:
    """One task's targets: texts × labels, rows of zeros where a text does not answer."""
    told = torch.zeros(len(answers), width)
    known = np.flatnonzero(answers >= 0)
    told[known, answers[known]] = 1.0
    if second is not None:
        both = np.flatnonzero((answers >= 0) & (second >= 0) & (second != answers))
        told[both, answers[both]] = 1.0 - share
        told[both, second[both]] = share
    return told


def tune(reader: Reader, rows: Rows, wanted: Sequence[Tensor], places: I64, plan: Tuning, seed: int = 1) -> None:
    """Fit in place on the texts `places`. `wanted`: for each task, what `targets` gives, for all rows."""
    device = rows.ids.device
    wanted = [one.to(device) for one in wanted]
    weights = [_importance(one[torch.from_numpy(places).to(device)], plan.balance) for one in wanted]
    optimiser = torch.optim.AdamW(
        _groups(reader, plan), betas=(0.9, 0.98), eps=1e-6, weight_decay=0.01, fused=device.type == "cuda"
    )
    rates = [group["lr"] for group in optimiser.param_groups]
    g = np.random.default_rng(seed)
    torch.manual_seed(seed)
    order = np.concatenate([_shuffled(places, rows.sizes, plan.batch, g) for _ in range(plan.epochs)])
    steps = -(-len(order) // plan.batch)
    mean = _Mean(reader)
    reader.train()
    for step in range(steps):
        done = step / steps
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * min(done / 0.1 + 1e-3, (1 - done) / 0.9)
        chosen = order[step * plan.batch : (step + 1) * plan.batch]
        ids, mask = rows.read(chosen)
        at = torch.from_numpy(chosen).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            logits = reader(ids, mask)
        loss = torch.zeros((), device=device)
        for task, part in enumerate(logits.float().split(list(reader.widths), dim=1)):
            told = wanted[task][at]
            weight = told @ weights[task] * (plan.tasks or {}).get(task, 1.0)
            loss = loss + -(told * F.log_softmax(part, dim=1)).sum(dim=1) @ weight / plan.batch
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if steps - step <= plan.averaged * steps:
            mean.add()
    mean.put()
    reader.eval()


class _Mean:
    """The mean of a model's weights at several steps (Izmailov et al. 2018)."""

    def __init__(self, model: nn.Module) -> None:
        self._weights = list(model.parameters())
        self._sums: list[Tensor] = []
        self._count = 0

    def add(self) -> None:
        """Count the weights as they are now."""
        self._sums = self._sums or [torch.zeros_like(weight) for weight in self._weights]
        for total, weight in zip(self._sums, self._weights, strict=True):
            total += weight.detach()
        self._count += 1

    def put(self) -> None:
        """Give the model the mean; where nothing was added it stays as it is."""
        if self._count:
            for total, weight in zip(self._sums, self._weights, strict=True):
                weight.data.copy_(total / self._count)


def answer(reader: Reader, rows: Rows, places: I64, batch: int = 256) -> npt.NDArray[np.float32]:
    """Logits of the texts `places`, in their order."""
    found = np.zeros((len(places), sum(reader.widths)), dtype=np.float32)
    order = np.argsort(rows.sizes[places], kind="stable")
    reader.eval()
    with torch.inference_mode(), torch.autocast(rows.ids.device.type, torch.bfloat16):
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            found[some] = reader(*rows.read(places[some])).float().cpu().numpy()
    return found


def _importance(told: Tensor, balance: float) -> Tensor:
    """Weight of each label: rarer ones weigh more."""
    sizes = told.sum(dim=0)
    held = sizes[sizes > 0]
    return ((held.mean() if held.numel() else sizes.sum()) / sizes.clamp_min(1.0)) ** balance


def _shuffled(places: I64, sizes: I64, batch: int, g: np.random.Generator) -> I64:
    """Batches of texts of like length (within a noise), in random order."""
    order = places[np.argsort(sizes[places] + g.uniform(0, 12, len(places)))]
    full = len(order) // batch * batch
    lots = order[:full].reshape(-1, batch)[g.permutation(full // batch)]
    return np.concatenate([lots.reshape(-1), g.permutation(order[full:])])


def _groups(reader: Reader, plan: Tuning) -> list[dict[str, object]]:
    encoder = reader.encoder
    layers = len(encoder.blocks)
    groups: list[dict[str, object]] = [
        {
            "params": [*encoder.table.parameters(), *encoder.enter.parameters()],
            "lr": plan.rate * plan.layer ** (layers + 1),
        }
    ]
    for depth, block in enumerate(encoder.blocks):
        groups.append({"params": list(block.parameters()), "lr": plan.rate * plan.layer ** (layers - depth)})
    own = [reader.queries, *reader.heads.parameters(), *encoder.norm.parameters()]
    return [*groups, {"params": own, "lr": plan.rate}]
