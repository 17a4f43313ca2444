"""From scores to turns: thresholds from the budgets, one episode per issue, and a system alert where too little is read."""

from __future__ import annotations

from typing import Final

from alerts import report
from alerts.episode import LONG, Episode, episode_id
from alerts.hours import DAY, SPAN, WEEK
from alerts.memory import Memory
from alerts.scoring import Finding, findings
from alerts.signal import Signal, Turn
from alerts.thresholds import ENTER, Bars
from duluan.config import AlertRules

_NEW_SHARE: Final = 0.2  # part of the budgets that newborn issues may spend
_COVERED: Final = 0.7
_WARM: Final = 7 * DAY
_MAIL_NEGATIVES: Final = 5.5  # soft count; fewer never mail (seeds 0–3: a sixth fewer false mails, recall unchanged)
_FLOOR: Final = Bars(watch=1.2, mail=2.2)  # log10 evidence below which nothing is sent, whatever the budget allows


def judge(memory: Memory, rules: AlertRules, now: int, at: float) -> list[Signal]:
    """All turns of this step: system alerts, then issues in the order of their scores' rows, then those that fell silent."""
    found = findings(memory, now, at)
    coverage = memory.exposure.coverage(now, 6, at)
    signals = _systemic(memory, coverage, now)
    if not memory.system:
        _record(memory, found, now)
        bars = {newborn: thresholds(memory, rules, now, newborn=newborn) for newborn in (False, True)}
        for finding in found:
            ended = _renewed(memory, finding, now, bars[finding.newborn])
            if ended:
                silence = _silence(finding.row)
                signals.append(report.signal(memory, "closed", ended, silence, now, coverage, bars[finding.newborn]))
            turn = _turn(memory, finding, now, bars[finding.newborn])
            episode = memory.ledger.rows[finding.row].episode
            if turn and episode:
                signals.append(report.signal(memory, turn, episode, finding, now, coverage, bars[finding.newborn]))
    return signals + _idle(
        memory, {finding.row for finding in found}, now, thresholds(memory, rules, now, newborn=False)
    )


def thresholds(memory: Memory, rules: AlertRules, now: int, *, newborn: bool) -> Bars:
    """log10 evidence that watch and mail alerts need on one track; higher in the first week."""
    part = _NEW_SHARE if newborn else 1 - _NEW_SHARE
    peaks = memory.peaks["newborn" if newborn else "standing"]
    caution = 1.0 if memory.age(now) < _WARM else 0.0
    watch = max(peaks.threshold(rules.watch_per_week * part), _FLOOR.watch) + caution
    mail = max(peaks.threshold(rules.mail_per_week * part), _FLOOR.mail) + caution
    return Bars(watch, max(mail, watch))


def _record(memory: Memory, found: list[Finding], now: int) -> None:
    for name, newborn in (("standing", False), ("newborn", True)):
        high = [f for f in found if f.newborn == newborn and f.score >= ENTER]
        memory.peaks[name].record([memory.ledger.rows[f.row].issue for f in high], [f.score for f in high], now)
    if now - memory.recalibrated >= WEEK:
        memory.recalibrated = now
        for peaks in memory.peaks.values():
            peaks.recalibrate(now, memory.first or now)


def _turn(memory: Memory, finding: Finding, now: int, bars: Bars) -> Turn | None:
    row = memory.ledger.rows[finding.row]
    if row.episode is None and finding.score < bars.watch:
        return None
    mail = bars.mail if finding.negatives >= _MAIL_NEGATIVES else float("inf")
    turn: Turn | None = None
    if row.episode is not None and row.episode.over(now):
        row.episode = None
    if row.episode is not None:
        turn = row.episode.advance(finding.score, bars.watch, mail, now)
        if turn == "promoted":
            row.episode.detected = memory.clock
    elif finding.score >= bars.watch:
        mailed = finding.score >= mail
        row.episode = Episode(episode_id(row.issue, now), row.issue, now, mailed, finding.score, now, memory.clock)
        turn = "opened"
    if row.episode is not None:
        _flag(memory, row.episode, finding, now)
    return turn


def _renewed(memory: Memory, finding: Finding, now: int, bars: Bars) -> Episode | None:
    """Make room for a new episode where an old one is spent; the old one if that has not been told to be closed."""
    row = memory.ledger.rows[finding.row]
    old = row.episode
    if old is None or finding.score < bars.watch or not old.spent(now):
        return None
    row.episode = None
    told = old.stage == "closed"
    old.stage = "closed"
    return None if told else old


def _flag(memory: Memory, episode: Episode, finding: Finding, now: int) -> None:
    """The hours of a running episode teach little about what is usual."""
    if episode.stage != "closed" and now - episode.opened < LONG:
        start = max(now - finding.window, episode.opened - finding.window)
        memory.ledger.flags.window(max(start, now - SPAN), now)[finding.row] = 1.0


def _idle(memory: Memory, seen: set[int], now: int, bars: Bars) -> list[Signal]:
    """Episodes whose issue has fallen silent still ease and close."""
    signals = []
    for position, row in enumerate(memory.ledger.rows):
        if row.episode is None or position in seen:
            continue
        turn = row.episode.advance(-1.0, bars.watch, bars.mail, now)
        if turn is not None:
            signals.append(report.signal(memory, turn, row.episode, _silence(position), now, 1.0, bars))
        if row.episode.over(now):
            row.episode = None
    return signals


def _silence(row: int) -> Finding:
    return Finding(row, 0.0, WEEK, 0, 0, 0.02, 1.0, 0.3, newborn=False)


def _systemic(memory: Memory, coverage: float, now: int) -> list[Signal]:
    """A system alert while less than seven tenths of the usual volume is read; issue alerts wait until it is over."""
    low = coverage < _COVERED
    if not low:
        memory.system.pop("coverage", None)
    elif "coverage" not in memory.system:
        episode = Episode(episode_id("coverage", now), "", now, False, 0.0, now, memory.clock)
        memory.system["coverage"] = episode
        dark = memory.exposure.dark(now, 6, memory.clock)
        return [Signal("opened", report.low_coverage(episode, coverage, dark))]
    return []
