"""The clusterer as of a place in the sequence of documents and decisions: stored as a snapshot, opened by replaying what came behind it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from duluan.model import Clustered
from index.base import STATE_CLUSTERER, Index
from nlp.cluster import Clusterer

_TOGETHER = 500  # documents replayed at once


@dataclass(slots=True)
class Standing:
    """The clusterer after document `after` of the sequence and after the decision that is entry `decided` of the audit log."""

    clusterer: Clusterer = field(default_factory=Clusterer)
    after: int = 0
    decided: int = 0

    def pack(self) -> bytes:
        """As stored: a line of JSON that says what it stands for, then the snapshot."""
        head = {"after": self.after, "decided": self.decided}
        return json.dumps(head).encode() + b"\n" + self.clusterer.snapshot()

    def replay(self, store: Index) -> None:
        """Take in the documents that were written since, by this process before a kill or by others."""
        last = store.last_sequence()
        if last == self.after:
            return
        replayed: list[Clustered] = []
        for _, document in store.ingested(after=self.after):
            replayed.append(document)
            if len(replayed) >= _TOGETHER:
                self.clusterer.add(replayed)
                replayed = []
        self.clusterer.add(replayed)
        # what changed was stored with the documents
        self.clusterer.take_changes()
        self.after = last


def restored(store: Index) -> Standing:
    """The clusterer as it stands after the store's last document; decisions behind the snapshot are not in it."""
    standing = Standing()
    if blob := store.state(STATE_CLUSTERER):
        head, _, body = blob.partition(b"\n")
        known = json.loads(head)
        standing = Standing(Clusterer.restore(body), int(known["after"]), int(known["decided"]))
    standing.replay(store)
    return standing


def decided_in(store: Index) -> int:
    """The last decision that is in the stored snapshot."""
    blob = store.state(STATE_CLUSTERER)
    return int(json.loads(blob.partition(b"\n")[0])["decided"]) if blob else 0
