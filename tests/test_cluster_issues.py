"""The clusterer: same ids whatever the batches and stops, staff's corrections, comments, changes. All texts are ours."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duluan.errors import InputError, StoreError
from duluan.model import Clustered, Document, Enriched, Kind, Place
from nlp.cluster import Assignment, ClusterConfig, Clusterer
from nlp.clustering.reading import readings
from nlp.clustering.terms import tokens
from nlp.issue_titles import shared_headline

START = datetime(2026, 3, 2, tzinfo=UTC)
STORIES = {
    "sạt lở": [
        "Sạt lở đèo Măng Rơi, xe cộ ách tắc",
        "Đèo Măng Rơi sạt lở nghiêm trọng sau mưa lớn",
        "Thông xe một làn qua điểm sạt lở đèo Măng Rơi",
        "Sạt lở đèo Măng Rơi: đưa ba hộ dân đến nơi an toàn",
    ],
    "bệnh viện": [
        "Bệnh viện tỉnh thiếu thuốc bảo hiểm y tế, người bệnh phải mua ngoài",
        "Người bệnh phản ánh bệnh viện tỉnh thiếu thuốc bảo hiểm y tế",
        "Sở Y tế nói gì về việc bệnh viện tỉnh thiếu thuốc bảo hiểm y tế?",
    ],
    "cá chết": [
        "Cá chết trắng lòng hồ thủy điện Plei Krông",
        "Lấy mẫu nước nơi cá chết ở lòng hồ thủy điện Plei Krông",
        "Người nuôi cá lồng hồ Plei Krông thiệt hại nặng vì cá chết",
    ],
}


def document(
    id: str, title: str, text: str = "", *, hours: float = 0, kind: Kind = "news", parent: str | None = None
) -> Document:
    return Document(
        id=id, url=f"https://bao.example/{id}", source="bao", kind=kind, title=title, text=text,
        fetched=START + timedelta(hours=hours), parent=parent,
    )  # fmt: skip


def stored(document: Document, issue: str, origin: str | None = None) -> Clustered:
    """A document as a store gives it back."""
    return Clustered(
        **{name: getattr(document, name) for name in Document.__dataclass_fields__}, lang="vi", topic="khac", topic_p=0.5,
        sentiment="neu", sentiment_p={"neg": 0, "neu": 1, "pos": 0}, uncertain=False, feedback=False, feedback_p=0, toxic_p=0,
        in_province=True, issue=issue, origin=origin or document.id,
    )  # fmt: skip


def stream(length: int = 150, seed: int = 3) -> list[Document]:
    """News over five weeks: the stories above with other words around them, and items of their own."""
    chance = random.Random(seed)
    syllables = tokens(
        "xã phường đường trường chợ cầu nước điện rừng lúa hội làng thầy thuốc xe đêm mưa nắng bến sông núi"
    )
    found = []
    for number in range(length):
        words = " ".join(chance.choice(syllables) for _ in range(25))
        titles = chance.choice([*STORIES.values(), [f"Tin {words[:40]}"]])
        found.append(document(f"d{number}", chance.choice(titles), words, hours=number * 5.5))
    return found


def final(clusterer: Clusterer, documents: list[Document], batch: int) -> dict[str, tuple[str, str]]:
    """Document → (origin, issue) as a store would have them at the end."""
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(documents), batch):
        for item in clusterer.add(documents[start : start + batch]):
            found[item.id] = (item.origin, item.issue)
        changes = clusterer.take_changes()
        for id, (origin, issue) in found.items():
            while issue in changes.merges:
                issue = changes.merges[issue]
            found[id] = (origin, changes.moves.get(id, issue))
    return found


SEASON = {  # first day, what it is called, what only it has
    "bão An Sơn": (
        0,
        "bão An Sơn",
        ("giật cấp 12 gần quần đảo", "tâm bão ở phía đông Đà Nẵng", "chuyển hướng xuống phía nam"),
    ),
    "lũ": (
        8,
        "lũ lớn",
        ("nước sông Trà Câu lên nhanh", "ngập hơn trăm tuyến đường", "chia cắt tám xã miền núi"),
    ),
    "cầu": (13, "cầu Suối Hai gãy vì lũ", ("250 hộ bị cô lập", "làm cầu tạm qua suối", "thôn Nước Rin phải đi đò")),
    "bão Hải Đăng": (
        17,
        "bão Hải Đăng",
        ("mạnh nhất năm năm qua", "hướng vào nam Trung Bộ", "mạnh cấp 14 giữa Biển Đông"),
    ),
}
COMMON = (
    "mưa lớn miền Trung nguy cơ lũ quét sạt lở đất",
    "các tỉnh miền Trung sẵn sàng di dời dân vùng nguy hiểm",
    "kêu gọi tàu thuyền vào bờ, học sinh nghỉ học",
    "hồ chứa vận hành xả lũ, lực lượng quân đội ứng trực",
    "thiệt hại nhà cửa, hỗ trợ khẩn cấp người dân",
)


def season(seed: int) -> list[tuple[str, Document]]:
    """A rainy season in two storms, a flood and a broken bridge, told in much the same words: (event, document) by time."""
    chance, found = random.Random(seed), []
    sounds = [first + last for first in "bcdghlmntv" for last in ("anh", "eo", "inh", "oa", "ung", "ương")]
    for event, (day, name, own) in SEASON.items():
        for number in range(60 if name.startswith("bão") else 8):
            title = f"{name}: {chance.choice(own)}, {chance.choice(COMMON)}"
            hours = day * 24 + number * 2.0
            text = " ".join(chance.sample(sounds, 20))
            found.append((event, document(f"{event}{number}", title, text, hours=hours)))
    return sorted(found, key=lambda item: (item[1].fetched, item[1].id))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_storms_of_one_season_do_not_chain_into_one_issue(seed: int) -> None:
    told = season(seed)
    issues = final(Clusterer(), [document for _, document in told], batch=7)
    held: dict[str, list[str]] = {}
    for event, item in told:
        if event.startswith("bão"):
            held.setdefault(issues[item.id][1], []).append(event)
    assert all(len(set(storms)) == 1 for storms in held.values())  # no issue of both
    assert sorted(len(storms) for storms in held.values())[-2] >= 50  # and neither of them (60 texts) in crumbs


def test_stories_are_told_apart() -> None:
    documents = [document(f"{key}{n}", title) for key, titles in STORIES.items() for n, title in enumerate(titles)]
    issues = {item.id: item.issue for item in Clusterer().add(documents)}
    for key, titles in STORIES.items():
        assert len({issues[f"{key}{n}"] for n in range(len(titles))}) == 1, key
    assert len(set(issues.values())) == len(STORIES)


@pytest.mark.parametrize("batch", [1, 7, 50])
def test_batch_sizes_change_nothing(batch: int) -> None:
    documents = stream()
    whole = Clusterer()
    parts = Clusterer()
    assert final(parts, documents, batch) == final(whole, documents, len(documents))
    assert parts.snapshot() == whole.snapshot()


@settings(max_examples=6, deadline=None)
@given(stops=st.lists(st.integers(1, 119), max_size=6, unique=True))
def test_stops_change_nothing(stops: list[int]) -> None:
    documents = stream(120)
    straight = Clusterer()
    straight.add(documents)
    stopped = Clusterer()
    for start, end in zip([0, *sorted(stops)], [*sorted(stops), len(documents)], strict=True):
        stopped = Clusterer.restore(stopped.snapshot())
        stopped.add(documents[start:end])
    assert stopped.snapshot() == straight.snapshot()
    assert stopped.take_changes() == straight.take_changes()


def test_the_same_document_again_changes_nothing() -> None:
    clusterer = Clusterer()
    documents = stream(40)
    first = clusterer.add(documents)
    before = clusterer.snapshot()
    assert clusterer.add(documents) == first
    assert clusterer.snapshot() == before


def test_a_comment_counts_in_the_issue_of_what_it_answers() -> None:
    clusterer = Clusterer()
    news = document("n", STORIES["cá chết"][0])
    comment = document("c", news.title, "Năm nào cũng vậy, bao giờ mới xong?", kind="comment", parent="n")
    given = clusterer.add([news, comment])
    assert given[0].issue == given[1].issue
    assert given[1].origin == "c"
    (issue,) = clusterer.take_changes().issues
    assert issue.voices == 2
    assert issue.title == news.title


def test_a_comment_without_its_parent_goes_by_the_title() -> None:
    clusterer = Clusterer()
    comment = document("c", STORIES["sạt lở"][0], "Đường này đi sợ lắm.", kind="comment", parent="unknown")
    news = document("n", STORIES["sạt lở"][0], hours=1)
    assert len({item.issue for item in clusterer.add([comment, news])}) == 1


def test_changes_name_what_was_touched_once() -> None:
    clusterer = Clusterer()
    clusterer.add([document("a", STORIES["sạt lở"][0]), document("b", STORIES["sạt lở"][1], hours=2)])
    (issue,) = clusterer.take_changes().issues
    assert (issue.voices, issue.first, issue.last) == (2, START, START + timedelta(hours=2))
    assert any("Măng Rơi" in term for term in issue.terms), issue.terms
    assert clusterer.take_changes().issues == ()


def test_an_issue_touched_and_expired_in_one_batch_is_told() -> None:
    clusterer = Clusterer()
    clusterer.add([document("a", STORIES["sạt lở"][0]), document("b", STORIES["cá chết"][0], hours=24 * 40)])
    assert len(clusterer.take_changes().issues) == 2
    assert clusterer.assignment("a") is None


def test_an_alert_is_called_by_what_its_voices_share() -> None:
    told = [
        "Những nơi làm bánh mì ngon nhất nước",
        "Ăn bánh mì, 20 người nghi ngộ độc",
        "Thêm 15 người nghi ngộ độc sau khi ăn bánh mì",
    ]
    voices = [document(f"b{n}", title) for n, title in enumerate([*told, "Khách ngộ độc bánh mì: tạm dừng tiệm"])]
    assert "ngộ độc" in shared_headline(voices)
    assert shared_headline(voices[:1]) == told[0]
    assert shared_headline([]) == shared_headline([document("c", "", "Sao lâu quá", kind="comment")]) == ""


def test_an_issue_is_called_by_one_of_its_latest_headlines() -> None:
    clusterer = Clusterer()
    (first,) = clusterer.add([document("a", STORIES["sạt lở"][0])])
    event = clusterer.live(first.issue)
    assert event is not None
    for number in range(20):
        clusterer.count(event, document(f"b{number}", f"Tin thứ {number}"), own=True)
    assert event.titles == [f"Tin thứ {number}" for number in range(8, 20)]


def test_staff_merge_rename_split_are_kept() -> None:
    clusterer = Clusterer()
    documents = [document(f"{key}{n}", t) for key, titles in STORIES.items() for n, t in enumerate(titles)]
    issues = {item.id: item.issue for item in clusterer.add(documents)}
    landslide, hospital, fish = issues["sạt lở0"], issues["bệnh viện0"], issues["cá chết0"]
    clusterer.merge(fish, hospital)
    clusterer.rename(hospital, "  Thuốc và cá   ")
    clusterer = Clusterer.restore(clusterer.snapshot())
    changes = clusterer.take_changes()
    assert changes.merges[fish] == hospital
    assert {i.title for i in changes.issues if i.id == hospital} == {"Thuốc và cá"}
    later = clusterer.add([document("late", STORIES["cá chết"][1], hours=3)])
    assert later[0].issue == hospital
    fresh = clusterer.split(hospital, [stored(d, hospital) for d in documents if d.id.startswith("cá chết")])
    moves = clusterer.take_changes().moves
    assert {moves[f"cá chết{n}"] for n in range(3)} == {fresh}
    assert fresh not in {hospital, landslide, fish}
    more = [document(f"m{n}", STORIES["cá chết"][n % 3], hours=5) for n in range(40)]
    assert hospital not in {item.issue for item in clusterer.add(more)}


def test_the_machine_does_not_part_what_staff_joined() -> None:
    """Two stories that have no word in common, and would be parted at the next look."""
    chance, words = random.Random(4), {"cầu": "bcdg", "chợ": "hlmn"}
    sounds = {
        name: [a + b for a in first for b in ("anh", "eo", "inh", "oa", "ung", "ương")] for name, first in words.items()
    }
    stories = [
        document(f"{name}{n}", " ".join(chance.sample(sounds[name], 12)), hours=n) for n in range(16) for name in sounds
    ]
    clusterer = Clusterer(ClusterConfig(split_every=8, join_short=0.02, join_long=0.02))
    issues = {item.issue for item in clusterer.add(stories[:4])}
    kept, *others = sorted(issues)
    for other in others:
        clusterer.merge(other, kept)
    assert {item.issue for item in clusterer.add(stories[4:])} == {kept}
    assert clusterer.take_changes().moves == {}


def test_a_decision_finds_an_issue_that_the_machine_has_merged_since() -> None:
    clusterer = Clusterer(ClusterConfig(merge_every=5, join_short=0.9, join_long=0.9))
    told = [document(f"a{n}", title, hours=n) for n, title in enumerate(STORIES["sạt lở"])]
    issues = {item.issue for item in clusterer.add(told)}
    assert len(issues) > 1
    clusterer.due = set(clusterer.working.events)
    clusterer.add([document("b", STORIES["bệnh viện"][0], hours=5)])
    merged = clusterer.take_changes().merges
    assert merged
    for old, new in merged.items():
        clusterer.rename(old, f"Đèo Măng Rơi, từng là {old}")
        assert {i.id: i.title for i in clusterer.take_changes().issues} == {new: f"Đèo Măng Rơi, từng là {old}"}


def test_staff_cannot_merge_an_issue_with_itself_or_give_an_empty_title() -> None:
    clusterer = Clusterer()
    (item,) = clusterer.add([document("a", STORIES["sạt lở"][0])])
    with pytest.raises(InputError, match="đã là một"):
        clusterer.merge(item.issue, item.issue)
    with pytest.raises(InputError, match="tiêu đề"):
        clusterer.rename(item.issue, " ")


@pytest.mark.parametrize("blob", [b"", b"not a snapshot", Clusterer().snapshot()[:-20]])
def test_a_damaged_snapshot_is_one_clear_error(blob: bytes) -> None:
    with pytest.raises(StoreError, match="gom lại"):
        Clusterer.restore(blob)


def test_places_keep_like_events_apart() -> None:
    def at(id: str, code: str, text: str) -> Enriched:
        place = Place(code=code, era="now", level="commune", name=code, now=(code,), written=code)
        base = document(id, "Cháy nhà trong đêm, tài sản bị thiêu rụi", text)
        fields = {name: getattr(base, name) for name in Document.__dataclass_fields__}
        return Enriched(
            **fields, lang="vi", topic="tai_nan", topic_p=0.9, sentiment="neg", sentiment_p={"neg": 1, "neu": 0, "pos": 0},
            uncertain=False, feedback=False, feedback_p=0, toxic_p=0, places=(place,), in_province=True,
        )  # fmt: skip

    first = "Ngọn lửa bùng lên lúc nửa đêm ở căn nhà gỗ cạnh rẫy, người nhà kịp chạy ra ngoài."
    second = "Nguyên nhân ban đầu được xác định do chập điện, hàng xóm giúp dập lửa bằng nước giếng và cát."
    clusterer = Clusterer(ClusterConfig(join_short=0.22, merge_short=0.22, other_place=0.5))
    one, two, _ = clusterer.add([at("a", "23001", first), at("b", "23002", second), at("c", "23001", second + " ")])
    assert one.issue != two.issue
    issue = next(i for i in clusterer.take_changes().issues if i.id == one.issue)
    assert (issue.topic, issue.places) == ("tai_nan", ("23001",))


def test_assignments_are_in_the_order_given() -> None:
    given = Clusterer().add(stream(20))
    assert all(isinstance(item, Assignment) for item in given)
    assert [item.id for item in given] == [f"d{n}" for n in range(20)]


def test_reading_many_together_is_reading_each() -> None:
    documents = [*stream(30), document("leer", ""), document("kurz", "Mưa"), *stream(5, seed=9)]
    documents.append(document("c", STORIES["sạt lở"][0], "Đi lại khó khăn quá", kind="comment"))
    config = ClusterConfig()
    for together, one in zip(readings(documents, config), documents, strict=True):
        (alone,) = readings([one], config)
        assert together.terms.tolist() == alone.terms.tolist()
        assert together.frequencies.tolist() == alone.frequencies.tolist()
        assert together.shingles == alone.shingles
        assert together.sketch.found_by() == alone.sketch.found_by()
        assert together.sketch.numbers == alone.sketch.numbers


def test_the_index_forgets_what_left_it() -> None:
    clusterer = Clusterer()
    clusterer.add(stream(60))
    clusterer.add([document("late", "Chuyện khác hẳn sau hai tháng", hours=24 * 120)])
    (event,) = clusterer.working.events.values()
    assert int(clusterer.working.index.seen.sum()) == len(event.centroid)
    assert set(clusterer.working.index.holders) == set(event.centroid.terms[event.found_by].tolist())
