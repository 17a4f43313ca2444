"""Store → detector → alerts → mail. One call brings everything up to `clock()`; calling it again mails nothing again.

Order of writing, so that kill -9 at any moment loses no alert and repeats no mail: messages into the outbox, then alerts and their
states, then the detector's snapshot. Whatever was cut off is computed again from the older snapshot: ids of alerts and messages follow
from issue and hour, so what is already there is left alone. Sending comes last and works from the outbox alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import lifecycle, plan, render, snapshot
from alerts.card import Card, build
from alerts.delivery import Mailer
from alerts.engine import Engine
from alerts.hours import from_hours
from alerts.signal import Signal
from alerts.webhook import Webhook
from duluan.clock import Clock, format_time, parse_time
from duluan.config import Profile
from duluan.errors import StoreError
from duluan.model import Alert, Fetch, Issue, Voice
from flows.evidence import context, readable
from flows.outbox import Outlets, deliver
from index.base import STATE_DETECTOR, Index, Outgoing

log = logging.getLogger(__name__)

_LOOK_BACK = timedelta(days=14)  # documents written late are still found so far back
_IMPORTED = timedelta(days=3)  # first run: what was fetched so long after publication is history


@dataclass(slots=True)
class WatchReport:
    """What one run did."""

    until: datetime
    steps: int = 0
    voices: int = 0
    alerts: list[Alert] = field(default_factory=list)  # opened or promoted, latest version
    mails: int = 0  # written to the outbox
    sent: int = 0
    waiting: int = 0  # still in the outbox
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Memory:
    """What lies beside the engine's snapshot."""

    seen: dict[str, str] = field(default_factory=dict)  # voice → fetched
    tries: dict[str, str] = field(default_factory=dict)  # source → last try
    told: dict[str, list[Any]] = field(default_factory=dict)  # alert → [mails, last]
    threads: dict[str, str] = field(default_factory=dict)  # issue → key of its first mail
    days: dict[str, int] = field(default_factory=dict)  # local day → mails
    digest: list[str] = field(default_factory=list)  # alerts waiting for the next digest


def watch(
    store: Index, profile: Profile, *, clock: Clock, mailer: Mailer | None, webhook: Webhook | None = None
) -> WatchReport:
    """Detect up to now, write alerts and messages, send what is due. Scope: documents of the province only."""
    now = clock()
    report = WatchReport(until=now)
    engine, memory = _restore(store, profile)
    _Run(store, profile, engine, memory, report, now, mailer).go()
    done = deliver(store, profile.alerts, Outlets(mailer, webhook), now=now)
    report.sent, report.waiting, report.errors = done.sent, done.waiting, done.errors
    return report


@dataclass(slots=True)
class _Run:
    store: Index
    profile: Profile
    engine: Engine
    memory: _Memory
    report: WatchReport
    now: datetime
    mailer: Mailer | None
    turns: list[tuple[Signal, Alert]] = field(default_factory=list)
    titles: dict[str, Issue] = field(default_factory=dict)

    def go(self) -> None:
        self._issues()
        items = self._items()
        start = self._start(items)
        if start is None:
            return
        self.engine.observe_all(items)
        for moment in _steps(start, self.now):
            self.report.steps += 1
            for signal in self.engine.step(moment):
                self._take(signal)
        self._write()

    def _issues(self) -> None:
        for issue in self.store.issues():
            self.titles[issue.id] = issue
            if issue.merged_into and issue.id not in self.engine.merged:
                self.engine.merge(issue.id, issue.merged_into)

    def _items(self) -> list[Voice | Fetch]:
        since = None if self.engine.first is None else from_hours(self.engine.clock) - _LOOK_BACK
        voices = [v for v in self.store.voices(since) if v.fetched <= self.now and v.id not in self.memory.seen]
        self.report.voices = len(voices)
        self.memory.seen |= {v.id: format_time(v.fetched) for v in voices}
        fresh = [
            f
            for f in self.store.fetches(since)
            if f.at <= self.now and not (f.source in self.memory.tries and f.at <= self._last(f.source))
        ]
        for fetch in fresh:
            self.memory.tries[fetch.source] = format_time(fetch.at)
        inside = [v for v in voices if v.in_province]
        return [*(as_lived(inside) if since is None else inside), *fresh]

    def _last(self, source: str) -> datetime:
        return parse_time(self.memory.tries[source])

    def _start(self, items: list[Voice | Fetch]) -> datetime | None:
        if self.engine.first is not None:
            return from_hours(self.engine.clock)
        moments = [item.at if isinstance(item, Fetch) else item.fetched for item in items]
        return min(moments) if moments else None

    def _take(self, signal: Signal) -> None:
        issue = self.titles.get(signal.alert.issue)
        alert = readable(signal, self.store.get, issue.title if issue else None, self.profile)
        self.turns.append((signal, alert))

    def _write(self) -> None:
        latest: dict[str, Alert] = {}
        messages: list[Outgoing] = []
        open_now = {row.episode.id for row in self.engine.rows if row.episode and row.episode.stage == "open"}
        for signal, alert in self.turns:
            if signal.turn in ("opened", "promoted"):
                latest[alert.id] = alert
            messages.extend(self._messages(signal, alert, still_open=alert.id in open_now))
        messages.extend(self._due_digest())
        self.report.mails = self.store.outbox_add(messages)
        self._record()
        self.report.alerts = list(latest.values())
        self.store.put_state(STATE_DETECTOR, _pack(self.engine, self.memory, self.now))

    def _record(self) -> None:
        """Alerts and the states that their turns led to."""
        for signal, alert in self.turns:
            kept = self.store.alert_history(alert.id)
            before = lifecycle.current(kept)
            if signal.turn in ("opened", "promoted", "escalated", "reopened"):
                self.store.put_alerts([alert])
            state = (
                lifecycle.begin(signal.turn, mail=alert.tier != "watch")
                if before is None
                else lifecycle.advance(before, signal.turn)
            )
            at = format_time(alert.detected)
            if state is not None and not any(e["state"] == state and e["at"] == at for e in kept):
                self.store.add_alert_event(alert.id, {"at": at, "state": state, "note": signal.turn})

    def _messages(self, signal: Signal, alert: Alert, *, still_open: bool) -> Iterator[Outgoing]:
        to = plan.recipients(alert, self.profile.alerts)
        if not to or self._muted(alert):
            return
        day = plan.day_of(self.now)
        told = self.memory.told.get(alert.id)
        before = plan.Sent(told[0], parse_time(told[1])) if told else None
        send = plan.decide(
            alert,
            signal.turn,
            self.profile.alerts,
            self.now,
            before=before,
            today=self.memory.days.get(day, 0),
            still_open=still_open,
        )
        if send == "digest":
            self.memory.digest = list(dict.fromkeys([*self.memory.digest, alert.id]))
        if send in ("now", "later"):
            count = before.count + 1 if before else 1
            self.memory.told[alert.id] = [count, format_time(self.now)]
            self.memory.days[day] = self.memory.days.get(day, 0) + 1
            yield self._mail(alert, count, to)

    def _muted(self, alert: Alert) -> bool:
        return lifecycle.current(self.store.alert_history(alert.id)) in ("silenced", "false_alarm")

    def _mail(self, alert: Alert, count: int, to: tuple[str, ...]) -> Outgoing:
        key = f"{alert.id}.{count}"
        thread = self.memory.threads.setdefault(alert.issue, key)
        payload = render.mail(
            self._card(alert), _letter(self.profile, self.mailer, to), key=key, created=alert.detected, thread=thread
        )
        urgent = "urgent" if plan.urgent(alert) else "mail"
        return Outgoing(id=key, alert=alert.id, created=alert.detected, payload=payload, recipients=to, channel=urgent)

    def _card(self, alert: Alert) -> Card:
        issue = self.titles.get(alert.issue)
        return build(
            alert, self.profile, context(self.store, self.engine, alert, self.profile, issue.terms if issue else ())
        )

    def _due_digest(self) -> Iterator[Outgoing]:
        """Yesterday's overflow leaves as one mail on the next day, or at once when the cap has room again."""
        day = plan.day_of(self.now)
        if not self.memory.digest or self.memory.days.get(day, 0) >= self.profile.alerts.mails_per_day:
            return
        waiting = {alert.id: alert for alert in self.store.alerts()} | {a.id: a for _, a in self.turns}
        cards = tuple(self._card(waiting[id]) for id in self.memory.digest if id in waiting)
        to = self.profile.alerts.recipients
        if cards and to:
            key = f"digest.{day}.{cards[0].alert.id}"
            payload = render.digest(cards, _letter(self.profile, self.mailer, to), key=key, created=self.now)
            yield Outgoing(id=key, alert=cards[0].alert.id, created=self.now, payload=payload, recipients=to)
        self.memory.digest = []


def card_of(store: Index, profile: Profile, alert: Alert) -> Card:
    """The card of a stored alert, with the chart as the detector's snapshot knows it: for the desk and `alerts explain`."""
    engine, _ = _restore(store, profile)
    issue = next(iter(store.issues([alert.issue])), None)
    terms = issue.terms if issue else ()
    return build(alert, profile, context(store, engine, alert, profile, terms))


def as_lived(voices: list[Voice]) -> list[Voice]:
    """An import of old items fetched all at once is lived through again by publication time, so that it can teach what is usual."""
    late = [v for v in voices if v.published is not None and v.fetched - v.published > _IMPORTED]
    if 2 * len(late) < len(voices):
        return voices
    moved = {v.id: replace(v, fetched=v.published + timedelta(hours=1)) for v in late if v.published is not None}
    return [moved.get(v.id, v) for v in voices]


def _steps(start: datetime, now: datetime) -> Iterator[datetime]:
    """Whole hours behind `start`, then `now` itself."""
    moment = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while moment <= now:
        yield moment
        moment += timedelta(hours=1)
    if moment - timedelta(hours=1) < now:
        yield now


def _letter(profile: Profile, mailer: Mailer | None, to: tuple[str, ...]) -> render.Letter:
    sender = mailer.sender if mailer else "duluan@localhost"
    domain = sender.rpartition("@")[2].rstrip("> ") or "localhost"
    return render.Letter(sender, to, f"duluan.{profile.province.id}", domain)


def _pack(engine: Engine, memory: _Memory, now: datetime) -> bytes:
    horizon = now - 2 * _LOOK_BACK
    head = {
        "seen": {id: at for id, at in memory.seen.items() if parse_time(at) >= horizon},
        "tries": memory.tries,
        "told": memory.told,
        "threads": memory.threads,
        "days": dict(list(memory.days.items())[-7:]),
        "digest": memory.digest,
    }
    return json.dumps(head, ensure_ascii=False).encode() + b"\n" + snapshot.dump(engine)


def _restore(store: Index, profile: Profile) -> tuple[Engine, _Memory]:
    blob = store.state(STATE_DETECTOR)
    if blob is None:
        return Engine(profile.alerts), _Memory()
    head, _, body = blob.partition(b"\n")
    try:
        memory = _Memory(**json.loads(head))
    except (ValueError, TypeError) as error:
        raise StoreError(f"trạng thái bộ phát hiện trong kho bị hỏng: {error}") from None
    return snapshot.load(body, profile.alerts), memory
