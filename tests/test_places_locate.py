"""Places: both eras, every way of writing a name, homonyms elsewhere, and the answer for the whole text."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from duluan.cli.locate import app
from duluan.config import load_province
from nlp.places import Locator

BEFORE = datetime(2024, 5, 1, tzinfo=UTC)
AFTER = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def locator(province_dir: Path) -> Locator:
    return Locator(load_province(province_dir))


def keys(locator: Locator, text: str, when: datetime | None = None) -> list[tuple[str, str]]:
    return [(place.era, place.code) for place in locator.locate(text, when).places]


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("TP. Kon Tum có mưa", ("old", "608"), ("old", "608")),
        ("tp kon tum co mua", ("old", "608"), ("old", "608")),
        ("P. Thắng Lợi (TP Kon Tum cũ) mất điện", ("old", "23293"), ("old", "23293")),
        ("H. Ia H'Drai khát nước", ("old", "618"), ("old", "618")),
        ("Ia Hdrai khát nước", ("old", "618"), ("old", "618")),
        ("Dak To mưa lớn", ("old", "612"), ("now", "23401")),
        ("Đắk-Tô mưa lớn", ("old", "612"), ("now", "23401")),
        ("thị trấn Đăk Tô mưa lớn", ("old", "23401"), ("old", "23401")),
        ("đảo Lý Sơn cúp điện", ("old", "536"), ("now", "21548")),
        ("đặc khu Lý Sơn cúp điện", ("old", "536"), ("now", "21548")),
        ("thị xã Đức Phổ", ("old", "534"), ("old", "534")),
        ("phường Đức Phổ", ("old", "534"), ("now", "21439")),
        ("xã Sơn Hạ", ("old", "21292"), ("now", "21292")),
        ("Kontum se lạnh", ("old", "62"), ("old", "62")),
        ("tỉnh Quảng Ngãi", ("old", "51"), ("now", "51")),
        ("QUẢNG NGÃI NGẬP SÂU", ("old", "51"), ("now", "51")),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_are_dated(
    locator: Locator, text: str, before: tuple[str, str], after: tuple[str, str], form: str
) -> None:
    written = unicodedata.normalize(form, text)
    if text != "phường Đức Phổ":  # there was no such ward then
        assert keys(locator, written, BEFORE)[0] == before
    assert keys(locator, written, AFTER)[0] == after


@pytest.mark.parametrize(
    "text",
    [
        "Ngọc Hồi, Hà Nội",
        "xã Ngọc Hồi (Hà Nội) ngập",
        "phường An Phú, TP Thủ Đức",
        "đường Quang Trung kẹt xe",
        "Nguyễn Bình Sơn ghi bàn",
        "trường THPT Trần Phú",
        "sông Đông Sơn",
        "chúng ta đoàn kết, thống nhất",
        "ba vì sao",
    ],
)
def test_homonyms_are_left_alone(locator: Locator, text: str) -> None:
    found = locator.locate(text, AFTER)
    assert found.places == ()
    assert not found.in_province


def test_context_brings_a_homonym_home(locator: Locator) -> None:
    assert keys(locator, "xã An Phú, tỉnh Quảng Ngãi", AFTER) == [("now", "21034"), ("now", "51")]


def test_a_unit_that_is_no_more_needs_context_in_a_text_of_today(locator: Locator) -> None:
    text = "P. Thắng Lợi mất điện"
    assert keys(locator, text) == keys(locator, text, BEFORE) == [("old", "23293")]
    assert keys(locator, text, AFTER) == []
    assert locator.locate(text, AFTER, default_in_province=True).places[0].code == "23293"


@pytest.mark.parametrize(
    "text",
    [
        "xã Sơn Giang, huyện Hương Sơn cũ",
        "xã Hiếu Giang bị cô lập",
        "nhà số 102 Phổ Quang",
        "xã Bình Trị, H.Thăng Bình, tỉnh Quảng Nam",
        "Phan Thiết: kẹt xe đoạn qua xã Tân Lập",
    ],
)
def test_addresses_elsewhere_are_read_to_their_end(locator: Locator, text: str) -> None:
    assert keys(locator, text, AFTER) == []


def test_a_list_shares_its_unit_word(locator: Locator) -> None:
    found = keys(locator, "các xã Đăk Pxi, Đăk Ui và Sơn Tây của Quảng Ngãi", AFTER)
    assert found == [("now", "23504"), ("now", "23510"), ("now", "21340"), ("now", "51")]


def test_a_place_carries_todays_communes_and_its_own_spelling(locator: Locator) -> None:
    (place,) = locator.locate("Huyện Dak Glei thiếu nước", AFTER).places
    assert (place.level, place.name, place.written) == ("district", "Đắk Glei", "Dak Glei")
    assert {"23341", "23368"} <= set(place.now)


def test_the_default_holds_only_where_nothing_is_named(locator: Locator) -> None:
    assert locator.locate("trời mưa to quá", default_in_province=True).in_province
    assert not locator.locate("Hà Nội mưa to quá", default_in_province=True).in_province


def test_every_unit_is_found_under_its_own_name(locator: Locator, province_dir: Path) -> None:
    missed = []
    for unit in load_province(province_dir).units:
        when = AFTER if unit.era == "now" else BEFORE
        text = f"Tin từ {unit.type} {unit.name}, {'Kon Tum' if unit.code[0] == '6' or unit.code[:2] == '23' else 'Quảng Ngãi'}."
        found = [(p.era, p.level, p.name) for p in locator.locate(text, when).places]
        if (unit.era, unit.level, unit.name) not in found:
            missed.append((unit.era, unit.type, unit.name))
    assert missed == []


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120))
def test_any_unicode_gets_an_answer(locator: Locator, text: str) -> None:
    for place in locator.locate(text).places:
        assert place.written


def test_the_command_answers_line_by_line(tmp_path: Path, province_dir: Path) -> None:
    file = tmp_path / "in.txt"
    file.write_text("huyện Đăk Hà mưa\n\nHà Nội nắng\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["--province", str(province_dir), str(file)])
    assert result.exit_code == 0
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["line"] for record in records] == [1, 2, 3]
    assert [record["in_province"] for record in records] == [True, False, False]
    assert records[0]["places"][0]["written"] == "Đăk Hà"
