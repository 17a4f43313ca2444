"""Redaction: what goes, what stays, and that a second pass or another Unicode form changes nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duluan.privacy import MARKS, MIN_CELL, addresses, cell, numbers, redact

GONE = [
    ("gọi 0905.123.456 gặp tôi", "gọi [điện thoại] gặp tôi"),
    ("o9o5 mot hai ba 4 5 6 nha", "[điện thoại] nha"),
    ("sđt không chín không năm một hai ba bốn năm sáu", "sđt [điện thoại]"),
    ("(+84) 905-123-456", "[điện thoại]"),
    ("máy bàn (0260) 3 862 345", "máy bàn [điện thoại]"),
    ("xe 82A-123.45 chạy ẩu", "xe [biển số] chạy ẩu"),
    ("CCCD 051099001234", "CCCD [số giấy tờ]"),
    ("cmnd 212345678", "cmnd [số giấy tờ]"),
    ("STK 4505205123456 Agribank", "STK [tài khoản] Agribank"),
    ("thư về hoa.le@gmail.com nhé", "thư về [email] nhé"),
    ("trang fb.com/hoa.le.99 đó", "trang [trang cá nhân] đó"),
    ("nhà tôi ở 123/4 Nguyễn Công Phương", "nhà tôi ở [địa chỉ nhà]"),
    ("bà N.T.H bị mất", "bà [tên riêng] bị mất"),
    ("chị Y Hương khóc", "chị [tên riêng] khóc"),
    ("em H'Nga đi học", "em [tên riêng] đi học"),
    ("anh Nguyễn Văn Tuấn nói vậy", "anh [tên riêng] nói vậy"),
    ("anh nguyen van tuan noi", "anh [tên riêng] noi"),
]
STAYS = [
    "đền bù 120000000 đồng/sào",
    "tổng cộng 1.250.000.000 đồng",
    "Quyết định 1234/QĐ-UBND ngày 05/09/2023",
    "họp từ 05.09.2023 12 giờ",
    "gọi 1900 1234, 1022, 113, 114, 115",
    "MST: 0301234567",
    "quốc lộ 24 đoạn km 12+300",
    "huyện Ia H'Drai",
    "Chủ tịch tỉnh, ông Nguyễn Hoàng Giang",
    "anh Tuấn ở xóm trên",
]


@pytest.mark.parametrize(("text", "expected"), GONE)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_personal_data_goes(text: str, expected: str, form: str) -> None:
    assert redact(unicodedata.normalize(form, text)) == expected


@pytest.mark.parametrize("text", STAYS)
def test_public_matter_stays(text: str) -> None:
    assert redact(text) == text


def test_news_keeps_names_but_no_numbers() -> None:
    assert redact("ông Lê Văn Hùng, số 0905123456", "news") == "ông Lê Văn Hùng, số [điện thoại]"


def test_cells_below_the_minimum_are_hidden() -> None:
    assert [cell(n) for n in (0, 4, MIN_CELL, 12)] == ["<5", "<5", "5", "12"]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_unicode_is_answered_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


PIECES = [
    "0905",
    "123456",
    " ",
    ".",
    "o9o5",
    "STK ",
    "bà ",
    "N.T.H",
    "82A-123.45",
    "@gmail.com",
    "CCCD ",
    "số nhà 12",
    "/",
    *MARKS,
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_marks_next_to_numbers_are_stable(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


LEADING = [
    "nhà tôi ở ", "địa chỉ: ", "số nhà ", "hẻm ", "tổ dân phố số ", "hộ khẩu ", "ship về ", "kp", "d/c ", "trụ sở ", "ngày ", "ở – ",
    "không ", "chín ", "tám", "năm ", "ba ", "o", "l", "05", "12", "345", "6/7", "/", "-", ".", ", ", " ", "B", "DN 4", "(+84) ",
    "Lê Lợi", " đường Hùng Vương", "phố ", "\n", " đồng", "biển ",
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(LEADING), max_size=16).map("".join))
def test_what_is_looked_at_first_to_save_time_changes_no_answer(text: str) -> None:
    quick = redact(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(numbers, "_may_hold", lambda _view: True)
        patched.setattr(addresses, "_may_be_house", lambda _folded, _number: True)
        assert redact(text) == quick
