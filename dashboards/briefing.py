"""The weekly briefing as data and as sentences: what both the Word file and the web page say. Never a citizen's name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.words import STATES, change, day, listed, minute, number, percent, versions
from duluan.model import Tier
from duluan.tone import Tone

LASTING = 0.5  # share of an issue's voices in the last two days from which interest is said to go on


@dataclass(frozen=True, slots=True)
class TopicLine:
    """One topic in the week, against the week before and the mean of the four weeks before."""

    name: str
    tone: Tone
    previous: int
    usual: float


@dataclass(frozen=True, slots=True)
class IssueLine:
    """One issue in the week. `topic` is empty where it has none of its own; `late` is the share of its voices in the last two days."""

    id: str
    title: str
    topic: str
    places: tuple[str, ...]
    tone: Tone
    documents: int
    first: datetime
    late: float
    agency: str


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert of the week and how it stands."""

    id: str
    issue: str
    title: str
    tier: Tier
    detected: datetime
    state: str
    voices: int
    expected: float
    agency: str


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source in the week: what it brought and how many of its tries failed."""

    name: str
    documents: int
    tries: int
    failed: int


@dataclass(frozen=True, slots=True)
class DayLine:
    """One local day."""

    date: datetime
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """A period's opinion, ready to be written; `until` is exclusive."""

    office: str
    province: str
    label: str
    since: datetime
    until: datetime
    made: datetime
    tone: Tone
    documents: int
    previous: Tone
    uncertain: float  # share of items the models were unsure of
    topics: tuple[TopicLine, ...]
    days: tuple[DayLine, ...]
    places: tuple[tuple[str, Tone], ...]
    negative: tuple[IssueLine, ...]
    positive: tuple[IssueLine, ...]
    alerts: tuple[AlertLine, ...]
    sources: tuple[SourceLine, ...]
    models: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """The heading."""
        return f"Bản tin dư luận xã hội tuần {self.label.removeprefix('W')}" if self.label else "Bản tin dư luận xã hội"

    @property
    def span(self) -> str:
        """What the period is called: a week has a number."""
        return "tuần" if self.label else "kỳ"

    @property
    def earlier(self) -> str:
        """What the period before is called."""
        return f"{self.span} trước"

    @property
    def period(self) -> str:
        """'từ ngày 13/3/2026 đến ngày 19/3/2026'."""
        return f"từ ngày {day(self.since)} đến ngày {day(self.until - timedelta(seconds=1))}"


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part: paragraphs and, below them, points."""

    heading: str
    paragraphs: tuple[str, ...]
    points: tuple[str, ...] = ()


def sections(briefing: Briefing) -> tuple[Section, ...]:
    """The parts of the briefing in the order that the office uses."""
    return (
        Section("Tình hình tư tưởng, dư luận nổi bật", tuple(_general(briefing)), tuple(_topics(briefing))),
        Section("Vấn đề dư luận quan tâm, bức xúc", *_issues(briefing)),
        Section("Điểm tích cực", *_positive(briefing)),
        Section("Dự báo", tuple(_outlook(briefing))),
        Section("Kiến nghị, đề xuất", *_proposals(briefing)),
        Section("Cơ sở của số liệu", tuple(_basis(briefing))),
    )


def _general(b: Briefing) -> Iterator[str]:
    if not b.tone.voices:
        yield f"Trong {b.span} ({b.period}), các nguồn theo dõi không ghi nhận ý kiến nào về tỉnh {b.province}."
        return
    yield (
        f"Trong {b.span} ({b.period}), ghi nhận {number(b.tone.voices)} lượt ý kiến về tỉnh {b.province}, "
        f"{change(b.tone.voices, b.previous.voices, b.earlier)}. Trong đó {number(b.tone.neg)} lượt tiêu cực ({percent(b.tone.share)}), "
        f"{number(b.tone.pos)} lượt tích cực, {number(b.tone.neu)} lượt trung tính."
    )
    if b.previous.voices:
        moved = round((b.tone.share - b.previous.share) * 100)
        if abs(moved) < 2:
            yield f"Tỷ lệ tiêu cực tương đương {b.earlier} ({percent(b.previous.share)})."
        else:
            direction = "tăng" if moved > 0 else "giảm"
            yield f"Tỷ lệ tiêu cực {direction} {abs(moved)} điểm phần trăm so với {b.earlier} ({percent(b.previous.share)})."


def _topics(b: Briefing) -> Iterator[str]:
    for line in b.topics[:3]:
        if line.tone.voices:
            usual = (
                f"mức thường thấy {number(round(line.usual))} lượt mỗi {b.span}"
                if line.usual
                else f"bốn {b.span} trước chưa có"
            )
            yield (
                f"{line.name}: {number(line.tone.voices)} lượt ý kiến, {percent(line.tone.share)} tiêu cực; "
                f"{change(line.tone.voices, line.previous, b.earlier)}; {usual}."
            )


def _issues(b: Briefing) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not b.negative:
        return (f"Trong {b.span} không có vấn đề nào tập trung nhiều ý kiến tiêu cực.",), ()
    return (f"Nổi lên {len(b.negative)} vấn đề có nhiều ý kiến tiêu cực:",), tuple(map(_issue, b.negative))


def _issue(line: IssueLine) -> str:
    field = f"lĩnh vực {line.topic.lower()}; " if line.topic else ""
    where = f"địa bàn: {listed(line.places)}; " if line.places else ""
    told = f"{field}{where}xuất hiện từ {minute(line.first)}"
    copies = line.documents - line.tone.voices
    folded = f" (đã gộp {number(copies)} tin đăng lại)" if copies else ""
    return (
        f"{_sentence(line.title)} {told[:1].upper()}{told[1:]}; "
        f"{number(line.tone.voices)} lượt ý kiến{folded}, {percent(line.tone.share)} tiêu cực."
    )


def _positive(b: Briefing) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not b.positive:
        return (f"Trong {b.span} chưa có vấn đề nào tập trung nhiều ý kiến tích cực.",), ()
    return ("Dư luận đồng tình, ủng hộ:",), tuple(map(_praise, b.positive))


def _sentence(title: str) -> str:
    return title if title.endswith(("?", "!", "…")) else f"{title}."


def _praise(line: IssueLine) -> str:
    where = f"Địa bàn: {listed(line.places)}; " if line.places else ""
    share = line.tone.pos / line.tone.voices
    return f"{_sentence(line.title)} {where}{number(line.tone.voices)} lượt ý kiến, {percent(share)} tích cực."


def _outlook(b: Briefing) -> Iterator[str]:
    lasting = [line for line in b.negative if line.late >= LASTING]
    for line in lasting:
        yield (
            f"Vấn đề “{line.title}” có khả năng còn được quan tâm trong những ngày tới: "
            f"{_late(line.late)} xuất hiện trong hai ngày cuối {b.span}."
        )
    if not lasting:
        yield f"Chưa thấy vấn đề tiêu cực nào có dấu hiệu tăng thêm vào hai ngày cuối {b.span}."


def _late(share: float) -> str:
    return "toàn bộ số lượt ý kiến" if share > 0.995 else f"{percent(share)} số lượt ý kiến"


def _proposals(b: Briefing) -> tuple[tuple[str, ...], tuple[str, ...]]:
    points: list[str] = []
    for line in b.negative:
        where = f"UBND {listed(line.places)}" if line.places else "địa phương liên quan"
        who = f"{line.agency} phối hợp với {where}" if line.agency else where
        points.append(f"Đề nghị {who} kiểm tra, thông tin kết quả về vấn đề “{line.title}”.")
    if not points:
        return ("Tiếp tục theo dõi tình hình; chưa có kiến nghị riêng.",), ()
    return ("Mọi thông tin dưới đây cần được xác minh với địa phương trước khi báo cáo cấp trên.",), tuple(points)


def _basis(b: Briefing) -> Iterator[str]:
    copies = b.documents - b.tone.voices
    yield (
        f"Bản tin dựa trên {number(b.documents)} tin, bài, bình luận công khai từ {len(b.sources)} nguồn; "
        f"{number(copies)} tin đăng lại được gộp, mỗi nguồn gốc tính là một lượt ý kiến. Không thu thập tên, trang cá nhân của người dân."
    )
    failing = [s for s in b.sources if s.failed]
    if failing:
        told = listed([f"{s.name} ({s.failed}/{s.tries} lần không đọc được)" for s in failing], most=5, what="nguồn")
        yield f"Khoảng trống: {told}; số liệu của những nguồn này có thể thấp hơn thực tế."
    else:
        yield "Trong kỳ, các nguồn đều đọc được, không có khoảng trống nào được ghi nhận."
    yield (
        f"Với {percent(b.uncertain)} số tin, bài, mô hình phân loại chưa chắc chắn, nên số liệu cho thấy xu hướng chung, không dùng để "
        "kết luận về từng bài. Ý kiến trên mạng không đại diện cho toàn thể nhân dân."
    )
    if b.models:
        yield f"Phiên bản mô hình: {versions(b.models)}."


def state_of(alert: AlertLine) -> str:
    """How an alert stands, in words."""
    return STATES.get(alert.state, alert.state)
