"""When the sample's people and outlets publish: a calendar of slots per story, by the role that the story plays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal

from flows.sample.stories import Story

Form = Literal["news", "post", "comment"]

FORMS: tuple[Form, ...] = ("news", "post", "comment")
DAYS = 35
EARLIER = 7  # stories begin that many days before the window, so that its first days are as full as the others
# People write less from the 27th of the last lunar month to the 6th of the first.
TET = (date(2026, 2, 14), date(2026, 2, 22))
TET_SHARE = 0.6


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One publication to come. A comment answers the story's latest post before it."""

    at: datetime
    form: Form


def everyday(start: datetime, end: datetime, rng: Random, *, weight: float) -> Iterator[Slot]:
    """An ordinary story: a few articles and posts, comments that trail off, a smaller second wave days later."""
    waves = ((start, 1.0), (start + timedelta(days=rng.uniform(5, 11)), 0.55))
    for begin, size in waves:
        for _ in range(_count(3 * size * weight, rng)):
            yield from _slot(begin + timedelta(hours=rng.expovariate(1 / 20)), "news", end, rng)
        posts = [begin + timedelta(hours=rng.uniform(0, 46)) for _ in range(max(1, _count(2.6 * size * weight, rng)))]
        for post in posts:
            yield from _slot(post, "post", end, rng)
        for _ in range(_count(20 * size * weight, rng)):
            yield from _slot(rng.choice(posts) + timedelta(hours=1 + rng.expovariate(1 / 22)), "comment", end, rng)


def incident(start: datetime, end: datetime, rng: Random) -> Iterator[Slot]:
    """Breaks out in the evening, swells through two days (rise over hours, as in reference/alerts.md 5)."""
    yield Slot(start + timedelta(minutes=12), "post")
    hours = (end - start) / timedelta(hours=1)
    amounts: tuple[tuple[Form, int], ...] = (("news", 11), ("post", 13), ("comment", 90))
    for form, count in amounts:
        for _ in range(count):
            at = start + timedelta(hours=0.5 + (hours - 0.8) * rng.betavariate(1.25, 1.1))
            if _asleep(at) and rng.random() < 0.75:
                at += timedelta(hours=6)
            if at < end - timedelta(minutes=6):
                yield Slot(_rounded(at, form, rng), form)


def ramp(start: datetime, end: datetime, rng: Random) -> Iterator[Slot]:
    """About one voice a day in the first week, three in the second, up to fifteen a day at the end."""
    days = (end - start).days
    for day in range(days + 1):
        share = day / days
        means: tuple[tuple[Form, float], ...] = (
            ("news", 0.15 + 0.4 * share),
            ("post", 0.3 + 1.0 * share**2),
            ("comment", 0.6 + 13.0 * share**2.2),
        )
        for form, mean in means:
            for _ in range(_count(mean, rng)):
                yield from _slot(start + timedelta(days=day, hours=rng.uniform(0, 15)), form, end, rng)


def campaign(start: datetime, end: datetime, rng: Random) -> Iterator[Slot]:
    """A week of gladness: quick rise, slow end."""
    for day, mean in enumerate((8, 17, 20, 17, 13, 10, 8, 4, 2)):
        for _ in range(mean):
            form: Form = rng.choices(FORMS, weights=(1, 1.6, 7))[0]
            yield from _slot(start + timedelta(days=day, hours=rng.uniform(0, 14)), form, end, rng)


def role_start(story: Story, end: datetime) -> datetime:
    """When a planted story begins."""
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "incident": midnight + timedelta(days=-2, hours=20),
        "ramp": midnight + timedelta(days=-21, hours=7),
        "campaign": midnight + timedelta(days=-12, hours=7),
        "reprint": midnight + timedelta(days=-3, hours=8),
    }[story.role]


def _slot(at: datetime, form: Form, end: datetime, rng: Random) -> Iterator[Slot]:
    """The slot at a waking hour, if it lies before `end` and Tết lets it through."""
    if _asleep(at):
        at = at.replace(hour=rng.choice((6, 7, 8, 11, 12, 19, 20, 21)), minute=rng.randrange(60))
    if TET[0] <= at.date() <= TET[1] and rng.random() > TET_SHARE:
        return
    if end - timedelta(days=DAYS) < at < end - timedelta(minutes=6):
        yield Slot(_rounded(at, form, rng), form)


def _asleep(at: datetime) -> bool:
    return at.hour < 6 or at.hour > 22


def _rounded(at: datetime, form: Form, rng: Random) -> datetime:
    """Outlets show minutes, the Graph API seconds."""
    return at.replace(second=0 if form == "news" else rng.randrange(60), microsecond=0)


def _count(mean: float, rng: Random) -> int:
    """A whole number with that mean."""
    whole = int(mean)
    return whole + (rng.random() < mean - whole)
