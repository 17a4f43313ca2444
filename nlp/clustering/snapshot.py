"""The clusterer's state as bytes and back: JSON and plain arrays in one zip, packed with zlib; nothing is ever unpickled."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from duluan.errors import StoreError
from nlp.clustering.config import ClusterConfig
from nlp.clustering.events import MEMBERS_KEPT, Event, Member
from nlp.clustering.ledger import Entry
from nlp.clustering.vectors import EMPTY, Vector
from nlp.reprints import Kept, Sketch

if TYPE_CHECKING:
    from nlp.cluster import Clusterer

VERSION = 3
_PARTS = ("dense", "sparse", "bigrams")
_COUNTERS = ("topics", "places", "keywords")
_PLAIN = (
    *("number", "id", "first", "last", "active", "faded", "length", "texts", "checked", "named", "documents", "voices"),
    *("title", "key_terms", "titles"),
)

Arrays = dict[str, NDArray[Any]]


def pack(state: Clusterer) -> bytes:
    """Everything that later answers depend on."""
    arrays: Arrays = {}
    meta = {
        "version": VERSION,
        "config": asdict(state.config),
        "clock": [state.now, state.seen, state.working.next_number],
        "due": [sorted(state.due), sorted(state.grown), sorted(state.touched)],
        "pending": [state.merges, state.moves],
        "staff": [state.staff.merged, state.staff.titles, state.staff.pairs(), state.staff.ended],
        "events": _pack_events([*state.working.events.values(), *state.departed.values()], arrays),
        "departed": sorted(state.departed),
        "ledger": [
            [[id, e.origin, e.issue, e.parent] for id, e in state.ledger.entries.items()],
            list(state.ledger.days.items()),
            list(state.ledger.aliases.items()),
        ],
        "reprints": _pack_reprints(list(state.reprints.entries()), state.reprints.today, arrays),
    }
    arrays["meta"] = np.frombuffer(json.dumps(meta, ensure_ascii=False).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return zlib.compress(buffer.getvalue(), 1)


def unpack(blob: bytes) -> Clusterer:
    """The clusterer that `pack` was given. Raises StoreError for anything else."""
    from nlp.cluster import Clusterer

    try:
        with np.load(io.BytesIO(zlib.decompress(blob)), allow_pickle=False) as data:
            arrays: Arrays = dict(data)
        meta = json.loads(arrays["meta"].tobytes())
        if meta["version"] != VERSION:
            raise ValueError(f"version {meta['version']}")
        state = Clusterer(ClusterConfig(**meta["config"]))
        _restore(state, meta, arrays)
    except (ValueError, KeyError, TypeError, IndexError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise StoreError(
            f"trạng thái gom vấn đề trong kho hỏng hoặc khác phiên bản ({error}); hãy gom lại từ đầu"
        ) from None
    return state


def _restore(state: Clusterer, meta: dict[str, Any], arrays: Arrays) -> None:
    state.now, state.seen, state.working.next_number = meta["clock"]
    state.due, state.grown, state.touched = (set(numbers) for numbers in meta["due"])
    state.merges, state.moves = meta["pending"]
    state.staff.merged, state.staff.titles, apart, state.staff.ended = meta["staff"]
    for a, b in apart:
        state.staff.separate(a, b)
    departed = set(meta["departed"])
    for event in _unpack_events(meta["events"], arrays):
        if event.number in departed:
            state.departed[event.number] = event
        else:
            state.working.relist(event)
    documents, days, aliases = meta["ledger"]
    state.ledger.entries = {id: Entry(origin, issue, parent) for id, origin, issue, parent in documents}
    state.ledger.days = dict(days)
    state.ledger.aliases = dict(aliases)
    state.reprints.restore(_unpack_reprints(meta["reprints"], arrays), meta["reprints"]["today"])


def _pack_events(events: Sequence[Event], arrays: Arrays) -> list[dict[str, Any]]:
    _pack_vectors("event", [event.centroid for event in events], arrays)
    arrays["event_found_by"] = np.concatenate([np.zeros(0, bool), *(event.found_by for event in events)])
    _pack_vectors("member", [member.vector for event in events for member in event.members], arrays)
    return [
        {name: getattr(event, name) for name in _PLAIN}
        | {name: dict(getattr(event, name)) for name in _COUNTERS}
        | {"members": [member.document for member in event.members]}
        for event in events
    ]


def _unpack_events(rows: list[dict[str, Any]], arrays: Arrays) -> Iterable[Event]:
    centroids = _unpack_vectors("event", arrays)
    marks = _cut(arrays["event_found_by"], arrays["event_size"])
    vectors = iter(_unpack_vectors("member", arrays))
    for row, centroid, found_by in zip(rows, centroids, marks, strict=True):
        members = [Member(document, next(vectors)) for document in row["members"]]
        event = Event(
            **{name: row[name] for name in _PLAIN},
            members=deque(members, MEMBERS_KEPT),
            centroid=centroid,
            found_by=found_by,
        )
        event.key_terms = tuple(event.key_terms)
        for name in _COUNTERS:
            setattr(event, name, Counter(row[name]))
        yield event


def _pack_vectors(name: str, vectors: Sequence[Vector], arrays: Arrays) -> None:
    arrays[f"{name}_size"] = np.fromiter(map(len, vectors), np.int32, len(vectors))
    arrays[f"{name}_term"] = np.concatenate([EMPTY.terms, *(v.terms for v in vectors)]).astype(np.uint32)
    arrays[f"{name}_weight"] = np.concatenate([EMPTY.weights, *(v.weights for v in vectors)])


def _unpack_vectors(name: str, arrays: Arrays) -> list[Vector]:
    sizes = arrays[f"{name}_size"]
    terms, weights = (_cut(arrays[f"{name}_{part}"], sizes) for part in ("term", "weight"))
    return [Vector(t.astype(np.int64), w) for t, w in zip(terms, weights, strict=True)]


def _cut(whole: NDArray[Any], sizes: NDArray[Any]) -> list[NDArray[Any]]:
    """One array a row, each with memory of its own: a row that is dropped must not keep the whole alive."""
    return [part.copy() for part in np.split(whole, np.cumsum(sizes)[:-1])] if len(sizes) else []


def _pack_reprints(entries: Sequence[Kept], today: int, arrays: Arrays) -> dict[str, Any]:
    for part in _PARTS:
        hashes = [getattr(entry.sketch, part) for entry in entries]
        arrays[f"{part}_size"] = np.fromiter(map(len, hashes), np.int32, len(hashes))
        arrays[part] = np.concatenate(hashes) if hashes else np.zeros(0, np.uint32)
    rows = [[e.origin, e.own_words, e.day, e.sketch.short, e.sketch.length, sorted(e.sketch.numbers)] for e in entries]
    return {"today": today, "rows": rows}


def _unpack_reprints(meta: dict[str, Any], arrays: Arrays) -> list[Kept]:
    ends = [np.cumsum(arrays[f"{part}_size"])[:-1] for part in _PARTS]
    groups = zip(*(np.split(arrays[part], end) for part, end in zip(_PARTS, ends, strict=True)), strict=True)
    return [
        Kept(Sketch(dense, sparse, bigrams, short, length, frozenset(numbers)), origin, own_words, day)
        for (origin, own_words, day, short, length, numbers), (dense, sparse, bigrams) in zip(
            meta["rows"], groups, strict=bool(meta["rows"])
        )
    ]
