"""Staff's corrections: documents out to a table for checking, the answers back into the store, where they win over the model.

The store keeps a label without any text (index.base, `put_labels`): the text stays where retention and take-downs reach it.
A table for checking shows no address: a comment's own would lead to its author.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from duluan.clock import format_time
from duluan.config import Profile
from duluan.errors import InputError
from duluan.files import open_packed
from duluan.model import KINDS, SENTIMENTS, Clustered, Kind, Label, Rejected
from duluan.query import Filter
from duluan.text import fold, squeeze
from flows.importing import table
from flows.ingest import clustered
from index.base import Batch, Index
from nlp.corrections import corrected
from nlp.datasets import Example

Pick = Literal["doubtful", "newest", "random"]
Cells = dict[str, str]

ANSWERS = ("topic", "sentiment", "feedback", "toxic", "in_province")
# Key in JSON Lines → head in a table. `model_…` is what the model said; the bare names are for staff to fill.
HEADS: Mapping[str, str] = {
    "id": "mã",
    "kind": "loại",
    "time": "thời gian",
    "title": "tiêu đề",
    "text": "nội dung",
    "model_topic": "chủ đề (máy)",
    "model_sentiment": "sắc thái (máy)",
    "model_feedback": "kiến nghị (máy)",
    "model_toxic": "xúc phạm (máy)",
    "model_in_province": "trong tỉnh (máy)",
    "topic": "chủ đề (đúng)",
    "sentiment": "sắc thái (đúng)",
    "feedback": "kiến nghị (đúng)",
    "toxic": "xúc phạm (đúng)",
    "in_province": "trong tỉnh (đúng)",
}
SENTIMENT_NAMES: Mapping[str, str] = {"neg": "tiêu cực", "neu": "trung tính", "pos": "tích cực"}
_YES, _NO = frozenset({"có", "1", "x", "yes", "true"}), frozenset({"không", "0", "no", "false"})
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row that staff filled: the label, and the text that it is about as far as the table holds it."""

    label: Label
    kind: str = "comment"
    title: str = ""
    text: str = ""


@dataclass(slots=True)
class LabelReport:
    """What became of a table."""

    read: int = 0
    labels: int = 0
    changed: int = 0  # documents whose answers differ now
    rejected: list[Rejected] = field(default_factory=list)


def rows_to_check(store: Index, query: Filter, *, limit: int, pick: Pick = "doubtful", seed: int = 0) -> list[Cells]:
    """At most `limit` documents with text and without a label, the most doubtful, the newest or any, as rows to fill."""
    known = store.labels()
    open_ = (d for d in store.documents(query) if (d.text or d.title) and d.id not in known)
    if pick == "doubtful":
        chosen = heapq.nsmallest(limit, open_, key=lambda d: (_certainty(d), d.id))
    elif pick == "random":
        dice = random.Random(seed)
        chosen = heapq.nsmallest(limit, open_, key=lambda d: (dice.random(), d.id))
    else:
        chosen = list(islice(open_, limit))
    return [_row(document, None) for document in chosen]


def rows_labelled(store: Index, query: Filter) -> list[Cells]:
    """All documents with a label, answers filled in: what `duluan models train --labels` reads."""
    known = store.labels()
    ids = sorted(known)
    found: list[Cells] = []
    for start in range(0, len(ids), _BATCH):
        part = Filter(**{**_parts(query), "ids": tuple(ids[start : start + _BATCH])})
        found += [_row(document, known[document.id]) for document in store.documents(part)]
    return found


def read_labelled(path: Path, profile: Profile, now: datetime) -> Iterator[Labelled | Rejected]:
    """The filled rows of a table (.csv, .xlsx, .jsonl); a row without any answer is passed over, a bad one is rejected.

    Raises InputError where the file cannot be read or has no column of ids or answers.
    """
    topics = {topic.code: topic.code for topic in profile.topics} | {
        squeeze(topic.name).lower(): topic.code for topic in profile.topics
    }
    for line, cells in _jsonl_rows(path) if ".jsonl" in path.name else _table_rows(path):
        try:
            found = _labelled(cells, topics, now)
        except ValueError as error:
            yield Rejected("bad_label", f"{path}:{line}", detail=str(error))
            continue
        if found is not None:
            yield found


def import_labels(store: Index, profile: Profile, rows: Iterable[Labelled | Rejected], now: datetime) -> LabelReport:
    """Keep the labels, then bring the stored documents in line with them. Run again, it changes nothing."""
    report = LabelReport()
    stream = iter(rows)
    while part := list(islice(stream, _BATCH)):
        report.read += len(part)
        report.rejected += [row for row in part if isinstance(row, Rejected)]
        _import_part(store, profile, [row.label for row in part if isinstance(row, Labelled)], report)
    store.audit({"at": format_time(now), "what": "label_import", "labels": report.labels, "changed": report.changed})
    return report


def training_examples(rows: Iterable[Labelled | Rejected]) -> list[Example]:
    """Filled rows that still hold their text, as examples; the comments of one article are one group."""
    found = []
    for row in rows:
        if isinstance(row, Labelled) and row.text.strip() and (answers := _task_answers(row)):
            kind: Kind = next((kind for kind in KINDS if kind == row.kind), "comment")
            group = row.title if kind == "comment" and row.title else f"{row.title}\n{row.text}"
            found.append(Example(row.text, row.title, kind, group, answers, source="staff"))
    return found


def _task_answers(row: Labelled) -> dict[str, str]:
    label, answers = row.label, {}
    if label.topic is not None:
        answers["topic"] = label.topic
    if label.sentiment is not None:
        answers["tone" if row.kind == "news" else "sentiment"] = label.sentiment
    for task, value in (("feedback", label.feedback), ("toxic", label.toxic)):
        if value is not None and row.kind != "news":
            answers[task] = "yes" if value else "no"
    return answers


def _import_part(store: Index, profile: Profile, labels: Sequence[Label], report: LabelReport) -> None:
    documents = {d.id: d for d in store.documents(Filter(ids=tuple({label.id for label in labels})))} if labels else {}
    known = [label for label in labels if label.id in documents]
    report.rejected += [
        Rejected("unknown_document", label.id, detail="kho không có văn bản mang mã này")
        for label in labels
        if label.id not in documents
    ]
    store.put_labels(known)
    standing = store.labels(documents)
    changed = [_with_label(document, standing[id_], profile) for id_, document in documents.items() if id_ in standing]
    changed = [document for document in changed if document != documents[document.id]]
    if changed:
        store.write(Batch(documents=changed))
    report.labels += len(known)
    report.changed += len(changed)


def _with_label(document: Clustered, label: Label, profile: Profile) -> Clustered:
    fresh = corrected(document, label, profile.agency_id)
    return clustered(fresh, document.origin, document.issue)


def _certainty(document: Clustered) -> float:
    """How sure the model is of what it is least sure of."""
    return min(document.topic_p, max(document.sentiment_p.values()))


def _row(document: Clustered, label: Label | None) -> Cells:
    row = {
        "id": document.id,
        "kind": document.kind,
        "time": format_time(document.published or document.fetched),
        "title": document.title,
        "text": document.text,
        "model_topic": document.topic,
        "model_sentiment": document.sentiment,
        "model_feedback": _shown(document.feedback),
        "model_toxic": _shown(document.toxic_p >= 0.5),
        "model_in_province": _shown(document.in_province),
    }
    return row | {name: _shown(getattr(label, name) if label else None) for name in ANSWERS}


def _shown(value: str | bool | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else ("có" if value else "không")


def _parts(query: Filter) -> dict[str, Any]:
    return {name: getattr(query, name) for name in query.__slots__}


def _labelled(cells: Cells, topics: Mapping[str, str], now: datetime) -> Labelled | None:
    """Raises ValueError for a cell that is no answer."""
    answers: dict[str, Any] = {}
    for name in ANSWERS:
        written = squeeze(cells.get(name, "")).lower()
        if written:
            answers[name] = _answer(name, written, topics)
    if not answers:
        return None
    if not (id_ := cells.get("id", "").strip()):
        raise ValueError("dòng có nhãn nhưng thiếu mã văn bản (cột mã)")
    label = Label(id=id_, at=now, **answers)
    return Labelled(label, cells.get("kind") or "comment", cells.get("title", ""), cells.get("text", ""))


def _answer(name: str, written: str, topics: Mapping[str, str]) -> str | bool:
    if name == "topic":
        return _one_of(name, written, topics)
    if name == "sentiment":
        return _one_of(name, written, {n: n for n in SENTIMENTS} | {v: k for k, v in SENTIMENT_NAMES.items()})
    if written in _YES | _NO:
        return written in _YES
    raise ValueError(f"cột {HEADS[name]!r}: gặp {written[:30]!r}, cho phép: có, không")


def _one_of(name: str, written: str, allowed: Mapping[str, str]) -> str:
    if written not in allowed:
        codes = ", ".join(sorted(set(allowed.values())))
        raise ValueError(f"cột {HEADS[name]!r}: gặp {written[:30]!r}, cho phép: {codes}")
    return allowed[written]


def _table_rows(path: Path) -> Iterator[tuple[int, Cells]]:
    rows = table(path)
    _, head = next(rows, (0, []))
    keys = {fold(theirs): key for key, theirs in HEADS.items()} | {key: key for key in HEADS}
    names = [keys.get(fold(squeeze(cell))) for cell in head]
    if "id" not in names or not set(ANSWERS).intersection(n for n in names if n):
        raise InputError(
            f"{path}: cần cột {HEADS['id']!r} và ít nhất một cột nhãn ({', '.join(HEADS[n] for n in ANSWERS)}); "
            f"tệp có các cột: {', '.join(head) or '(trống)'}"
        )
    for line, cells in rows:
        yield line, {name: cell for name, cell in zip(names, cells, strict=False) if name}


def _jsonl_rows(path: Path) -> Iterator[tuple[int, Cells]]:
    try:
        with open_packed(path) as handle:
            lines = handle.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: không đọc được tệp nhãn: {error}") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _json_cells(line)


def _json_cells(line: str) -> Cells:
    """The object's cells as text; what is no object has none, and so is refused for its missing id."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return {"topic": "?"}
    return {
        key: _shown(value) if isinstance(value, bool) else str(value)
        for key, value in record.items()
        if value is not None
    }
