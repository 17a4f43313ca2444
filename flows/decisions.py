"""Staff's decisions on issues on their way from the audit log to the clusterer.

A decision is made once it stands in the audit log. Whoever has the turn to write next carries it out between two batches
(`flows.ingest.Pipeline`): its effects and the clusterer's snapshot, which says up to which entry decisions are in it, are one
write. So a kill in between changes nothing: the snapshot and the documents behind it are replayed, then the decision follows
at the same place in the sequence of documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from duluan.clock import format_time, parse_time
from duluan.errors import InputError
from duluan.model import Clustered, Issue
from duluan.query import Filter
from index.base import Index

if TYPE_CHECKING:
    from nlp.cluster import Clusterer

What = Literal["merge", "rename", "split"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision. `by` is the officer's account. `target`: of a merge; `title`: of a renaming; `documents`: of a split."""

    what: What
    issue: str
    by: str
    at: datetime
    target: str = ""
    title: str = ""
    documents: tuple[str, ...] = ()

    def event(self) -> dict[str, Any]:
        """Its entry in the audit log."""
        parts = {"target": self.target, "title": self.title, "documents": list(self.documents)}
        given = {name: value for name, value in parts.items() if value}
        return {
            "at": format_time(self.at),
            "what": f"issue_{self.what}",
            "by": self.by,
            "issue": self.issue,
        } | given


def decisions(entries: Iterable[tuple[int, Mapping[str, Any]]]) -> list[tuple[int, Decision]]:
    """Those among `entries` of the store's log of issues."""
    found = ((number, _decision(event)) for number, event in entries)
    return [(number, decision) for number, decision in found if decision is not None]


def moved(store: Index, after: int) -> Iterator[tuple[int, Mapping[str, str]]]:
    """What splits moved, staff's and the machine's: (number of the entry, document → issue), behind entry `after`."""
    for number, event in store.issue_log(after):
        of_split = event["what"] == "issue_moved"
        yield number, dict.fromkeys(event["documents"], event["issue"]) if of_split else {}


def move_events(store: Index, moves: Mapping[str, str], at: float) -> list[dict[str, Any]]:
    """Entries of the audit log for documents (→ issue) that are still stored under another one; `at`: seconds since 1970.

    `of` is what the first of them is stored under: a split parts one issue.
    """
    moment = format_time(datetime.fromtimestamp(at, UTC))
    moving = {issue: sorted(id for id, to in moves.items() if to == issue) for issue in sorted(set(moves.values()))}
    first = tuple(ids[0] for ids in moving.values())
    former = {document.id: document.issue for document in store.documents(Filter(ids=first))} if first else {}
    return [
        {"at": moment, "what": "issue_moved", "of": former.get(ids[0], ""), "issue": issue, "documents": ids}
        for issue, ids in moving.items()
    ]


def merge_events(merges: Mapping[str, str], at: float) -> list[dict[str, Any]]:
    """Entries of the audit log for issues (→ issue) that end now, by staff's decision or the machine's; `at`: seconds since 1970."""
    moment = format_time(datetime.fromtimestamp(at, UTC))
    return [{"at": moment, "what": "issue_merged", "issue": old, "target": new} for old, new in sorted(merges.items())]


def carry_out(clusterer: Clusterer, store: Index, decision: Decision) -> None:
    """Let the clusterer follow. Raises InputError where earlier decisions left nothing to do."""
    if decision.what == "merge":
        clusterer.merge(decision.issue, decision.target, _together(clusterer, store, decision))
    elif decision.what == "rename":
        clusterer.rename(decision.issue, decision.title)
    else:
        clusterer.split(decision.issue, _leaving(clusterer, store, decision))


def _together(clusterer: Clusterer, store: Index, decision: Decision) -> Issue | None:
    """The stored issue that a merge leads to, with beginning and voices of both: the same before and after the documents have moved."""
    old, new = clusterer.staff.final(decision.issue), clusterer.staff.final(decision.target)
    counted = store.counts(Filter(issues=(old, new)), [])
    voices = counted[0].voices if counted else 0
    known = list(store.issues([old, new]))
    first = min((issue.first for issue in known), default=None)
    return next((replace(issue, voices=voices, first=first) for issue in known if first and issue.id == new), None)


def retitled(clusterer: Clusterer, store: Index, decision: Decision, told: Sequence[Issue]) -> list[Issue]:
    """The stored issue under staff's title where it is live no more, so that the clusterer does not tell of it (in `told`)."""
    id = clusterer.staff.final(decision.issue)
    title = clusterer.staff.titles.get(id)
    if title is None or any(issue.id == id for issue in told):
        return []
    return [replace(issue, title=title, title_by_staff=True) for issue in store.issues([id])]


def _leaving(clusterer: Clusterer, store: Index, decision: Decision) -> list[Clustered]:
    """The documents of a split that still belong to its issue (or were moved already, before a kill)."""
    issue = clusterer.staff.final(decision.issue)
    fresh = clusterer.fresh_id(f"{issue}:{min(decision.documents)}")
    found = []
    for document in store.documents(Filter(ids=decision.documents)):
        known = clusterer.assignment(document.id)
        if clusterer.staff.final(known.issue if known else document.issue) in (issue, fresh):
            found.append(document)
    if not found:
        raise InputError(f"không còn văn bản nào để tách khỏi vấn đề {decision.issue}")
    return found


def _decision(event: Mapping[str, Any]) -> Decision | None:
    what = str(event["what"]).removeprefix("issue_")
    if what not in get_args(What):
        return None
    return Decision(
        what=cast(What, what),
        issue=event["issue"],
        by=event["by"],
        at=parse_time(event["at"]),
        target=event.get("target", ""),
        title=event.get("title", ""),
        documents=tuple(event.get("documents", ())),
    )
