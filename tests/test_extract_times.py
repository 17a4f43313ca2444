"""Every form of time stamp seen on Vietnamese sites, to the minute, and nothing where the minute is not said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.extract.times import parse_vietnamese_time
from duluan.clock import LOCAL, format_time

FETCHED = datetime.fromisoformat("2025-11-20T10:00:00+07:00")  # a Thursday


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # the reference's list
        ("Thứ sáu - 01/12/2023 09:19", "2023-12-01T09:19:00"),
        ("2023-12-01+0709:19:05", "2023-12-01T09:19:05"),
        ("3 giờ trước", "2025-11-20T07:00:00"),
        ("14 Tháng 11 lúc 09:30", "2025-11-14T09:30:00"),
        ("Cập nhật: 08:15, 20/11/2025", "2025-11-20T08:15:00"),
        ("T2, 07/07/2025 08:00", "2025-07-07T08:00:00"),
        ("20/11/2025 08:15 SA", "2025-11-20T08:15:00"),
        ("19/11/2025 08:15 CH", "2025-11-19T20:15:00"),
        ("01/10/2021 15:53", "2021-10-01T15:53:00"),
        # papers
        ("Thứ tư, 22/10/2025, 19:25 (GMT+7)", "2025-10-22T19:25:00"),
        ("07/03/2026 08:01 GMT+7", "2026-03-07T08:01:00"),
        ("07/03/2026   08:52 (GMT+07:00)", "2026-03-07T08:52:00"),
        ("Thứ Bảy, 07/03/2026 - 08:52", "2026-03-07T08:52:00"),
        ("2026-03-07T08:52:11.000 +07:00", "2026-03-07T08:52:11"),
        ("Thứ Tư, ngày 19/11/2025 10:05 AM (GMT+7)", "2025-11-19T10:05:00"),
        ("Chủ nhật, ngày 16/11/2025 08:15", "2025-11-16T08:15:00"),
        ("CN, 16/11/2025 08:00", "2025-11-16T08:00:00"),
        ("18:37 26/08/2022", "2022-08-26T18:37:00"),
        ("08:15 | 20.11.2025", "2025-11-20T08:15:00"),
        ("20-11-2025 08:15", "2025-11-20T08:15:00"),
        ("20/11/25 08:15", "2025-11-20T08:15:00"),
        ("8h15 ngày 20/11/2025", "2025-11-20T08:15:00"),
        ("8 giờ 15 phút, ngày 20 tháng 11 năm 2025", "2025-11-20T08:15:00"),
        ("7g30 ngày 1/1/2025", "2025-01-01T07:30:00"),
        ("Ngày đăng: 18/11/2025 08:00 - Cập nhật: 20/11/2025 09:30", "2025-11-18T08:00:00"),
        ("Cập nhật 20/11/2025 09:30 | Đăng lúc 18/11/2025 08:00", "2025-11-18T08:00:00"),
        ("14 Tháng Mười Một, 2025 lúc 7:05 chiều", "2025-11-14T19:05:00"),
        ("Thứ Năm, 20-11-2025,\xa008:15", "2025-11-20T08:15:00"),
        ("Th\u01b0\u0301 sa\u0301u, 14/11/2025 08:15", "2025-11-14T08:15:00"),  # NFD
        ("20/11/2025&nbsp;08:15", "2025-11-20T08:15:00"),
        # social pages and relative times
        ("hôm qua lúc 21:05", "2025-11-19T21:05:00"),
        ("Hôm nay, 08:05", "2025-11-20T08:05:00"),
        ("Thứ Hai lúc 08:30", "2025-11-17T08:30:00"),
        ("15 phút trước", "2025-11-20T09:45:00"),
        ("1 giờ 20 phút trước", "2025-11-20T08:40:00"),
        ("vừa xong", "2025-11-20T10:00:00"),
        ("14/11 lúc 09:30", "2025-11-14T09:30:00"),
        ("14 Tháng 12 lúc 09:30", "2024-12-14T09:30:00"),  # not in the future: last year's
        # machines
        ("Wed, 19 Nov 2025 08:06:00 +0700", "2025-11-19T08:06:00"),
        ("Wed, 19 Nov 2025 01:06:00 GMT", "2025-11-19T08:06:00"),
        ("Sat, 15 Nov 2025 08:06:00 GMT+7", "2025-11-15T08:06:00"),
        ("2025-11-19T01:06:00Z", "2025-11-19T08:06:00"),
        ("2025-11-19 08:06", "2025-11-19T08:06:00"),
        ("2025/11/19 08:06:11", "2025-11-19T08:06:11"),
        ("November 14, 2025 8:06 pm", "2025-11-14T20:06:00"),
        ("1761135952", "2025-10-22T19:25:52"),
        ("1761135952000", "2025-10-22T19:25:52"),
        ("3/7/2025 8:02:19 AM", "2025-03-07T08:02:19"),  # .NET's en-US default: month first
        ("03/07/2025 08:02 AM", "2025-07-03T08:02:00"),  # padded: day first
    ],
)
def test_form(text: str, wanted: str) -> None:
    found = parse_vietnamese_time(text, FETCHED)
    assert found is not None
    assert format_time(found) == wanted + "+07:00"


@pytest.mark.parametrize(
    "text",
    [
        "", "tin mới", "20/11/2025", "2026-03-07", "20 tháng 11 năm 2025", "hôm qua", "08:15", "Thứ Hai",  # no day or no minute
        "2 ngày trước", "1 tuần trước", "3 tháng trước", "2 ngày 3 giờ trước", "2 days ago",  # no minute either
        "31/02/2025 08:00", "20/11/2025 25:00", "20/13/2025 08:15", "2025-11-31T08:00:00", "20/11/2025 08:61",  # impossible
        "0", "1970-01-01T00:00:00Z", "01/01/1970 07:00",  # defaults of a data base
        "Điện thoại: 0255.3822.999", "Giá 15.000-20.000", "Nghị định 68/2026/NĐ-CP",  # no time at all
    ],
)  # fmt: skip
def test_nothing_is_guessed(text: str) -> None:
    assert parse_vietnamese_time(text, FETCHED) is None


FORMS = [
    "{d:%d/%m/%Y %H:%M}",
    "{d:%d/%m/%Y, %H:%M} (GMT+7)",
    "Thứ ba, {d:%d/%m/%Y - %H:%M}",
    "{d:%H:%M} | {d:%d/%m/%Y}",
    "Cập nhật: {d:%H:%M}, {d:%d/%m/%Y}",
    "{d:%H}h{d:%M} ngày {d:%d/%m/%Y}",
    "{d.day} tháng {d.month} năm {d.year}, {d:%H:%M}",
    "{d:%d-%m-%Y %H:%M}",
    "{d:%Y-%m-%dT%H:%M}",
    "{d:%Y-%m-%d %H:%M:00} +07:00",
    "{d:%d/%m/%Y %I:%M %p}",
    "{d:%a, %d %b %Y %H:%M:00 +0700}",
]


@settings(max_examples=120, deadline=None)
@given(
    minutes=st.integers(0, 15_720_000),
    form=st.sampled_from(FORMS),
)
def test_every_minute_survives_every_form(minutes: int, form: str) -> None:
    moment = datetime(1996, 1, 1, tzinfo=LOCAL) + timedelta(minutes=minutes)
    assert parse_vietnamese_time(form.format(d=moment), FETCHED) == moment


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_no_text_raises(text: str) -> None:
    found = parse_vietnamese_time(text, FETCHED)
    assert found is None or found.utcoffset() == timedelta(hours=7)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="0123456789:/-. hgSACHthángcập nhật,+()GMTZ", max_size=60))
def test_no_digits_raise(text: str) -> None:
    found = parse_vietnamese_time(text, FETCHED)
    assert found is None or found.year >= 1995


@settings(max_examples=60, deadline=None)
@given(day=st.integers(1, 28), month=st.integers(1, 12), hours=st.integers(0, 24 * 400))
def test_a_missing_year_is_the_latest_that_has_been(day: int, month: int, hours: int) -> None:
    fetched = FETCHED + timedelta(hours=hours)
    found = parse_vietnamese_time(f"{day} Tháng {month} lúc 09:30", fetched)
    assert found is not None
    assert fetched - timedelta(days=367) < found < fetched + timedelta(days=2)


def test_relative_to_the_fetch_in_any_zone() -> None:
    assert parse_vietnamese_time("30 phút trước", FETCHED.astimezone(UTC)) == FETCHED - timedelta(minutes=30)


def test_long_hostile_text_is_quick_to_refuse() -> None:
    assert parse_vietnamese_time("1 giờ " * 200_000, FETCHED) is None
    assert parse_vietnamese_time("9" * 1_000_000, FETCHED) is None
