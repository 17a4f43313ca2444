"""Document → Enriched: redaction first, then language, classes, places, keywords. Batched inside, order kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from duluan.config import Profile
from duluan.model import VOICE_KINDS, Document, Enriched, Rejected, Sentiment
from duluan.privacy import redact
from duluan.text import fold
from nlp.backends import Backend, Reading, backend_for
from nlp.keywords import parts_read, ranked
from nlp.language import language
from nlp.places import Locator
from nlp.words import segment_all

F32 = npt.NDArray[np.float32]
BATCH = 128
OTHER = "khac"
_OPINION = re.compile(r"[^\W_]|[\u203c\u2049\u2190-\u2bff\U0001f000-\U0001faff]")  # a letter, digit or emoji
_OWN_CHANNELS = frozenset({"nukeviet", "liferay", "facebook", "zalo", "zalo_page"})  # pages of the province itself
_SECOND_LEAST, _SECOND_SHARE = 0.2, 0.5  # a second topic is named from this probability, and this share of the first's


@dataclass(frozen=True, slots=True)
class _Classes:
    topic: str
    topic_p: float
    topic2: str | None
    sentiment: Sentiment
    sentiment_p: dict[str, float]
    uncertain: bool
    feedback: bool
    feedback_p: float
    toxic_p: float


class Enricher:
    """Reads documents of one province. Cheap to create (< 0.5 s): a process pool makes one for each worker."""

    def __init__(self, profile: Profile, *, keywords: bool = True, backend: str | None = None) -> None:
        """`backend`: a name in BACKENDS; without one, what the profile's models.toml says."""
        self._profile = profile
        self._keywords = keywords
        self._backend: Backend = backend_for(profile.models, profile.folder, backend)
        self._locator = Locator(profile)
        self._topics = frozenset(topic.code for topic in profile.topics)
        self._known = frozenset(fold(unit.name) for unit in profile.units)
        self._own = frozenset(source.id for source in profile.sources if source.via in _OWN_CHANNELS)
        self._models = {task: spec.version for task, spec in self._backend.tasks.items()}

    def enrich(self, documents: Iterable[Document]) -> Iterator[Enriched | Rejected]:
        """One answer for each document, in order: the enriched document (redacted), or why it was not kept."""
        stream = iter(documents)
        while batch := list(islice(stream, BATCH)):
            yield from self._batch(batch)

    def _batch(self, documents: Sequence[Document]) -> Iterator[Enriched | Rejected]:
        cleaned = [_redacted(document) for document in documents]
        languages = [_language_of(document) for document in cleaned]
        refused = [_refusal(document, lang) for document, lang in zip(cleaned, languages, strict=True)]
        kept = [document for document, reason in zip(cleaned, refused, strict=True) if reason is None]
        classes, terms = iter(self._classify(kept)), iter(self._terms(kept))
        for document, lang, reason in zip(cleaned, languages, refused, strict=True):
            yield reason if reason is not None else self._complete(document, lang, next(classes), next(terms))

    def _classify(self, documents: Sequence[Document]) -> Iterator[_Classes]:
        found = self._backend.probabilities([Reading(d.text, d.title, d.kind) for d in documents])
        for row, document in enumerate(documents):
            yield self._classes({task: shares[row] for task, shares in found.items()}, document)

    def _classes(self, shares: Mapping[str, F32], document: Document) -> _Classes:
        voice = document.kind in VOICE_KINDS
        mood = "sentiment" if voice else "tone"
        task = self._backend.tasks[mood]
        moods = {label: float(p) for label, p in zip(task.labels, shares[mood], strict=True)}
        likeliest = max(moods, key=lambda label: moods[label])
        feedback_p = float(shares["feedback"][1]) if voice else 0.0
        topics = self._topic_shares(shares["topic"])
        ranked = sorted(topics, key=lambda code: -topics[code])
        second = ranked[1] if len(ranked) > 1 else None
        return _Classes(
            topic=ranked[0],
            topic_p=topics[ranked[0]],
            topic2=second if second and _is_close(topics[ranked[0]], topics[second]) else None,
            sentiment=cast(Sentiment, likeliest),
            sentiment_p=moods,
            uncertain=moods[likeliest] < task.threshold,
            feedback=voice and feedback_p >= self._backend.tasks["feedback"].cut,
            feedback_p=feedback_p,
            toxic_p=float(shares["toxic"][1]),
        )

    def _topic_shares(self, shares: F32) -> dict[str, float]:
        """Topic → probability; what the province's taxonomy does not have counts as `khac`."""
        topics: dict[str, float] = {}
        for code, share in zip(self._backend.tasks["topic"].labels, shares, strict=True):
            place = code if code in self._topics else OTHER
            topics[place] = topics.get(place, 0.0) + float(share)
        return topics

    def _complete(self, document: Document, lang: str, classes: _Classes, terms: tuple[str, ...]) -> Enriched:
        located = self._locator.locate(
            f"{document.title}\n{document.text}" if document.title else document.text,
            document.published or document.fetched,
            default_in_province=document.kind in {"report", "survey"} or document.source in self._own,
        )
        agency = self._profile.agency_for(classes.topic)
        return Enriched(
            **_base(document),
            **_base(classes),
            lang=lang,
            places=located.places,
            in_province=located.in_province,
            agency=agency.id if agency else None,
            keywords=terms,
            models=self._models,
        )

    def _terms(self, documents: Sequence[Document]) -> list[tuple[str, ...]]:
        """Keywords of each document. A comment's title is another's text and gives none."""
        if not self._keywords:
            return [()] * len(documents)
        parts = [parts_read(d.text, "" if d.kind == "comment" else d.title) for d in documents]
        words = segment_all([part for pair in parts for part in pair])
        return [
            ranked(title, text, own_words=document.kind in VOICE_KINDS, known=self._known)
            for document, title, text in zip(documents, words[::2], words[1::2], strict=True)
        ]


def _redacted(document: Document) -> Document:
    return replace(document, title=redact(document.title, document.kind), text=redact(document.text, document.kind))


def _language_of(document: Document) -> str:
    found = language(document.text)
    return language(document.title) if found == "und" and document.kind != "comment" else found


def _refusal(document: Document, lang: str) -> Rejected | None:
    if not _OPINION.search(document.text) and (document.kind == "comment" or not _OPINION.search(document.title)):
        return Rejected("no_text", document.url, document.source)
    if lang not in {"vi", "und"}:
        return Rejected("not_vietnamese", document.url, document.source, lang)
    return None


def _is_close(first: float, second: float) -> bool:
    return second >= _SECOND_LEAST and second >= _SECOND_SHARE * first


def _base(item: Document | _Classes) -> dict[str, Any]:
    return {spec.name: getattr(item, spec.name) for spec in fields(item)}
