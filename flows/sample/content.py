"""The sample province's five weeks: about 60 items a day of our own wording, the same for the same clock and seed, with planted truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Final, Literal

from duluan.clock import LOCAL
from duluan.model import SENTIMENTS, Document, Engagement, Fetch, Kind, Sentiment
from duluan.text import fold
from duluan.urls import canonical_url, comment_url, document_id
from flows.sample import plan
from flows.sample.history import HistoryFiles, write_history
from flows.sample.outlets import (
    BY_ID,
    DAK_BLA,
    DEFAULT_BASES,
    OA_ID,
    OUTLETS,
    PAGES,
    PORTAL,
    PRESS,
    QUE_NHA,
    SONG_TRA,
    ZALO_OA,
    Host,
    Outlet,
)
from flows.sample.personal import EVERY, PLANTED, SECRETS
from flows.sample.stories import Story, common, topic_banks
from flows.sample.writing import Draft, Writer

__all__ = ["DEMO_CLOCK", "HistoryFiles", "Item", "Sample", "Truth", "build", "write_history"]

DEMO_CLOCK: Final = datetime(2026, 3, 20, 18, 0, tzinfo=LOCAL)  # a Friday: the week of 2026-W12 has just closed
CRAWLED: Final = timedelta(hours=24)  # what only the crawl can bring
OUTAGE: Final = (timedelta(days=18, hours=18), timedelta(days=15, hours=12))  # before the end: from, until
EVERYDAY_WEIGHT: Final = 1.13  # gives about 60 items a day with the bank as it is

Fault = Literal["truncated", "not_article", "robots", "wrong_charset"]
TruthKind = Literal["incident", "ramp", "campaign", "reprint", "outage", "noise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One publication as its outlet has it. `author` is shown by the outlet only; `fault` is how its page is served wrongly."""

    outlet: str
    number: int
    kind: Kind
    story: str
    topic: str
    tone: Sentiment
    url: str
    title: str
    paragraphs: tuple[str, ...]
    published: datetime
    author: str
    parent: str | None = None  # url of the post that a comment answers
    engagement: Engagement | None = None
    fault: Fault | None = None

    @property
    def text(self) -> str:
        """The body, a line a paragraph."""
        return "\n".join(self.paragraphs)

    @property
    def nukeviet(self) -> bool:
        """True where the outlet's pages are keyed by module and number."""
        return BY_ID[self.outlet].via == "nukeviet"

    @property
    def id(self) -> str:
        """The document id that crawl and import both give it."""
        return document_id(self.url, nukeviet=self.nukeviet)

    def document(self, fetched: datetime, *, answered: str = "") -> Document:
        """As the product would have it, before redaction; `answered` is the text of what a comment answers."""
        return Document(
            id=self.id,
            url=canonical_url(self.url, nukeviet=self.nukeviet),
            source=self.outlet,
            kind=self.kind,
            title=self.title or answered[:120],
            text=self.text,
            fetched=fetched,
            published=self.published,
            parent=document_id(self.parent) if self.parent else None,
            engagement=self.engagement,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What was planted: the answer sheet for a test of the whole way. `urls` are those of the items that belong to it."""

    kind: TruthKind
    title: str
    topic: str = ""
    places: tuple[str, ...] = ()
    start: datetime
    until: datetime
    urls: tuple[str, ...] = ()
    source: str = ""  # of an outage


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The whole: items by time, the tries of each source, what was planted, and the strings that must never be stored."""

    end: datetime
    seed: int
    items: tuple[Item, ...]
    fetches: tuple[Fetch, ...]
    truth: tuple[Truth, ...]
    secrets: tuple[str, ...]
    bases: Mapping[Host, str]

    @property
    def crawl_from(self) -> datetime:
        """From here on only the crawl knows."""
        return self.end - CRAWLED

    @property
    def history(self) -> tuple[Item, ...]:
        """What `duluan import` brings: sound items before `crawl_from`."""
        return tuple(item for item in self.items if item.published < self.crawl_from and item.fault is None)

    @property
    def last_day(self) -> tuple[Item, ...]:
        """What only the crawl brings, the faulty pages included."""
        return tuple(item for item in self.items if item.published >= self.crawl_from)

    def planted(self, kind: TruthKind) -> Truth:
        """The one truth of that kind."""
        return next(truth for truth in self.truth if truth.kind == kind)

    def at(self, bases: Mapping[Host, str]) -> Sample:
        """The same content under other addresses (fallback ports)."""
        pairs = [(old, bases[host]) for host, old in self.bases.items() if bases[host] != old]
        if not pairs:
            return self
        items = tuple(
            replace(i, url=_moved(i.url, pairs), parent=i.parent and _moved(i.parent, pairs)) for i in self.items
        )
        truth = tuple(replace(t, urls=tuple(_moved(url, pairs) for url in t.urls)) for t in self.truth)
        return replace(self, items=items, truth=truth, bases=dict(bases))


@lru_cache(maxsize=2)
def build(end: datetime = DEMO_CLOCK, *, seed: int = 7) -> Sample:
    """Five weeks that end at `end` (aware, the province's zone is applied); the same input gives the same sample."""
    return _Builder(end.astimezone(LOCAL), seed).sample()


class _Builder:
    """One pass over the stories: planted ones first, so that they have the pick of the words."""

    def __init__(self, end: datetime, seed: int) -> None:
        self._end, self._seed = end, seed
        self._rng = Random(f"duluan sample {seed}")
        topics = topic_banks()
        self._stories = [story for bank in topics for story in bank.story]
        self._writer = Writer(common(), {bank.code: bank for bank in topics}, self._rng)
        self._number = 4000
        self._items: list[Item] = []

    def sample(self) -> Sample:
        planted = [story for story in self._stories if story.role != "everyday"]
        starts = {story.id: plan.role_start(story, self._end) for story in planted}
        for story in planted:
            self._items += self._planted(story, starts[story.id])
        everyday = [story for story in self._stories if story.role == "everyday"]
        self._rng.shuffle(everyday)
        for index, story in enumerate(everyday):
            start = self._start(story, (index + self._rng.random()) / len(everyday))
            self._items += self._told(story, plan.everyday(start, self._end, self._rng, weight=EVERYDAY_WEIGHT))
        self._items += self._faulty(everyday)
        outage = (self._end - OUTAGE[0], self._end - OUTAGE[1])
        reached = sorted(_reached(self._items, outage), key=lambda i: (i.published, i.url))
        items = _with_personal(reached, self._end - CRAWLED)
        return Sample(
            end=self._end,
            seed=self._seed,
            items=tuple(items),
            fetches=tuple(_fetches(self._end, outage)),
            truth=tuple(_truths(items, planted, starts, self._end, outage)),
            secrets=(*common().names, *SECRETS),
            bases=DEFAULT_BASES,
        )

    def _start(self, story: Story, share: float) -> datetime:
        """An everyday story's first hour: its own date, else by its place in the row (`share`, 0–1)."""
        before = story.days_before_end
        days = (1 - share) * (plan.DAYS + plan.EARLIER) if before is None else before + self._rng.random()
        return self._end - timedelta(days=days)

    def _planted(self, story: Story, start: datetime) -> list[Item]:
        if story.role == "reprint":
            return self._reprinted(story, start)
        calendar = {"incident": plan.incident, "ramp": plan.ramp, "campaign": plan.campaign}[story.role]
        return self._told(story, calendar(start, self._end, self._rng))

    def _told(self, story: Story, slots: Iterable[plan.Slot]) -> list[Item]:
        """The story's items; a slot for which the bank has no fresh words is left out."""
        items: list[Item] = []
        for slot in sorted(slots):
            item = self._one(story, slot, [i for i in items if i.kind == "post"])
            if item is not None:
                items.append(item)
        return items

    def _one(self, story: Story, slot: plan.Slot, posts: list[Item]) -> Item | None:
        """One item, or None where the writer has nothing new to say."""
        if slot.form == "comment" and posts:
            tone = self._rng.choices(SENTIMENTS, weights=story.mood)[0]
            draft, outlet, answers = self._writer.comment(story, tone), BY_ID[posts[-1].outlet], self._answered(posts)
            return None if draft is None else self._item(story, outlet, tone, slot.at, draft, answers=answers)
        if slot.form == "news":
            outlet = self._rng.choices(PRESS, weights=(4, 4, 2 if story.tone == "neg" else 4, 2))[0]
            draft = self._writer.news(story)
        else:
            outlet, draft = self._page(story), self._writer.post(story)
        return None if draft is None else self._item(story, outlet, story.tone, slot.at, draft)

    def _answered(self, posts: list[Item]) -> Item:
        """Mostly the latest post, sometimes one before."""
        return posts[-1] if self._rng.random() < 0.7 else self._rng.choice(posts)

    def _page(self, story: Story) -> Outlet:
        """Each Page mostly tells of its own half of the province."""
        west = any(mark in " ".join(story.places) for mark in _WEST)
        return self._rng.choices(PAGES, weights=(1, 4) if west else (4, 1))[0]

    def _item(
        self, story: Story, outlet: Outlet, tone: Sentiment, at: datetime, draft: Draft, *, answers: Item | None = None
    ) -> Item:
        self._number += 1
        rng, kind = self._rng, "comment" if answers else outlet.kind
        return Item(
            outlet=answers.outlet if answers else outlet.id,
            number=self._number,
            kind=kind,
            story=story.id,
            topic=story.topic,
            tone=tone,
            url=_comment_address(answers, self._number) if answers else _address(outlet, draft.title, at, self._number),
            title=draft.title,
            paragraphs=draft.paragraphs,
            published=at,
            author=rng.choice(common().names),
            parent=answers.url if answers else None,
            engagement=_engagement(kind, rng),
        )

    def _reprinted(self, story: Story, start: datetime) -> list[Item]:
        """One text in every outlet over three days, whole, shortened, or only its lead."""
        rounds: tuple[tuple[Outlet, float, int | None], ...] = (
            (SONG_TRA, 0, None), (DAK_BLA, 3.2, None), (PORTAL, 7, None), (ZALO_OA, 9.5, None), (QUE_NHA, 11, 3),
            (PAGES[1], 26, 3), (DAK_BLA, 30, 4), (SONG_TRA, 51, 3), (QUE_NHA, 55, 2), (PORTAL, 74, None), (PAGES[1], 77, 2),
            (DAK_BLA, 79, None),
        )  # fmt: skip
        items = []
        for outlet, hours, part in rounds:
            draft = self._writer.reprint(story, part=part)
            if outlet.kind == "post":
                draft = Draft("", (" ".join(draft.paragraphs),))
            items.append(self._item(story, outlet, "neg", start + timedelta(hours=hours), draft))
        return items

    def _faulty(self, everyday: list[Story]) -> list[Item]:
        """Pages of the last day that are cut, no article at all, forbidden by robots.txt, or under a wrong charset."""
        faults: tuple[tuple[Outlet, Fault], ...] = (
            (SONG_TRA, "truncated"), (DAK_BLA, "truncated"), (DAK_BLA, "not_article"), (SONG_TRA, "robots"), (DAK_BLA, "wrong_charset"),
        )  # fmt: skip
        items: list[Item] = []
        for hours, (outlet, fault) in enumerate(faults, start=3):
            at = (self._end - timedelta(hours=hours)).replace(second=0)
            for story in reversed(everyday):
                draft = self._writer.news(story)
                if draft is not None:
                    items.append(replace(self._item(story, outlet, story.tone, at, draft), fault=fault))
                    break
        return [replace(i, url=_forbidden(i.url)) if i.fault == "robots" else i for i in items]


_WEST = (
    "Kon ", "Đăk ", "Ngọk", "Ngọc Linh", "Măng", "Sa Thầy", "Sa Loong", "Rờ Kơi", "Mô Rai", "Ya Ly", "Ia ", "Bờ Y", "Dục Nông",
    "Tu Mơ",
)  # fmt: skip


def _address(outlet: Outlet, title: str, at: datetime, number: int) -> str:
    """Each outlet's own kind of address; a Page's permalink stands on an invented public host, as Facebook's would."""
    base, slug = DEFAULT_BASES[outlet.host], _slug(title)
    if outlet is PORTAL:
        return f"{base}/vi/news/tin-trong-tinh/{slug}-{number}.html"
    if outlet is SONG_TRA:
        return f"{base}/thoi-su/{slug}-{at:%Y%m%d%H%M}{number:05d}.htm"
    if outlet is DAK_BLA:
        return f"{base}/{at:%Y%m}/{slug}-d{number}/"
    if outlet is ZALO_OA:
        return f"https://rd.zapps.vn/detail/{OA_ID}?id={number:x}"
    return f"https://{outlet.page}.example/posts/{number}"


def _comment_address(post: Item, number: int) -> str:
    return comment_url(post.url, f"{post.number}_{number}")


def _forbidden(url: str) -> str:
    return url.replace("/thoi-su/", "/noi-bo/")


def _slug(title: str) -> str:
    words = "".join(char if char.isalnum() else " " for char in fold(title)).split()
    return "-".join(words[:14])


def _engagement(kind: Kind, rng: Random) -> Engagement | None:
    if kind == "post":
        return Engagement(reactions=int(rng.lognormvariate(3.4, 0.9)), shares=int(rng.lognormvariate(1.2, 0.9)))
    return Engagement(reactions=int(rng.expovariate(0.3))) if kind == "comment" else None


def _moved(url: str, pairs: list[tuple[str, str]]) -> str:
    for old, new in pairs:
        for scheme in ("http:", "https:"):  # a comment's address is canonical: https
            url = url.replace(f"{scheme}{old.removeprefix('http:')}/", f"{scheme}{new.removeprefix('http:')}/")
    return url


def _reached(items: list[Item], outage: tuple[datetime, datetime]) -> Iterable[Item]:
    """What was fetched at all: during the outage nothing of that outlet; comments live with the other outlets."""
    return (i for i in items if not (i.outlet == DAK_BLA.id and outage[0] <= i.published < outage[1]))


def _with_personal(items: list[Item], since: datetime) -> list[Item]:
    """Every so often a post or comment ends in a sentence with personal data; each sentence occurs before and in the last day."""
    done, turn = [], 0
    late = 0
    for item in items:
        chosen = item.kind != "news" and item.number % EVERY == 0
        if item.kind == "comment" and item.published >= since and late < len(PLANTED):
            chosen, turn, late = True, late, late + 1
        if chosen:
            sentence, turn = PLANTED[turn % len(PLANTED)][0], turn + 1
            item = replace(item, paragraphs=(*item.paragraphs[:-1], f"{item.paragraphs[-1]} {sentence}"))
        done.append(item)
    return done


def _fetches(end: datetime, outage: tuple[datetime, datetime]) -> Iterable[Fetch]:
    """One try of each source every two hours until the crawl takes over; those of the outage fail."""
    first = (end - timedelta(days=plan.DAYS)).replace(minute=5, second=0)
    tries = int((end - CRAWLED - first) / timedelta(hours=2)) + 1
    for number in range(tries):
        for place, outlet in enumerate(OUTLETS):
            at = first + timedelta(hours=2 * number, minutes=place)
            yield Fetch(outlet.id, at, not (outlet is DAK_BLA and outage[0] <= at < outage[1]))


def _truths(
    items: list[Item],
    planted: list[Story],
    starts: Mapping[str, datetime],
    end: datetime,
    outage: tuple[datetime, datetime],
) -> Iterable[Truth]:
    for story in planted:
        mine = [item for item in items if item.story == story.id]
        yield Truth(
            kind=story.role,  # type: ignore[arg-type]  # an everyday story is never planted
            title=story.about[0],
            topic=story.topic,
            places=story.places,
            start=starts[story.id],
            until=max(item.published for item in mine),
            urls=tuple(item.url for item in mine),
        )
    yield Truth(
        kind="outage", title=f"{DAK_BLA.name} ngừng trả lời", start=outage[0], until=outage[1], source=DAK_BLA.id
    )
    names = {story.id for story in planted}
    noise = [item for item in items if item.story not in names]
    yield Truth(
        kind="noise", title="chuyện thường ngày", start=noise[0].published, until=end, urls=tuple(i.url for i in noise)
    )
