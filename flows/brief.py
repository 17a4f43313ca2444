"""Store → briefing and overview page: every figure is a typed question to the store, in the province's scope."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice

from markupsafe import Markup

from alerts import lifecycle, render
from dashboards.briefing import AlertLine, Briefing, DayLine, IssueLine, SourceLine, TopicLine
from dashboards.page import OverviewPage
from dashboards.province_map import read_shapes
from dashboards.words import REASONS, headline
from duluan.clock import LOCAL, Clock, local
from duluan.config import Profile
from duluan.errors import InputError
from duluan.model import SENTIMENTS, Alert, Clustered, Issue
from duluan.privacy import MIN_CELL
from duluan.query import Filter
from duluan.tone import Tone
from flows.leading import as_decided
from flows.watch import card_of
from index.base import CountRow, Index

MOST_ISSUES = 5  # in each of the two lists: leaders read two pages
MOST_CARDS = 8
SAMPLED = 5_000  # newest items of the period from which the share of unsure answers and the models' versions are read
LATE = timedelta(days=2)
OTHER = "khac"  # says least, so it stands last
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open [since, until), local midnights; `label` names a week ('W12/2026') or is empty."""

    since: datetime
    until: datetime
    label: str = ""
    name: str = ""  # as in file names: '2026-W12'

    @classmethod
    def week(cls, text: str) -> Period:
        """'2026-W12': Friday 00:00 to Thursday 24:00, the Thursday being that of the ISO week. Raises InputError."""
        match = _WEEK.fullmatch(text)
        try:
            if match is None:
                raise ValueError
            thursday = date.fromisocalendar(int(match[1]), int(match[2]), 4)
        except ValueError:
            raise InputError(f"tuần {text!r} không hợp lệ; viết như 2026-W12") from None
        return cls(
            _midnight(thursday - timedelta(days=6)),
            _midnight(thursday + timedelta(days=1)),
            f"W{match[2]}/{match[1]}",
            text,
        )

    @classmethod
    def dates(cls, first: str, last: str) -> Period:
        """Both dates inclusive ('2026-03-01'). Raises InputError."""
        try:
            begin, end = date.fromisoformat(first), date.fromisoformat(last)
        except ValueError:
            raise InputError(f"ngày {first!r} đến {last!r} không hợp lệ; viết như 2026-03-01") from None
        if end < begin:
            raise InputError(f"ngày cuối {last} trước ngày đầu {first}")
        return cls(_midnight(begin), _midnight(end + timedelta(days=1)), "", f"{first}_{last}")

    @classmethod
    def last_days(cls, now: datetime, days: int) -> Period:
        """The `days` local days that end with today."""
        today = local(now).date()
        return cls(_midnight(today - timedelta(days=days - 1)), _midnight(today + timedelta(days=1)))

    def before(self, times: int = 1) -> Period:
        """The period of the same length that ends `times` lengths earlier."""
        shift = (self.until - self.since) * times
        return Period(self.since - shift, self.until - shift)

    @property
    def scope(self) -> Filter:
        """The province's documents of the period."""
        return Filter(since=self.since, until=self.until, in_province=True)


def last_week(now: datetime) -> str:
    """The name of the reporting week that ended last before `now`."""
    day = local(now).date()
    thursday = day - timedelta(days=(day.weekday() - 3) % 7 or 7)
    year, week, _ = thursday.isocalendar()
    return f"{year}-W{week:02d}"


def build_briefing(store: Index, profile: Profile, period: Period, *, clock: Clock) -> Briefing:
    """All figures of a period."""
    rows = store.counts(period.scope, ("topic", "sentiment"))
    earlier = store.counts(period.before().scope, ("topic", "sentiment"))
    unsure, models = _models(store, period)
    return Briefing(
        office=profile.province.office,
        province=profile.province.name,
        label=period.label,
        since=period.since,
        until=period.until,
        made=clock(),
        tone=_tone(rows),
        documents=sum(row.documents for row in rows),
        previous=_tone(earlier),
        uncertain=unsure,
        topics=_topics(store, profile, period, rows, earlier),
        days=_days(store, period),
        places=_places(store, profile, period),
        negative=_issues(store, profile, period, "neg"),
        positive=_issues(store, profile, period, "pos"),
        alerts=_alerts(store, profile, period),
        sources=_sources(store, profile, period),
        models=models,
    )


def build_page(store: Index, profile: Profile, *, clock: Clock, days: int = 14) -> OverviewPage:
    """The overview of the last `days` days."""
    period = Period.last_days(clock(), days)
    briefing = build_briefing(store, profile, period, clock=clock)
    standing = {
        line.id for line in briefing.alerts if line.state in ("open", "watching", "reopened", "acknowledged", "easing")
    }
    standing_now = [alert for alert in store.alerts(since=period.since) if alert.id in standing]
    shown = [alert for alert in standing_now if alert.tier != "system"]
    ranked = sorted(shown, key=lambda alert: (alert.tier != "mail", -alert.score))
    cards = (render.fragment(card_of(store, profile, alert)) for alert in ranked[:MOST_CARDS])
    return OverviewPage(
        briefing=briefing,
        cards=tuple(Markup(card) for card in cards),  # escaped by the card's own template
        notices=tuple(f"{alert.title}: {alert.reason}" for alert in standing_now if alert.tier == "system"),
        rejected=_rejected(store),
        shapes=read_shapes(profile.folder / "map.geojson"),
        communes=_by(store.counts(period.scope, ("place", "sentiment")), "place"),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=LOCAL)


def _tone(rows: Iterable[CountRow]) -> Tone:
    sums = dict.fromkeys(SENTIMENTS, 0)
    for row in rows:
        if row.sentiment in sums:
            sums[row.sentiment] += row.voices
    return Tone(**sums)


def _by(rows: Iterable[CountRow], key: str) -> dict[str, Tone]:
    groups: dict[str, list[CountRow]] = defaultdict(list)
    for row in rows:
        groups[str(getattr(row, key))].append(row)
    return {name: _tone(members) for name, members in groups.items()}


def _topics(
    store: Index, profile: Profile, period: Period, rows: Sequence[CountRow], earlier: Sequence[CountRow]
) -> tuple[TopicLine, ...]:
    now, before = _by(rows, "topic"), _by(earlier, "topic")
    usual = {code: 0.0 for code in profile.topic_names}
    for times in range(1, 5):
        for row in store.counts(period.before(times).scope, ("topic",)):
            usual[str(row.topic)] = usual.get(str(row.topic), 0.0) + row.voices / 4
    lines = [
        TopicLine(name, now.get(code, Tone()), before.get(code, Tone()).voices, usual[code])
        for code, name in profile.topic_names.items()
    ]
    other = profile.topic_names.get(OTHER)
    return tuple(sorted(lines, key=lambda line: (line.name == other, -line.tone.voices)))


def _days(store: Index, period: Period) -> tuple[DayLine, ...]:
    groups: dict[date, list[CountRow]] = defaultdict(list)
    for row in store.counts(period.scope, ("day", "sentiment")):
        if row.day is not None:
            groups[local(row.day).date()].append(row)
    days = (period.until - period.since).days
    dates = [local(period.since).date() + timedelta(days=n) for n in range(days)]
    return tuple(DayLine(_midnight(day), _tone(groups.get(day, ()))) for day in dates)


def _places(store: Index, profile: Profile, period: Period) -> tuple[tuple[str, Tone], ...]:
    tones = _by(store.counts(period.scope, ("place", "sentiment")), "place")
    named = [(profile.commune_names[code], tone) for code, tone in tones.items() if code in profile.commune_names]
    return tuple(sorted(named, key=lambda pair: (-pair[1].voices, pair[0])))


def _issues(store: Index, profile: Profile, period: Period, side: str) -> tuple[IssueLine, ...]:
    """The issues with most voices of one tone, where that tone prevails and there are enough to be shown."""
    rows = store.counts(period.scope, ("issue", "sentiment"))
    tones = _by(rows, "issue")
    documents: dict[str, int] = defaultdict(int)
    for row in rows:
        documents[str(row.issue)] += row.documents
    chosen = [
        (id, tone)
        for id, tone in tones.items()
        if tone.voices >= MIN_CELL
        and getattr(tone, side) > (tone.pos if side == "neg" else tone.neg)
        and getattr(tone, side) >= 3
    ]
    chosen.sort(key=lambda pair: (-getattr(pair[1], side), pair[0]))
    chosen = chosen[:MOST_ISSUES]
    known = {issue.id: issue for issue in store.issues([id for id, _ in chosen])} if chosen else {}
    late = _late(store, period, [id for id, _ in chosen])
    return tuple(
        _issue_line(profile, known[id], tone, documents[id], late.get(id, 0) / tone.voices)
        for id, tone in chosen
        if id in known
    )


def _late(store: Index, period: Period, ids: Sequence[str]) -> dict[str, int]:
    if not ids:
        return {}
    scope = replace(period.scope, since=period.until - LATE, issues=tuple(ids))
    return {str(row.issue): row.voices for row in store.counts(scope, ("issue",))}


def _issue_line(profile: Profile, issue: Issue, tone: Tone, documents: int, late: float) -> IssueLine:
    agency = profile.agency_for(issue.topic)
    return IssueLine(
        id=issue.id,
        title=headline(issue.title),
        topic="" if issue.topic == OTHER else profile.topic_names.get(issue.topic, ""),
        places=tuple(profile.commune_names.get(code, code) for code in issue.places),
        tone=tone,
        documents=documents,
        first=issue.first,
        late=late,
        agency=agency.name if agency else "",
    )


def _alerts(store: Index, profile: Profile, period: Period) -> tuple[AlertLine, ...]:
    alerts = as_decided(store, store.alerts(since=period.since, until=period.until))
    return tuple(_alert_line(store, profile, alert) for alert in alerts)


def _alert_line(store: Index, profile: Profile, alert: Alert) -> AlertLine:
    agency = profile.agency_for(alert.topic)
    return AlertLine(
        id=alert.id,
        issue=alert.issue,
        title=headline(alert.title),
        tier=alert.tier,
        detected=alert.detected,
        state=lifecycle.current(store.alert_history(alert.id)) or "open",
        voices=alert.voices,
        expected=alert.expected,
        agency=agency.name if agency else "",
    )


def _sources(store: Index, profile: Profile, period: Period) -> tuple[SourceLine, ...]:
    documents = {str(row.source): row.documents for row in store.counts(period.scope, ("source",))}
    tries: dict[str, list[bool]] = defaultdict(list)
    for fetch in store.fetches(period.since, period.until):
        tries[fetch.source].append(fetch.ok)
    names = {source.id: source.name for source in profile.sources}
    return tuple(
        SourceLine(names.get(id, id), documents.get(id, 0), len(tries[id]), tries[id].count(False))
        for id in sorted(documents.keys() | tries.keys(), key=lambda id: (-documents.get(id, 0), id))
    )


def _models(store: Index, period: Period) -> tuple[float, tuple[tuple[str, str], ...]]:
    """(share of items that the models were unsure of, versions seen)."""
    unsure = seen = 0
    versions: dict[str, str] = {}
    newest: Iterable[Clustered] = islice(store.documents(period.scope), SAMPLED)
    for document in newest:
        seen += 1
        unsure += document.uncertain
        if not versions:
            versions.update(document.models)
    return (unsure / seen if seen else 0.0), tuple(sorted(versions.items()))


def _rejected(store: Index) -> tuple[tuple[str, int], ...]:
    sums: Counter[str] = Counter()
    for _, reason, count in store.rejections():
        sums[REASONS.get(reason, reason)] += count
    return tuple(sorted(sums.items(), key=lambda pair: (-pair[1], pair[0])))
