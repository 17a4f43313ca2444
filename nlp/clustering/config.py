"""Every number that clustering turns on, with its measured basis (docs/clustering.md tells how each was chosen)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """Thresholds are cosines of idf-weighted syllable uni- and bigrams; calibrated as a set, don't tune one value alone."""

    join_long: float = 0.09  # a whole article (≥ `long_terms`) joins an issue
    join_short: float = 0.18  # a title and lead (≤ `short_terms`): one shared rare name must not be enough
    merge_long: float = 0.09
    merge_short: float = 0.18
    split_below: float = 0.03  # halves of an issue less alike than this part again
    short_terms: int = 50
    long_terms: int = 200
    body_tokens: int = 400  # syllables of the text that count; the rest of a long article is background
    max_terms: int = 300  # terms kept of one document
    centroid_terms: int = 400  # kept of one issue; pruned at 1.5 times that
    idle_penalty: float = 0.03  # a day of silence lowers an issue's score by this part
    other_place: float = 0.7  # factor where both name places of the province and share none
    merge_every: int = 16  # documents between two rounds of merging
    split_every: int = 512
    issue_days: float = 21.0  # an issue idle for longer leaves the working set
    reprint_days: float = 14.0
    prior_documents: float = 500.0  # weight of the background document frequencies against the live ones
    title_weight: float = 1.5
    span_free: float = 7.0  # days from an issue's first text on in which it joins as a young one does
    span_rise: float = 2.0  # part by which each further week of its span lowers its score
    span_texts: int = 16  # a smaller issue may be as old as it likes
    half_life: float = 1e9  # days after which a text counts half in its issue's centroid
    listed_terms: int = 64  # heaviest terms of a text under which its issue is found
    max_postings: int = 150  # a term in more live issues than this finds no candidates
    max_visits: int = 100  # live issues that a document's rarest terms may name, repeats included
    compared: int = 6  # issues that are compared in full
