"""Evidence: likelihood ratios of "negative voices swell here" against "business as usual", mixed over sizes and windows.

Model of an ordinary window: negative and other voices share one gamma factor (negative multinomial with mean m, size r) and are
negative with probability s. Alternatives multiply the negative voices by k and leave the others alone (an incident), or move the
share at the same volume (a tone shift). For a shift to mean m′ and share s′ the ratio is, in closed form,

    (m′/m)^v ((r + m)/(r + m′))^(r+v)  ×  [ (s′/s)^n ((1−s′)/(1−s))^(v−n) ]^(1/c)

with v voices, n of them negative (soft counts) and c the over-dispersion of shares (quasi-likelihood). A positive surge
raises v but not n/v, so it counts against every alternative. The mean of ratios is again one: P(mean > x) ≤ 1/x under the null (Ville).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.special import betainc

from alerts.hours import Floats

WINDOWS: Final = (3, 6, 12, 24, 48, 96, 168)  # hours, the sheet's
SHIFTS: Final = (2.0, 3.0, 5.0, 8.0, 13.0)  # negative voices times k
TONES: Final = (1.0, 1.7, 2.4)  # logit shifts of the share
MIN_VOICES: Final = 4
_TONE_WEIGHT: Final = 0.3
_LN10: Final = float(np.log(10))
# Harmless swells (praise, a festival) come about once in a hundred weeks of an issue, so volume alone proves two decades at most.
_VOLUME_CAP: Final = 2.0 * _LN10


@dataclass(frozen=True, slots=True)
class Windows:
    """Rows × windows: voices, soft negatives, expected voices, size r of the count, per row share s; per window its over-dispersion c.

    `cap` (rows × 1, natural log) limits what volume alone proves.
    """

    voices: Floats
    negatives: Floats
    expected: Floats
    size: Floats
    share: Floats
    temper: Floats
    cap: Floats = field(default_factory=lambda: np.full((1, 1), _VOLUME_CAP))


def _tempered(tone: Floats, temper: Floats) -> Floats:
    """Evidence from shares: over-dispersion weakens what speaks for trouble, never what speaks against it."""
    weakened: Floats = np.where(tone > 0, tone / temper, tone)
    return weakened


def _tone(w: Windows, shifted: Floats) -> Floats:
    share = w.share[:, None]
    others = w.voices - w.negatives
    return _tempered(w.negatives * np.log(shifted / share) + others * np.log((1 - shifted) / (1 - share)), w.temper)


def _surge(w: Windows, k: float) -> Floats:
    """Negative voices times k, the others as usual: with g = 1 + s(k−1), m′ = mg and s′ = sk/g most logs are of rows only."""
    grown = 1 + w.share[:, None] * (k - 1)
    log_grown = np.log(grown)
    volume = w.voices * log_grown - (w.size + w.voices) * np.log1p(w.expected * (grown - 1) / (w.size + w.expected))
    ratio: Floats = np.minimum(volume, w.cap) + _tempered(w.negatives * np.log(k) - w.voices * log_grown, w.temper)
    return ratio


def _mix(parts: list[Floats], weights: list[float]) -> Floats:
    """log of Σ weight·exp(part), cell by cell."""
    top = np.maximum.reduce(parts)
    total = np.zeros_like(top)
    for part, weight in zip(parts, weights, strict=True):
        total += weight * np.exp(part - top)
    mixed: Floats = top + np.log(total)
    return mixed


def surge_score(w: Windows) -> tuple[Floats, Floats]:
    """log10 of the mixed evidence per row, and each window's own (rows × windows) for the explanation."""
    share = w.share[:, None]
    logit = np.log(share / (1 - share))
    parts = [_surge(w, k) for k in SHIFTS] + [_tone(w, 1 / (1 + np.exp(-(logit + t)))) for t in TONES]
    weights = [(1 - _TONE_WEIGHT) / len(SHIFTS)] * len(SHIFTS) + [_TONE_WEIGHT / len(TONES)] * len(TONES)
    mixed = np.where(w.voices >= MIN_VOICES, _mix(parts, weights), -_LN10)
    score = np.logaddexp.reduce(mixed, axis=1) - np.log(mixed.shape[1])
    return score / _LN10, mixed / _LN10


def rarity(voices: Floats, mean: Floats, size: Floats) -> Floats:
    """−log10 of the chance that a negative binomial count with this mean and size reaches `voices`."""
    rare: Floats = -np.log10(np.maximum(betainc(voices, size, mean / (size + mean)), 1e-30))
    return rare


def newborn_score(voices: Floats, negatives: Floats, rare: Floats, share: float, correlation: float) -> Floats:
    """log10 evidence of issues too young for a baseline: how `rare` their growth is in the cohort × share against the cohort's."""
    seen, negative = voices[:, None], negatives[:, None]
    temper = 1 + np.maximum(seen - 1, 0) * correlation
    w = Windows(seen, negative, seen, np.ones_like(seen), np.full(len(voices), share), temper)
    logit = np.log(share / (1 - share))
    tones = np.stack([_tone(w, np.full((len(voices), 1), 1 / (1 + np.exp(-(logit + t))))) for t in (1.7, 2.4, 3.3)])
    tone = (np.logaddexp.reduce(tones, axis=0) - np.log(3))[:, 0] / _LN10
    remarkable = negatives > np.maximum(share + 0.2, 0.5) * voices
    score: Floats = np.where((voices >= MIN_VOICES) & remarkable, tone + rare, -1.0)
    return score
