"""The watcher's memory in the store, written so that kill -9 at any moment neither loses nor repeats a step.

One commit has four writes: the effects (alerts, events, messages), the detector's state with the same number – from here on the step
has happened – then the effects are carried out, each of them idempotent, and their record is emptied. Whoever opens the journal finds
either effects with the state's own number, which are carried out (again), or later ones, whose step never happened and is counted anew.
Nothing is ever worked out twice from a store that has changed in between.
"""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from alerts import snapshot
from alerts.engine import Engine
from alerts.signal import Turn
from duluan.clock import format_time, parse_time
from duluan.config import AlertRules
from duluan.errors import StoreError
from duluan.model import Alert
from duluan.records import alert_from, to_record
from index.base import STATE_DETECTOR, Index, Outgoing

STATE_EFFECTS: Final = "detector_effects"
_FORMAT: Final = 3
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Memory:
    """What the watcher knows beside the detector's own state; all times are RFC 3339, all of it JSON."""

    sequence: int = 0  # documents written up to this one have been read
    moved: int = 0  # entries of the audit log on what splits moved have been read up to this one
    first: int = 0  # the last document of the first round, which may be an import of old items
    # document's number → hour from which it counted, where written late
    late_items: dict[str, str] = field(default_factory=dict)
    # [hour from which it counted, issue that ended, the one it went into]; the hour is '' before the first
    merges: list[list[str]] = field(default_factory=list)
    moves: dict[str, str] = field(default_factory=dict)  # entry of the audit log on what a split moved → such an hour
    tries: dict[str, str] = field(default_factory=dict)  # source → last try
    told: dict[str, dict[str, list[Any]]] = field(default_factory=dict)  # alert → recipient → [mails, last]
    mails: dict[str, int] = field(default_factory=dict)  # alert → messages written
    threads: dict[str, str] = field(default_factory=dict)  # issue → key of its first message
    days: dict[str, dict[str, int]] = field(default_factory=dict)  # local day → recipient → mails
    digest: dict[str, list[str]] = field(default_factory=dict)  # recipient → alerts that wait for the next digest
    digested: str = ""  # hour of the last digest
    late: list[str] = field(default_factory=list)  # issues whose alerts turned while an outage was made up for
    # alert → communes that were told or known when it was told
    areas: dict[str, list[str]] = field(default_factory=dict)
    system: list[str] = field(default_factory=list)  # the detector's system alerts that stand
    # alert → recipient → news that fell into their pause
    owed: dict[str, dict[str, Turn]] = field(default_factory=dict)
    ailing: dict[str, str] = field(default_factory=dict)  # what ails the system ('silent:bao-a') → its alert


@dataclass(slots=True)
class Effects:
    """What a step does to the store."""

    alerts: list[Alert] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    messages: list[Outgoing] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.alerts or self.events or self.messages)


@dataclass(slots=True)
class Journal:
    """The open journal: commit moves it on."""

    store: Index
    engine: Engine
    memory: Memory
    number: int = 0

    def commit(self, effects: Effects) -> int:
        """Make everything since the last commit last; the number of new messages."""
        self.number += 1
        if effects:
            self.store.put_state(STATE_EFFECTS, _packed(effects, self.number))
        head = {"format": [_FORMAT, snapshot.FORMAT], "number": self.number, "memory": asdict(self.memory)}
        self.store.put_state(STATE_DETECTOR, _line(head) + b"\n" + snapshot.dump(self.engine))
        if not effects:
            return 0
        new = carry_out(self.store, effects)
        self.store.put_state(STATE_EFFECTS, b"")
        return new


def open_journal(store: Index, rules: AlertRules) -> Journal:
    """The journal as it stands, after carrying out what a crash cut off. Only for the holder of the turn."""
    journal = read(store, rules)
    blob = store.state(STATE_EFFECTS)
    if blob:
        number, effects = _unpacked(blob)
        if number == journal.number:
            carry_out(store, effects)
        store.put_state(STATE_EFFECTS, b"")
    return journal


def read(store: Index, rules: AlertRules) -> Journal:
    """The journal without touching anything. Raises StoreError where it is damaged.

    A state of an earlier format is left aside: the detector learns anew from the store, which mails nothing older than two days.
    """
    blob = store.state(STATE_DETECTOR)
    if blob is None:
        return Journal(store, Engine(rules), Memory())
    head, _, body = blob.partition(b"\n")
    try:
        found = json.loads(head)
        if found.get("format") != [_FORMAT, snapshot.FORMAT]:
            log.warning("the detector's state is of another format: it learns anew from the store")
            return Journal(store, Engine(rules), Memory())
        memory, number = Memory(**found["memory"]), int(found["number"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"trạng thái bộ phát hiện trong kho bị hỏng: {error}") from None
    return Journal(store, snapshot.load(body, rules), memory, number)


def carry_out(store: Index, effects: Effects) -> int:
    """Alerts, then their events, then messages; what is there already is left alone. The number of new messages."""
    for alert in effects.alerts:
        store.put_alerts([alert])
    for id, event in effects.events:
        if not any(e["at"] == event["at"] and e["state"] == event["state"] for e in store.alert_history(id)):
            store.add_alert_event(id, event)
    return store.outbox_add(effects.messages)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _packed(effects: Effects, number: int) -> bytes:
    return _line(
        {
            "number": number,
            "alerts": [_exact(alert) for alert in effects.alerts],
            "events": effects.events,
            "messages": [
                {
                    "id": m.id,
                    "alert": m.alert,
                    "created": format_time(m.created),
                    "payload": base64.b64encode(m.payload).decode(),
                    "recipients": m.recipients,
                    "channel": m.channel,
                }
                for m in effects.messages
            ],
        }
    )


def _exact(alert: Alert) -> dict[str, Any]:
    numbers = {name: getattr(alert, name) for name in ("expected", "share", "share_usual", "score")}
    return to_record(alert) | numbers | {"range90": list(alert.range90), "coverage": dict(alert.coverage)}


def _unpacked(blob: bytes) -> tuple[int, Effects]:
    try:
        raw = json.loads(blob)
        messages = [
            Outgoing(
                id=m["id"],
                alert=m["alert"],
                created=parse_time(m["created"]),
                payload=base64.b64decode(m["payload"]),
                recipients=tuple(m["recipients"]),
                channel=m["channel"],
            )
            for m in raw["messages"]
        ]
        events = [(id, event) for id, event in raw["events"]]
        return int(raw["number"]), Effects([alert_from(record) for record in raw["alerts"]], events, messages)
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"sổ cảnh báo trong kho bị hỏng: {error}") from None
