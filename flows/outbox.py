"""From the outbox to mailboxes and the webhook: what is due, one try each, and a memory of every try that survives kill -9.

Between the server's "250" and our mark lies a moment in which a crash leaves it open whether a message went out: no protocol closes
that gap (RFC 1047), one can only choose on which side to fail. An alert must not be lost, so such a message goes again – and only such
a one: "handing over" is written down before it begins, so every other message is known to be either waiting or sent. The repetition
has the same bytes and the same Message-ID (webhook: the same id), by which receivers know it; the audit log names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from alerts import plan
from alerts.delivery import Mailer, mailer_from
from alerts.webhook import Webhook, webhook_from
from duluan.clock import format_time, parse_time
from duluan.config import AlertRules
from duluan.errors import DeliveryDown, DeliveryError, DeliveryRefused, StoreError
from duluan.settings import secret
from index.base import Index, Outgoing

STATE_SENDER: Final = "sender"
_FIRST_PAUSE: Final = timedelta(minutes=5)
_LONGEST_PAUSE: Final = timedelta(hours=4)
_GIVE_UP: Final = timedelta(days=5)  # as mail servers do (RFC 5321 4.5.4.1)

Alive = Callable[[], None]  # renews this process's turn; raises where another has taken it


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where messages leave; None where an outlet is not set up: its messages wait."""

    mailer: Mailer | None = None
    webhook: Webhook | None = None


@dataclass(slots=True)
class Sending:
    """What one pass did."""

    sent: int = 0
    waiting: int = 0  # still in the outbox: held, not due, failed
    repeated: int = 0  # handed over before a crash with unknown end, now again under the same id
    refused: int = 0  # never to be tried again
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Memory:
    """Of messages that are not sent: those being handed over, failed tries with the next moment, and those given up."""

    begun: dict[str, str] = field(default_factory=dict)  # id → since
    tries: dict[str, tuple[int, str]] = field(default_factory=dict)  # id → (failed tries, not before)
    refused: dict[str, str] = field(default_factory=dict)  # id → since


def outlets_from_environment() -> Outlets:
    """What DULUAN_SMTP_*, DULUAN_MAIL_FROM and DULUAN_WEBHOOK_* (or their …_FILE) describe. Raises ConfigError."""
    return Outlets(
        mailer_from(secret("DULUAN_SMTP_URL"), secret("DULUAN_MAIL_FROM"), secret("DULUAN_SMTP_CA")),
        webhook_from(secret("DULUAN_WEBHOOK_URL"), secret("DULUAN_WEBHOOK_SECRET")),
    )


def deliver(
    store: Index, rules: AlertRules, outlets: Outlets, *, now: datetime, alive: Alive = lambda: None
) -> Sending:
    """Send what is due, oldest first. Quiet hours hold all but the urgent; what fails waits 5, 10, 20 … minutes."""
    waiting = store.outbox()
    if not waiting:
        return Sending()
    return _Pass(store, rules, outlets, now, alive, _remembered(store, waiting)).go(waiting)


@dataclass(slots=True)
class _Pass:
    store: Index
    rules: AlertRules
    outlets: Outlets
    now: datetime
    alive: Alive
    memory: _Memory
    done: Sending = field(default_factory=Sending)
    down: set[str] = field(default_factory=set)  # outlets that answer nobody in this pass

    def go(self, waiting: list[Outgoing]) -> Sending:
        for message in waiting:
            if self._due(message):
                self._try(message)
            else:
                self.done.waiting += 1
        return self.done

    def _due(self, message: Outgoing) -> bool:
        if message.id in self.memory.refused or self._outlet(message) in self.down:
            return False
        if (self.outlets.webhook if message.channel == "webhook" else self.outlets.mailer) is None:
            return False
        if message.channel == "mail" and plan.quiet(self.rules, self.now):
            return False
        tried = self.memory.tries.get(message.id)
        return tried is None or parse_time(tried[1]) <= self.now

    def _try(self, message: Outgoing) -> None:
        self.alive()
        if message.id in self.memory.begun:
            self.done.repeated += 1
            self.store.audit({"at": format_time(self.now), "what": "message_repeated", "message": message.id})
        self.memory.begun[message.id] = format_time(self.now)
        self._save()
        try:
            self._hand_over(message)
        except DeliveryError as error:
            self._failed(message, error)
        else:
            self.store.outbox_mark(message.id, sent=self.now)
            self.memory.tries.pop(message.id, None)
            self.done.sent += 1
        self.memory.begun.pop(message.id)
        self._save()

    def _hand_over(self, message: Outgoing) -> None:
        if message.channel == "webhook":
            assert self.outlets.webhook is not None
            self.outlets.webhook.send(message.id, message.payload)
        else:
            assert self.outlets.mailer is not None
            self.outlets.mailer.send(message.payload, message.recipients)

    def _failed(self, message: Outgoing, error: DeliveryError) -> None:
        self.store.outbox_mark(message.id, sent=None, error=str(error))
        self.done.errors.append(str(error))
        self.done.waiting += 1
        count = self.memory.tries.get(message.id, (0, ""))[0] + 1
        pause = min(_FIRST_PAUSE * 2 ** min(count - 1, 10), _LONGEST_PAUSE)
        self.memory.tries[message.id] = (count, format_time(self.now + pause))
        if isinstance(error, DeliveryRefused) or self.now - message.created > _GIVE_UP:
            self.memory.refused[message.id] = format_time(self.now)
            self.done.refused += 1
            self.store.audit({"at": format_time(self.now), "what": "message_given_up", "message": message.id})
        if isinstance(error, DeliveryDown):
            self.down.add(self._outlet(message))

    @staticmethod
    def _outlet(message: Outgoing) -> str:
        return "webhook" if message.channel == "webhook" else "mail"

    def _save(self) -> None:
        self.store.put_state(STATE_SENDER, json.dumps(asdict(self.memory)).encode())


def given_up(store: Index) -> dict[str, str]:
    """Messages that no receiver takes: id → since. For `duluan doctor` and the administrator's mail."""
    return dict(_remembered(store, store.outbox()).refused)


def _remembered(store: Index, waiting: list[Outgoing]) -> _Memory:
    """The memory, without messages that have gone."""
    blob = store.state(STATE_SENDER)
    if blob is None:
        return _Memory()
    ids = {message.id for message in waiting}
    try:
        raw = json.loads(blob)
        return _Memory(
            begun={id: at for id, at in raw["begun"].items() if id in ids},
            tries={id: (int(count), at) for id, (count, at) in raw["tries"].items() if id in ids},
            refused={id: at for id, at in raw["refused"].items() if id in ids},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(
            "sổ gửi thư trong kho bị hỏng; hãy khôi phục bản sao lưu gần nhất bằng: duluan restore"
        ) from None
