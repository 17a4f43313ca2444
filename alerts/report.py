"""What is said of a finding: the alert with all its numbers and its reason in Vietnamese, and the days that a card's chart shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
from scipy.stats import nbinom

from alerts.episode import Episode
from alerts.forecast import HORIZONS
from alerts.hours import DAY, SPAN, WEEK, from_hours
from alerts.ledger import Mark
from alerts.memory import Memory
from alerts.scoring import Finding
from alerts.signal import Signal, Turn
from alerts.thresholds import THEMES, Bars
from alerts.tone import count
from duluan.clock import format_time
from duluan.model import Alert, Tier
from duluan.tone import Tone

VERSION: Final = "bang-chung-1"
_HARDLY_ANY: Final = 0.25  # expected voices


@dataclass(frozen=True, slots=True)
class DayCount:
    """24 hours up to `until`: voices, the negative ones counted by label, what was usual and its 90 % range."""

    until: datetime
    voices: float
    negatives: float
    expected: float
    low: float
    high: float
    share: float


def signal(memory: Memory, turn: Turn, episode: Episode, f: Finding, now: int, coverage: float, bars: Bars) -> Signal:
    """An episode's turn with the numbers of this moment; `coverage` is the share of the usual volume that was read."""
    row = memory.of_track(f.track).rows[f.row]
    start = now - f.window
    inside = [mark for mark in row.marks if start <= mark.hour <= now]
    negative = [mark for mark in inside if mark.p_neg >= 0.5]
    # as in the tables, the hour that begins is not in the window yet
    tone = count(mark for mark in inside if mark.hour < now)
    tier: Tier = "mail" if episode.mail else "watch"
    alert = Alert(
        id=episode.id,
        issue=row.issue,
        tier=tier,
        reason=_reason(f, tone),
        title=f"Vấn đề {row.issue}: {_change(f, tone)}",
        started=from_hours(max(min((m.hour for m in inside), default=start), start)),
        detected=from_hours(episode.detected),
        voices=round(f.voices),
        expected=f.expected,
        range90=range90(f.expected, f.size),
        share=f.negatives / max(f.voices, 1e-9),
        share_usual=f.share,
        score=f.score,
        reprints=sum(not mark.voice for mark in inside),
        places=_common((place for mark in negative or inside for place in mark.places), 5),
        topic=next(iter(_common((mark.topic for mark in negative or inside), 1)), "khac"),
        coverage=_basis(memory, f, now, coverage, bars) | _tones(row.marks, f, start, tone),
        models={"detector": VERSION},
    )
    return Signal(turn, alert, _witnesses(inside))


def _basis(memory: Memory, f: Finding, now: int, coverage: float, bars: Bars) -> dict[str, object]:
    days = memory.age(now) / DAY
    return {
        "share": coverage,
        "dark": memory.exposure.dark(now, 24, memory.clock),
        "until": format_time(from_hours(memory.clock)),  # the numbers are of this moment; `detected` stays
        "window_hours": f.window,
        "negatives": f.negatives,
        "size": f.size,
        "newborn": f.newborn,
        "alarming": f.alarming,
        "threshold_watch": bars.watch,
        "threshold_mail": bars.mail,
        "days_learnt": days,
        "prior": "weak" if days < 28 else "learnt",
        "forecast": {} if f.track in THEMES else _forecast(memory, f.row, now),
    }


def _tones(marks: list[Mark], f: Finding, start: int, tone: Tone) -> dict[str, object]:
    """What a reader counts: the window's voices by tone, and those of the week before it, which a newborn issue has not had."""
    before = count(mark for mark in marks if start - WEEK <= mark.hour < start)
    return {"tone": asdict(tone)} | ({} if f.newborn else {"tone_before": asdict(before)})


def _forecast(memory: Memory, row: int, now: int) -> dict[str, dict[str, float]]:
    """By horizon in hours: middle and 90 % band of the voices to come, only where past ones beat the week before."""
    shown: dict[str, dict[str, float]] = {}
    for hours in HORIZONS:
        band = memory.forecasts.band(memory.ledger, memory.exposure, row, now, hours)
        if band is not None:
            shown[str(hours)] = {"low": float(band[0]), "middle": float(band[2]), "high": float(band[-1])}
    return shown


def low_coverage(episode: Episode, coverage: float, dark: list[str]) -> Alert:
    """The system alert on a thin stream; `dark` are the sources that are not read."""
    reason = f"Chỉ đọc được {coverage:.0%} lượng tin thường ngày; cảnh báo theo vấn đề tạm giữ lại."
    alert = system_alert(episode.id, "Thiếu nguồn: độ phủ xuống thấp", reason, from_hours(episode.opened))
    return replace(alert, coverage={"share": coverage, "dark": dark})


def system_alert(id: str, title: str, reason: str, at: datetime) -> Alert:
    """An alert on the system itself: no issue, no numbers."""
    return Alert(
        id=id,
        issue="",
        tier="system",
        reason=reason,
        title=title,
        started=at,
        detected=at,
        voices=0,
        expected=0.0,
        range90=(0.0, 0.0),
        share=0.0,
        share_usual=0.0,
        score=0.0,
        reprints=0,
        places=(),
        topic="khac",
        models={"detector": VERSION},
    )


def series(memory: Memory, issue: str, days: int = 14) -> list[DayCount]:
    """The last `days` times 24 hours of an issue or theme up to the clock, oldest first; empty where it is not known."""
    found = memory.find(issue)
    if found is None or memory.first is None:
        return []
    ledger, row = found
    now = int(np.ceil(memory.clock - 1e-9))
    span = min(days * DAY, SPAN)
    exposed = memory.exposure.vector(now, span, memory.clock).reshape(-1, DAY).sum(axis=1)
    count = len(ledger.rows)
    prior = ledger.base.prior(count)
    expected = ledger.base.rate(count, prior)[row] * exposed
    share = float(ledger.base.share(count)[row])
    size = ledger.base.size(np.full(1, row), expected[None, :], (DAY,) * len(expected), prior)[0]
    voices = ledger.voices.window(now - span, now)[row].reshape(-1, DAY).sum(axis=1)
    said = [mark.hour for mark in ledger.rows[row].marks if mark.voice and mark.sentiment == "neg"]
    edges = np.arange(now - span, now + 1, DAY)
    # voices of an unknown hour stand in parts, so that a day's bar may be lower than the voices in it
    negatives = np.minimum(np.histogram([hour for hour in said if hour < now], edges)[0], voices)
    return [
        DayCount(
            from_hours(now - span + (i + 1) * DAY),
            float(voices[i]),
            float(negatives[i]),
            float(expected[i]),
            *range90(max(float(expected[i]), 0.02), float(size[i])),
            share,
        )
        for i in range(len(expected))
    ]


def range90(mean: float, size: float) -> tuple[float, float]:
    """5 % and 95 % points of a negative binomial with mean and size r."""
    low, high = nbinom.ppf([0.05, 0.95], size, size / (size + mean))
    return float(low), float(high)


def _change(f: Finding, tone: Tone) -> str:
    if f.newborn:
        return f"vấn đề mới nổi, {'phần lớn' if 2 * tone.neg > tone.voices else 'nhiều'} ý kiến tiêu cực"
    if f.expected < _HARDLY_ANY:  # "284,8 times the usual" would be true and absurd
        return f"{round(f.voices)} lượt ý kiến trong {_span(f.window)}, ngày thường hầu như không có"
    if f.voices >= 1.5 * f.expected:
        return f"lượt ý kiến gấp {f.voices / f.expected:.1f} lần mức thường ngày".replace(".", ",")
    # the evidence weighs doubt: a count need not be above the usual probability
    more = ", nhiều hơn thường ngày" if tone.share > f.share else ""
    return f"{tone.neg} trong {tone.voices} lượt ý kiến tiêu cực{more}"


def _reason(f: Finding, tone: Tone) -> str:
    base = "các vấn đề mới trước đây" if f.newborn else "mức thường ngày"
    usual = f"{f.expected:.1f}".replace(".", ",")
    return f"{round(f.voices)} lượt ý kiến trong {_span(f.window)} ({base}: {usual}), {tone.neg} lượt tiêu cực"


def _span(hours: int) -> str:
    return f"{hours} giờ" if hours < 72 else f"{hours // 24} ngày"


def _common(values: Iterable[str], most: int) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return tuple(sorted(counts, key=lambda value: (-counts[value], value))[:most])


def _witnesses(marks: list[Mark], most: int = 8) -> tuple[str, ...]:
    """Ids of publications that show the matter: negative before others, newest first, one per origin."""
    ordered = sorted((m for m in marks if m.voice), key=lambda m: (m.p_neg < 0.5, -m.hour, m.id))
    return tuple(dict.fromkeys(mark.id for mark in ordered))[:most]
