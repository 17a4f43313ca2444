"""Reprints: what counts as the same voice, and what does not. All texts are ours."""

from __future__ import annotations

import random

import pytest

from nlp.reprints import ReprintIndex, sketch

STORY = (
    "Sáng 12/9, mưa lớn kéo dài làm hàng nghìn mét khối đất đá sạt xuống tuyến đường lên đèo Măng Rơi, đoạn qua xã Đăk Hà. "
    "Chính quyền địa phương đã rào chắn hai đầu, hướng dẫn xe tải và xe khách quay đầu theo quốc lộ cũ. "
    "Ba hộ dân ở chân đèo được đưa về nhà văn hóa thôn, bà con mang theo gạo và chăn màn đủ dùng vài ngày. "
    "Đơn vị quản lý đường bộ điều bốn máy xúc, dự kiến thông xe một làn trước chiều mai nếu trời không mưa thêm. "
    "Trường tiểu học gần đó cho học sinh nghỉ một buổi, thầy cô gọi điện báo từng phụ huynh ngay trong đêm. "
    "Theo ghi nhận, đây là lần thứ ba trong mùa mưa năm nay cung đường này bị chia cắt, người dân mong có phương án xử lý lâu dài."
)
OTHER = (
    "Chợ phiên vùng cao mở lại sau nửa năm sửa chữa, tiểu thương được bốc thăm chọn quầy ngay tại sân. "
    "Ban quản lý cho biết giá thuê giữ nguyên đến hết năm, tiền điện nước thu theo đồng hồ riêng của từng quầy. "
    "Nhiều người bán rau lo mái tôn thấp nên nóng, đề nghị làm thêm quạt thông gió trước mùa khô."
)
FRAME = "Mời bạn đọc theo dõi trang của chúng tôi để nhận thêm tin mới mỗi sáng, xin cảm ơn."


def origin(index: ReprintIndex, id: str, text: str, *, title: str = "", own_words: bool = False, day: int = 10) -> str:
    return index.origin_of(id, *sketch(title, text), own_words=own_words, day=day)


@pytest.fixture
def index() -> ReprintIndex:
    found = ReprintIndex()
    assert origin(found, "first", STORY) == "first"
    assert origin(found, "other", OTHER) == "other"
    return found


def test_a_whole_copy(index: ReprintIndex) -> None:
    assert origin(index, "copy", STORY) == "first"


def test_a_cut_copy(index: ReprintIndex) -> None:
    assert origin(index, "cut", " ".join(STORY.split()[:50])) == "first"


def test_only_the_lead(index: ReprintIndex) -> None:
    assert origin(index, "lead", STORY.split(". ")[0] + ".") == "first"


def test_a_framed_copy(index: ReprintIndex) -> None:
    assert origin(index, "framed", f"{FRAME} {STORY} {FRAME}") == "first"


def test_dropped_sentences(index: ReprintIndex) -> None:
    assert origin(index, "dropped", " ".join(STORY.split(". ")[::2])) == "first"


def test_fifteen_words_of_a_hundred_edited(index: ReprintIndex) -> None:
    chance = random.Random(4)
    edited = " ".join(word if chance.random() > 0.15 else "khác" for word in STORY.split())
    assert origin(index, "edited", edited) == "first"


def test_another_story_is_its_own_origin(index: ReprintIndex) -> None:
    assert (
        origin(index, "new", "Giải việt dã của tỉnh có hơn sáu trăm người chạy, đường chạy men theo bờ sông.") == "new"
    )


def test_a_reprint_of_a_reprint_has_the_first_as_origin(index: ReprintIndex) -> None:
    extended = STORY.split(". ")[0] + ". " + OTHER.replace("Chợ phiên", "Bến xe")
    first = origin(index, "extended", extended)
    assert first in {"first", "other"}
    assert origin(index, "again", extended) == first


def test_daily_bulletins_with_other_figures_are_not_copies(index: ReprintIndex) -> None:
    text = "Giá cà phê hôm nay tại các huyện trong tỉnh dao động quanh mức {} đồng một ký, thương lái mua vào chậm, nhà vườn giữ hàng."
    assert origin(index, "monday", text.format(101), title="Giá cà phê ngày 3/11") == "monday"
    assert origin(index, "tuesday", text.format(112), title="Giá cà phê ngày 4/12: tăng mạnh 112") == "tuesday"


def test_boilerplate_of_many_texts_counts_for_nothing() -> None:
    index = ReprintIndex()
    chance = random.Random(1)
    syllables = OTHER.split() + STORY.split()
    for number in range(40):
        own = " ".join(chance.choice(syllables) for _ in range(60))
        origin(index, f"t{number}", f"{own} {FRAME} {FRAME}")
    fresh = "Cầu treo vào buôn đã thay ván mới, học trò qua sông không phải đợi đò lúc nước lên."
    assert origin(index, "fresh", f"{fresh} {FRAME}") == "fresh"


def test_a_comment_folds_only_where_it_is_nearly_the_same(index: ReprintIndex) -> None:
    text = "Đường vào thôn tôi hỏng cả năm nay, kiến nghị nhiều lần mà chưa thấy ai xuống sửa."
    assert origin(index, "c1", text, own_words=True) == "c1"
    assert origin(index, "c2", text + "!!!", own_words=True) == "c1"
    near = "Đường vào thôn tôi hỏng nặng, ai cũng kêu mà chính quyền chưa có kế hoạch sửa."
    assert origin(index, "c3", near, own_words=True) == "c3"
    assert (
        origin(index, "c4", STORY.split(". ")[0], own_words=True) == "c4"
    )  # quoting the news is still one's own voice


def test_a_common_phrase_is_said_not_copied() -> None:
    index = ReprintIndex()
    assert origin(index, "a", "Cảm ơn các anh công an", own_words=True) == "a"
    assert origin(index, "b", "Cảm ơn các anh công an", own_words=True) == "b"


def test_the_window_ends() -> None:
    index = ReprintIndex(days=14)
    assert origin(index, "old", STORY, day=10) == "old"
    assert origin(index, "within", STORY, day=24) == "old"
    assert origin(index, "after", STORY, day=39) == "after"


def test_empty_texts_have_no_copies() -> None:
    index = ReprintIndex()
    assert [origin(index, id, "") for id in "ab"] == ["a", "b"]
    assert [origin(index, id, "Hay quá") for id in "cd"] == ["c", "d"]
