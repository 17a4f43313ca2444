"""The whole of `enrich`: order, rejections, redaction, classes, places, keywords; any input gives an answer or a counted rejection."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from duluan.config import Profile, load_province
from duluan.model import KINDS, Document, Enriched, Kind, Rejected
from nlp.enrich import Enricher

WHEN = datetime(2026, 3, 7, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def profile(province_dir: Path) -> Profile:
    return load_province(province_dir)


@pytest.fixture(scope="session")
def enricher(profile: Profile) -> Enricher:
    return Enricher(profile)


def _document(text: str, title: str = "", kind: Kind = "comment", number: int = 0) -> Document:
    url = f"https://bao.example.vn/bai-{number}"
    return Document(id=f"{number:016x}", url=url, source="bao", kind=kind, title=title, text=text, fetched=WHEN)


def _one(enricher: Enricher, document: Document) -> Enriched:
    (found,) = enricher.enrich([document])
    assert isinstance(found, Enriched)
    return found


def test_an_angry_comment_on_a_bad_road(enricher: Enricher) -> None:
    text = "Đường xuống cấp nghiêm trọng mấy năm nay không ai sửa, ổ gà khắp nơi, đề nghị UBND xã sớm khắc phục cho dân đi lại!"
    found = _one(enricher, _document(text, "Đường vào xã Măng Đen hư hỏng nặng, xe cộ đi lại khó khăn"))
    assert found.topic == "giao_thong"
    assert found.sentiment == "neg"
    assert found.feedback
    assert found.in_province
    assert any(place.name == "Măng Đen" for place in found.places)
    assert found.agency
    assert sum(found.sentiment_p.values()) == pytest.approx(1, abs=1e-4)
    assert set(found.models) == {"topic", "sentiment", "tone", "feedback", "toxic"}


def test_good_news_is_read_by_its_tone(enricher: Enricher) -> None:
    title = "Học sinh Quảng Ngãi giành huy chương vàng, được tuyên dương và trao học bổng"
    found = _one(enricher, _document("Lễ trao thưởng ghi nhận thành tích xuất sắc của các em.", title, "news"))
    assert found.topic == "giao_duc"
    assert found.sentiment == "pos"
    assert not found.feedback


def test_accent_less_comment(enricher: Enricher) -> None:
    found = _one(enricher, _document("that vong qua, duong hong ma khong ai chiu sua, dan kho so lam"))
    assert found.lang == "vi"
    assert found.sentiment == "neg"


def test_what_points_to_a_person_is_gone_before_anything_else(enricher: Enricher) -> None:
    text = "Gọi 0905 123 456 gặp bà Nguyễn Thị Hoa để hỏi về đường hỏng ở xã Đăk Hà"
    found = _one(enricher, _document(text))
    assert "0905" not in found.text
    assert "Hoa" not in found.text
    assert not any("hoa" in word for word in found.keywords)


def test_names_are_no_keywords_but_offices_in_news_may_stay(enricher: Enricher) -> None:
    text = (
        "Ông Trần Văn Bình bị bắt vì lừa đảo chiếm đoạt tài sản. "
        "Chủ tịch UBND tỉnh Nguyễn Hoàng Giang yêu cầu xử lý nghiêm vụ lừa đảo."
    )
    found = _one(enricher, _document(text, "Bắt nghi phạm lừa đảo ở phường Kon Tum", "news"))
    assert "lừa đảo" in found.keywords
    assert not any("bình" in word for word in found.keywords)
    assert "nguyễn hoàng giang" in found.keywords


def test_order_is_kept_and_rejections_stand_in_their_place(enricher: Enricher) -> None:
    texts = ["Đường hỏng quá rồi", "", "道路坏了没有人修理我们很生气", "👍👍", "Cảm ơn các anh công an", "…"] * 60
    found = list(enricher.enrich(_document(text, number=n) for n, text in enumerate(texts)))
    assert [item.reason if isinstance(item, Rejected) else item.id for item in found] == [
        {1: "no_text", 2: "not_vietnamese", 5: "no_text"}.get(n % 6, f"{n:016x}") for n in range(len(texts))
    ]


def test_a_record_gets_the_same_answer_alone_and_in_a_batch(enricher: Enricher) -> None:
    documents = [_document(f"Giá điện tăng {n} lần, dân kêu trời", "Giá điện", number=n) for n in range(150)]
    together = list(enricher.enrich(documents))
    for place in (0, 63, 64, 149):
        (alone,) = enricher.enrich([documents[place]])
        assert isinstance(alone, Enriched)
        mine = together[place]
        assert isinstance(mine, Enriched)
        assert alone.topic == mine.topic
        assert alone.sentiment_p == pytest.approx(mine.sentiment_p, abs=1e-5)


def test_without_keywords(profile: Profile) -> None:
    found = _one(Enricher(profile, keywords=False), _document("Rác thải đổ tràn lan"))
    assert found.keywords == ()


def test_an_enricher_travels_to_a_worker(enricher: Enricher) -> None:
    found = _one(pickle.loads(pickle.dumps(enricher)), _document("Rác thải đổ tràn lan ngoài chợ"))
    assert found.topic == _one(enricher, _document("Rác thải đổ tràn lan ngoài chợ")).topic


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=400), st.text(max_size=80), st.sampled_from(KINDS))
def test_any_unicode_gives_an_answer_or_a_rejection(enricher: Enricher, text: str, title: str, kind: Kind) -> None:
    (found,) = enricher.enrich([_document(text, title, kind)])
    assert isinstance(found, (Enriched, Rejected))
    if isinstance(found, Enriched):
        assert 0 <= found.topic_p <= 1.0001
        json.dumps(found.sentiment_p)


def test_a_very_long_text(enricher: Enricher) -> None:
    found = _one(enricher, _document("Nước sinh hoạt bị đục, có mùi hôi. " * 20_000, kind="news"))
    assert found.topic in {"dien_nuoc", "moi_truong"}


def test_the_command_counts_what_it_drops_and_rejects(tmp_path: Path, province_dir: Path) -> None:
    from duluan.cli.enrich import app

    lines = [
        {
            "url": "https://a.vn/1",
            "source": "a",
            "kind": "comment",
            "title": "Cầu hỏng",
            "text": "Sửa cầu đi",
            "author": "X",
        },
        {"url": "https://a.vn/2", "source": "a", "kind": "tweet", "title": "", "text": "x"},
        {"url": "https://a.vn/3", "source": "a", "kind": "comment", "title": "", "text": "..."},
    ]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({**line, "fetched": "2026-03-07T08:00:00+07:00"}) + "\n" for line in lines))
    result = CliRunner().invoke(app, [str(path), "--province", str(province_dir), "--no-keywords"])
    assert result.exit_code == 3
    (record,) = (json.loads(line) for line in result.stdout.splitlines())
    assert record["url"] == "https://a.vn/1"
    assert "author" not in record
    assert f"rejected {path}:2 key 'kind'" in result.stderr
    assert f"rejected {path}:3 no_text" in result.stderr
    assert "bỏ 1 khóa ngoài lược đồ" in result.stderr
