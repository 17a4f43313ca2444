"""The card's words: where and since when stand under the title, and a new issue is compared with new issues, never with its past."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from alerts.card import Context, build
from alerts.chart import HEIGHT, WIDTH, draw
from alerts.render import fragment, text
from alerts.report import DayCount
from duluan.clock import LOCAL
from duluan.config import Profile, load_province
from duluan.model import Alert

TONE = {"neg": 27, "neu": 14, "pos": 4, "uncertain": 6}
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
        coverage={"window_hours": 25, "newborn": True, "threshold_mail": 3.1, "tone": TONE},
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
    assert card.summary == (
        "45 lượt ý kiến trong 25 giờ, trong khi các vấn đề mới cùng tuổi thường có khoảng 5,4. "
        "Trong 45 lượt này có 27 lượt tiêu cực (60%), máy chưa chắc về 6 lượt."
    )
    assert ("Tỷ lệ tiêu cực", "60%", "27 trong 45 lượt") in card.tiles


def test_what_a_card_says_adds_up_for_a_reader_who_counts(profile: Profile, alert: Alert) -> None:
    before = {"neg": 12, "neu": 20, "pos": 8, "uncertain": 3}
    standing = replace(alert, coverage={"window_hours": 24, "tone": TONE, "tone_before": before})
    card = build(standing, profile, Context(public=True))
    assert card.summary == (
        "45 lượt ý kiến trong 24 giờ, trong khi ngày thường có khoảng 5,4. "
        "Trong 45 lượt này có 27 lượt tiêu cực (60%), máy chưa chắc về 6 lượt; 7 ngày trước đó: 12 trong 40 lượt tiêu cực (30%)."
    )
    assert ("Tỷ lệ tiêu cực", "60%", "27 trong 45 lượt; 7 ngày trước: 12 trong 40 (30%)") in card.tiles
    assert card.counter == (
        "18 lượt ý kiến trung tính hoặc tích cực trong cùng thời gian.",
        "Máy chưa chắc về thái độ của 6 trong 45 lượt ý kiến; mỗi lượt vẫn được đếm theo thái độ có khả năng cao nhất.",
    )
    for shown in (fragment(card), text(card), json.dumps(card.record(), ensure_ascii=False)):
        # the detector's own mean probability is not for counting
        assert "64%" not in shown
        assert "27" in shown
    assert not [line for line in card.basis if "không rõ giờ đăng" in line]


def test_an_issue_that_nobody_spoke_of_before(profile: Profile, alert: Alert) -> None:
    nothing = dict.fromkeys(("neg", "neu", "pos", "uncertain"), 0)
    card = build(replace(alert, coverage={"window_hours": 24, "tone": TONE, "tone_before": nothing}), profile)
    assert card.summary.endswith(
        "Trong 45 lượt này có 27 lượt tiêu cực (60%), máy chưa chắc về 6 lượt; 7 ngày trước đó chưa có lượt ý kiến nào."
    )


@pytest.mark.parametrize(
    ("neg", "said"), [(5, "Cả 5 lượt này đều tiêu cực."), (0, "Trong 5 lượt này không có lượt nào tiêu cực.")]
)
def test_all_or_none(profile: Profile, alert: Alert, neg: int, said: str) -> None:
    tone = {"neg": neg, "neu": 5 - neg, "pos": 0, "uncertain": 0}
    card = build(replace(alert, voices=5, coverage={"window_hours": 24, "tone": tone}), profile)
    assert card.summary.endswith(said)


def test_voices_of_an_unknown_hour_are_said_where_they_make_a_difference(profile: Profile, alert: Alert) -> None:
    card = build(replace(alert, voices=47), profile)
    assert "Đếm từng bài được 45 lượt, 27 tiêu cực, máy chưa chắc về 6 lượt." in card.summary
    assert any("tổng 47 lượt vì thế khác 45 lượt đếm từng bài" in line for line in card.basis)


def test_few_neutral_voices_of_the_people_are_not_told_exactly(profile: Profile, alert: Alert) -> None:
    tone = {"neg": 42, "neu": 3, "pos": 0, "uncertain": 0}
    card = build(replace(alert, coverage={"window_hours": 24, "tone": tone}), profile, Context(public=False))
    assert card.counter == ("<5 lượt ý kiến trung tính hoặc tích cực trong cùng thời gian.",)


def test_an_alert_without_counts_by_tone_names_the_detectors_statistic(profile: Profile, alert: Alert) -> None:
    card = build(replace(alert, coverage={"window_hours": 24}), profile)
    assert card.summary.endswith("Xác suất tiêu cực trung bình 64%, ngày thường 40%.")
    assert ("Xác suất tiêu cực trung bình", "64%", "thường ngày 40%") in card.tiles


def test_the_chart_can_be_read_on_a_phone() -> None:
    """Drawn for little more than a phone's width: letters of 10.5 points are still eight pixels high at 300."""
    days = [DayCount(SINCE.replace(day=day), 5.0, 2.0, 4.0, 0.0, 9.0, 0.4) for day in range(1, 15)]
    width, height = struct.unpack(">II", draw(days)[16:24])  # of the PNG's header
    assert (width, height) == (2 * WIDTH, 2 * HEIGHT)
    assert WIDTH <= 540
