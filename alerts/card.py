"""The alert card: everything an officer needs to judge one alert, in plain Vietnamese, built once and rendered as mail, page and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from alerts.card_figures import ahead, confidence, hours, summary, tiles, value_of
from alerts.plan import note_for
from alerts.report import DayCount
from alerts.tone import tone_of
from alerts.words import number, percent, when
from duluan.clock import format_time
from duluan.config import Profile
from duluan.model import Alert
from duluan.privacy import cell, redact
from duluan.tone import Tone

MOST_EXCERPTS: Final = 5
_ALIKE: Final = 0.3  # share of near-identical texts that is worth a word
_ONE_SOURCE: Final = 0.6  # so do voices that come from one place
_PLACES_NAMED: Final = 2  # under the title; all stand among the facts
_TASKS: Final = {
    "detector": "bộ phát hiện",
    "topic": "chủ đề",
    "sentiment": "thái độ",
    "tone": "giọng tin",
    "feedback": "phản ánh",
    "toxic": "lời lẽ độc hại",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What the store knows beyond the alert's own numbers; everything may be empty."""

    days: tuple[DayCount, ...] = ()
    terms: tuple[str, ...] = ()
    sources: Mapping[str, int] = field(default_factory=dict)  # source id → voices in the window
    public: bool = True  # False where posts or comments are among them: small cells are masked
    official: int = 0  # answers of agencies
    alike: float = 0.0  # share of near-identical texts (reprints)
    past: tuple[str, ...] = ()  # earlier alerts on the issue and how they ended


@dataclass(frozen=True, slots=True)
class Quote:
    """One excerpt: redacted, names of private persons included, with a link to the page – never to one person's comment."""

    text: str
    source: str
    published: str
    url: str  # empty where there is no page


@dataclass(frozen=True, slots=True)
class Card:
    """All parts, ready to print; `alert` stays at hand for numbers."""

    alert: Alert
    kind: str
    title: str
    where: str  # places and since when, one line under the title
    summary: str
    confidence: str
    tiles: tuple[tuple[str, str, str], ...]  # what, how much, against what
    facts: tuple[tuple[str, str], ...]
    quotes: tuple[Quote, ...]
    counter: tuple[str, ...]
    note: str
    cancel: str
    basis: tuple[str, ...]
    actions: tuple[tuple[str, str], ...]  # what, command
    days: tuple[DayCount, ...]

    def record(self) -> dict[str, Any]:
        """The card as a JSON object."""
        names = ("kind", "title", "where", "summary", "confidence", "note", "cancel")
        lists = ("tiles", "facts", "counter", "basis", "actions")
        plain: dict[str, Any] = {"id": self.alert.id, "issue": self.alert.issue, "tier": self.alert.tier}
        plain |= {name: getattr(self, name) for name in names}
        plain |= {name: [list(i) if isinstance(i, tuple) else i for i in getattr(self, name)] for name in lists}
        plain["quotes"] = [asdict(quote) for quote in self.quotes]
        plain["days"] = [
            {
                "until": format_time(d.until),
                "voices": round(d.voices, 1),
                "negatives": round(d.negatives, 1),
                "low": d.low,
                "high": d.high,
            }
            for d in self.days
        ]
        return plain


def build(alert: Alert, profile: Profile, context: Context | None = None) -> Card:
    """The card of `alert`. Pure: the same input gives the same card."""
    context = context or Context()
    issue = alert.tier != "system"
    return Card(
        alert=alert,
        kind=_kind(alert, profile),
        title=alert.title,
        where=_where(alert, profile) if issue else "",
        summary=summary(alert) if issue else alert.reason,
        confidence=confidence(alert) if issue else "",
        tiles=tiles(alert) if issue else (),
        facts=_facts(alert, profile, context),
        quotes=_quotes(alert, profile),
        counter=_counter(alert, profile, context) if issue else (),
        note=note_for(alert.topic, profile.alerts) if issue else _SYSTEM_NOTE,
        cancel=_cancel(alert),
        basis=_basis(alert, profile),
        actions=_actions(alert),
        days=context.days,
    )


_SYSTEM_NOTE: Final = (
    "Chạy duluan doctor và duluan sources check để biết phần nào hỏng. "
    "Trong lúc chờ sửa, đừng coi sự im ắng là dư luận yên ổn."
)


def _kind(alert: Alert, profile: Profile) -> str:
    if alert.tier == "system":
        return "Thông báo kỹ thuật"
    level = "Cảnh báo dư luận" if alert.tier == "mail" else "Theo dõi dư luận"
    return f"{level} · {profile.topic_names.get(alert.topic, alert.topic)}"


def _where(alert: Alert, profile: Profile) -> str:
    """'Xã Kon Braih, phường Kon Tum và 2 nơi khác, từ 20:12 ngày 18/03/2026'."""
    names = [profile.commune_names.get(code, code) for code in alert.places]
    more = f" và {len(names) - _PLACES_NAMED} nơi khác" if len(names) > _PLACES_NAMED else ""
    places = ", ".join(names[:_PLACES_NAMED]) + more
    since = f"từ {when(alert.started)}"
    line = f"{places}, {since}" if places else since
    return line[0].upper() + line[1:]


def _facts(alert: Alert, profile: Profile, context: Context) -> tuple[tuple[str, str], ...]:
    agency = profile.agency_for(alert.topic) if alert.tier != "system" else None
    shown = [f"{_source(profile, s)} ({_shown(n, context.public)})" for s, n in list(context.sources.items())[:5]]
    rows = (
        ("Bắt đầu", when(alert.started)),
        ("Phát hiện", when(alert.detected)),
        ("Địa bàn", ", ".join(profile.commune_names.get(code, code) for code in alert.places)),
        ("Cơ quan trả lời", agency.name if agency else ""),
        ("Từ ngữ nổi bật", ", ".join(context.terms[:8])),
        ("Nguồn nói nhiều", ", ".join(shown)),
        ("24 giờ tới", ahead(alert, "24")),
        ("7 ngày tới", ahead(alert, "168")),
    )
    return tuple((label, value) for label, value in rows if value)


def _source(profile: Profile, id: str) -> str:
    source = profile.source_by_id.get(id)
    return source.name if source else id


def _shown(count: int, public: bool) -> str:
    """A count as it may be shown: people's own words below five are '<5'."""
    return str(count) if public else cell(count)


def _quotes(alert: Alert, profile: Profile) -> tuple[Quote, ...]:
    """News excerpts lose the names of persons here too: a card points at no one."""
    return tuple(
        Quote(
            text=redact(item.excerpt, "comment"),
            source=_source(profile, item.source),
            published=when(item.published),
            url=_page(item.url),
        )
        for item in alert.evidence[:MOST_EXCERPTS]
        if item.excerpt
    )


def _page(url: str) -> str:
    """The page, not the one comment on it (contract: a comment's URL is its parent's + `#c=`)."""
    return url.partition("#c=")[0] if url.startswith(("http://", "https://")) else ""


def _counter(alert: Alert, profile: Profile, context: Context) -> tuple[str, ...]:
    """What speaks against the alert, or for reading it with care."""
    voices = sum(context.sources.values())
    lines = [f"Đã gộp {alert.reprints} bài đăng lại, không tính là lượt ý kiến."] if alert.reprints else []
    tone = tone_of(alert) or Tone()
    if others := tone.voices - tone.neg:
        lines.append(f"{_shown(others, context.public)} lượt ý kiến trung tính hoặc tích cực trong cùng thời gian.")
    if context.official:
        lines.append(f"Cơ quan nhà nước đã có {context.official} tin bài về việc này.")
    if context.sources and voices >= 10 and (most := max(context.sources.values())) >= _ONE_SOURCE * voices:
        name = next(id for id, count in context.sources.items() if count == most)
        lines.append(
            f"{percent(most / voices)} lượt ý kiến đến từ một nơi ({_source(profile, name)}): có thể chỉ là một nhóm người đọc."
        )
    if context.alike >= _ALIKE:
        lines.append(
            f"{percent(context.alike)} số bài gần như giống hệt nhau: có thể là đăng lại, cũng có thể có phối hợp."
        )
    if tone.uncertain:
        lines.append(
            f"Máy chưa chắc về thái độ của {tone.uncertain} trong {tone.voices} lượt ý kiến; "
            "mỗi lượt vẫn được đếm theo thái độ có khả năng cao nhất."
        )
    lines.extend(context.past)
    return tuple(lines) or ("Chưa thấy dấu hiệu ngược lại.",)


def _cancel(alert: Alert) -> str:
    if alert.tier == "system":
        return "Tự hết khi nguyên nhân không còn."
    high = number(alert.range90[1], 0)
    return (
        f"Cảnh báo tự hạ khi lượt ý kiến về lại mức thường ngày (không quá {high} trong {hours(alert)}) suốt một ngày, và khép lại sau "
        "ba ngày yên. Hủy ngay nếu xác minh thấy nội dung không đúng, là chuyện nơi khác, hoặc số liệu bị lặp."
    )


def _basis(alert: Alert, profile: Profile) -> tuple[str, ...]:
    lines = [f"Đọc được {percent(value_of(alert, 'share', 1.0))} lượng tin thường ngày."]
    if (tone := tone_of(alert)) and tone.voices != alert.voices:
        lines.append(
            f"Có bài không rõ giờ đăng, được chia cho các giờ có thể đăng: tổng {alert.voices} lượt vì thế khác {tone.voices} lượt "
            "đếm từng bài."
        )
    dark = alert.coverage.get("dark")
    if isinstance(dark, list) and dark:
        lines.append("Không đọc được trong 24 giờ qua: " + ", ".join(_source(profile, str(id)) for id in dark) + ".")
    days = alert.coverage.get("days_learnt")
    if isinstance(days, (int, float)):
        lines.append(f"Mức thường ngày học từ {number(float(days), 0)} ngày số liệu.")
    if alert.models:
        lines.append(f"Phiên bản: {_versions(alert.models)}.")
    return tuple(lines)


def _versions(models: Mapping[str, str]) -> str:
    """'bang-chung-1 (bộ phát hiện); vi-2026.11-1 (chủ đề, thái độ)'."""
    groups: dict[str, list[str]] = {}
    for task, version in models.items():
        groups.setdefault(version, []).append(_TASKS.get(task, task))
    return "; ".join(f"{version} ({', '.join(tasks)})" for version, tasks in groups.items())


def _actions(alert: Alert) -> tuple[tuple[str, str], ...]:
    if alert.tier == "system":
        return (("Đã biết", f"duluan alerts ack {alert.id}"),)
    return (
        ("Đã tiếp nhận", f"duluan alerts ack {alert.id}"),
        ("Giao cơ quan", f"duluan alerts assign {alert.id} MÃ_CƠ_QUAN"),
        ("Đã giải quyết", f"duluan alerts settle {alert.id}"),
        ("Báo động nhầm", f"duluan alerts ack {alert.id} --false-alarm"),
        ("Tạm ẩn 3 ngày", f"duluan alerts ack {alert.id} --silence 72"),
        ("Xem cách tính", f"duluan alerts explain {alert.id}"),
    )
