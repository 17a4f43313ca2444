"""The card's words: where and since when stand under the title, and a new issue is compared with new issues, never with its past."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from alerts.card import build
from alerts.chart import HEIGHT, WIDTH, draw
from alerts.render import fragment, text
from alerts.report import DayCount
from duluan.clock import LOCAL
from duluan.config import Profile, load_province
from duluan.model import Alert

SINCE = datetime(2026, 3, 18, 20, 12, tzinfo=LOCAL)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_province(Path(__file__).resolve().parents[1] / "province" / "quang_ngai")


@pytest.fixture
def alert(profile: Profile) -> Alert:
    return Alert(
        id="0123456789abcdef",
        issue="viec-1",
        tier="mail",
        reason="",
        title="Nước sông đục: vấn đề mới nổi, phần lớn ý kiến tiêu cực",
        started=SINCE,
        detected=SINCE,
        voices=45,
        expected=5.4,
        range90=(0, 16),
        share=0.64,
        share_usual=0.4,
        score=4.3,
        reprints=0,
        places=tuple(sorted(profile.commune_names))[:4],
        topic="moi_truong",
        agency=None,
        evidence=(),
        coverage={"window_hours": 25, "newborn": True, "threshold_mail": 3.1},
        models={},
    )


def test_where_and_since_when_stand_under_the_title(profile: Profile, alert: Alert) -> None:
    first, second, *_ = [profile.commune_names[code] for code in alert.places]
    card = build(alert, profile)
    assert card.where == f"{first[0].upper()}{first[1:]}, {second} và 2 nơi khác, từ 20:12 ngày 18/03/2026"
    assert card.where in fragment(card)
    assert card.where in " ".join(text(card).split())
    assert build(replace(alert, places=()), profile).where == "Từ 20:12 ngày 18/03/2026"
    assert build(replace(alert, tier="system"), profile).where == ""


def test_a_new_issue_has_no_ordinary_days(profile: Profile, alert: Alert) -> None:
    card = build(alert, profile)
    told = " ".join([card.summary, *(against for _, _, against in card.tiles)])
    assert "vấn đề mới khác 5,4; 90% số lần từ 0 đến 16" in told
    assert "thường ngày" not in told
    assert "ngày thường" not in told
    standing = build(replace(alert, coverage={"window_hours": 24}), profile)
    assert standing.summary == (
        "45 lượt ý kiến trong 24 giờ, trong khi ngày thường có khoảng 5,4; 64% là tiêu cực, ngày thường là 40%."
    )


def test_the_chart_can_be_read_on_a_phone() -> None:
    """Drawn for little more than a phone's width: letters of 10.5 points are still eight pixels high at 300."""
    days = [DayCount(SINCE.replace(day=day), 5.0, 2.0, 4.0, 0.0, 9.0, 0.4) for day in range(1, 15)]
    width, height = struct.unpack(">II", draw(days)[16:24])  # of the PNG's header
    assert (width, height) == (2 * WIDTH, 2 * HEIGHT)
    assert WIDTH <= 540
