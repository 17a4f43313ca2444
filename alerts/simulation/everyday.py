"""Everyday life: standing issues with their flurries and reprints, and harmless new issues."""

from __future__ import annotations

import numpy as np

from alerts.hours import DAY, Floats
from alerts.simulation.events import Events, Origins, joined, make
from alerts.simulation.world import Province


def standing(province: Province, origins: Origins, g: np.random.Generator) -> Events:
    """All standing issues over the whole stream."""
    return joined([_issue(province, issue, origins, g) for issue in range(len(province.volume))])


def _issue(province: Province, issue: int, origins: Origins, g: np.random.Generator) -> Events:
    hours = len(province.profile)
    mean = province.volume[issue] / DAY * province.profile * np.repeat(province.tide[issue], DAY)
    amounts = g.poisson(mean)
    usual = np.repeat(np.arange(hours), amounts) + g.random(int(amounts.sum()))
    moments = np.concatenate([usual, *_flurries(province, issue, g)])
    moments = np.minimum(moments, hours - 0.01)
    amount = len(moments)
    own = make(
        issue,
        g.choice(len(province.weights), amount, p=province.mix[issue]),
        moments,
        origins.fresh(amount),
        g.random(amount) < province.share[issue],
        ordinary=True,
    )
    return joined([own, _reprints(province, issue, own, g)])


def _flurries(province: Province, issue: int, g: np.random.Generator) -> list[Floats]:
    """Small harmless stories: a few voices within hours, as negative as the issue always is."""
    hours = len(province.profile)
    size = min(8.0, 1.0 + 0.6 * province.volume[issue])
    stories = g.poisson(province.setting.stories * hours / DAY)
    return [g.random() * hours + g.exponential(8, g.poisson(size)) for _ in range(stories)]


def _reprints(province: Province, issue: int, own: Events, g: np.random.Generator) -> Events:
    """A fifth of the news (nearly half of all) is printed again by others, most once or twice, within hours."""
    copied = np.flatnonzero((g.random(len(own)) < 0.45) & (g.random(len(own)) < 0.2))
    which = np.repeat(copied, g.geometric(0.4, len(copied)))
    later = np.minimum(own.published[which] + g.exponential(3, len(which)), len(province.profile) - 0.01)
    source = g.choice(len(province.weights), len(which), p=province.mix[issue])
    return make(issue, source, later, own.origin[which], own.negative[which], ordinary=True)


def newborn(province: Province, first_id: int, origins: Origins, g: np.random.Generator) -> Events | None:
    """Harmless new issues, numbered from `first_id`: about three publications, a third of them reprints, gone within a day."""
    hours = len(province.profile)
    births = np.sort(g.random(int(province.setting.newborn * hours / DAY)) * hours)
    parts = [_small(province, first_id + position, float(birth), origins, g) for position, birth in enumerate(births)]
    return joined(parts) if parts else None


def _small(province: Province, issue: int, birth: float, origins: Origins, g: np.random.Generator) -> Events:
    amount = int(min(g.geometric(0.3), 25))
    moments = np.minimum(birth + np.concatenate([[0.0], g.exponential(7, amount - 1)]), len(province.profile) - 0.01)
    origin = origins.fresh(amount)
    origin[g.random(amount) < 0.35] = origin[0]
    negative = g.random(amount) < g.beta(1.2, 2.5)
    source = g.choice(len(province.weights), amount, p=province.weights)
    return make(issue, source, moments, origin, negative, ordinary=True)
