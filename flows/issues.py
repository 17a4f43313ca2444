"""What staff do with issues, from the command line and the desk: merge, rename, split; checked, written down, carried out.

The entry in the audit log is the decision itself (`flows/decisions.py`). Where an import or crawl is writing a batch just then, it
is carried out before the next one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from duluan.errors import InputError
from duluan.model import Document, Enriched, Rejected
from duluan.privacy import redact
from duluan.query import Filter
from duluan.text import squeeze
from flows.decisions import Decision, decisions
from flows.ingest import Pipeline
from flows.leading import standing
from flows.standing import decided_in
from flows.turn import Busy
from index.base import Index
from nlp.clustering.staff import title_in_bounds

_PATIENCE: Final = timedelta(seconds=30)  # a batch takes a second or two


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a decision. `issue` is where it leads: what was merged into, was renamed, or came out of a split."""

    decision: Decision
    issue: str
    changed: bool  # False: it stood already
    applied: bool  # False: whoever writes to the store now carries it out before the next batch


@dataclass(frozen=True, slots=True)
class Officer:
    """Who decides, and when; stands in the audit log only."""

    account: str
    at: datetime


def merge(store: Index, old: str, new: str, officer: Officer) -> Outcome:
    """`old` is the same as `new`. Raises InputError for an unknown issue, one with itself, and the other way round."""
    ending, staying = standing(store, old), standing(store, new)
    if old == new:
        raise InputError(f"không gộp được vấn đề {old} với chính nó; hãy nêu hai mã khác nhau")
    if ending.id == staying.id == old:
        raise InputError(f"vấn đề {new} đã được gộp vào {old}; không gộp ngược lại được")
    decision = Decision(what="merge", issue=ending.id, target=staying.id, by=officer.account, at=officer.at)
    if ending.id == staying.id:
        return Outcome(decision, staying.id, changed=False, applied=True)
    return _made(store, decision, staying.id)


def rename(store: Index, issue: str, title: str, officer: Officer) -> Outcome:
    """The issue is called `title` from now on. Raises InputError for an unknown issue, and for an empty or long title."""
    named, clean = standing(store, issue), clean_title(title)
    decision = Decision(what="rename", issue=named.id, title=clean, by=officer.account, at=officer.at)
    if named.title_by_staff and named.title == clean:
        return Outcome(decision, named.id, changed=False, applied=True)
    return _made(store, decision, named.id)


def split(store: Index, issue: str, documents: Sequence[str], officer: Officer) -> Outcome:
    """`documents`, with what reprints or answers them, are an issue of their own.

    Raises InputError for an unknown issue, for documents that are not its own, and where nothing would be left.
    """
    whole, chosen = standing(store, issue), tuple(dict.fromkeys(documents))
    found = {document.id: document.issue for document in store.documents(Filter(ids=chosen))}
    if before := _parted_before(store, whole.id, found):
        return Outcome(before, found[chosen[0]], changed=False, applied=True)
    for id in chosen:
        if id not in found:
            raise InputError(f"kho không có văn bản {id!r}; xem mã bằng: duluan issues show {whole.id}")
        if found[id] != whole.id:
            raise InputError(f"văn bản {id} thuộc vấn đề {found[id]}, không thuộc {whole.id}; không tách gì")
    leaving, left = _parted(store, whole.id, set(chosen))
    if not left:
        raise InputError(
            f"tách như vậy thì vấn đề {whole.id} không còn văn bản nào; muốn gọi tên khác: duluan issues rename"
        )
    decision = Decision(
        what="split", issue=whole.id, documents=tuple(sorted(leaving)), by=officer.account, at=officer.at
    )
    done = _made(store, decision, whole.id)
    if not done.applied:
        return done
    now = store.get(chosen[0])
    if now is None or now.issue == whole.id:
        raise InputError(
            f"một quyết định khác vừa đổi vấn đề {whole.id}; hãy xem lại bằng: duluan issues show {whole.id}"
        )
    return replace(done, issue=now.issue)


def _parted_before(store: Index, issue: str, found: Mapping[str, str]) -> Decision | None:
    """The decision that has taken these documents (→ the issue they are in now) out of `issue`, all into one other."""
    if len(set(found.values())) != 1 or issue in found.values():
        return None
    made = (d for _, d in decisions(store.issue_log()) if d.what == "split" and d.issue == issue)
    return next((d for d in made if found.keys() <= set(d.documents)), None)


def _parted(store: Index, issue: str, chosen: set[str]) -> tuple[set[str], set[str]]:
    """(`chosen` and what reprints or answers them, the rest) of an issue's documents."""
    members = [(d.id, d.origin, d.parent) for d in store.documents(Filter(issues=(issue,)))]
    leaving, more = set(chosen), set(chosen)
    while more:  # a reprint has comments of its own
        more = {id for id, origin, parent in members if id not in leaving and (origin in leaving or parent in leaving)}
        leaving |= more
    return leaving, {id for id, *_ in members} - leaving


def clean_title(title: str) -> str:
    """A title as it is kept: NFC, in one line, without control characters, personal data redacted. Raises InputError by length."""
    visible = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in title)
    plain = "".join(c for c in visible if unicodedata.category(c) not in {"Cf", "Cs", "Co", "Cn"})
    return title_in_bounds(redact(squeeze(plain), "news"))


def _made(store: Index, decision: Decision, leads_to: str) -> Outcome:
    """Write the decision down, unless the same one waits already, and carry it out where it is our turn."""
    waiting = [other for _, other in decisions(store.issue_log(decided_in(store)))]
    known = any(replace(other, by=decision.by, at=decision.at) == decision for other in waiting)
    if not known:
        store.audit(decision.event())
    return Outcome(decision, leads_to, changed=not known, applied=carried_out(store))


def carried_out(store: Index) -> bool:
    """Carry out what waits; False where others were writing all the while, who will do it."""
    try:
        Pipeline(store, _nothing).catch_up(_PATIENCE)
    except Busy:
        return False
    return True


def _nothing(documents: Iterable[Document]) -> Iterator[Enriched | Rejected]:
    """No document comes in with a decision."""
    return iter(())
