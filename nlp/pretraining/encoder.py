"""The encoder: a pre-norm transformer with rotary positions (Su et al. 2021), small enough for two CPU cores once its weights are int8."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Shape:
    """`embedding`: width of the token table, which generator and discriminator share."""

    vocabulary: int
    embedding: int = 384
    width: int = 384
    layers: int = 6
    heads: int = 6
    length: int = 128  # tokens read at once


class Block(nn.Module):
    """Attention and a feed-forward of four times the width, each after a norm and beside the residual."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = shape.heads, dropout
        self.before, self.between = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.up = nn.Linear(shape.width, 4 * shape.width)
        self.down = nn.Linear(4 * shape.width, shape.width)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        """`x`: texts × tokens × width; `mask`: texts × 1 × 1 × tokens, added to the attention's scores."""
        texts, tokens, width = x.shape
        qkv = self.qkv(self.before(x)).view(texts, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        seen = F.scaled_dot_product_attention(rotated(q, turn), rotated(k, turn), v, attn_mask=mask)
        seen = self.out(seen.transpose(1, 2).reshape(texts, tokens, width))
        x = x + F.dropout(seen, self.dropout, self.training)
        return x + F.dropout(self.down(F.gelu(self.up(self.between(x)))), self.dropout, self.training)


class Encoder(nn.Module):
    """Token ids → one vector for each token."""

    def __init__(self, shape: Shape, table: nn.Embedding | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout
        self.table = table or nn.Embedding(shape.vocabulary, shape.embedding)
        same = shape.embedding == shape.width
        self.enter = nn.Identity() if same else nn.Linear(shape.embedding, shape.width)
        self.blocks = nn.ModuleList(Block(shape, dropout) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        cos, sin = turns(shape.length, shape.width // shape.heads)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(_start)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """`ids`: texts × tokens; `mask`: the same shape, true where a token stands (without one, everywhere)."""
        x = F.dropout(self.enter(self.table(ids)), self.dropout, self.training)
        turn = (self.cos[: ids.shape[1]].to(x.dtype), self.sin[: ids.shape[1]].to(x.dtype))
        hidden = None if mask is None else (1.0 - mask[:, None, None, :].to(x.dtype)) * -1e4
        for block in self.blocks:
            x = block(x, turn, hidden)
        return self.norm(x)


def turns(length: int, width: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of every position's angles: length × width."""
    rates = 10_000.0 ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(length)[:, None] * rates[None, :]
    both = torch.cat([angles, angles], dim=1)
    return both.cos(), both.sin()


def rotated(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Queries or keys turned by their position; halves are paired."""
    one, other = x.chunk(2, dim=-1)
    return x * turn[0] + torch.cat([-other, one], dim=-1) * turn[1]


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
