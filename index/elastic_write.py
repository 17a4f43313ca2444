"""Writing a batch to Elasticsearch. There are no transactions, so the order makes it safe: documents first, the state that
stands for them last. A crash in between leaves documents without their state; the same batch again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from duluan.clock import Clock, parse_time
from duluan.errors import StoreError
from duluan.model import VOICE_KINDS, Clustered, Rejected
from duluan.text import encodes
from index.base import Batch, DuplicatePolicy, WriteResult
from index.elastic import Cluster
from index.elastic_alerts import repoint
from index.elastic_bulk import Action, Outcome
from index.elastic_hourly import Recounter
from index.elastic_ledger import add_audit, ended_issues, put_fetches, put_issues, put_merges, put_rejections
from index.elastic_schema import BOTH, NEWS, STATE, VOICES, create_month, month_index
from index.elastic_source import source_of
from index.elastic_state import Counters, put_state
from index.merging import final_issue
from index.rows import Prepared, prepare, seconds

RECENT_LIMIT = 50_000  # own writes remembered before the index is refreshed and asked instead
LANES = 2  # requests of one batch at a time: a server indexes one shard's documents on several cores
_TERMS = 10_000  # of one query
_HEAD = ["version", "fingerprint", "issue", "first_issue", "origin", "seq", "at"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What a writer must know of a document that is there."""

    index: str
    version: int
    fingerprint: str
    issue: str
    first_issue: str | None  # that it was first written under; None: the same
    origin: str
    seq: int
    at: int  # seconds since 1970


class Writer:
    """Writes batches; remembers its own writes until the next refresh, so that asking for them costs no refresh."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._counters = Counters(cluster, clock)
        self.recounter = Recounter(cluster, clock)
        self._recent: dict[str, Stored] = {}
        self._months: set[str] = set()

    def write(self, batch: Batch, policy: DuplicatePolicy) -> WriteResult:
        """Store one batch."""
        with ThreadPoolExecutor(1) as aside:  # the server looks up while we fold
            looking = aside.submit(self.look_up, *_names(batch.documents))
            ready, refused = prepare(batch.documents)
            stored, buried, ended = looking.result()
        refused += [
            Rejected("taken_down", item.document.id, item.document.source, "địa chỉ đã được gỡ")
            for item in ready
            if item.document.id in buried
        ]
        ready = _moved([item for item in ready if item.document.id not in buried], ended)
        chosen = _chosen(ready, stored, policy)
        written, conflicts, poison = self._documents(chosen, stored)
        rejected = (*refused, *poison)
        put_issues(self._cluster, batch.issues)
        self._merge(batch.merges)
        self._move(batch.moves)
        put_fetches(self._cluster, batch.fetches)
        put_rejections(self._cluster, (*batch.rejected, *rejected))
        for event in batch.audit:
            add_audit(self._cluster, self._counters, event)
        for name, value in batch.state.items():
            put_state(self._cluster, name, value)
        self.recounter.run_if_due()
        skipped = len(ready) - len(chosen) + conflicts
        return WriteResult(written=written, skipped=skipped, rejected=rejected)

    def look_up(
        self, ids: Sequence[str], issues: Iterable[str] = ()
    ) -> tuple[dict[str, Stored], set[str], dict[str, str]]:
        """(stored documents, those taken down) among `ids`, and those of `issues` that were merged with what into; one round trip."""
        if not ids:
            return {}, set(), {}
        if len(self._recent) > RECENT_LIMIT:
            self.forget()
        # `bury` and `put_merges` refresh: no refresh is needed here, and one for each batch costs a tenth of a load.
        documents, buried, ended = self._cluster.searches(
            [
                (BOTH, _by_ids(ids, _HEAD)),
                (STATE, _by_ids([f"tombstone:{id_}" for id_ in ids], False)),
                (STATE, _by_ids([f"merge:{issue}" for issue in issues], ["name", "target"])),
            ]
        )
        found = {hit["_id"]: _stored(hit) for hit in documents["hits"]["hits"]}
        found |= {id_: self._recent[id_] for id_ in ids if id_ in self._recent}
        merged = (hit["_source"] for hit in ended["hits"]["hits"])
        gone = {hit["_id"].partition(":")[2] for hit in buried["hits"]["hits"]}
        return found, gone, {source["name"]: source["target"] for source in merged}

    def forget(self) -> None:
        """Refresh, and ask the index from now on."""
        self._cluster.refresh(*BOTH.split(","))
        self._recent.clear()

    def rewrite(self, hits: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        """Put changed sources back under their own version (a merge or retention is no new version); how many."""
        actions = [
            Action(index, source["id"], json.dumps(source, ensure_ascii=False), int(source["version"]))
            for index, source in hits
        ]
        self._cluster.write_all(actions)
        self._recent.clear()
        return len(actions)

    def _documents(self, chosen: list[Prepared], stored: Mapping[str, Stored]) -> tuple[int, int, list[Rejected]]:
        """(written, lost to a newer version of another process, refused)."""
        if not chosen:
            return 0, 0, []
        new = [item for item in chosen if item.document.id not in stored]
        moments = [item.at for item in chosen]
        moments += [stored[item.document.id].at for item in chosen if item.document.id in stored]
        first = self._counters.reserve("sequence", len(new), self.recounter.marks(moments))
        sequence = {item.document.id: first + n for n, item in enumerate(new)}
        sequence |= {item.document.id: stored[item.document.id].seq for item in chosen if item.document.id in stored}
        actions = (self._action(item, stored.get(item.document.id), sequence[item.document.id]) for item in chosen)
        outcomes = self._cluster.bulk(actions, LANES)
        by_id = {item.document.id: item for item in chosen}
        self._leave_other_family(outcomes, stored)
        for outcome in outcomes:
            if outcome.written:
                self._remember(outcome.action, by_id[outcome.action.id], sequence, stored)
        # Once more: another process may have counted these days before the documents were there, and taken the mark away.
        self._counters.done("sequence", first, self.recounter.marks(moments))
        self._refuse_foreign(outcomes)
        poison = [
            Rejected("refused_by_store", o.action.id, by_id[o.action.id].document.source, o.error)
            for o in outcomes
            if o.poison
        ]
        return sum(o.written for o in outcomes), sum(o.conflict for o in outcomes), poison

    def _refuse_foreign(self, outcomes: Sequence[Outcome]) -> None:
        """Raises StoreError where the cluster, not a document, is at fault: nothing is rejected, the batch is to be run again."""
        for outcome in outcomes:
            if outcome.foreign:
                self._months.clear()  # a month that somebody removed is created anew by the next try
                self._cluster.checked(outcome)

    def _action(self, item: Prepared, stored: Stored | None, seq: int) -> Action:
        family = VOICES if item.document.kind in VOICE_KINDS else NEWS
        stays = stored is not None and stored.index.startswith(f"{family}-")
        index = stored.index if stored is not None and stays else self._month(family, item)
        return Action(index, item.document.id, source_of(item, seq, _first_issue(item, stored)), item.fetched)

    def _month(self, family: str, item: Prepared) -> str:
        month = item.document.fetched.astimezone(UTC)
        name = month_index(family, month)
        if name not in self._months:
            create_month(self._cluster, family, month)
            self._months.add(name)
        return name

    def _leave_other_family(self, outcomes: Sequence[Outcome], stored: Mapping[str, Stored]) -> None:
        """A document whose kind changed from news to a person's words, or back, leaves the index of the other family."""
        gone = [
            Action(before.index, outcome.action.id, None)
            for outcome in outcomes
            if outcome.written and (before := stored.get(outcome.action.id)) and before.index != outcome.action.index
        ]
        self._cluster.write_all(gone)

    def _remember(
        self, action: Action, item: Prepared, sequence: Mapping[str, int], stored: Mapping[str, Stored]
    ) -> None:
        d = item.document
        self._recent[d.id] = Stored(
            index=action.index,
            version=item.fetched,
            fingerprint=item.fingerprint,
            issue=d.issue,
            first_issue=_first_issue(item, stored.get(d.id)),
            origin=d.origin,
            seq=sequence[d.id],
            at=item.at,
        )

    def _merge(self, merges: Mapping[str, str]) -> None:
        if not merges:
            return
        final = {old: final_issue(merges, old) for old in merges}
        standing = ended_issues(self._cluster, set(final.values()))
        again = {new for old, new in final.items() if standing.get(new) == old}  # the other way round than before
        final = {old: new if new in again else standing.get(new, new) for old, new in final.items()}
        put_merges(self._cluster, final, again)
        repoint(self._cluster, final)
        self._reissue("issue", list(final), lambda source: final[source["issue"]])

    def _move(self, moves: Mapping[str, str]) -> None:
        ended = ended_issues(self._cluster, set(moves.values()))
        targets, ids = {id_: ended.get(issue, issue) for id_, issue in moves.items()}, list(moves)
        for start in range(0, len(ids), _TERMS):
            self._reissue("id", ids[start : start + _TERMS], lambda source: targets[source["id"]])

    def _reissue(self, field: str, values: list[str], issue_of: Callable[[Mapping[str, Any]], str]) -> None:
        """Documents whose `field` is one of `values` change their issue under their own version."""
        found = self._cluster.stream(BOTH, {"terms": {field: values}}, [{"id": "asc"}])
        hits = [hit for hit in found if hit["_source"]["issue"] != issue_of(hit["_source"])]
        with self.recounter.marked(seconds(parse_time(hit["_source"]["at"])) for hit in hits):
            self.rewrite((hit["_index"], _under(hit["_source"], issue_of(hit["_source"]))) for hit in hits)


def _names(documents: Iterable[Clustered]) -> tuple[list[str], set[str]]:
    """(ids, issues) to look up: of documents that can be sent at all, each id once."""
    asked = [d for d in documents if encodes(d.id + d.issue)]
    return list(dict.fromkeys(d.id for d in asked)), {d.issue for d in asked}


def _by_ids(ids: Sequence[str], fields: Sequence[str] | bool) -> dict[str, Any]:
    return {"query": {"ids": {"values": list(ids)}}, "size": len(ids), "_source": fields, "track_total_hits": False}


def _moved(ready: list[Prepared], ended: Mapping[str, str]) -> list[Prepared]:
    """Documents of an issue that was merged earlier come in under the one that it was merged into."""
    for item in ready if ended else ():
        if target := ended.get(item.document.issue):
            item.document = replace(item.document, issue=target)
    return ready


def _under(source: Mapping[str, Any], issue: str) -> dict[str, Any]:
    """A document's source under another issue."""
    return {**source, "issue": issue, "first_issue": source.get("first_issue", source["issue"])}


def _first_issue(item: Prepared, before: Stored | None) -> str | None:
    """The issue that a document was first written under, where it is not its issue now or was not meanwhile."""
    if before is None:
        return None
    return before.first_issue or (before.issue if before.issue != item.document.issue else None)


def _stored(hit: Mapping[str, Any]) -> Stored:
    s = hit["_source"]
    return Stored(
        index=hit["_index"],
        version=int(s["version"]),
        fingerprint=s["fingerprint"],
        issue=s["issue"],
        first_issue=s.get("first_issue"),
        origin=s["origin"],
        seq=int(s["seq"]),
        at=seconds(parse_time(s["at"])),
    )


def _chosen(ready: list[Prepared], stored: Mapping[str, Stored], policy: DuplicatePolicy) -> list[Prepared]:
    chosen: dict[str, Prepared] = {}
    for item in ready:
        id_ = item.document.id
        if policy is DuplicatePolicy.FAIL and (id_ in stored or id_ in chosen):
            raise StoreError(f"văn bản {id_} đã có trong kho; không ghi gì của lô này")
        if _wins(item, stored.get(id_), chosen.get(id_), policy):
            chosen[id_] = item
    return list(chosen.values())


def _wins(item: Prepared, before: Stored | None, earlier: Prepared | None, policy: DuplicatePolicy) -> bool:
    if policy is DuplicatePolicy.SKIP:
        return before is None and earlier is None
    if earlier is not None:
        return item.fetched >= earlier.fetched and item.fingerprint != earlier.fingerprint
    if before is None:
        return True
    same = (before.fingerprint, before.issue, before.origin) == (
        item.fingerprint,
        item.document.issue,
        item.document.origin,
    )
    return item.fetched >= before.version and not same
