"""What a document says by itself, before it is compared with others: its sketch and its terms. Batches only save time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from duluan.model import Document
from nlp.clustering.config import ClusterConfig
from nlp.clustering.terms import Runs, Terms, Weights, term_counts, tokens
from nlp.reprints import Sketch, sketches


@dataclass(frozen=True, slots=True)
class Reading:
    """One document: what reprints go by, and its distinct terms with their damped frequencies."""

    sketch: Sketch
    shingles: set[int]
    terms: Terms
    frequencies: Weights


def readings(documents: Sequence[Document], config: ClusterConfig) -> list[Reading]:
    """Documents → readings, in order. A comment's subject is the title of what it answers; its own words are too few to go by."""
    titles = [tokens(document.title) for document in documents]
    bodies = [tokens(document.text) for document in documents]
    texts = [body or title for title, body in zip(titles, bodies, strict=True)]
    runs = Runs.of(texts)
    subject = [
        bool(body) and not (title and document.kind == "comment")
        for document, title, body in zip(documents, titles, bodies, strict=True)
    ]
    mine = runs.chosen(np.array(subject, bool)[runs.owner]).first(config.body_tokens)
    counts = term_counts(Runs.of(titles), mine, config.title_weight)
    return [
        Reading(kept, shingles, terms, frequencies)
        for (kept, shingles), (terms, frequencies) in zip(sketches(titles, texts, runs), counts, strict=True)
    ]
