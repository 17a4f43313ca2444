"""Small streams for the alert tests: standing issues of a province, and what may happen to them. Only our own words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from samples_index import document

from duluan.clock import LOCAL
from duluan.config import Profile
from duluan.model import Clustered, Fetch, Voice

START = datetime(2026, 1, 5, tzinfo=LOCAL)
SOURCES = ("bao-a.example.vn", "bao-b.example.vn", "cong-tt.example.vn", "trang-x.example.vn", "trang-y.example.vn")
WEIGHTS = (0.3, 0.25, 0.2, 0.15, 0.1)
SHAPE = np.array([2, 1, 1, 1, 1, 3, 7, 11, 13, 13, 12, 11, 9, 9, 10, 11, 11, 11, 11, 13, 14, 12, 9, 5]) / 201.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A stream of voices and fetch lines with its end."""

    voices: tuple[Voice, ...]
    fetches: tuple[Fetch, ...]
    end: datetime

    def items(self) -> list[Voice | Fetch]:
        """All in order of fetching."""
        return sorted([*self.voices, *self.fetches], key=lambda i: i.at if isinstance(i, Fetch) else i.fetched)

    def documents(self) -> Iterator[Clustered]:
        """The voices as stored documents."""
        for voice in self.voices:
            yield as_document(voice)

    def adding(self, *voices: Voice) -> Scene:
        """This scene and more voices."""
        return replace(self, voices=tuple(sorted([*self.voices, *voices], key=lambda v: (v.fetched, v.id))))


def as_document(voice: Voice) -> Clustered:
    """A document with the voice's facts and words of ours."""
    return document(
        f"https://{voice.source}/{voice.id}.html",
        id=voice.id,
        source=voice.source,
        kind=voice.kind,
        title=f"Tin về {voice.issue}",
        text=f"Người dân phản ánh việc số {voice.id} ở xã, mong cơ quan trả lời sớm. Gọi 0905 123 456.",
        fetched=voice.fetched,
        published=voice.published,
        sentiment=voice.sentiment,
        sentiment_p={"neg": voice.p_neg, "neu": 1 - voice.p_neg, "pos": 0.0},
        topic=voice.topic,
        origin=voice.origin,
        issue=voice.issue,
    )


def voice(
    id: str, issue: str, moment: datetime, *, neg: bool, source: str = SOURCES[0], origin: str | None = None
) -> Voice:
    """One publication, fetched at most an hour after it was published."""
    return Voice(
        id=id,
        origin=origin or id,
        issue=issue,
        source=source,
        kind="news",
        topic="giao_thong",
        sentiment="neg" if neg else "neu",
        p_neg=float(neg),
        uncertain=False,
        fetched=(moment + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0),
        published=moment,
    )


def ordinary(*, days: int = 35, per_day: float = 60, issues: int = 20, seed: int = 1) -> Scene:
    """Everyday life: standing issues of uneven size with their own share of complaints; hourly fetches."""
    g = np.random.default_rng(seed)
    size = np.exp(g.normal(0, 0.8, issues))
    size *= per_day / size.sum()
    share = g.beta(2, 5, issues)
    voices = []
    for day in range(days):
        for k in range(issues):
            for hour in g.choice(24, g.poisson(size[k] * g.gamma(5, 0.2)), p=SHAPE / SHAPE.sum()):
                moment = START + timedelta(days=day, hours=int(hour), minutes=int(g.integers(59)))
                source = SOURCES[int(g.choice(len(SOURCES), p=WEIGHTS))]
                id = f"d{day:03d}-{k:02d}-{len(voices)}"
                voices.append(voice(id, f"viec-{k}", moment, neg=bool(g.random() < share[k]), source=source))
    voices.sort(key=lambda v: (v.fetched, v.id))
    fetches = [Fetch(s, START + timedelta(hours=h), ok=True) for h in range(24 * days + 1) for s in SOURCES]
    return Scene(tuple(voices), tuple(fetches), START + timedelta(days=days))


def outbreak(
    issue: str, start: datetime, *, hours: int = 36, count: int = 25, negative: float = 0.92, seed: int = 5
) -> tuple[Voice, ...]:
    """A burst of distinct voices, densest in its first hours."""
    g = np.random.default_rng(seed)
    at = np.sort(np.minimum(g.exponential(hours / 3, count), hours))
    return tuple(
        voice(
            f"{issue}-b{n}",
            issue,
            start + timedelta(hours=float(h)),
            neg=bool(g.random() < negative),
            source=SOURCES[n % len(SOURCES)],
        )
        for n, h in enumerate(at)
    )


BREAK = START + timedelta(days=13, hours=9)


def crisis_week() -> Scene:
    """Two weeks of everyday life, then three days with two outbreaks, one of them at night, and half a day without the largest sources."""
    scene = ordinary(days=16, per_day=40, issues=10)
    down = (BREAK + timedelta(hours=40), BREAK + timedelta(hours=54))
    dead = frozenset(SOURCES[:3])
    kept = tuple(v for v in scene.voices if not (v.source in dead and down[0] <= v.fetched < down[1]))
    tries = tuple(replace(f, ok=f.ok and not (f.source in dead and down[0] <= f.at < down[1])) for f in scene.fetches)
    return Scene(kept, tries, scene.end).adding(
        *outbreak("viec-3", BREAK, hours=24, count=22, seed=5),
        *outbreak("viec-7", BREAK + timedelta(hours=13), hours=20, count=26, seed=6),
    )


OFFICE = "truc@tinh.example.vn"


def mailing(profile: Profile) -> Profile:
    """The profile, its alerts mailed to OFFICE alone."""
    return profile.model_copy(update={"alerts": profile.alerts.model_copy(update={"recipients": (OFFICE,)})})


@dataclass
class Postbox:
    """Keeps what is sent to OFFICE; a mailer like any other."""

    sender: str = "canh-bao@tinh.example.vn"
    letters: list[bytes] = field(default_factory=list)

    def send(self, payload: bytes, recipients: tuple[str, ...]) -> None:
        assert recipients == (OFFICE,)
        self.letters.append(payload)
