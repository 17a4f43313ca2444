"""Texts as the embedded models read them, in training, in measuring and in use alike: clipped, diacritics restored, normalised."""

from __future__ import annotations

from collections.abc import Sequence

from nlp.normalise import normalise
from nlp.restore import marked

_HEAD, _TAIL = 900, 300  # characters of a long text that are read: what it is about, and how it ends


def clip(text: str) -> str:
    """At most _HEAD + _TAIL characters of a text: its beginning and its end."""
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} … {text[-_TAIL:]}"


def as_read(texts: Sequence[str]) -> list[str]:
    """Texts or titles of any length → normalised, at most _HEAD + _TAIL characters read of each."""
    return [normalise(text) for text in marked([clip(text) for text in texts])]


def titles_as_read(titles: Sequence[str]) -> list[str]:
    """`as_read`, each title once: the comments of one article share it."""
    different = list(dict.fromkeys(titles))
    read = dict(zip(different, as_read(different), strict=True))
    return [read[title] for title in titles]
