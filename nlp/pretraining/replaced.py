"""Replaced-token detection (ELECTRA, Clark et al. 2020): a small generator fills in masked tokens, the encoder tells the false ones.

Every token teaches the encoder, not only the masked ones: of all known objectives the one that learns most from an hour of one card.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nlp.pretraining.encoder import Encoder, Shape
from nlp.pretraining.tokens import MASK

_DISCRIMINATION = 50.0  # weight of the encoder's loss beside the generator's (as in the paper)


class Detection(nn.Module):
    """Generator and encoder over one table of tokens."""

    def __init__(self, shape: Shape, small: Shape, masked: float = 0.2) -> None:
        super().__init__()
        self.masked = round(masked * shape.length)
        self.encoder = Encoder(shape)
        self.generator = Encoder(small, self.encoder.table)
        self.fill = nn.Sequential(nn.Linear(small.width, small.embedding), nn.GELU(), nn.LayerNorm(small.embedding))
        self.bias = nn.Parameter(torch.zeros(small.vocabulary))
        self.judge = nn.Sequential(nn.Linear(shape.width, shape.width), nn.GELU(), nn.Linear(shape.width, 1))

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(loss to be lowered, the generator's loss in nats, the encoder's). `ids`: texts × tokens, no padding."""
        places = torch.rand(ids.shape, device=ids.device).topk(self.masked, dim=1).indices
        own = ids.gather(1, places)
        hidden = self.generator(ids.scatter(1, places, MASK))
        hidden = hidden.gather(1, places[..., None].expand(-1, -1, hidden.shape[-1]))
        logits = F.linear(self.fill(hidden), self.encoder.table.weight, self.bias).float()
        filling = F.cross_entropy(logits.flatten(0, 1), own.flatten())
        with torch.no_grad():
            noise = torch.rand_like(logits).clamp_min_(1e-9).log_().neg_().clamp_min_(1e-9).log_().neg_()
            drawn = (logits + noise).argmax(dim=-1)
        given = ids.scatter(1, places, drawn)
        scores = self.judge(self.encoder(given))[..., 0].float()
        telling = F.binary_cross_entropy_with_logits(scores, (given != ids).float())
        return filling + _DISCRIMINATION * telling, filling, telling


@dataclass(frozen=True, slots=True)
class Stream:
    """Token ids one after another, on the device; a share `rare_share` of all sequences comes from `rare`."""

    plain: Tensor
    rare: Tensor
    rare_share: float
    length: int

    def batches(self, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Without end: size × length ids, each sequence from a random place."""
        few = min(round(size * self.rare_share), size) if len(self.rare) > self.length else 0
        while True:
            yield torch.cat([self._cut(self.plain, size - few, generator), self._cut(self.rare, few, generator)])

    def _cut(self, ids: Tensor, count: int, generator: torch.Generator) -> Tensor:
        starts = torch.randint(max(1, len(ids) - self.length), (count, 1), device=ids.device, generator=generator)
        return ids[starts + torch.arange(self.length, device=ids.device)].long()


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds`: the wall clock allowed; the learning rate falls to nothing by then, or by `steps` if those come first."""

    seconds: float
    batch: int = 256  # sequences
    steps: int = 1_000_000
    rate: float = 1e-3
    warm_up: float = 0.02  # share of the plan
    decay: float = 0.01
    every: float = 0.1  # share of the plan between two notes


@dataclass(frozen=True, slots=True)
class Note:
    """What a training tells on its way. Losses in nats, means since the note before."""

    tokens: int
    seconds: float
    filling: float
    telling: float


def pretrain(model: Detection, stream: Stream, plan: Plan, tell: Callable[[Note], None]) -> None:
    """Train in place until the plan is spent."""
    device = stream.plain.device
    step = torch.compile(model) if device.type == "cuda" else model
    optimiser = torch.optim.AdamW(
        _groups(model, plan.decay), lr=plan.rate, betas=(0.9, 0.98), eps=1e-6, fused=device.type == "cuda"
    )
    batches = stream.batches(plan.batch, torch.Generator(device).manual_seed(1))
    began, told, done, sums, since = time.monotonic(), plan.every, 0, torch.zeros(2, device=device), 0
    while True:
        spent = max((time.monotonic() - began) / plan.seconds, done / plan.steps)
        if spent >= told or spent >= 1:
            means = (sums / max(since, 1)).tolist()
            tell(Note(done * plan.batch * stream.length, time.monotonic() - began, *means))
            told, since = told + plan.every, 0
            sums.zero_()
        if spent >= 1:
            return
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * min(spent / plan.warm_up, (1 - spent) / (1 - plan.warm_up)) + 1e-9
        with torch.autocast(device.type, torch.bfloat16):
            loss, filling, telling = step(next(batches))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        sums += torch.stack([filling.detach(), telling.detach()])
        done, since = done + 1, since + 1
        if done % 20 == 0 and device.type == "cuda":
            torch.cuda.synchronize()  # else the clock runs ahead of the card, and the plan's end comes late


def _groups(model: nn.Module, decay: float) -> list[dict[str, object]]:
    """Matrices decay, norms and biases do not."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]
