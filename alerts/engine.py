"""The detector: voices and fetch lines in, signals out. Pure and deterministic: no clock, store or randomness of its own.

What has been observed counts from the first step whose clock reaches its fetch time, ordered by time and id, so batch sizes never
matter. One row per issue; every step costs a handful of array operations over the rows that spoke within a week.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom

from alerts.baseline import FLAGGED, LAG, Baselines, Day
from alerts.dispersion import BLOCK
from alerts.episode import LONG, Episode, episode_id
from alerts.evidence import MIN_VOICES, WINDOWS, Windows, surge_score
from alerts.exposure import Exposure
from alerts.hours import DAY, SPAN, WEEK, Floats, HourTable, Ints, from_hours, starts_day, to_hours
from alerts.newborn import AGES, NEWBORN, Cohort
from alerts.signal import Signal, Turn
from alerts.thresholds import ENTER, Peaks
from duluan.clock import format_time
from duluan.config import AlertRules, Rule
from duluan.model import Alert, Fetch, Tier, Voice

VERSION: Final = "bang-chung-1"
_KEEP_ORIGINS: Final = 45 * DAY
_NEW_SHARE: Final = 0.3  # part of the budgets that newborn issues may spend
_COVERED: Final = 0.7
_WARM: Final = 7 * DAY
_ECHO_WORTH: Final = 0.2
_WORTH: Final = 1.0  # decayed voices
_SPARE: Final = 256  # rows to be gained before the tables are copied
_MAIL_NEGATIVES: Final = 5.5  # soft count; fewer never mail (seeds 0–3: a sixth fewer false mails, recall unchanged)
_FLOOR = {"mail": 2.6, "watch": 1.3}  # log10 evidence below which nothing is sent, whatever the budget allows
DEFAULT_RULES: Final = AlertRules(
    rule=(Rule(id="chung", note="Kiểm tra nguồn, xác minh với địa phương và cơ quan trả lời trước khi báo cáo."),)
)


@dataclass(frozen=True, slots=True)
class Mark:
    """One publication as the engine remembers it: enough to point at evidence, never text."""

    hour: float
    id: str
    origin: str
    source: str
    kind: str
    p_neg: float
    topic: str
    places: tuple[str, ...]
    voice: bool  # False: a reprint


@dataclass(slots=True)
class Row:
    """One issue under watch."""

    issue: str
    born: int
    marks: list[Mark] = field(default_factory=list)
    grown: bool = False
    episode: Episode | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Everything that one row's score rests on at one moment."""

    row: int
    score: float
    window: int  # hours
    voices: float
    negatives: float
    expected: float
    size: float
    share: float
    newborn: bool


@dataclass(frozen=True, slots=True)
class DayCount:
    """24 hours up to `until`: voices, soft negatives, what was usual and its 90 % range."""

    until: datetime
    voices: float
    negatives: float
    expected: float
    low: float
    high: float
    share: float


class Engine:
    """See the module's text. `observe` takes items in any order, `step` moves the clock and answers with signals."""

    def __init__(self, rules: AlertRules | None = None) -> None:
        self.rules = rules or DEFAULT_RULES
        self.pending: list[tuple[float, int, str, Voice | Fetch]] = []
        self.first: int | None = None
        self.clock = 0.0
        self.ticked = 0  # hours before this one are known to the exposure
        self.closed = 0  # hours before this one are behind the lag and in the baselines
        self.rows: list[Row] = []
        self.index: dict[str, int] = {}
        self.merged: dict[str, str] = {}
        self.origins: dict[str, tuple[str, int]] = {}  # origin → (issue, hour)
        self.base = Baselines()
        self.cohort = Cohort()
        self.peaks = {"standing": Peaks(slope=1.15, prior=1.5), "newborn": Peaks(slope=0.9, prior=1.0)}
        self.recalibrated = 0
        self.barred: set[int] = set()  # sources in quarantine at the last closed day
        self.system: dict[str, Episode] = {}

    # -- intake ---------------------------------------------------------------------------------------------------------
    def observe(self, item: Voice | Fetch) -> None:
        """Take one item; it counts from the first step at or after its fetch."""
        if isinstance(item, Fetch):
            self.pending.append((to_hours(item.at), 1, item.source, item))
        else:
            self.pending.append((to_hours(item.fetched), 0, item.id, item))

    def observe_all(self, items: Iterable[Voice | Fetch]) -> None:
        """`observe` each."""
        for item in items:
            self.observe(item)

    def merge(self, old: str, new: str) -> None:
        """Issue `old` has ended in `new`: its counts, baseline and episode move along."""
        if old == new:
            return
        self.merged[old] = new
        source = self.index.pop(old, None)
        if source is None:
            return
        target = self.index.get(new)
        if target is None:
            self.index[new] = source
            self.rows[source].issue = new
            return
        self._pour(source, target)

    def move(self, id: str, issue: str) -> None:
        """A split: publication `id` belongs to `issue` from now on; its recent counts go along."""
        for position, row in enumerate(self.rows):
            mark = next((mark for mark in row.marks if mark.id == id), None)
            if mark is None or row.issue == self._current(issue):
                continue
            row.marks.remove(mark)
            target = self._row(issue, int(mark.hour))
            self.rows[target].marks.append(mark)
            self.rows[target].born = min(self.rows[target].born, int(mark.hour))
            if mark.voice:
                for place, sign in ((position, -1.0), (target, 1.0)):
                    self.voices.add(place, int(mark.hour), sign)
                    self.negatives.add(place, int(mark.hour), sign * mark.p_neg)
                self.origins[mark.origin] = (self.rows[target].issue, int(mark.hour))
            return

    def _pour(self, source: int, target: int) -> None:
        for table in (self.voices, self.negatives, self.held, self.held_negatives):
            table.data[target] += table.data[source]
            table.data[source] = 0.0
        self.flags.data[target] = np.maximum(self.flags.data[target], self.flags.data[source])
        self.base.pour(source, target)
        gone, kept = self.rows[source], self.rows[target]
        kept.born = min(kept.born, gone.born)
        kept.marks = sorted([*kept.marks, *gone.marks], key=lambda mark: (mark.hour, mark.id))
        if kept.episode is None:
            kept.episode = gone.episode
        gone.marks, gone.episode, gone.grown, gone.issue = [], None, True, ""

    def _begin(self, clock: float) -> None:
        first = int(min(item[0] for item in self.pending))
        self.first = self.closed = self.ticked = first
        self.exposure = Exposure(first)
        self.voices = HourTable(first - SPAN)
        self.negatives = HourTable(first - SPAN)
        self.flags = HourTable(first - SPAN)
        self.held = HourTable(first - SPAN)  # voices of sources in quarantine
        self.held_negatives = HourTable(first - SPAN)
        self.recalibrated = first

    def _tables(self) -> tuple[HourTable, ...]:
        return self.voices, self.negatives, self.flags, self.held, self.held_negatives

    def _row(self, issue: str, hour: int) -> int:
        issue = self._current(issue)
        row = self.index.get(issue)
        if row is None:
            row = self.index[issue] = len(self.rows)
            self.rows.append(Row(issue, hour))
            for table in self._tables():
                table.reserve(row + 1)
            self.base.reserve(row + 1)
        return row

    def _current(self, issue: str) -> str:
        seen = 0
        while issue in self.merged and seen < 100:
            issue, seen = self.merged[issue], seen + 1
        return issue

    def _take(self, item: Voice | Fetch, at: float) -> None:
        if isinstance(item, Fetch):
            self.exposure.fetch(item.source, at, item.ok)
            return
        start, end = self._when(item, at)
        hour = int(start)
        known = self.origins.get(item.origin)
        if known is not None:
            row = self.index.get(self._current(known[0]))
            if row is not None:
                self._mark(row, item, (start + end) / 2, voice=False)
            return
        source = self.exposure.source(item.source, int(at))
        if self.exposure.quarantined(source, int(at)):
            self._shadow(source, item, hour)
            return
        row = self._row(item.issue, hour)
        self.rows[row].born = min(self.rows[row].born, hour)
        self.origins[item.origin] = (self.rows[row].issue, int(at))
        self._mark(row, item, (start + end) / 2, voice=True)
        for hour, part in self._spread(start, end):
            self.exposure.count(source, hour, part, at - start if end - start < 1 else -1)
            worth = part * self.exposure.worth[source]
            self._add(row, hour, worth, worth * item.p_neg)

    def _shadow(self, source: int, item: Voice, hour: int) -> None:
        """A voice of a source in quarantine: it only teaches what the stream will look like once the source counts."""
        self.exposure.count(source, hour, 1.0, -1)
        row = self.index.get(self._current(item.issue))
        if row is not None:
            self.held.add(row, hour, 1.0)
            self.held_negatives.add(row, hour, item.p_neg)

    def _when(self, item: Voice, at: float) -> tuple[float, float]:
        if item.published is None:
            return self.exposure.bounds(item.source, at)
        moment = min(to_hours(item.published), at)
        return moment, moment

    def _spread(self, start: float, end: float) -> list[tuple[int, float]]:
        hours = np.arange(int(start), int(end) + 1)
        if len(hours) == 1:
            return [(int(start), 1.0)]
        overlap = np.minimum(hours + 1, end) - np.maximum(hours, start)
        weight = self.exposure.profile(hours) * np.maximum(overlap, 0)
        return list(zip(hours.tolist(), (weight / weight.sum()).tolist(), strict=True))

    def _add(self, row: int, hour: int, voices: float, negatives: float) -> None:
        self.voices.add(row, hour, voices)
        self.negatives.add(row, hour, negatives)
        if hour < self.closed:
            self.base.late(row, voices, negatives, self.closed - hour)

    def _mark(self, row: int, item: Voice, hour: float, *, voice: bool) -> None:
        self.rows[row].marks.append(
            Mark(hour, item.id, item.origin, item.source, item.kind, item.p_neg, item.topic, item.places, voice)
        )

    # -- time -----------------------------------------------------------------------------------------------------------
    def step(self, clock: datetime) -> list[Signal]:
        """Move to `clock` (never back) and answer what turned. Everything fetched up to `clock` is known."""
        at = to_hours(clock)
        due = sorted((entry for entry in self.pending if entry[0] <= at), key=lambda entry: entry[:3])
        if self.first is None:
            if not due:
                return []
            self._begin(at)
        self.pending = [entry for entry in self.pending if entry[0] > at]
        now = int(np.ceil(at - 1e-9))
        for table in (*self._tables(), self.exposure.voices, self.exposure.lost):
            table.roll(now + 1)
        for moment, _, _, item in due:
            self._take(item, moment)
        self._close(now)
        self.clock = at
        return self._judge(now, at)

    def _close(self, now: int) -> None:
        """Absorb the hours that have become 48 h old."""
        end = now - LAG
        if now > self.ticked:
            self.exposure.advance(self.ticked, now)
            self.ticked = now
        if end <= self.closed:
            return
        count = len(self.rows)
        span = now - self.closed
        exposed = self.exposure.vector(now, min(span, SPAN), now)
        self.base.per_day = max(DAY * float(self.exposure.weights(now).sum()), 1e-6)
        born = np.array([row.born for row in self.rows], dtype=np.int64)
        for hour in range(self.closed, end):
            position = hour - now
            flags = self.flags.data[:count, hour - self.flags.base]
            weight = np.where(flags > 0, FLAGGED, 1.0) * (born <= hour)
            voices = self.voices.data[:count, hour - self.voices.base]
            negatives = self.negatives.data[:count, hour - self.negatives.base]
            self.base.absorb(voices, negatives, float(exposed[position]), weight)
            if starts_day(hour + 1) and hour - self.closed >= 0:
                self._close_day(hour + 1, now, born)
        self.closed = end
        self._grow(end)
        self._forget(now)

    def _close_day(self, end: int, now: int, born: Ints) -> None:
        start = end - DAY
        if self.first is None or start < self.first:
            return
        count = len(self.rows)
        flagged = self.flags.window(start, end)[:count].max(axis=1)
        voices, negatives = _blocks(self.voices, start, end, count), _blocks(self.negatives, start, end, count)
        span = now - start
        self.base.absorb_day(
            Day(
                voices,
                negatives,
                _six(self.exposure.vector(now, span, now)[:DAY]),
                voices + _blocks(self.held, start, end, count),
                negatives + _blocks(self.held_negatives, start, end, count),
                _six(self.exposure.vector(now, span, now, everything=True)[:DAY]),
                np.where(flagged > 0, FLAGGED, 1.0) * (born <= start),
            ),
            self.prior(),
        )
        self._admit(now)

    def _admit(self, now: int) -> None:
        """Sources whose quarantine has ended: independent ones count fully, echoes (same matters, same hours) for a fifth."""
        barred = {row for row in range(len(self.exposure.names)) if self.exposure.quarantined(row, now)}
        leaving = self.barred - barred
        self.barred = barred
        if leaving and self.base.echoes():
            for row in leaving:
                self.exposure.worth[row] = _ECHO_WORTH
        elif leaving:
            self.base.admit()

    def _grow(self, end: int) -> None:
        """Issues that have passed 96 hours join the cohort's record."""
        for position, row in enumerate(self.rows):
            if row.grown or row.born + NEWBORN > end:
                continue
            row.grown = True
            if self.first is not None and row.born < self.first + NEWBORN:
                continue
            voices = self.voices.window(row.born, row.born + NEWBORN)[position]
            negatives = float(self.negatives.window(row.born, row.born + NEWBORN)[position].sum())
            reached = np.array([voices[:age].sum() for age in AGES])
            mailed = row.episode is not None and row.episode.mail
            self.cohort.learn(reached, negatives, FLAGGED if mailed else 1.0)

    def _forget(self, now: int) -> None:
        if not starts_day(now):
            return
        self.origins = {o: (issue, hour) for o, (issue, hour) in self.origins.items() if now - hour < _KEEP_ORIGINS}
        for row in self.rows:
            if row.marks and now - row.marks[0].hour > SPAN:
                row.marks = [mark for mark in row.marks if now - mark.hour <= SPAN]
        self._compact(now)

    def _compact(self, now: int) -> None:
        """Drop issues that have been silent for two weeks and left no baseline worth keeping; should one return, it is newborn."""
        count = len(self.rows)
        heard = self.voices.window(now - SPAN, now + 1)[:count].any(axis=1)
        keep = (
            heard | (self.base.voices[:count] > _WORTH) | np.array([row.episode is not None for row in self.rows], bool)
        )
        if count - keep.sum() < _SPARE:
            return
        chosen = np.flatnonzero(keep)
        self.rows = [self.rows[i] for i in chosen]
        self.index = {row.issue: i for i, row in enumerate(self.rows) if row.issue}
        for table in self._tables():
            table.select(chosen)
        self.base.select(chosen)

    # -- judgement ------------------------------------------------------------------------------------------------------
    def prior(self) -> float:
        """The population's rate: that of an average issue, in voices per expected voice of the stream."""
        count = max(len(self.rows), 1)
        exposed = self.base.exposed[:count]
        if exposed.max() <= 0:
            return 1.0 / max(count, 20)
        rates = self.base.voices[:count] / np.maximum(exposed, 1e-9)
        return float(np.clip(np.median(rates[exposed > 0.05 * exposed.max()]), 1e-5, 0.2))

    def findings(self, now: int, at: float) -> list[Finding]:
        """Scores of all rows that spoke within a week, standing and newborn."""
        count = len(self.rows)
        recent = self.voices.window(now - WEEK, now)[:count]
        active = np.flatnonzero(recent.sum(axis=1) >= MIN_VOICES)
        if len(active) == 0 or self.first is None:
            return []
        born = np.array([self.rows[row].born for row in active], dtype=np.int64)
        newborn = (now - born < NEWBORN) & (born >= self.first + NEWBORN)
        return self._standing(active[~newborn], now, at) + self._newborn(active[newborn], born[newborn], now)

    def _standing(self, rows: Ints, now: int, at: float) -> list[Finding]:
        if len(rows) == 0:
            return []
        windows = self._windows(rows, now, at)
        score, parts = surge_score(windows)
        best = parts.argmax(axis=1)
        return [
            Finding(
                int(row),
                float(score[i]),
                WINDOWS[best[i]],
                float(windows.voices[i, best[i]]),
                float(windows.negatives[i, best[i]]),
                float(windows.expected[i, best[i]]),
                float(windows.size[i, best[i]]),
                float(windows.share[i]),
                newborn=False,
            )
            for i, row in enumerate(rows)
        ]

    def _windows(self, rows: Ints, now: int, at: float) -> Windows:
        starts = [WEEK - window for window in reversed(WINDOWS)]
        backwards = slice(None, None, -1)

        def tail(table: Floats) -> Floats:
            parts = np.add.reduceat(table, starts, axis=-1)[..., backwards]
            sums: Floats = np.cumsum(parts, axis=-1)
            return sums

        voices = tail(self.voices.window(now - WEEK, now)[rows])
        negatives = np.minimum(tail(self.negatives.window(now - WEEK, now)[rows]), voices)
        exposed = tail(self.exposure.vector(now, WEEK, at))
        count, prior = len(self.rows), self.prior()
        expected = np.maximum(self.base.rate(count, prior)[rows][:, None] * exposed, 0.02)
        calm = np.array([self.rows[row].episode is None for row in rows])[:, None]
        ordinary = calm & (voices <= 5 * expected + 5)
        swell = ((voices * ordinary).sum(axis=0) + 30) / ((expected * ordinary).sum(axis=0) + 30)
        expected = expected * np.clip(swell, 0.4, 5.0)
        share = self._shares(rows, voices, negatives, ordinary)
        size = self.base.size(rows, expected, WINDOWS, prior)
        return Windows(voices, negatives, expected, size, share, self.base.tempering(rows, voices))

    def _shares(self, rows: Ints, voices: Floats, negatives: Floats, ordinary: NDArray[np.bool_]) -> Floats:
        """Usual shares, moved together by what moved everywhere (a new model, a national mood)."""
        share = self.base.share(len(self.rows))[rows]
        day = WINDOWS.index(48)
        part = ordinary[:, day]
        seen = (negatives[:, day] * part).sum() + 40 * share.mean()
        usual = (voices[:, day] * share * part).sum() + 40 * share.mean()
        total = (voices[:, day] * part).sum() + 40
        drift = np.log(seen / (total - seen)) - np.log(usual / (total - usual))
        moved: Floats = np.clip(1 / (1 + np.exp(-(np.log(share / (1 - share)) + drift))), 0.02, 0.97)
        return moved

    def _newborn(self, rows: Ints, born: Ints, now: int) -> list[Finding]:
        if len(rows) == 0:
            return []
        age = (now - born).astype(float)
        voices = self.voices.window(now - NEWBORN, now)[rows].sum(axis=1)
        negatives = np.minimum(self.negatives.window(now - NEWBORN, now)[rows].sum(axis=1), voices)
        score = self.cohort.score(voices, negatives, age)
        mean, size = self.cohort.expected(age)
        return [
            Finding(
                int(row),
                float(score[i]),
                int(max(age[i], 1)),
                float(voices[i]),
                float(negatives[i]),
                float(mean[i]),
                float(size[i]),
                self.cohort.share(),
                newborn=True,
            )
            for i, row in enumerate(rows)
        ]

    def thresholds(self, now: int, *, newborn: bool) -> tuple[float, float]:
        """(watch, mail) in log10 evidence for one track."""
        part = _NEW_SHARE if newborn else 1 - _NEW_SHARE
        peaks = self.peaks["newborn" if newborn else "standing"]
        caution = 1.0 if self.first is not None and now - self.first < _WARM else 0.0
        watch = max(peaks.threshold(self.rules.watch_per_week * part), _FLOOR["watch"]) + caution
        mail = max(peaks.threshold(self.rules.mail_per_week * part), _FLOOR["mail"]) + caution
        return watch, max(mail, watch)

    def _judge(self, now: int, at: float) -> list[Signal]:
        found = self.findings(now, at)
        coverage = self.exposure.coverage(now, 6, at)
        signals = self._systemic(coverage, now)
        if not self.system:
            self._record(found, now)
            bars = {newborn: self.thresholds(now, newborn=newborn) for newborn in (False, True)}
            for finding in found:
                signals += self._turn(finding, now, coverage, *bars[finding.newborn])
        self._idle({finding.row for finding in found}, now, signals)
        return signals

    def _record(self, found: list[Finding], now: int) -> None:
        for name, newborn in (("standing", False), ("newborn", True)):
            high = [f for f in found if f.newborn == newborn and f.score >= ENTER]
            self.peaks[name].record([self.rows[f.row].issue for f in high], [f.score for f in high], now)
        if now - self.recalibrated >= WEEK:
            self.recalibrated = now
            for peaks in self.peaks.values():
                peaks.recalibrate(now, self.first or now)

    def _turn(self, finding: Finding, now: int, coverage: float, watch: float, mail: float) -> list[Signal]:
        row = self.rows[finding.row]
        if row.episode is None and finding.score < watch:
            return []
        if finding.negatives < _MAIL_NEGATIVES:
            mail = float("inf")
        turn: Turn | None = None
        if row.episode is not None and row.episode.over(now):
            row.episode = None
        if row.episode is None:
            if finding.score >= watch:
                row.episode = Episode(
                    episode_id(row.issue, now), row.issue, now, finding.score >= mail, finding.score, now, self.clock
                )
                turn = "opened"
        else:
            turn = row.episode.advance(finding.score, watch, mail, now)
            if turn == "promoted":
                row.episode.detected = self.clock
        if row.episode is not None and row.episode.stage != "closed" and now - row.episode.opened < LONG:
            start = max(now - finding.window, row.episode.opened - finding.window)
            self.flags.window(max(start, now - SPAN), now)[finding.row] = 1.0
        return [self._signal(turn, row.episode, finding, now, coverage)] if turn and row.episode else []

    def _idle(self, seen: set[int], now: int, signals: list[Signal]) -> None:
        """Episodes whose issue has fallen silent still ease and close."""
        for position, row in enumerate(self.rows):
            if row.episode is None or position in seen:
                continue
            turn = row.episode.advance(-1.0, *self.thresholds(now, newborn=False), now)
            if turn is not None:
                quiet = Finding(position, 0.0, WEEK, 0, 0, 0.02, 1.0, 0.3, newborn=False)
                signals.append(self._signal(turn, row.episode, quiet, now, 1.0))
            if row.episode.over(now):
                row.episode = None

    def series(self, issue: str, days: int = 14) -> list[DayCount]:
        """What the card's chart shows: the last `days` times 24 hours up to now, oldest first."""
        row = self.index.get(self._current(issue))
        if row is None or self.first is None:
            return []
        now = int(np.ceil(self.clock - 1e-9))
        span = min(days * DAY, SPAN)
        exposed = self.exposure.vector(now, span, self.clock).reshape(-1, DAY).sum(axis=1)
        expected = self.base.rate(len(self.rows), self.prior())[row] * exposed
        share = float(self.base.share(len(self.rows))[row])
        rows = np.full(1, row)
        size = self.base.size(rows, expected[None, :], (DAY,) * len(expected), self.prior())[0]
        voices = self.voices.window(now - span, now)[row].reshape(-1, DAY).sum(axis=1)
        negatives = self.negatives.window(now - span, now)[row].reshape(-1, DAY).sum(axis=1)
        return [
            DayCount(
                from_hours(now - span + (i + 1) * DAY),
                float(voices[i]),
                float(negatives[i]),
                float(expected[i]),
                *_range90(max(float(expected[i]), 0.02), float(size[i])),
                share,
            )
            for i in range(len(expected))
        ]

    # -- system alerts --------------------------------------------------------------------------------------------------
    def _systemic(self, coverage: float, now: int) -> list[Signal]:
        signals: list[Signal] = []
        low = coverage < _COVERED
        if low and "coverage" not in self.system:
            episode = Episode(episode_id("coverage", now), "", now, False, 0.0, now, self.clock)
            self.system["coverage"] = episode
            dark = self.exposure.dark(now, 6, self.clock)
            signals.append(Signal("opened", self._system_alert(episode, coverage, dark)))
        elif not low:
            self.system.pop("coverage", None)
        return signals

    def _system_alert(self, episode: Episode, coverage: float, dark: list[str]) -> Alert:
        moment = from_hours(episode.opened)
        return Alert(
            id=episode.id,
            issue="",
            tier="system",
            reason=f"Chỉ đọc được {coverage:.0%} lượng tin thường ngày; cảnh báo theo vấn đề tạm giữ lại.",
            title="Thiếu nguồn: độ phủ xuống thấp",
            started=moment,
            detected=moment,
            voices=0,
            expected=0.0,
            range90=(0.0, 0.0),
            share=0.0,
            share_usual=0.0,
            score=0.0,
            reprints=0,
            places=(),
            topic="khac",
            coverage={"share": coverage, "dark": dark},
            models={"detector": VERSION},
        )

    # -- alerts ---------------------------------------------------------------------------------------------------------
    def _signal(self, turn: Turn, episode: Episode, f: Finding, now: int, coverage: float) -> Signal:
        row = self.rows[f.row]
        start = now - f.window
        inside = [mark for mark in row.marks if start <= mark.hour <= now]
        negative = [mark for mark in inside if mark.p_neg >= 0.5]
        low, high = _range90(f.expected, f.size)
        tier: Tier = "mail" if episode.mail else "watch"
        alert = Alert(
            id=episode.id,
            issue=row.issue,
            tier=tier,
            reason=_reason(f),
            title=f"Vấn đề {row.issue}: {_change(f)}",
            started=from_hours(max(min((m.hour for m in inside), default=start), start)),
            detected=from_hours(episode.detected),
            voices=round(f.voices),
            expected=f.expected,
            range90=(low, high),
            share=f.negatives / max(f.voices, 1e-9),
            share_usual=f.share,
            score=f.score,
            reprints=sum(not mark.voice for mark in inside),
            places=_common((place for mark in negative or inside for place in mark.places), 5),
            topic=next(iter(_common((mark.topic for mark in negative or inside), 1)), "khac"),
            coverage=self._basis(f, now, coverage),
            models={"detector": VERSION},
        )
        return Signal(turn, alert, _witnesses(inside))

    def _basis(self, f: Finding, now: int, coverage: float) -> dict[str, object]:
        watch, mail = self.thresholds(now, newborn=f.newborn)
        days = (now - (self.first or now)) / DAY
        return {
            "share": coverage,
            "dark": self.exposure.dark(now, 24, self.clock),
            "until": format_time(from_hours(self.clock)),  # the numbers are of this moment; `detected` stays
            "window_hours": f.window,
            "negatives": f.negatives,
            "size": f.size,
            "newborn": f.newborn,
            "threshold_watch": watch,
            "threshold_mail": mail,
            "days_learnt": days,
            "prior": "weak" if days < 28 else "learnt",
        }


def _six(hours: Floats) -> Floats:
    blocks: Floats = hours.reshape(-1, BLOCK).sum(axis=1)
    return blocks


def _blocks(table: HourTable, start: int, end: int, count: int) -> Floats:
    blocks: Floats = table.window(start, end)[:count].reshape(count, -1, BLOCK).sum(axis=2)
    return blocks


def _range90(mean: float, size: float) -> tuple[float, float]:
    low, high = nbinom.ppf([0.05, 0.95], size, size / (size + mean))
    return float(low), float(high)


def _change(f: Finding) -> str:
    usual = f.share
    share = f.negatives / max(f.voices, 1e-9)
    if f.newborn:
        return "vấn đề mới nổi, phần lớn ý kiến tiêu cực"
    if f.voices >= 1.5 * f.expected:
        return f"lượt ý kiến gấp {f.voices / f.expected:.1f} lần mức thường ngày".replace(".", ",")
    return f"tỷ lệ tiêu cực {share:.0%} so với {usual:.0%} thường ngày"


def _reason(f: Finding) -> str:
    span = f"{f.window} giờ" if f.window < 72 else f"{f.window // 24} ngày"
    base = "các vấn đề mới trước đây" if f.newborn else "mức thường ngày"
    return (
        f"{round(f.voices)} lượt ý kiến trong {span} ({base}: {f.expected:.1f}), "
        f"tiêu cực {f.negatives / max(f.voices, 1e-9):.0%} (thường ngày {f.share:.0%})"
    ).replace(".", ",")


def _common(values: Iterable[str], most: int) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return tuple(sorted(counts, key=lambda value: (-counts[value], value))[:most])


def _witnesses(marks: list[Mark], most: int = 8) -> tuple[str, ...]:
    """Ids of publications that show the matter: negative before others, newest first, one per origin."""
    ordered = sorted((m for m in marks if m.voice), key=lambda m: (m.p_neg < 0.5, -m.hour, m.id))
    return tuple(dict.fromkeys(mark.id for mark in ordered))[:most]
