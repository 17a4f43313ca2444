"""The shared words: frozen records that pass between the stages. Their JSON forms are in `records.py` and contract.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal["news", "post", "comment", "report", "survey"]
Sentiment = Literal["neg", "neu", "pos"]
Era = Literal["now", "old"]
Level = Literal["province", "district", "commune"]
Tier = Literal["mail", "watch", "system"]

KINDS: tuple[Kind, ...] = ("news", "post", "comment", "report", "survey")
SENTIMENTS: tuple[Sentiment, ...] = ("neg", "neu", "pos")
VOICE_KINDS: frozenset[Kind] = frozenset({"post", "comment", "report", "survey"})  # people's own words: stricter rules


@dataclass(frozen=True, slots=True)
class RawPage:
    """One response as fetched. `body` is already decompressed; `content_type` is the server's header, unverified."""

    url: str
    source: str
    fetched: datetime
    body: bytes
    status: int = 200
    content_type: str = ""
    kind: Kind = "news"


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that was not kept, and why. `where` is a URL or FILE:LINE; `detail` never quotes a person."""

    reason: str
    where: str
    source: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Engagement:
    """Counts shown publicly beside a post; None where the platform does not say."""

    reactions: int | None = None
    comments: int | None = None
    shares: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One publication: a news item, post, comment, report or survey answer. No author, ever."""

    id: str
    url: str
    source: str
    kind: Kind
    title: str
    text: str
    fetched: datetime
    published: datetime | None = None  # empty rather than guessed; then `fetched` bounds it
    parent: str | None = None  # id of what a comment answers
    engagement: Engagement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A unit of this province named in a text. The key is (era, code): new communes reuse old codes."""

    code: str
    era: Era
    level: Level
    name: str
    now: tuple[str, ...]  # codes of today's communes
    written: str  # as in the text, without the unit word


@dataclass(frozen=True, slots=True, kw_only=True)
class Enriched(Document):
    """A document with what the models say of it. `sentiment` is always the likeliest class; `uncertain` warns."""

    lang: str
    topic: str
    topic_p: float
    topic2: str | None = None
    sentiment: Sentiment
    sentiment_p: Mapping[str, float]
    uncertain: bool
    feedback: bool
    feedback_p: float
    toxic_p: float
    places: tuple[Place, ...] = ()
    in_province: bool
    agency: str | None = None
    keywords: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered(Enriched):
    """+ what it reprints (`origin`, its own id if nothing) and the event it belongs to (`issue`)."""

    origin: str
    issue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What staff say of one document; None where they did not say. No text, and nobody's name: not the author's, not staff's."""

    id: str
    at: datetime
    topic: str | None = None
    sentiment: Sentiment | None = None
    feedback: bool | None = None
    toxic: bool | None = None
    in_province: bool | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """One try of one source: what coverage, and so every expectation, rests on."""

    source: str
    at: datetime
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What alerts know of one publication: no text, no author. p_neg is 0 or 1 where sentiment is given without doubt."""

    id: str
    origin: str
    issue: str
    source: str
    kind: Kind
    topic: str
    sentiment: Sentiment
    p_neg: float
    uncertain: bool
    fetched: datetime
    published: datetime | None
    places: tuple[str, ...] = ()  # codes of today's communes
    in_province: bool = True
    terms: tuple[str, ...] = ()  # what it is about, in segmented words of lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An event cluster. `merged_into` is set when it was merged; its documents then belong to that issue."""

    id: str
    title: str
    terms: tuple[str, ...]
    first: datetime  # earliest fetched
    last: datetime
    voices: int
    topic: str
    places: tuple[str, ...] = ()
    merged_into: str | None = None
    title_by_staff: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One publication an alert shows: a redacted excerpt (≤ 300 characters) and its link."""

    id: str
    url: str
    source: str
    published: datetime | None
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What the detector says of one issue at one moment; every number can be recomputed from the store."""

    id: str
    issue: str
    tier: Tier
    reason: str
    title: str
    started: datetime
    detected: datetime
    voices: int
    expected: float
    range90: tuple[float, float]
    share: float
    share_usual: float
    score: float
    reprints: int
    places: tuple[str, ...]
    topic: str
    agency: str | None = None
    evidence: tuple[Evidence, ...] = ()
    coverage: Mapping[str, object] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
