"""From scores to turns: thresholds from the budgets, one episode per issue or theme, and a system alert where too little is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from typing import Final

from alerts import report
from alerts.episode import CLOSE_HOURS, LONG, Episode, episode_id
from alerts.hours import DAY, SPAN, WEEK
from alerts.ledger import Row
from alerts.memory import Memory
from alerts.scoring import ALARMING_HOURS, Finding, findings
from alerts.signal import Signal, Turn
from alerts.thresholds import ENTER, THEMES, Bars, Track
from duluan.config import AlertRules
from duluan.themes import province_wide

_NEW_SHARE: Final = 0.2  # part of the budgets that newborn issues may spend
_THEME_SHARES: Final[dict[Track, float]] = {"theme": 0.1, "term": 0.05}  # and themes, where the stream has any
# Episodes for each false one: the record that sets the levels holds the true incidents too (watch: seeds 10–16, mail: seeds 20–27).
_ALL: Final = 1.5
_TRACKS: Final[tuple[Track, ...]] = ("standing", *THEMES)  # rows; newborn issues are rows of the first
_COVERED: Final = 0.7
_WARM: Final = 7 * DAY
_MAIL_NEGATIVES: Final = 5.5  # soft count; fewer never mail (seeds 0–3: a sixth fewer false mails, recall unchanged)
_FLOOR: Final = Bars(watch=1.2, mail=2.2)  # log10 evidence below which nothing is sent, whatever the budget allows


def judge(memory: Memory, rules: AlertRules, now: int, at: float) -> list[Signal]:
    """All turns of this step: system alerts, then issues and themes in the order of their rows, then those that fell silent."""
    told = {mark.origin for row in _speaking(memory) for mark in row.marks}
    found = [f for f in findings(memory, rules, now, at) if not _explained(memory, told, f, now)]
    coverage = memory.exposure.coverage(now, 6, at)
    signals = _systemic(memory, coverage, now)
    if not memory.system:
        _record(memory, found, now)
        bars = {track: thresholds(memory, rules, now, track) for track in memory.peaks}
        for finding in found:
            if _explained(memory, told, finding, now):  # by an alert of this very step
                continue
            bar = bars[finding.track]
            ended = _renewed(memory, finding, now, bar)
            if ended:
                silence = _silence(finding.track, finding.row)
                signals.append(report.signal(memory, "closed", ended, silence, now, coverage, bar))
            turn = _turn(memory, rules, finding, now, bar)
            episode = _row(memory, finding).episode
            if episode and finding.track in THEMES:
                told |= {mark.origin for mark in _row(memory, finding).marks}
            if turn and episode:
                signals.append(report.signal(memory, turn, episode, finding, now, coverage, bar))
    return signals + _idle(memory, rules, found, now)


def _row(memory: Memory, finding: Finding) -> Row:
    return memory.of_track(finding.track).rows[finding.row]


def _explained(memory: Memory, told: Set[str], finding: Finding, now: int) -> bool:
    """Whether a theme needs no word of its own: its topic has an alert in the whole province, or others speak for it.

    They do where issues with an alert, the largest one, and other themes with an alert (`told`: the origins of their voices) make half
    of what is more than usual. Of an alarming theme the largest issue alone explains nothing: its texts may all be neutral, and then
    nobody would be told.
    """
    row, ledger = _row(memory, finding), memory.ledger
    if finding.track not in THEMES or row.episode is not None:
        return False
    wide = memory.find(province_wide(row.issue))
    if wide and (episode := wide[0].rows[wide[1]].episode) and episode.stage == "open":
        return True
    own = {mark.origin for mark in row.marks if mark.hour >= now - finding.window}
    issue_of = {origin: ledger.current(ledger.origins[origin][0]) for origin in own if origin in ledger.origins}
    issues = Counter(issue_of.values())
    spoken = {issue for issue in issues if (at := ledger.find(issue)) is not None and ledger.rows[at].episode}
    if not finding.alarming:
        spoken |= {issue for issue, _ in issues.most_common(1)}
    known = sum(origin in told or issue_of.get(origin) in spoken for origin in own)
    return 2 * known >= finding.voices - finding.expected


def _speaking(memory: Memory) -> Iterator[Row]:
    """Themes with an alert."""
    return (row for track in THEMES for row in memory.of_track(track).rows if row.episode is not None)


def thresholds(memory: Memory, rules: AlertRules, now: int, track: Track) -> Bars:
    """log10 evidence that watch and mail alerts need on one track; higher in the first week."""
    themes = sum(share for kind, share in _THEME_SHARES.items() if memory.of_track(kind).rows)
    part = {**_THEME_SHARES, "newborn": _NEW_SHARE, "standing": 1 - _NEW_SHARE - themes}[track]
    peaks = memory.peaks[track]
    caution = 1.0 if memory.age(now) < _WARM else 0.0
    watch = max(peaks.threshold(rules.watch_per_week * _ALL * part), _FLOOR.watch) + caution
    mail = max(peaks.threshold(rules.mail_per_week * _ALL * part), _FLOOR.mail) + caution
    return Bars(watch, max(mail, watch))


def _record(memory: Memory, found: list[Finding], now: int) -> None:
    for track, peaks in memory.peaks.items():
        high = [f for f in found if f.track == track and f.score >= ENTER]
        peaks.record([_row(memory, f).issue for f in high], [f.score for f in high], now)
    if now - memory.recalibrated >= WEEK:
        memory.recalibrated = now
        for peaks in memory.peaks.values():
            peaks.recalibrate(now, memory.first or now)


def _turn(memory: Memory, rules: AlertRules, finding: Finding, now: int, bars: Bars) -> Turn | None:
    row = _row(memory, finding)
    if row.episode is None and (finding.score < bars.watch or _too_few(rules, row, finding)):
        return None
    worrying = finding.voices if finding.alarming else finding.negatives
    mail = bars.mail if worrying >= _MAIL_NEGATIVES else float("inf")
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


def _too_few(rules: AlertRules, row: Row, finding: Finding) -> bool:
    """Whether the office wants to see more voices before an alert on the row's most frequent topic."""
    topics = Counter(mark.topic for mark in row.marks)
    rule = rules.rule_for(min(topics, key=lambda topic: (-topics[topic], topic), default=""))
    return rule is not None and finding.voices < rule.min_voices


def _renewed(memory: Memory, finding: Finding, now: int, bars: Bars) -> Episode | None:
    """Make room for a new episode where an old one is spent; the old one if that has not been told to be closed."""
    row = _row(memory, finding)
    old = row.episode
    if old is None or finding.score < bars.watch or not old.spent(now, reach(finding, old)):
        return None
    row.episode = None
    told = old.stage == "closed"
    old.stage = "closed"
    return None if told else old


def reach(finding: Finding, old: Episode) -> int:
    """Hours for which a rise counts to the old trouble. An issue that nobody was mailed about is free after the cool-down: with a
    week, false watch alerts hid the incidents that came after them (seeds 10–14: watch recall .939, .949 so)."""
    if finding.alarming:
        return ALARMING_HOURS
    return WEEK if old.mail or finding.track in THEMES else CLOSE_HOURS


def _flag(memory: Memory, episode: Episode, finding: Finding, now: int) -> None:
    """The hours of a running episode teach little about what is usual."""
    if episode.stage != "closed" and now - episode.opened < LONG:
        start = max(now - finding.window, episode.opened - finding.window)
        memory.of_track(finding.track).flags.window(max(start, now - SPAN), now)[finding.row] = 1.0


def _idle(memory: Memory, rules: AlertRules, found: list[Finding], now: int) -> list[Signal]:
    """Episodes whose issue or theme has fallen silent still ease and close."""
    signals = []
    seen = {id(_row(memory, finding)) for finding in found}
    for track in _TRACKS:
        bars = thresholds(memory, rules, now, track)
        for position, row in enumerate(memory.of_track(track).rows):
            if row.episode is None or id(row) in seen:
                continue
            turn = row.episode.advance(-1.0, bars.watch, bars.mail, now)
            if turn is not None:
                silence = _silence(track, position)
                signals.append(report.signal(memory, turn, row.episode, silence, now, 1.0, bars))
            if row.episode.over(now):
                row.episode = None
    return signals


def _silence(track: Track, row: int) -> Finding:
    return Finding(track, row, 0.0, WEEK, 0, 0, 0.02, 1.0, 0.3)


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
