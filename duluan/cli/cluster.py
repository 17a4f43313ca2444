"""`duluan cluster`: Document or Enriched lines → the same, in input order, with `origin` and `issue`."""

from __future__ import annotations

from typing import Any

import typer

from duluan.cli.common import Files, Quiet
from duluan.cli.streams import Tally, emit, records
from duluan.model import Clustered, Document
from duluan.records import document_from, enriched_from, fetch_from, to_record, unknown_keys

app = typer.Typer(add_completion=False)

_BATCH = 2_000


@app.command()
def cluster(files: Files = None, quiet: Quiet = False) -> None:
    """Nhận ra bài đăng lại (origin) và gom tin bài thành vấn đề (issue); giữ nguyên thứ tự đầu vào."""
    tally = Tally(quiet)
    documents: list[Document] = []
    for where, record in records(files or [], tally):
        try:
            if (item := _read(record, tally)) is not None:
                documents.append(item)
        except ValueError as error:
            tally.reject(where, f"bad_record: {error}")
    homes = _homes(documents, quiet)
    for document in documents:
        origin, issue = homes[document.id]
        emit({**to_record(document), "origin": origin, "issue": issue}, tally)
    raise typer.Exit(tally.finish("cluster"))


def _read(record: dict[str, Any], tally: Tally) -> Document | None:
    """The record as Enriched where it is one, else as Document; None for a fetch line, which belongs to no issue."""
    if fetch_from(record) is not None:
        return None
    enriched = "sentiment_p" in record
    tally.drop(unknown_keys(record, Clustered))
    return enriched_from(record) if enriched else document_from(record)


def _homes(documents: list[Document], quiet: bool) -> dict[str, tuple[str, str]]:
    """Document → (origin, issue) as they stand after the last record; taken in by time of fetching, as a live system would."""
    from rich.console import Console
    from rich.progress import track

    from nlp.cluster import Clusterer

    order = sorted(documents, key=lambda document: document.fetched)
    clusterer, found, merges = Clusterer(), dict[str, tuple[str, str]](), dict[str, str]()
    steps = range(0, len(order), _BATCH)
    console = Console(stderr=True)
    for start in track(steps, "Gom vấn đề", console=console, disable=quiet or not console.is_terminal, transient=True):
        for given in clusterer.add(order[start : start + _BATCH]):
            found.setdefault(given.id, (given.origin, given.issue))
        changes = clusterer.take_changes()
        merges.update(changes.merges)
        found.update({id: (found[id][0], issue) for id, issue in changes.moves.items() if id in found})
    return {id: (origin, _final(issue, merges)) for id, (origin, issue) in found.items()}


def _final(issue: str, merges: dict[str, str]) -> str:
    while issue in merges:
        issue = merges[issue]
    return issue
