"""The phrase bank: one TOML file a topic (what happens, what the press writes, what people say), read strictly.

Every sentence in `bank/` is ours. Organisations, works and events are invented; communes and rivers are real.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from duluan.model import Sentiment

Phrases = tuple[str, ...]
Role = Literal["everyday", "incident", "ramp", "campaign", "reprint"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Voices(_Strict):
    """What people say, by attitude: whole sentences."""

    neg: Phrases = ()
    neu: Phrases = ()
    pos: Phrases = ()

    def of(self, tone: Sentiment) -> Phrases:
        """The sentences of one attitude."""
        return {"neg": self.neg, "neu": self.neu, "pos": self.pos}[tone]


class Story(_Strict):
    """One event: `lead` opens an article, `news` goes on, `post` is how a Page tells it, `voices` what people answer."""

    id: str
    topic: str = ""
    role: Role = "everyday"
    places: Phrases = Field(min_length=1)  # with the unit word: "xã Ba Vì"
    tone: Sentiment  # of the news
    grievance: bool = False  # somebody has to answer for it
    days_before_end: int | None = None  # for what belongs to a date; the others are spread over the weeks
    mood: tuple[int, int, int] = (3, 4, 3)  # weights of neg, neu, pos among the voices
    about: Phrases = Field(min_length=1)  # stands after "chuyện", "vụ", "việc": the words its items share
    title: Phrases = Field(min_length=2)
    lead: Phrases = Field(min_length=2)
    news: Phrases = Field(min_length=3)
    post: Phrases = Field(min_length=2)
    voices: Voices

    def slots(self) -> dict[str, str]:
        """<xa>, <xa2>… with the unit word, <noi>, <noi2>… without."""
        found = {}
        for number, place in enumerate(self.places):
            suffix = str(number + 1) if number else ""
            found[f"xa{suffix}"] = place
            found[f"noi{suffix}"] = bare(place)
        return found


class TopicBank(_Strict):
    """One topic's file: `press` is background that fits any article on the topic."""

    code: str
    press: Phrases = Field(min_length=2)
    story: tuple[Story, ...] = Field(min_length=1)


class Common(_Strict):
    """What fits everywhere: short sentences that open or close what a person writes, and how a Page asks for answers."""

    opener: Voices
    closer: Voices
    voice: Voices
    grievance: Voices
    praise: Voices
    report: Voices
    page: Voices
    ask: Phrases
    names: Phrases  # invented authors; never stored by the product


def bare(place: str) -> str:
    """'đặc khu Lý Sơn' → 'Lý Sơn'."""
    for unit in ("đặc khu ", "phường ", "xã "):
        place = place.removeprefix(unit)
    return place


_SHARED = frozenset({"chung.toml", "them.toml"})


@lru_cache(maxsize=1)
def topic_banks() -> tuple[TopicBank, ...]:
    """All topics by code; each story carries its topic."""
    folder = resources.files("flows.sample") / "bank"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml") and f.name not in _SHARED), key=_name)
    more = {story: Voices.model_validate(said) for story, said in _toml("them.toml").items()}
    found: dict[str, TopicBank] = {}
    for file in files:
        bank = TopicBank.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        stories = tuple(_completed(story, bank.code, more) for story in bank.story)
        before = found.get(bank.code)
        press, told = (before.press, before.story) if before else ((), ())
        found[bank.code] = bank.model_copy(update={"press": press + bank.press, "story": told + stories})
    return tuple(found[code] for code in sorted(found))


@lru_cache(maxsize=1)
def common() -> Common:
    """bank/chung.toml."""
    return Common.model_validate(_toml("chung.toml"))


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("flows.sample") / "bank" / name).read_text(encoding="utf-8"))


def _name(file: object) -> str:
    return str(getattr(file, "name", file))


def _completed(story: Story, topic: str, more: Mapping[str, Voices]) -> Story:
    """The story with its topic and with what them.toml adds to its voices."""
    extra, own = more.get(story.id, Voices()), story.voices
    voices = Voices(neg=own.neg + extra.neg, neu=own.neu + extra.neu, pos=own.pos + extra.pos)
    return story.model_copy(update={"topic": topic, "voices": voices})
