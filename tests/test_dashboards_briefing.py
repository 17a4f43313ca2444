"""The briefing's sentences, its files and the page: right numbers, masked small cells, nothing unescaped, nobody named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from docx import Document

from dashboards.briefing import AlertLine, Briefing, DayLine, IssueLine, SourceLine, TopicLine, sections
from dashboards.briefing_docx import write_docx
from dashboards.briefing_html import html
from dashboards.page import OverviewPage
from dashboards.page import html as page_html
from dashboards.province_map import Shape, draw_map, read_shapes
from dashboards.words import cell, change, date_in_words, day, headline, listed, number, versions
from duluan.clock import LOCAL
from duluan.errors import ConfigError, DuluanError, InputError
from duluan.tone import Tone
from flows.brief import Period, last_week
from flows.briefing_files import write_briefing
from index import open_store

SINCE = datetime(2026, 3, 13, tzinfo=LOCAL)
ISSUE = IssueLine(
    id="i1",
    title="Bao giờ xong cầu <Suối Đá>?",
    topic="Giao thông",
    places=("xã Đăk Hà", "xã Đăk Mar"),
    tone=Tone(neg=30, neu=6, pos=4),
    documents=46,
    first=datetime(2026, 3, 14, 8, 5, tzinfo=LOCAL),
    late=0.7,
    agency="Sở Xây dựng",
)


def _briefing(**changed: object) -> Briefing:
    base = Briefing(
        office="Ban Tuyên giáo và Dân vận Tỉnh ủy Mẫu",
        province="Mẫu",
        label="W12/2026",
        since=SINCE,
        until=SINCE + timedelta(days=7),
        made=SINCE + timedelta(days=7, hours=6),
        tone=Tone(neg=60, neu=20, pos=20),
        documents=112,
        previous=Tone(neg=40, neu=20, pos=20),
        uncertain=0.25,
        topics=(TopicLine("Giao thông", Tone(36, 6, 4), 20, 18.0), TopicLine("Y tế", Tone(3), 2, 1.0)),
        days=tuple(DayLine(SINCE + timedelta(days=n), Tone(8, 3, 3)) for n in range(7)),
        places=(("xã Đăk Hà", Tone(30, 2, 1)), ("xã Đăk Mar", Tone(2))),
        negative=(ISSUE,),
        positive=(),
        alerts=(AlertLine("a1", "i1", "Cầu Suối Đá", "mail", SINCE, "open", 40, 6.0, "Sở Xây dựng"),),
        sources=(SourceLine("Báo Mẫu", 100, 168, 0), SourceLine("Cổng Mẫu", 12, 168, 9)),
        models=(("topic", "vi-1"),),
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def _text(briefing: Briefing) -> str:
    return "\n".join(text for part in sections(briefing) for text in (*part.paragraphs, *part.points))


def test_sentences_say_what_the_data_say() -> None:
    text = _text(_briefing())
    assert "từ ngày 13/3/2026 đến ngày 19/3/2026" in text
    assert "100 lượt ý kiến về tỉnh Mẫu, tăng 25% so với tuần trước" in text
    assert "Tỷ lệ tiêu cực tăng 10 điểm phần trăm" in text
    assert (
        "Bao giờ xong cầu <Suối Đá>? Lĩnh vực giao thông; địa bàn: xã Đăk Hà và xã Đăk Mar; xuất hiện từ 08:05 ngày 14/3/2026; "
        "40 lượt ý kiến (đã gộp 6 tin đăng lại), 75% tiêu cực."
    ) in text
    assert "Đề nghị Sở Xây dựng phối hợp với UBND xã Đăk Hà và xã Đăk Mar" in text
    assert "Cổng Mẫu (9/168 lần không đọc được)" in text
    assert "70% số lượt ý kiến xuất hiện trong hai ngày cuối tuần" in text
    assert "Phiên bản mô hình: vi-1 (chủ đề)." in text
    assert "?." not in text


def test_a_period_that_is_no_week_is_not_called_one() -> None:
    month = _briefing(label="", since=datetime(2026, 2, 1, tzinfo=LOCAL), until=datetime(2026, 3, 1, tzinfo=LOCAL))
    text = _text(month)
    assert "Trong kỳ (từ ngày 01/02/2026 đến ngày 28/02/2026)" in text
    assert "so với kỳ trước" in text
    assert "mỗi kỳ" in text
    assert "tuần" not in text
    assert "Kỳ trước" in html(month)


def test_an_issue_without_field_or_place_reads_well() -> None:
    bare = replace(ISSUE, title="Giếng cạn", topic="", places=(), documents=40, late=1.0, agency="")
    text = _text(_briefing(negative=(bare,), positive=(replace(bare, tone=Tone(pos=9, neu=1)),)))
    assert "Giếng cạn. Xuất hiện từ 08:05 ngày 14/3/2026; 40 lượt ý kiến, 75% tiêu cực." in text
    assert "Giếng cạn. 10 lượt ý kiến, 90% tích cực." in text
    assert "toàn bộ số lượt ý kiến xuất hiện trong hai ngày cuối tuần" in text
    assert "Đề nghị địa phương liên quan kiểm tra" in text


def test_a_week_without_voices_says_so() -> None:
    empty = _briefing(tone=Tone(), previous=Tone(), documents=0, topics=(), negative=(), alerts=(), sources=())
    assert "không ghi nhận ý kiến nào" in _text(empty)
    assert "Tiếp tục theo dõi tình hình" in _text(empty)


@pytest.mark.parametrize(
    ("office", "left", "head", "receiver"),
    [
        (
            "Ban Tuyên giáo và Dân vận Tỉnh ủy Mẫu",
            "TỈNH ỦY MẪU\nBAN TUYÊN GIÁO VÀ DÂN VẬN\n*",
            "ĐẢNG CỘNG SẢN VIỆT NAM",
            "Thường trực Tỉnh ủy",
        ),
        ("Thành ủy Mẫu", "THÀNH ỦY MẪU\n*", "ĐẢNG CỘNG SẢN VIỆT NAM", "Thường trực Thành ủy"),
        (
            "Ủy ban nhân dân tỉnh Mẫu",
            "ỦY BAN NHÂN DÂN TỈNH MẪU\n*",
            "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
            "Lãnh đạo cơ quan",
        ),
    ],
)
def test_letterhead_and_signature_are_the_offices(
    tmp_path: Path, office: str, left: str, head: str, receiver: str
) -> None:
    write_docx(_briefing(office=office), tmp_path / "b.docx")
    tables = Document(str(tmp_path / "b.docx")).tables
    letter = tables[0].rows[0].cells
    assert letter[0].text == left
    assert letter[1].text.startswith(head)
    assert letter[1].text.endswith("Mẫu, ngày 20 tháng 3 năm 2026")
    assert receiver in tables[-1].rows[0].cells[0].text


def test_word_file_masks_small_cells_and_their_shares(tmp_path: Path) -> None:
    write_docx(_briefing(), tmp_path / "b.docx")
    rows = [[c.text for c in row.cells] for table in Document(str(tmp_path / "b.docx")).tables for row in table.rows]
    assert ["Y tế", "<5", "<5", "–"] in rows
    assert ["Giao thông", "46", "20", "78%"] in rows


def test_pages_escape_titles_and_mask_small_cells() -> None:
    page = OverviewPage(briefing=_briefing(), cards=(), notices=(), rejected=(), shapes=(), communes={})
    for text in (html(_briefing()), page_html(page)):
        assert "cầu &lt;Suối Đá&gt;?" in text
        assert "<Suối" not in text
        assert "&lt;5" in text
        assert "http://" not in text.replace("http://www.w3.org", "")


def test_the_map_shows_no_share_of_few_voices() -> None:
    square = ((108.0, 15.0), (108.1, 15.0), (108.1, 15.1), (108.0, 15.1))
    shapes = [Shape("1", "xã A", (square,)), Shape("2", "xã <B>", (square,))]
    drawn = str(draw_map(shapes, {"1": Tone(neg=9, pos=1), "2": Tone(neg=4)}))
    assert "xã A: 10 lượt ý kiến, 90% tiêu cực" in drawn
    assert "xã &lt;B&gt;: &lt;5 lượt ý kiến<" in drawn
    assert draw_map([], {}) is None


def test_a_damaged_map_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "map.geojson").write_text('{"features": [{}]}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"map\.geojson"):
        read_shapes(tmp_path / "map.geojson")
    assert read_shapes(tmp_path / "none.geojson") == ()


def test_words() -> None:
    assert [cell(n) for n in (0, 1, 4, 5, 1234)] == ["0", "<5", "<5", "5", "1.234"]
    assert number(1_234_567) == "1.234.567"
    assert change(0, 0, "tuần trước") == "không đổi so với tuần trước"
    assert change(5, 0) == "kỳ trước không có"
    assert change(102, 100) == "gần như không đổi so với kỳ trước"
    assert listed(["a", "b", "c"]) == "a, b và c"
    assert [day(datetime(2026, month, 7, tzinfo=LOCAL)) for month in (2, 3, 11)] == [
        "07/02/2026",
        "07/3/2026",
        "07/11/2026",
    ]
    assert date_in_words(datetime(2026, 1, 9, tzinfo=LOCAL)) == "ngày 09 tháng 01 năm 2026"
    assert (
        versions((("sentiment", "v1"), ("tone", "v2"), ("topic", "v1")))
        == "v1 (sắc thái, chủ đề); v2 (giọng điệu báo chí)"
    )


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("'Mái nhà tháng Ba': trăm mái ấm", "“Mái nhà tháng Ba”: trăm mái ấm"),
        ('Chuyện "đất vàng" ở Sa Huỳnh.', "Chuyện “đất vàng” ở Sa Huỳnh"),
        ("Đường vào Ia H'Drai lún, dân Ia H'Drai kêu", "Đường vào Ia H'Drai lún, dân Ia H'Drai kêu"),
        ("Bao giờ xong?", "Bao giờ xong?"),
        ("Chờ mãi…", "Chờ mãi…"),
    ],
)
def test_headlines(title: str, shown: str) -> None:
    assert headline(title) == shown


def test_lists() -> None:
    assert listed(["a", "b", "c", "d", "e", "f"], most=2, what="nguồn") == "a, b và 4 nguồn khác"


def test_weeks_run_friday_to_thursday_local() -> None:
    week = Period.week("2026-W12")
    assert (week.since, week.until) == (SINCE, SINCE + timedelta(days=7))
    assert last_week(datetime(2026, 3, 20, 6, tzinfo=LOCAL)) == "2026-W12"
    assert last_week(datetime(2026, 3, 19, 23, tzinfo=LOCAL)) == "2026-W11"
    assert last_week(datetime(2026, 1, 2, 6, tzinfo=LOCAL)) == "2026-W01"
    days = Period.dates("2026-03-01", "2026-03-02")
    assert days.until - days.since == timedelta(days=2)


@pytest.mark.parametrize("bad", ["2026-12", "2026-W54", "W12", "2026-W00"])
def test_a_bad_week_shows_the_form(bad: str) -> None:
    with pytest.raises(InputError, match="2026-W12"):
        Period.week(bad)


def test_pdf_without_a_browser_is_one_line(tmp_path: Path, province_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from duluan.clock import fixed_clock
    from duluan.config import load_province

    monkeypatch.setenv("PATH", str(tmp_path))
    store = open_store(f"sqlite:///{tmp_path / 's.sqlite'}")
    store.setup()
    with pytest.raises(DuluanError, match="trình duyệt"):
        write_briefing(
            store,
            load_province(province_dir),
            Period.week("2026-W12"),
            ["pdf"],
            tmp_path / "out",
            clock=fixed_clock(SINCE),
        )
    store.close()
    assert list((tmp_path / "out").iterdir()) == []
