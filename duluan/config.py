"""The province profile: TOML files, validated as a whole at start. Unknown keys are refused; errors name file, key, found, allowed.

A province is one folder: profile.toml, places.toml, sources.toml, taxonomy.toml, agencies.toml, alerts.toml. No code names a province.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from duluan.errors import ConfigError
from duluan.model import Era, Kind, Level, Tier

Via = Literal[
    "rss", "sitemap", "list", "nukeviet", "liferay", "facebook", "zalo", "zalo_page", "browser", "comments", "file"
]
MailAddress = Annotated[str, Field(pattern=r"^[!-?A-~]+@[A-Za-z0-9.-]+$", max_length=254)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9_.-]+$", min_length=2, max_length=60)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Province(_Strict):
    """profile.toml: who this province is."""

    id: Slug
    name: str = Field(min_length=2)  # "Quảng Ngãi"
    code: str  # of the General Statistics Office
    since: date  # from when the present units are valid
    former: tuple[str, ...] = ()  # provinces that it took in
    aliases: tuple[str, ...] = ()
    office: str  # the office that uses this, as it signs
    contact: str  # URL or mailbox in the crawler's user agent
    landmarks: tuple[str, ...] = ()  # rivers, bridges, plants: names that say "here"


class Unit(_Strict):
    """places.toml: one administrative unit of one era."""

    code: str
    era: Era
    level: Level
    type: str  # "xã", "phường", "đặc khu", "huyện", "thị xã", "thành phố", "thị trấn", "tỉnh"
    name: str  # without the type
    parent: str | None = None  # code of the district or province, same era
    now: tuple[str, ...] = ()  # today's communes that cover it (for era "now" and level commune: itself)
    valid_from: date | None = None
    valid_until: date | None = None  # last day
    lat: float | None = None
    lon: float | None = None
    aliases: tuple[str, ...] = ()
    shared: bool = False  # units elsewhere, heroes, roads or plain words bear this name too: it needs context


class Permission(_Strict):
    """A written permission: who gave it, when, and which document."""

    by: str = Field(min_length=2)
    on: date
    document: str = Field(min_length=2)


class Source(_Strict):
    """sources.toml: one `[[source]]`."""

    id: Slug
    name: str
    url: str
    via: Via
    kind: Kind = "news"
    rules: str | None = None  # site rule for extraction
    trust: int = Field(ge=1, le=5)
    expected_per_day: tuple[float, float]
    delay: float = Field(default=3.0, ge=0)
    verified: bool
    purpose: str | None = None
    lawful_basis: str | None = None
    permission: Permission | None = None

    @property
    def switched_off(self) -> bool:
        """Readers' comments are people's own words: read only where sources.toml says `verified = true` beside their purpose.

        That a check passed does not switch them on.
        """
        return self.via == "comments" and not self.verified

    @model_validator(mode="after")
    def _ranges(self) -> Source:
        low, high = self.expected_per_day
        if not 0 <= low <= high:
            raise ValueError("expected_per_day phải là [thấp, cao] với 0 ≤ thấp ≤ cao")
        if (
            self.delay < 2
            and "://127." not in self.url
            and "://localhost" not in self.url
            and "://[::1]" not in self.url
        ):
            raise ValueError("delay dưới 2 giây chỉ dành cho địa chỉ loopback")
        return self


class Topic(_Strict):
    """taxonomy.toml: one `[[topic]]`."""

    code: Slug
    name: str  # as staff read it
    cues: tuple[str, ...] = Field(min_length=3)  # cue words, with diacritics


class Agency(_Strict):
    """agencies.toml: one `[[agency]]`: which department answers for which topics."""

    id: Slug
    name: str
    topics: tuple[str, ...] = ()
    cues: tuple[str, ...] = ()  # words that point to it within a topic


class Rule(_Strict):
    """alerts.toml: one `[[rule]]`: what an alert of these topics means and what to do then."""

    id: Slug
    topics: tuple[str, ...] = ()  # empty: any
    note: str = Field(min_length=20)  # what to do, for the person on duty
    alarming: bool = False  # many texts on these topics are trouble by themselves, however neutral their words
    min_voices: int = Field(default=4, ge=4)  # fewer voices raise no alert
    places: tuple[str, ...] = ()  # codes of today's communes; empty: anywhere
    recipients: tuple[MailAddress, ...] = ()  # told besides the office


class AlertRules(_Strict):
    """alerts.toml."""

    mail_per_week: float = Field(default=0.5, gt=0)  # budget of false mails
    watch_per_week: float = Field(default=5.0, gt=0)
    mails_per_day: int = Field(default=3, ge=1)  # then a digest
    quiet_from: int = Field(default=22, ge=0, le=23)  # local hour
    quiet_until: int = Field(default=6, ge=0, le=23)
    digest_at: tuple[Annotated[int, Field(ge=0, le=23)], ...] = Field(default=(7, 16), min_length=1)  # local hours
    recipients: tuple[MailAddress, ...] = ()  # the office
    administrators: tuple[MailAddress, ...] = ()  # told when the system itself ails; empty: the office
    webhook_tiers: tuple[Tier, ...] = ("mail", "system")
    rule: tuple[Rule, ...] = Field(min_length=1)

    @property
    def alarming(self) -> frozenset[str]:
        """Topics whose sheer volume is trouble (natural disasters)."""
        return frozenset(topic for rule in self.rule if rule.alarming for topic in rule.topics)

    def rule_for(self, topic: str) -> Rule | None:
        """The first rule of the topic, else the general one (without topics); None where there is neither."""
        exact = next((rule for rule in self.rule if topic in rule.topics), None)
        return exact or next((rule for rule in self.rule if not rule.topics), None)


class Plugin(_Strict):
    """models.toml: one `[[plugin]]`, a model of one's own for one task instead of the embedded one."""

    task: Literal["topic", "sentiment", "tone", "feedback", "toxic"]
    backend: Literal["transformers", "onnx"]
    model: str = Field(min_length=1)  # a folder (relative to the profile), or a hub's id for transformers
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")  # of a hub's model; needed there
    # Ours, in the order of the model's outputs; one may stand for several.
    labels: tuple[str, ...] = Field(min_length=2)
    segmented: bool = False  # the model was trained on words joined with '_' (PhoBERT)
    threshold: float = Field(default=0.8, ge=0, le=1)  # below this top probability an answer is uncertain
    temperature: float = Field(default=1.0, gt=0)  # logits are divided by it
    max_tokens: int = Field(default=256, ge=8, le=512)  # longer texts: their head and their tail
    local_files_only: bool = True  # an unreachable hub costs 23 s of retries

    @model_validator(mode="after")
    def _all_labels(self) -> Plugin:
        needed = {"sentiment": {"neg", "neu", "pos"}, "feedback": {"no", "yes"}}
        needed |= {"tone": needed["sentiment"], "toxic": needed["feedback"]}
        if self.task in needed and set(self.labels) != needed[self.task]:
            raise ValueError(f"labels: gặp {', '.join(self.labels)}, cần đủ {', '.join(sorted(needed[self.task]))}")
        return self


class Models(_Strict):
    """models.toml, which may be missing: then the embedded models answer everything."""

    bundle: str | None = None  # a folder with another (an older) vi.npz and vi.json, relative to the profile
    plugin: tuple[Plugin, ...] = ()


class Profile(_Strict):
    """A whole province."""

    folder: Path
    province: Province
    units: tuple[Unit, ...]
    sources: tuple[Source, ...]
    topics: tuple[Topic, ...]
    agencies: tuple[Agency, ...]
    alerts: AlertRules
    models: Models = Models()

    @cached_property
    def unit_by_key(self) -> dict[tuple[str, str], Unit]:
        """(era, code) → unit."""
        return {(unit.era, unit.code): unit for unit in self.units}

    @cached_property
    def commune_names(self) -> dict[str, str]:
        """Code of today's commune → 'xã Đăk Hà'."""
        return {u.code: f"{u.type} {u.name}" for u in self.units if u.era == "now" and u.level == "commune"}

    @cached_property
    def topic_names(self) -> dict[str, str]:
        """Code → name of the topic."""
        return {topic.code: topic.name for topic in self.topics}

    @cached_property
    def source_by_id(self) -> dict[str, Source]:
        """Id → source."""
        return {source.id: source for source in self.sources}

    def agency_for(self, topic: str) -> Agency | None:
        """The first department that answers for `topic`."""
        return next((agency for agency in self.agencies if topic in agency.topics), None)

    def agency_id(self, topic: str) -> str | None:
        """The id of `agency_for`; None where no department answers."""
        agency = self.agency_for(topic)
        return agency.id if agency else None


class _ProvinceFile(_Strict):
    province: Province


class _UnitsFile(_Strict):
    unit: tuple[Unit, ...] = Field(min_length=1)


class _SourcesFile(_Strict):
    source: tuple[Source, ...] = Field(min_length=1)


class _TopicsFile(_Strict):
    topic: tuple[Topic, ...] = Field(min_length=2)


class _AgenciesFile(_Strict):
    agency: tuple[Agency, ...] = Field(min_length=1)


class _AlertsFile(_Strict):
    alerts: AlertRules


M = TypeVar("M", bound=BaseModel)


def province_folder(given: str | None = None) -> Path:
    """`given`, else $DULUAN_PROVINCE, else province/quang_ngai here, else the one inside the package."""
    if chosen := given or os.environ.get("DULUAN_PROVINCE"):
        return Path(chosen)
    here = Path(__file__).resolve().parent
    candidates = [Path("province/quang_ngai"), here / "_province/quang_ngai", here.parent / "province/quang_ngai"]
    return next((path for path in candidates if path.is_dir()), candidates[0])


def load_province(folder: Path) -> Profile:
    """Read and validate all files of a province. Raises ConfigError (one line)."""
    if not folder.is_dir():
        raise ConfigError(f"không có thư mục tỉnh {folder}; dùng --province hoặc DULUAN_PROVINCE")
    profile = Profile(
        folder=folder,
        province=_read(folder / "profile.toml", _ProvinceFile).province,
        units=_read(folder / "places.toml", _UnitsFile).unit,
        sources=_read(folder / "sources.toml", _SourcesFile).source,
        topics=_read(folder / "taxonomy.toml", _TopicsFile).topic,
        agencies=_read(folder / "agencies.toml", _AgenciesFile).agency,
        alerts=_read(folder / "alerts.toml", _AlertsFile).alerts,
        models=_read(folder / "models.toml", Models) if (folder / "models.toml").is_file() else Models(),
    )
    for problem in _cross_checks(profile):
        raise ConfigError(problem)
    return profile


def _read(path: Path, model: type[M]) -> M:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: thiếu tệp này") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: không đọc được TOML: {error}") from None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        found = "" if first["type"] == "missing" else f", gặp {str(first['input'])[:80]!r}"
        raise ConfigError(f"{path}: {key}: {first['msg']}{found}") from None


def _cross_checks(profile: Profile) -> Iterator[str]:
    folder = profile.folder
    yield from _repeated(folder / "places.toml", "unit", (f"{u.era} {u.code}" for u in profile.units))
    yield from _repeated(folder / "sources.toml", "source.id", (s.id for s in profile.sources))
    yield from _repeated(folder / "taxonomy.toml", "topic.code", (t.code for t in profile.topics))
    yield from _repeated(folder / "agencies.toml", "agency.id", (a.id for a in profile.agencies))
    yield from _repeated(folder / "alerts.toml", "rule.id", (r.id for r in profile.alerts.rule))
    topics = {topic.code for topic in profile.topics}
    for owner, key, codes in [
        *((folder / "agencies.toml", f"agency {a.id}: topics", a.topics) for a in profile.agencies),
        *((folder / "alerts.toml", f"rule {r.id}: topics", r.topics) for r in profile.alerts.rule),
    ]:
        for code in codes:
            if code not in topics:
                yield f"{owner}: {key}: không có chủ đề {code!r}; cho phép: {', '.join(sorted(topics))}"
    answered = {code for agency in profile.agencies for code in agency.topics}
    for code in sorted(topics - answered - {"khac"}):
        yield f"{folder / 'agencies.toml'}: chưa có cơ quan nào trả lời chủ đề {code!r}"
    yield from _model_problems(profile, topics)
    communes = {u.code for u in profile.units if u.era == "now" and u.level == "commune"}
    keys = {(u.era, u.code) for u in profile.units}
    for unit in profile.units:
        where = f"{folder / 'places.toml'}: unit {unit.era} {unit.code}"
        if missing := [code for code in unit.now if code not in communes]:
            yield f"{where}: now: không có xã/phường hiện nay mang mã {missing[0]!r}"
        if not unit.now:
            yield f"{where}: now: phải nêu ít nhất một xã/phường hiện nay"
        if unit.parent is not None and (unit.era, unit.parent) not in keys:
            yield f"{where}: parent: không có đơn vị {unit.era} {unit.parent!r}"


def _model_problems(profile: Profile, topics: set[str]) -> Iterator[str]:
    path = profile.folder / "models.toml"
    yield from _repeated(path, "plugin.task", (plugin.task for plugin in profile.models.plugin))
    for plugin in profile.models.plugin:
        where = f"{path}: plugin {plugin.task}"
        if plugin.task == "topic" and (unknown := set(plugin.labels) - topics):
            yield f"{where}: labels: không có chủ đề {min(unknown)!r}; cho phép: {', '.join(sorted(topics))}"
        if (profile.folder / plugin.model).is_dir():
            continue
        if plugin.backend == "onnx":
            yield f"{where}: model: không có thư mục {plugin.model!r}; xuất bằng: duluan models export"
        elif plugin.revision is None:
            yield f"{where}: revision: mô hình {plugin.model!r} trên hub phải ghim bản (40 ký tự 0-9a-f)"


def _repeated(path: Path, key: str, values: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            yield f"{path}: {key}: {value!r} bị lặp"
        seen.add(value)
