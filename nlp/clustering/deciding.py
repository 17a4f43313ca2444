"""Staff's decisions on issues, carried out on the live ones: merge, rename, split (`nlp.cluster.Clusterer` is the façade).

A decision holds for issues that left the working set as well; then there is only the store to be told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from duluan.model import Clustered, Issue
from nlp.clustering.events import TITLES_KEPT, Event
from nlp.clustering.reading import readings
from nlp.clustering.telling import name

if TYPE_CHECKING:
    from nlp.cluster import Clusterer


def merge(state: Clusterer, old: str, new: str, stored: Issue | None = None) -> None:
    """`old` has ended in `new`. Raises InputError where they are one already.

    `stored`: what the store has of `new`, with the beginning and the voices of both; read where one of them is live no more.
    """
    old, new = state.staff.final(old), state.staff.final(new)
    state.staff.merge(old, new)
    ending, staying = state.live(old), state.live(new)
    if ending and staying:
        state.absorb(staying, ending)
    elif live := ending or staying:
        _take_stored(state, live, new, stored)
    state.merges[old] = new


def _take_stored(state: Clusterer, live: Event, new: str, stored: Issue | None) -> None:
    """Of two that became `new` only one is live: it goes on as `new`, with what the store has of the other."""
    if live.id != new:
        state.working.rename(live, new)
        if stored:
            live.title, live.titles = stored.title, [stored.title, *live.titles][:TITLES_KEPT]
    if stored:
        live.first, live.voices = min(live.first, stored.first.timestamp()), stored.voices
    state.touched.add(live.number)


def rename(state: Clusterer, issue: str, title: str) -> None:
    """The issue is called `title`. Raises InputError where that is empty or too long."""
    issue = state.staff.final(issue)
    state.staff.rename(issue, title)
    if event := state.live(issue):
        state.touched.add(event.number)


def split(state: Clusterer, issue: str, documents: Sequence[Clustered]) -> str:
    """`documents` are an issue of their own; its id. It is live from now on, and not merged with what it came from."""
    issue = state.staff.final(issue)
    documents = sorted(documents, key=lambda document: (document.fetched, document.id))
    chosen = frozenset(document.id for document in documents)
    fresh = state.fresh_id(f"{issue}:{min(chosen)}")
    if event := state.live(issue):
        state.divide(event, chosen, fresh)
    else:
        state.working.open(fresh, documents[0].fetched.timestamp(), state.now)
    state.moves.update(dict.fromkeys(chosen, fresh))
    new = state.working.events[state.working.numbers[fresh]]
    _retell(state, new, documents)
    if event:
        _leave(state, event, new)
    state.staff.separate(issue, fresh)
    return fresh


def _leave(state: Clusterer, event: Event, new: Event) -> None:
    """What an issue was called, and where it was, less what went with its other part."""
    event.titles = [title for title in event.titles if title not in new.titles] or event.titles
    event.topics, event.places, event.keywords = (
        event.topics - new.topics,
        event.places - new.places,
        event.keywords - new.keywords,
    )
    name(event)


def _retell(state: Clusterer, event: Event, documents: Sequence[Clustered]) -> None:
    """Counts, titles and terms of an issue that was parted: from its documents, not from what the whole was called.

    What moved along without being chosen (a reprint that came in since) counts as well.
    """
    listed = {document.id for document in documents}
    along = [id for id, _ in state.ledger.of(event.number) if id not in listed]
    event.documents, event.voices = len(along), sum(state.ledger.origin(id) == id for id in along)
    event.titles, event.topics, event.places, event.keywords = [], Counter(), Counter(), Counter()
    event.first = event.last = documents[0].fetched.timestamp()
    known = {member.document for member in event.members}
    for document, reading in zip(documents, readings(documents, state.config), strict=True):
        if document.id not in known and document.kind != "comment" and document.origin == document.id:
            vector = state.working.vector(reading.terms, reading.frequencies)
            state.working.add_text(event, document.id, vector, state.now)
        state.count(event, document, own=document.origin == document.id)
    name(event)
