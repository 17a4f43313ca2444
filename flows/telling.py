"""From turns to messages: who is told what in which mail, by the watcher's memory of what they were told before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alerts import plan, render, webhook
from alerts.card import Card, build
from alerts.lifecycle import State
from alerts.signal import Turn
from duluan.clock import format_time, local, parse_time
from duluan.config import Profile
from duluan.model import Alert
from flows.evidence import context
from flows.journal import Journal
from index.base import Outgoing

_HOOKED: Final = frozenset({"opened", "promoted", "escalated", "reopened", "closed"})
_NEWS: Final[frozenset[Turn]] = frozenset({"escalated", "reopened"})
DEFAULT_SENDER: Final = "duluan@localhost"


@dataclass(frozen=True, slots=True)
class Teller:
    """Writes messages; changes the journal's memory, nothing else. `hooked`: a webhook is set up."""

    journal: Journal
    profile: Profile
    sender: str
    hooked: bool

    def messages(self, alert: Alert, turn: Turn, at: datetime, state: State | None) -> Iterator[Outgoing]:
        """What this turn, found at `at`, is worth; `state` is the alert's before it."""
        if self.hooked and turn in _HOOKED and alert.tier in self.profile.alerts.webhook_tiers:
            yield self._hook(alert, turn, at)
        letters: dict[Turn, list[str]] = {}
        for to in plan.recipients(alert, self.profile.alerts):
            if news := self._news(alert, turn, at, state, to):
                letters.setdefault(news, []).append(to)
        for news, readers in letters.items():
            yield from self._mail(alert, news, at, tuple(readers))

    def _news(self, alert: Alert, turn: Turn, at: datetime, state: State | None, to: str) -> Turn | None:
        """What `to` is told by a mail now, perhaps news that fell into their pause; what is over the day's cap waits for the digest."""
        memory, day = self.journal.memory, plan.day_of(at)
        past = memory.told.get(alert.id, {}).get(to)
        before = plan.Sent(past[0], parse_time(past[1])) if past else None
        today = memory.days.get(day, {}).get(to, 0)
        send = plan.decide(alert, turn, self.profile.alerts, at, before=before, today=today, state=state)
        if send == "no":
            if alert.tier == "mail" and turn in _NEWS:
                memory.owed.setdefault(alert.id, {})[to] = turn
            return None
        owed = memory.owed.get(alert.id, {}).pop(to, turn)
        memory.told.setdefault(alert.id, {})[to] = [before.count + 1 if before else 1, format_time(at)]
        if send == "digest":
            memory.digest[to] = list(dict.fromkeys([*memory.digest.get(to, []), alert.id]))
            return None
        if alert.tier != "system":
            memory.days.setdefault(day, {})[to] = today + 1
        return owed if turn == "reminder" else turn

    def may_remind(self, id: str, at: datetime) -> bool:
        """Whether somebody's pause has run out, so that a reminder is worth its numbers."""
        told = self.journal.memory.told.get(id, {}).values()
        return any(plan.due("reminder", plan.Sent(count, parse_time(last)), at) for count, last in told)

    def _mail(self, alert: Alert, turn: Turn, at: datetime, to: tuple[str, ...]) -> Iterator[Outgoing]:
        memory = self.journal.memory
        memory.mails[alert.id] = count = memory.mails.get(alert.id, 0) + 1
        key = f"{alert.id}.{count}"
        thread = memory.threads.setdefault(alert.issue or alert.id, key)
        payload = render.mail(
            self.card(alert), self._letter(to), key=key, created=at, thread=thread, turn=turn, count=count
        )
        yield from self._copies(key, alert.id, at, payload, to, "urgent" if plan.urgent(alert, turn) else "mail")

    def _copies(
        self, key: str, alert: str, at: datetime, payload: bytes, to: tuple[str, ...], channel: str
    ) -> Iterator[Outgoing]:
        """One outbox entry for each recipient: an address that is refused or delayed holds up and repeats nobody else's."""
        for recipient in to:
            tag = hashlib.sha256(recipient.encode()).hexdigest()[:8]
            yield Outgoing(
                id=f"{key}.{tag}", alert=alert, created=at, payload=payload, recipients=(recipient,), channel=channel
            )

    def _hook(self, alert: Alert, turn: Turn, at: datetime) -> Outgoing:
        body = webhook.body(alert, closed=at if turn == "closed" else None)
        id = f"{alert.id}.{turn}.{int(at.timestamp()) // 3600}"
        return Outgoing(id=id, alert=alert.id, created=at, payload=body, recipients=(), channel="webhook")

    def card(self, alert: Alert) -> Card:
        """The card with what the store and the detector know now."""
        return build(alert, self.profile, context(self.journal.store, self.journal.engine, alert, self.profile))

    def digests(self, at: datetime) -> Iterator[Outgoing]:
        """At the office's digest hours, one mail to each recipient for what was over the cap since the last."""
        memory = self.journal.memory
        hour = f"{local(at):%Y-%m-%d.%H}"
        if local(at).hour not in self.profile.alerts.digest_at or memory.digested == hour or not memory.digest:
            return
        stored = {alert.id: alert for alert in self.journal.store.alerts()}
        for recipient, ids in sorted(memory.digest.items()):
            cards = tuple(self.card(stored[id]) for id in ids if id in stored)
            if cards:
                tag = hashlib.sha256(recipient.encode()).hexdigest()[:8]
                key = f"digest.{hour}.{tag}"
                payload = render.digest(cards, self._letter((recipient,)), key=key, created=at)
                yield Outgoing(id=key, alert=cards[0].alert.id, created=at, payload=payload, recipients=(recipient,))
        memory.digest, memory.digested = {}, hour

    def _letter(self, to: tuple[str, ...]) -> render.Letter:
        domain = self.sender.rpartition("@")[2].rstrip("> ") or "localhost"
        return render.Letter(self.sender, to, f"duluan.{self.profile.province.id}", domain)
