"""Store → detector → alerts → mail. One call brings everything up to `clock()`; calling it again mails nothing again.

The detector moves in whole hours and every decision rests on the hour at which it was found, so that alerts and mails do not depend
on how often or in what portions this runs. Each hour that changed something is committed to the journal (`flows/journal.py`) before the
next; sending comes last and works from the outbox alone (`flows/outbox.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from alerts import lifecycle
from alerts.card import Card, build
from alerts.delivery import Mailer
from alerts.hours import from_hours, to_hours
from alerts.plan import LATE
from alerts.restate import areas, heard, restate
from alerts.signal import Signal, Turn
from alerts.webhook import Webhook
from duluan.clock import Clock, format_time, local, parse_time, system_clock
from duluan.config import Profile
from duluan.model import Alert, Fetch, Issue, Voice
from duluan.voices import voice_of
from flows import health
from flows.decisions import moved
from flows.evidence import context, readable
from flows.journal import Effects, Journal, open_journal, read
from flows.leading import as_decided
from flows.outbox import Alive, Outlets, deliver
from flows.past import as_lived, hours_between
from flows.telling import DEFAULT_SENDER, Teller
from flows.turn import Busy, only_one
from index.base import Index
from nlp.matters import matters

_TRIES_BACK: Final = timedelta(days=1)  # fetch lines written late are still found so far back
_COMMIT_EVERY: Final = 24  # hours without a turn
_LOUD: Final = 6  # hours since which an alert must have been loud to be worth a reminder
_NEW_AREA: Final = 4  # negative voices from a commune that was not in the alert
_RETURN: Final = 5  # negative voices after the echo of a settlement that make it return
_FORGET: Final = timedelta(days=60)
TURN_NAME: Final = "watch"


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
    repeated: int = 0  # handed over when a crash came, and sent again under the same Message-ID
    errors: list[str] = field(default_factory=list)
    busy: bool = False  # another process has the turn: nothing was done


def watch(
    store: Index,
    profile: Profile,
    *,
    clock: Clock,
    mailer: Mailer | None,
    webhook: Webhook | None = None,
    machine_clock: Clock = system_clock,
) -> WatchReport:
    """Detect up to now, write alerts and messages, send what is due. Scope: documents of the province only.

    `clock` may be a replayed one; `machine_clock` is for the turn that keeps a second process out.
    """
    now = clock()
    report = WatchReport(until=now)
    try:
        with only_one(store, TURN_NAME, clock=machine_clock) as alive:
            journal = open_journal(store, profile.alerts)
            sender = mailer.sender if mailer else DEFAULT_SENDER
            teller = Teller(journal, profile, sender, hooked=webhook is not None)
            _Round(store, profile, journal, teller, report, now, alive).go()
            done = deliver(store, profile.alerts, Outlets(mailer, webhook), now=now, alive=alive)
    except Busy as error:
        report.busy, report.errors = True, [str(error)]
        return report
    report.sent, report.waiting, report.repeated, report.errors = done.sent, done.waiting, done.repeated, done.errors
    return report


@dataclass(slots=True)
class _Round:
    """All whole hours from the journal's clock up to now."""

    store: Index
    profile: Profile
    journal: Journal
    teller: Teller
    report: WatchReport
    now: datetime
    alive: Alive
    titles: dict[str, Issue] = field(default_factory=dict)
    latest: dict[str, Alert] = field(default_factory=dict)
    effects: Effects = field(default_factory=Effects)

    def go(self) -> None:
        self._issues()
        items = self._items()
        start = self._start(items)
        if start is None:
            return
        self.journal.engine.observe_all(items)
        since = 0
        for moment in hours_between(start, self.now):
            self._step(moment)
            since += 1
            if self.effects or since == _COMMIT_EVERY:
                self._commit()
                since = 0
        if since or items:
            self._forget()
            self._commit()
        self.report.alerts = list(self.latest.values())

    def _commit(self) -> None:
        self.alive()
        self.report.mails += self.journal.commit(self.effects)
        self.effects = Effects()

    def _issues(self) -> None:
        for issue in self.store.issues():
            self.titles[issue.id] = issue
            if issue.merged_into and issue.id not in self.journal.engine.merged:
                self._merge(issue.id, issue.merged_into)
        self._moves()
        if self.effects:
            self._commit()

    def _merge(self, old: str, new: str) -> None:
        """Two issues are one: so are their alerts, of which one is closed; later mails go on in the thread that there is."""
        engine, memory = self.journal.engine, self.journal.memory
        memory.merges.append([self._coming(), old, new])
        ended = engine.merge(old, new)
        if old in memory.threads:
            memory.threads.setdefault(new, memory.threads[old])
        memory.late = list(dict.fromkeys(new if issue == old else issue for issue in memory.late))
        if ended is None:
            return
        before = self._state(ended.id)
        alert = next((alert for alert in self.store.alerts() if alert.id == ended.id), None)
        if before is None or alert is None or lifecycle.advance(before, "closed") is None:
            return
        moment = from_hours(engine.clock)
        self._event(alert.id, "closed", moment, note="merged", merged_into=new)
        self.effects.messages.extend(self.teller.messages(alert, "closed", moment, before))

    def _moves(self) -> None:
        engine, memory = self.journal.engine, self.journal.memory
        for number, moves in moved(self.store, memory.moved):
            memory.moved = number
            if moves:
                memory.moves[str(number)] = self._coming()
            # before the first round everything is still to be read, and stands where it belongs
            for document, to in moves.items() if engine.first is not None else ():
                engine.move(document, to)

    def _coming(self) -> str:
        """The hour from which what is taken in now counts; '' before the first."""
        engine = self.journal.engine
        return "" if engine.first is None else format_time(from_hours(int(engine.clock) + 1))

    def _items(self) -> list[Voice | Fetch]:
        engine, memory = self.journal.engine, self.journal.memory
        first = engine.first is None
        voices = []
        for number, document in self.store.ingested(memory.sequence):
            memory.sequence = number
            voices.append(voice_of(document, matters(document)))
            if not first and to_hours(document.fetched) <= engine.clock:
                memory.late_items[str(number)] = self._coming()
        self.report.voices = len(voices)
        inside = [voice for voice in voices if voice.in_province]
        if first:
            memory.first = memory.sequence
            inside = as_lived(inside)
        return [*inside, *self._tries(None if first else from_hours(engine.clock) - _TRIES_BACK)]

    def _tries(self, since: datetime | None) -> Iterator[Fetch]:
        known = self.journal.memory.tries
        for fetch in self.store.fetches(since):
            if fetch.at <= self.now and not (fetch.source in known and fetch.at <= parse_time(known[fetch.source])):
                known[fetch.source] = format_time(fetch.at)
                yield fetch

    def _start(self, items: list[Voice | Fetch]) -> datetime | None:
        if self.journal.engine.first is not None:
            return from_hours(self.journal.engine.clock)
        moments = [item.at if isinstance(item, Fetch) else item.fetched for item in items]
        return min(moments) if moments else None

    # -- one hour -------------------------------------------------------------------------------------------------------
    def _step(self, moment: datetime) -> None:
        self.alive()
        self.report.steps += 1
        turned = set[str]()
        for signal in self.journal.engine.step(moment):
            turned.add(signal.alert.id)
            if signal.alert.tier == "system":
                self.journal.memory.system.append(signal.alert.id)
            self._take(signal, moment)
        self._system_over(moment)
        if self.now - moment > LATE:
            return
        for signal in [*self._ailing(moment), *self._made_up(), *self._standing(moment, turned)]:
            self._take(signal, moment)
        self.effects.messages.extend(self.teller.digests(moment))

    def _take(self, signal: Signal, moment: datetime) -> None:
        """Write down one turn, the state that it leads to, and its messages."""
        issue = self.titles.get(signal.alert.issue)
        alert = readable(signal, self.store.get, issue, self.profile)
        before = self._state(alert.id)
        if signal.turn in ("opened", "promoted", "escalated", "reopened"):
            self.effects.alerts.append(alert)
        if signal.turn in ("opened", "promoted"):
            self.latest[alert.id] = alert
        self._turn_state(alert, signal.turn, before, moment)
        memory = self.journal.memory
        if alert.tier == "mail" and signal.turn != "reminder":  # a place that a reminder lists was not told as news
            known = memory.areas.setdefault(alert.id, [])
            known.extend(place for place in areas(self.journal.engine, alert.issue) if place not in known)
        if self.now - moment <= LATE:
            self.effects.messages.extend(self.teller.messages(alert, signal.turn, moment, before))
        elif alert.tier == "mail":
            memory.late = list(dict.fromkeys([*memory.late, alert.issue]))

    def _state(self, id: str) -> lifecycle.State | None:
        """As stored and as this hour has changed it."""
        mine = [event for alert, event in self.effects.events if alert == id]
        return lifecycle.current([*self.store.alert_history(id), *mine])

    def _turn_state(self, alert: Alert, turn: Turn, before: lifecycle.State | None, moment: datetime) -> None:
        state = lifecycle.begin(mail=alert.tier != "watch") if before is None else lifecycle.advance(before, turn)
        if state is not None:
            self._event(alert.id, state, moment, note=turn)

    def _event(self, id: str, state: lifecycle.State, moment: datetime, **more: Any) -> None:
        self.effects.events.append((id, {"at": format_time(moment), "state": state, **more}))

    def _system_over(self, moment: datetime) -> None:
        """System alerts whose cause has gone are closed."""
        memory = self.journal.memory
        standing = {episode.id for episode in self.journal.engine.memory.system.values()}
        for id in [id for id in memory.system if id not in standing]:
            memory.system.remove(id)
            self._close(id, moment)

    def _close(self, id: str, moment: datetime) -> None:
        if (state := self._state(id)) is not None and lifecycle.advance(state, "closed"):
            self._event(id, "closed", moment, note="closed")

    def _ailing(self, moment: datetime) -> Iterator[Signal]:
        """Once a day: what has begun to ail the system; what has gone is closed."""
        if local(moment).hour != health.HOUR:
            return
        known = self.journal.memory.ailing
        found = list(health.ailments(self.store, self.profile, moment, known))
        now: dict[str, str] = {}
        for ailment in found:
            fresh = [name for name in ailment.names if name not in known]
            now |= {name: known.get(name, ailment.alert.id) for name in ailment.names}
            if fresh:
                yield Signal("opened", ailment.alert)
        for id in dict.fromkeys(known.values()):
            if id not in now.values():
                self._close(id, moment)
        self.journal.memory.ailing = now

    def _made_up(self) -> Iterator[Signal]:
        """What turned while an outage was made up for and still stands: told now, with the numbers of now."""
        memory, rows = self.journal.memory, {row.issue: row for row in self.journal.engine.rows}
        for issue in memory.late:
            episode = rows[issue].episode if issue in rows else None
            if episode and episode.mail and episode.stage == "open" and episode.id not in memory.told:
                signal = restate(self.journal.engine, issue, "opened")
                if signal:
                    yield signal
        memory.late = []

    def _standing(self, moment: datetime, turned: set[str]) -> Iterator[Signal]:
        """Turns of running episodes that do not come from the score: ended silences, new areas, returns, reminders."""
        for row in self.journal.engine.rows:
            episode = row.episode
            if episode is None or not episode.mail or episode.stage != "open" or episode.id in turned:
                continue
            turn = self._own_turn(episode.id, row.issue, from_hours(episode.loud), moment)
            signal = restate(self.journal.engine, row.issue, turn) if turn else None
            if signal:
                yield signal

    def _own_turn(self, id: str, issue: str, loud: datetime, moment: datetime) -> Turn | None:
        history = self.store.alert_history(id)
        if lifecycle.silence_over(history, moment):
            self._event(id, "open", moment, note="unsilence")
            return "reminder"
        if lifecycle.returned(history, heard(self.journal.engine, issue, _RETURN)):
            return "reopened"
        if self._spread(id, issue):
            return "escalated"
        unread = lifecycle.current(history) in ("open", "reopened")
        live = self.now - moment < timedelta(hours=1)  # made-up hours remind of nothing
        recent = moment - loud <= timedelta(hours=_LOUD)
        if unread and live and recent and self.teller.may_remind(id, moment) and not self._on_its_way(id):
            return "reminder"
        return None

    def _on_its_way(self, id: str) -> bool:
        """Whether an earlier mail on the alert still waits to be sent: then there is nothing to be reminded of."""
        return any(message.alert == id and message.channel != "webhook" for message in self.store.outbox())

    def _spread(self, id: str, issue: str) -> bool:
        """Whether the trouble has reached a commune that nobody was told of; each is told once."""
        known = self.journal.memory.areas.get(id)
        if known is None:
            return False
        new = [
            place
            for place, count in areas(self.journal.engine, issue).items()
            if count >= _NEW_AREA and place not in known
        ]
        known.extend(new)
        return bool(new)

    def _forget(self) -> None:
        """What no repeat can refer to any more."""
        memory, horizon = self.journal.memory, self.now - _FORGET
        memory.late_items = {n: at for n, at in memory.late_items.items() if parse_time(at) >= horizon}
        memory.days = dict(sorted(memory.days.items())[-7:])
        old = [id for id, told in memory.told.items() if all(parse_time(last) < horizon for _, last in told.values())]
        for id in old:
            del memory.told[id]
            memory.mails.pop(id, None)
            memory.areas.pop(id, None)
            memory.owed.pop(id, None)


def card_of(store: Index, profile: Profile, alert: Alert) -> Card:
    """The card of a stored alert, with the chart as the detector's state knows it: for the desk and `alerts explain`."""
    (alert,) = as_decided(store, [alert])
    return build(alert, profile, context(store, read(store, profile.alerts).engine, alert, profile))
