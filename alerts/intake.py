"""Items in: each publication becomes a voice in the rows of its issue and themes, a reprint, or a shadow of a source in quarantine."""

from __future__ import annotations

import numpy as np

from alerts.echo import WINDOW
from alerts.hours import to_hours
from alerts.ledger import Ledger, Mark
from alerts.memory import Memory
from alerts.nursery import Heard
from duluan.model import Fetch, Voice
from duluan.themes import term_themes_of, themes_of


def take(memory: Memory, item: Voice | Fetch, at: float) -> None:
    """Count one item, fetched at `at`. Items must come in order of fetching."""
    if isinstance(item, Fetch):
        memory.exposure.fetch(item.source, at, item.ok)
        return
    start, end = _when(memory, item, at)
    if _reprint(memory, item, (start + end) / 2):
        return
    source = memory.exposure.source(item.source, int(at))
    if memory.exposure.quarantined(source, int(at)):
        _shadow(memory, source, item, int(start))
        return
    ledger = memory.ledger
    row = ledger.row(item.issue, int(start))
    ledger.age_from(row, int(start))
    ledger.origins[item.origin] = (ledger.rows[row].issue, int(at))
    _hear(memory, source, row, int(start), held=False)
    heard = Heard(_mark(item, (start + end) / 2, voice=True), _spread(memory, start, end))
    for hour, part in heard.hours:
        memory.exposure.count(source, hour, part, at - start if end - start < 1 else -1)
    _count(ledger, row, heard, memory.closed)
    _theme(memory, item, heard)


def _theme(memory: Memory, item: Voice, heard: Heard) -> None:
    """Count a voice in its themes. A term is counted once it has company; those that waited for it count with it."""
    first, exposed = memory.first or 0, memory.themes.exposed()
    for theme in themes_of(item):
        _count(memory.themes, memory.themes.standing_row(theme.key, first, exposed), heard, memory.closed)
    for theme in term_themes_of(item):
        known = theme.key in memory.terms.index
        for each in [heard] if known else memory.nursery.hear(theme.key, heard):
            _count(memory.terms, memory.terms.standing_row(theme.key, first, exposed), each, memory.closed)


def _reprint(memory: Memory, item: Voice, hour: float) -> bool:
    """Whether the item repeats a known origin; then it is only noted in that origin's issue."""
    known = memory.ledger.origins.get(item.origin)
    if known is None:
        return False
    row = memory.ledger.find(known[0])
    if row is not None:
        memory.ledger.rows[row].marks.append(_mark(item, hour, voice=False))
    return True


def _shadow(memory: Memory, source: int, item: Voice, hour: int) -> None:
    """A voice of a source in quarantine: it only teaches what the stream will look like once the source counts."""
    memory.exposure.count(source, hour, 1.0, -1)
    row = memory.ledger.find(item.issue)
    if row is not None:
        _hear(memory, source, row, hour, held=True)
        memory.ledger.held.add(row, hour, 1.0)
        memory.ledger.held_negatives.add(row, hour, item.p_neg)


def _hear(memory: Memory, source: int, row: int, hour: int, *, held: bool) -> None:
    """Note whether the voice had company; only on issues whose usual size is known."""
    ledger = memory.ledger
    per_day = ledger.base.daily(row)
    if per_day is not None:
        company = float(ledger.voices.window(hour - WINDOW, hour + 1)[row].sum()) >= 1
        memory.echoes.hear(source, per_day, company, held=held)


def _when(memory: Memory, item: Voice, at: float) -> tuple[float, float]:
    """Between which two moments it was published; the same twice where that is known."""
    if item.published is None:
        return memory.exposure.bounds(item.source, at)
    moment = min(to_hours(item.published), at)
    return moment, moment


def _spread(memory: Memory, start: float, end: float) -> list[tuple[int, float]]:
    """Hours with their part of one voice: an unknown time follows the usual week."""
    hours = np.arange(int(start), int(end) + 1)
    if len(hours) == 1:
        return [(int(start), 1.0)]
    overlap = np.minimum(hours + 1, end) - np.maximum(hours, start)
    weight = memory.exposure.profile(hours) * np.maximum(overlap, 0)
    return list(zip(hours.tolist(), (weight / weight.sum()).tolist(), strict=True))


def _count(ledger: Ledger, row: int, heard: Heard, closed: int) -> None:
    """Add one voice to a row; hours before `closed` are behind the lag already."""
    ledger.rows[row].marks.append(heard.mark)
    for hour, part in heard.hours:
        negative = part * heard.mark.p_neg
        ledger.voices.add(row, hour, part)
        ledger.negatives.add(row, hour, negative)
        if hour < closed:
            ledger.base.late(row, part, negative, closed - hour)


def _mark(item: Voice, hour: float, *, voice: bool) -> Mark:
    return Mark(
        hour=hour,
        id=item.id,
        origin=item.origin,
        source=item.source,
        kind=item.kind,
        p_neg=item.p_neg,
        sentiment=item.sentiment,
        uncertain=item.uncertain,
        topic=item.topic,
        places=item.places,
        voice=voice,
    )
