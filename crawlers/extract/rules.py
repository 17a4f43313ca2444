"""Site rules: selectors as data, one TOML file per site or CMS in `rules/`, each version with the dates it is valid for.

A rule is chosen by name (the source says so), by host, or by what the page says of its CMS. `tests/test_extract_rules.py`
refuses a rule without a page fixture and its expected record.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Annotated, cast
from urllib.parse import urlsplit

from cssselect import SelectorError
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from duluan.clock import LOCAL
from duluan.errors import ConfigError

_ATTRIBUTE = re.compile(r"^(?P<css>.+)::attr\((?P<name>[\w:-]+)\)$")


def _checked_selector(text: str) -> str:
    try:
        compiled(text)
    except SelectorError as error:
        raise ValueError(f"không phải bộ chọn CSS: {error}") from None
    return text


def _checked_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"không phải biểu thức chính quy: {error}") from None
    return text


Selector = Annotated[str, AfterValidator(_checked_selector)]  # CSS, with ::attr(name) where a value is read
Pattern = Annotated[str, AfterValidator(_checked_pattern)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{2,40}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Version(_Strict):
    """One state of a site's markup. Lists are tried in order; the first that gives something counts."""

    valid_from: date
    valid_until: date | None = None  # last day
    title: tuple[Selector, ...] = Field(min_length=1)
    published: tuple[Selector, ...] = ()
    sapo: tuple[Selector, ...] = ()
    body: tuple[Selector, ...] = Field(min_length=1)
    script: tuple[Pattern, ...] = ()  # inline scripts whose group 1 is the body's HTML, where the body element is empty
    drop: tuple[Selector, ...] = ()  # inside the body: ads, related links, signatures
    lead: tuple[Pattern, ...] = ()  # taken off the start of the sapo and of the first paragraph: '(NLĐO)- '
    distrust: bool = False  # the CMS writes wrong times into its own metadata: read the visible one only

    def covers(self, day: date) -> bool:
        """True where `day` lies within the dates of this version."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class SiteRule(_Strict):
    """One file in `rules/`."""

    name: Name
    note: str = Field(min_length=20)  # where the markup was seen
    aliases: tuple[Name, ...] = ()  # other names that sources.toml may use: the papers of a family
    hosts: tuple[str, ...] = ()  # and all their subdomains
    detect: tuple[Selector, ...] = ()  # something that only pages of this CMS have
    nukeviet: bool = False  # addresses are keyed by module and number (contract.md)
    version: tuple[Version, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_version_a_day(self) -> SiteRule:
        ordered = sorted(self.version, key=lambda v: v.valid_from)
        for earlier, later in pairwise(ordered):
            if earlier.valid_until is None or earlier.valid_until >= later.valid_from:
                raise ValueError(
                    f"hai phiên bản cùng có hiệu lực vào {later.valid_from}; hãy đặt valid_until cho bản trước"
                )
        return self

    def version_on(self, moment: datetime) -> Version | None:
        """The version valid on the local day of `moment`."""
        day = moment.astimezone(LOCAL).date()
        return next((version for version in self.version if version.covers(day)), None)


@cache
def compiled(selector: str) -> tuple[CSSSelector, str | None]:
    """A selector and the attribute it reads. Raises cssselect's SelectorError."""
    match = _ATTRIBUTE.match(selector)
    return CSSSelector(match["css"] if match else selector, translator="html"), match["name"] if match else None


def matches(root: HtmlElement, selector: str) -> list[HtmlElement]:
    """All elements below `root` that one selector finds, in document order."""
    return cast(list[HtmlElement], compiled(selector)[0](root))


def elements(root: HtmlElement, selectors: Iterable[str]) -> Iterator[HtmlElement]:
    """Elements that match, selector by selector."""
    for selector in selectors:
        yield from matches(root, selector)


def values(root: HtmlElement, selectors: Iterable[str]) -> Iterator[str]:
    """Attribute values or text of what matches, empty ones left out."""
    for selector in selectors:
        attribute = compiled(selector)[1]
        for element in matches(root, selector):
            value = element.get(attribute) if attribute else element.text_content()
            if value and value.strip():
                yield value


@cache
def site_rules() -> dict[str, SiteRule]:
    """All rules by name, read once. Raises ConfigError that names file and key."""
    folder = resources.files("crawlers.extract") / "rules"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    loaded = [load_rule(entry.name, entry.read_text(encoding="utf-8")) for entry in files]
    return {rule.name: rule for rule in loaded}


def load_rule(file_name: str, text: str) -> SiteRule:
    """One rule file's content, validated as a whole. Raises ConfigError (one line)."""
    try:
        rule = SiteRule.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file_name}: không đọc được TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        found = "" if first["type"] == "missing" else f", gặp {str(first['input'])[:80]!r}"
        raise ConfigError(f"{file_name}: {key}: {first['msg']}{found}") from None
    if f"{rule.name}.toml" != file_name:
        raise ConfigError(f"{file_name}: name: gặp {rule.name!r}, cần {file_name.removesuffix('.toml')!r}")
    return rule


def choose_rule(root: HtmlElement, url: str, name: str | None = None) -> SiteRule | None:
    """The rule called `name`, else the one for the host, else the one whose CMS the page shows.

    Raises ConfigError for a name that does not exist; the message lists those that do.
    """
    if name is not None:
        return rule_named(name)
    return _by_host(url) or next(
        (rule for rule in site_rules().values() if any(matches(root, css) for css in rule.detect)), None
    )


def rule_named(name: str) -> SiteRule:
    """The rule of that name or alias; else ConfigError that lists the names."""
    known = {key: rule for rule in site_rules().values() for key in (rule.name, *rule.aliases)}
    if name not in known:
        raise ConfigError(f"quy tắc trích {name!r} không có; hiện có: {', '.join(sorted(known))}")
    return known[name]


def _by_host(url: str) -> SiteRule | None:
    """The longest host suffix wins: suckhoe.example.vn before example.vn."""
    labels = (urlsplit(url).hostname or "").lower().split(".")
    return next((rule for i in range(len(labels)) if (rule := _hosts().get(".".join(labels[i:])))), None)


@cache
def _hosts() -> dict[str, SiteRule]:
    return {host: rule for rule in site_rules().values() for host in rule.hosts}
