"""Document → Enriched: redaction first, then language, classes, places, keywords. Batched inside, order kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, fields, replace
from itertools import islice
from operator import attrgetter
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

BATCH = 256
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
        self._topics, self._topic_groups = _grouped(
            self._backend.tasks["topic"].labels, {topic.code for topic in profile.topics}
        )
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
        """What the models say of each document, in order."""
        found = self._backend.probabilities([Reading(d.text, d.title, d.kind) for d in documents])
        # a topic that the province's taxonomy does not have counts as `khac`
        topics = found["topic"].astype(np.float64) @ self._topic_groups
        order = np.argsort(-topics, axis=1, kind="stable")[:, :2].tolist()
        feedback, toxic = found["feedback"][:, 1].tolist(), found["toxic"][:, 1].tolist()
        moods = {task: found[task].tolist() for task in ("sentiment", "tone")}
        for row, document in enumerate(documents):
            voice = document.kind in VOICE_KINDS
            mood = "sentiment" if voice else "tone"
            spec = self._backend.tasks[mood]
            shares = dict(zip(spec.labels, moods[mood][row], strict=True))
            likeliest = max(shares, key=shares.__getitem__)
            first, second = float(topics[row, order[row][0]]), float(topics[row, order[row][-1]])
            yield _Classes(
                topic=self._topics[order[row][0]],
                topic_p=first,
                topic2=self._topics[order[row][1]] if len(order[row]) > 1 and _is_close(first, second) else None,
                sentiment=cast(Sentiment, likeliest),
                sentiment_p=shares,
                uncertain=shares[likeliest] < spec.threshold,
                feedback=voice and feedback[row] >= self._backend.tasks["feedback"].cut,
                feedback_p=feedback[row] if voice else 0.0,
                toxic_p=toxic[row],
            )

    def _complete(self, document: Document, lang: str, classes: _Classes, terms: tuple[str, ...]) -> Enriched:
        located = self._locator.locate(
            f"{document.title}\n{document.text}" if document.title else document.text,
            document.published or document.fetched,
            default_in_province=document.kind in {"report", "survey"} or document.source in self._own,
        )
        agency = self._profile.agency_for(classes.topic)
        return Enriched(
            **_DOCUMENT.of(document),
            **_CLASSES.of(classes),
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
    title, text = redact(document.title, document.kind), redact(document.text, document.kind)
    return document if (title, text) == (document.title, document.text) else replace(document, title=title, text=text)


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


def _grouped(labels: Sequence[str], known: Set[str]) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    """(codes, labels × codes): which of the taxonomy's codes a model's label counts as."""
    places = [label if label in known else OTHER for label in labels]
    codes = tuple(dict.fromkeys(places))
    return codes, np.asarray([[place == code for code in codes] for place in places], dtype=np.float64)


class _Fields:
    """All fields of a dataclass's instance by name, several times faster than asking `fields` each time."""

    def __init__(self, kind: type[Any]) -> None:
        self._names = tuple(spec.name for spec in fields(kind))
        self._get = attrgetter(*self._names)

    def of(self, item: Any) -> dict[str, Any]:
        return dict(zip(self._names, self._get(item), strict=True))


_DOCUMENT, _CLASSES = _Fields(Document), _Fields(_Classes)
