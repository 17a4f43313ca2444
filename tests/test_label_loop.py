"""The label loop: a table out, staff's answers in; they win over the model for good, retrain it, and lead to nobody."""

from __future__ import annotations

import csv
import json
import random
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from samples_index import NOON, numbered
from typer.testing import CliRunner

from duluan.cli.main import app
from duluan.config import Profile, load_province
from duluan.model import SENTIMENTS, Document, Enriched, Label, Rejected
from duluan.query import Filter
from flows.ingest import Pipeline
from flows.labels import Labelled, import_labels, read_labelled, rows_labelled, rows_to_check, training_examples
from index import open_store
from index.base import Batch, Index
from nlp.corrections import STAFF, corrected
from nlp.datasets import Example
from nlp.enrich import Enricher
from nlp.linear import load_bundle
from nlp.staff_training import CARD_KEY, gain, retrain

WHEN = datetime(2026, 3, 7, 8, 0, tzinfo=UTC)
TEXTS = [
    "Đường vào thôn hỏng nặng, mưa xuống là lầy, đề nghị xã sớm sửa cho dân đi lại.",
    "Cảm ơn các chú bộ đội đã giúp dân dọn bùn sau lũ.",
    "=HYPERLINK xã thông báo lịch cắt điện ngày mai",
    "Rác đổ đầy bờ sông, hôi không chịu nổi, ai quản lý?",
]


@pytest.fixture(scope="session")
def profile(province_dir: Path) -> Profile:
    return load_province(province_dir)


@pytest.fixture(scope="session")
def enricher(profile: Profile) -> Enricher:
    return Enricher(profile, keywords=False)


def _comment(number: int, text: str, hours: int = 0) -> Document:
    url = f"https://bao.example.vn/tin-{number // 2}.html#c={9000 + number}"
    return Document(
        id=f"{number:016x}",
        url=url,
        source="bao",
        kind="comment",
        title=f"Tin số {number // 2} ở Đăk Hà",
        text=text,
        fetched=WHEN + timedelta(hours=hours),
    )


def _filled(store: Index, enricher: Enricher, profile: Profile, hours: int = 0) -> None:
    documents = [_comment(number, text, hours) for number, text in enumerate(TEXTS)]
    Pipeline(store, enricher.enrich, agency_of=profile.agency_id).ingest(documents)


def _answers(item: Enriched) -> tuple[object, ...]:
    return (item.topic, item.sentiment, item.feedback, item.in_province)


def test_the_whole_loop_by_commands(tmp_path: Path) -> None:
    url, table = f"sqlite:///{tmp_path / 'kho.sqlite'}", tmp_path / "nhan.csv"
    lines = [
        {"url": f"https://bao.example.vn/tin-{n}.html#c={n}", "source": "bao", "kind": "comment", "title": "Tin", "text": t,
         "fetched": "2026-03-07T08:00:00+07:00", "author": "Nguyễn Văn Không"}
        for n, t in enumerate(TEXTS)
    ]  # fmt: skip
    source = tmp_path / "vao.jsonl"
    source.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    run = CliRunner().invoke
    assert (
        run(app, ["import", str(source), "--store", url, "--no-keywords", "--workers", "1", "--quiet"]).exit_code == 0
    )
    assert run(app, ["label", "export", str(table), "--store", url]).exit_code == 0

    with table.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == len(TEXTS)
    for row in rows:
        row["sắc thái (đúng)"], row["chủ đề (đúng)"], row["kiến nghị (đúng)"] = "tích cực", "van_hoa", "có"
    with table.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    told = run(app, ["label", "import", str(table), "--store", url])
    assert told.exit_code == 0, told.output

    later = tmp_path / "sau.jsonl"
    later.write_text(source.read_text(encoding="utf-8").replace("T08:00", "T18:00"), encoding="utf-8")
    assert run(app, ["import", str(later), "--store", url, "--no-keywords", "--workers", "1", "--quiet"]).exit_code == 0
    index = open_store(url)
    try:
        found = list(index.documents(Filter()))
        assert {(d.topic, d.sentiment, d.feedback) for d in found} == {("van_hoa", "pos", True)}
        assert all(d.fetched.hour == 18 or d.fetched.astimezone(UTC).hour == 11 for d in found)
        assert all(d.models["sentiment"] == STAFF and d.agency for d in found)
        assert [event["what"] for event in index.audit_log()] == ["label_export", "label_import"]
    finally:
        index.close()


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl"])
def test_a_table_leads_to_nobody_and_runs_nothing(
    ending: str, tmp_path: Path, store: Index, enricher: Enricher, profile: Profile
) -> None:
    _filled(store, enricher, profile)
    url, file = f"sqlite:///{tmp_path / 'kho.sqlite'}", tmp_path / f"bang.{ending}"
    assert CliRunner().invoke(app, ["label", "export", str(file), "--store", url]).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    if ending == "xlsx":
        cells = [str(c.value) for row in load_workbook(file).worksheets[0].iter_rows() for c in row if c.value]
        assert not any(c.startswith("=") for c in cells)
        assert len(load_workbook(file).worksheets[0].data_validations.dataValidation) == 5
        text = "\n".join(cells)
    else:
        text = file.read_text(encoding="utf-8-sig")
        assert ending == "jsonl" or not any(
            cell.startswith("=") for row in csv.reader(text.splitlines()) for cell in row
        )
    assert "9001" not in text  # the platform's id of a comment, in its address
    assert "http" not in text


def test_the_most_doubtful_come_first_and_labelled_ones_are_not_asked_again(
    store: Index, enricher: Enricher, profile: Profile
) -> None:
    _filled(store, enricher, profile)
    order = [row["id"] for row in rows_to_check(store, Filter(), limit=10)]
    assert len(order) == len(TEXTS)
    first = store.get(order[0])
    assert first is not None
    sure = [min(d.topic_p, max(d.sentiment_p.values())) for d in store.documents(Filter())]
    assert min(first.topic_p, max(first.sentiment_p.values())) == min(sure)
    store.put_labels([Label(id=order[0], at=WHEN, topic="khac")])
    assert [row["id"] for row in rows_to_check(store, Filter(), limit=10)] == order[1:]
    assert [row["topic"] for row in rows_labelled(store, Filter())] == ["khac"]
    assert {row["id"] for row in rows_to_check(store, Filter(), limit=2, pick="random", seed=3)} <= set(order[1:])


def test_bad_rows_are_named_and_the_rest_goes_on(
    tmp_path: Path, store: Index, enricher: Enricher, profile: Profile
) -> None:
    _filled(store, enricher, profile)
    file = tmp_path / "nhan.jsonl"
    rows = [
        {"id": f"{0:016x}", "sentiment": "neu"},
        {"id": f"{1:016x}", "sentiment": "vui"},
        {"id": f"{2:016x}", "topic": profile.topics[0].name, "feedback": True},
        {"id": "khong-co", "toxic": "không"},
        {"topic": "khac"},
        {"id": f"{3:016x}"},
    ]
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n[1]\nnull\n{", encoding="utf-8")
    report = import_labels(store, profile, read_labelled(file, profile, WHEN), WHEN)
    assert report.labels == 2
    reasons = sorted(item.reason for item in report.rejected)
    assert reasons == ["bad_label"] * 5 + ["unknown_document"]
    assert "tiêu cực" not in str(store.labels())
    assert any("vui" in item.detail and "neg, neu, pos" in item.detail for item in report.rejected)
    again = import_labels(store, profile, read_labelled(file, profile, WHEN), WHEN)
    assert again.changed == 0


def test_a_table_without_answers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bang.csv"
    file.write_text("mã,nội dung\n1,abc\n", encoding="utf-8")
    told = CliRunner().invoke(app, ["label", "import", str(file), "--store", f"sqlite:///{tmp_path / 'k.sqlite'}"])
    assert "ít nhất một cột nhãn" in str(told.exception)


labels = st.builds(
    Label,
    id=st.integers(0, 3).map(lambda n: f"{n:016x}"),
    at=st.integers(0, 50).map(lambda n: WHEN + timedelta(minutes=n)),
    topic=st.none() | st.sampled_from(["giao_thong", "y_te", "khac"]),
    sentiment=st.none() | st.sampled_from(SENTIMENTS),
    feedback=st.none() | st.booleans(),
    toxic=st.none() | st.booleans(),
    in_province=st.none() | st.booleans(),
)
steps = st.lists(st.one_of(labels, st.integers(0, 5)), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_labels_win_whatever_comes_in_which_order(
    steps: list[Label | int], tmp_path_factory: pytest.TempPathFactory, enricher: Enricher, profile: Profile
) -> None:
    """A step is a label, or an ingest of all documents as fetched at that hour. In the end the latest answer of each stands."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('kho') / 'kho.sqlite'}")
    store.setup()
    try:
        _filled(store, enricher, profile)
        plain = {d.id: _answers(d) for d in store.documents(Filter())}
        given_: dict[tuple[str, str], tuple[datetime, object]] = {}
        for step in steps:
            if isinstance(step, int):
                _filled(store, enricher, profile, hours=step)
                continue
            import_labels(store, profile, [Labelled(step)], WHEN)
            for name in ("topic", "sentiment", "feedback", "in_province"):
                value = getattr(step, name)
                if value is not None and given_.get((step.id, name), (WHEN, None))[0] <= step.at:
                    given_[step.id, name] = (step.at, value)
        for document in store.documents(Filter()):
            for name, before in zip(("topic", "sentiment", "feedback", "in_province"), plain[document.id], strict=True):
                expected = given_.get((document.id, name), (WHEN, before))[1]
                assert getattr(document, name) == expected
            assert max(document.sentiment_p, key=lambda m: document.sentiment_p[m]) == document.sentiment
    finally:
        store.close()


@given(label=labels)
def test_a_corrected_item_says_so_and_keeps_the_rest(label: Label) -> None:
    item = numbered(1)
    found = corrected(item, label, lambda topic: f"co-quan-{topic}")
    touched = {n for n in ("topic", "feedback", "toxic", "in_province") if getattr(label, n) is not None}
    touched |= {"tone"} if label.sentiment else set()
    assert {task for task, version in found.models.items() if version == STAFF} == touched
    assert (found.text, found.id, found.places, found.keywords) == (item.text, item.id, item.places, item.keywords)
    assert corrected(found, label, lambda topic: f"co-quan-{topic}") == found


def _made(words: dict[str, list[str]], task: str, count: int, seed: int, kind: str = "comment") -> list[Example]:
    """Sentences of ours: each holds a word of its class among neutral ones."""
    dice = random.Random(seed)
    filler = ["hôm", "nay", "ở", "xã", "mình", "có", "chuyện", "này", "bà", "con", "cùng", "xem", "qua", "rồi"]
    found = []
    for number in range(count):
        answer = dice.choice(sorted(words))
        text = " ".join([*dice.sample(filler, 6), dice.choice(words[answer]), *dice.sample(filler, 4)])
        found.append(Example(text, f"bài {number % 40}", "comment", f"bài {seed}-{number % 40}", {task: answer}))
    return found


BASE_WORDS = {"neg": ["tệ", "hỏng", "chán"], "neu": ["lịch", "họp", "hỏi"], "pos": ["tốt", "hay", "vui"]}
# what people of one district say, which the base never saw
OWN_WORDS = {"neg": ["lầy", "nghẹt"], "neu": ["phiên", "dời"], "pos": ["trúng", "êm"]}


def test_staff_labels_retrain_a_model_whose_card_shows_the_gain(tmp_path: Path) -> None:
    base, staff = _made(BASE_WORDS, "sentiment", 240, 1), _made(OWN_WORDS, "sentiment", 120, 2)
    bundle = retrain(base, staff, "thử-2", tmp_path)
    told = load_bundle(folder=tmp_path).card[CARD_KEY]
    assert told["examples"] == 120
    assert told["gain"]["sentiment"]["n"] == 120
    assert told["gain"]["sentiment"]["before_accuracy"] < 0.6
    assert told["gain"]["sentiment"]["after_accuracy"] > 0.9
    assert bundle.version == "thử-2"


def test_few_labels_promise_no_gain() -> None:
    assert gain(_made(BASE_WORDS, "sentiment", 60, 1), _made(OWN_WORDS, "sentiment", 20, 2)) == {}


def test_examples_of_a_table_are_grouped_by_article() -> None:
    rows: list[Labelled | Rejected] = [
        Labelled(Label(id="a", at=NOON, sentiment="neg", feedback=True), "comment", "Tin A", "Hỏng quá"),
        Labelled(Label(id="b", at=NOON, sentiment="pos"), "news", "Tin B", "Khánh thành cầu"),
        Labelled(Label(id="c", at=NOON, in_province=True), "news", "Tin C", "Chữ"),
        Labelled(Label(id="d", at=NOON, topic="khac"), "comment", "Tin A", "  "),
        Rejected("bad_label", "x:1"),
    ]
    first, second = training_examples(rows)
    assert (first.group, dict(first.answers)) == ("Tin A", {"sentiment": "neg", "feedback": "yes"})
    assert (second.kind, dict(second.answers)) == ("news", {"tone": "pos"})


def test_a_taken_down_document_takes_its_label_along(store: Index) -> None:
    item = numbered(1)
    store.write(Batch(documents=[item]))
    store.put_labels([Label(id=item.id, at=NOON, topic="khac")])
    store.takedown(item.url, NOON)
    assert store.labels() == {}


def test_a_backup_holds_the_labels(tmp_path: Path, store: Index) -> None:
    store.put_labels([Label(id="a", at=NOON, topic="khac", toxic=False)])
    store.backup(str(tmp_path / "ban-sao.sqlite"))
    copy = open_store(f"sqlite:///{tmp_path / 'ban-sao.sqlite'}")
    assert copy.labels() == {"a": Label(id="a", at=NOON, topic="khac", toxic=False)}
    copy.close()


def test_a_document_out_of_the_window_is_not_exported(store: Index) -> None:
    store.write(Batch(documents=[replace(numbered(1), text="", title=""), numbered(2)]))
    assert len(rows_to_check(store, Filter(), limit=10)) == 1
