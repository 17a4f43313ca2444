"""Site rules are data with proof: no rule, and no dated version of one, without a whole page and its expected record."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from crawlers.extract import extract
from crawlers.extract.rules import choose_rule, load_rule, rule_named, site_rules
from duluan.clock import format_time
from duluan.errors import ConfigError
from duluan.model import Document, RawPage

PAGES = Path(__file__).parent / "fixtures" / "pages"
RECORDS = sorted(PAGES.glob("*.json"))

GOOD = """
name = "mau"
note = "a note that says where the markup was seen"
hosts = ["mau.example.vn"]
[[version]]
valid_from = 2020-01-01
title = ["h1"]
body = ["div.body"]
"""


def record_of(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def page_of(path: Path) -> RawPage:
    record = record_of(path)
    return RawPage(
        record["url"], "mau", datetime.fromisoformat(record["fetched"]), path.with_suffix(".html").read_bytes()
    )


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_fixture_gives_its_record(path: Path) -> None:
    record = record_of(path)
    found = extract(page_of(path), nukeviet=record["nukeviet"])
    assert isinstance(found, Document), found
    assert found.published is not None
    assert {
        "id": found.id,
        "url": found.url,
        "title": found.title,
        "published": format_time(found.published),
        "text": found.text,
    } == record["expected"]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_fixture_keeps_no_author_and_no_furniture(path: Path) -> None:
    record = record_of(path)
    found = extract(page_of(path), nukeviet=record["nukeviet"])
    assert isinstance(found, Document)
    html = path.with_suffix(".html").read_text(encoding="utf-8")
    for words in record["absent"]:
        assert words in html, "the fixture must plant what it forbids"
        assert words not in found.text + found.title


def without_fixture(records: list[Path]) -> list[str]:
    """The versions of site rules that no page of `records` shows."""
    shown = {
        (record["rule"], rule_named(record["rule"]).version_on(datetime.fromisoformat(record["fetched"])))
        for record in map(record_of, records)
    }
    return [
        f"{rule.name} from {version.valid_from}"
        for rule in site_rules().values()
        for version in rule.version
        if (rule.name, version) not in shown
    ]


def test_no_rule_version_without_a_fixture() -> None:
    missing = without_fixture(RECORDS)
    assert missing == [], f"write tests/fixtures/pages/NAME.html and .json for: {missing}"


@pytest.mark.parametrize("left_out", sorted({record_of(path)["rule"] for path in RECORDS}))
def test_a_rule_that_loses_its_fixture_is_refused(left_out: str) -> None:
    kept = [path for path in RECORDS if record_of(path)["rule"] != left_out]
    assert {line.partition(" ")[0] for line in without_fixture(kept)} == {left_out}


def test_fixtures_cover_eight_families() -> None:
    assert len({record_of(path)["rule"] for path in RECORDS}) >= 8


def test_every_fixture_names_a_rule() -> None:
    assert {record_of(path)["rule"] for path in RECORDS} <= set(site_rules())


def test_fixtures_are_complete() -> None:
    assert {path.stem for path in PAGES.glob("*.html")} == {path.stem for path in RECORDS}


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        (GOOD + 'titel = ["h1"]', "titel"),
        (GOOD.replace("title =", "sapo ="), "title"),
        (GOOD.replace('["h1"]', '["h1["]'), "title"),
        (GOOD.replace('"div.body"]', '"div.body"]\\nlead = ["(a"]'.replace("\\\\n", "\\n")), "lead"),
        (GOOD.replace("2020-01-01", '"hôm qua"'), "valid_from"),
        (GOOD.replace('name = "mau"', 'name = "khac"'), "name"),
        (GOOD.replace('note = "a note that says where the markup was seen"', 'note = "x"'), "note"),
        ("name = ", "TOML"),
    ],
)
def test_a_broken_rule_names_its_key(broken: str, names: str) -> None:
    with pytest.raises(ConfigError, match=names) as error:
        load_rule("mau.toml", broken.replace("\\n", "\n"))
    assert str(error.value).startswith("mau.toml")


def test_two_versions_may_not_hold_on_one_day() -> None:
    later = GOOD + GOOD[GOOD.index("[[version]]") :].replace("2020", "2022")
    with pytest.raises(ConfigError, match="2022-01-01"):
        load_rule("mau.toml", later)
    closed = later.replace("valid_from = 2020-01-01", "valid_from = 2020-01-01\nvalid_until = 2021-12-31")
    rule = load_rule("mau.toml", closed)
    assert [version.valid_from for version in rule.version] == [date(2020, 1, 1), date(2022, 1, 1)]
    assert rule.version_on(datetime.fromisoformat("2021-12-31T23:59:00+07:00")) is rule.version[0]
    assert rule.version_on(datetime.fromisoformat("2021-12-31T17:30:00+00:00")) is rule.version[1], "local day counts"
    assert rule.version_on(datetime.fromisoformat("2019-12-31T00:00:00+07:00")) is None


def test_unknown_rule_lists_what_exists() -> None:
    with pytest.raises(ConfigError, match="vnexpress"):
        extract(page_of(RECORDS[0]), rules="khong_co")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://suckhoe.vnexpress.net/a-1.html", "vnexpress"),
        ("https://www.nld.com.vn/a-1.htm", "vccorp"),
        ("https://khong-phai-vnexpress.net.example.vn/a", None),
        ("https://vnexpress.net.example.vn/a", None),
    ],
)
def test_a_host_is_matched_by_whole_labels(url: str, name: str | None) -> None:
    from lxml import html

    rule = choose_rule(html.fromstring("<html><body><p>x</p></body></html>"), url)
    assert (rule.name if rule else None) == name


def test_aliases_of_a_family() -> None:
    assert {rule_named(name).name for name in ("tuoitre", "thanhnien", "nld")} == {"vccorp"}
