"""Staff merge, rename and split issues, over both stores: kept for good, whatever comes later, in any batches, through kill -9."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import contract_stores
import pytest
from contract_stores import Open
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples_index import alert
from samples_index import document as sample
from typer.testing import CliRunner

from duluan.cli.main import app
from duluan.clock import parse_time
from duluan.errors import DuluanError, InputError
from duluan.model import Document, Enriched, Rejected
from duluan.query import Filter
from flows import ingest
from flows import issues as issues_flow
from flows.decisions import Decision, decisions
from flows.ingest import Pipeline
from flows.issues import Officer, clean_title, merge, rename, split
from flows.leading import ids_now, standing
from flows.standing import decided_in
from index import open_store
from index.base import Batch, Index

opener = contract_stores.opener
store = contract_stores.store

START = datetime(2026, 3, 2, tzinfo=UTC)
OFFICER = Officer("chi-lan", START)
STORIES = {
    "sat-lo": "Sạt lở đèo Măng Rơi, xe cộ ách tắc hàng giờ sau mưa lớn",
    "benh-vien": "Bệnh viện tỉnh thiếu thuốc bảo hiểm y tế, người bệnh phải mua ngoài",
    "ca-chet": "Cá chết trắng lòng hồ thủy điện Plei Krông, người nuôi cá lồng kêu cứu",
}


def news(story: str, number: int, **changes: object) -> Document:
    """The story's item `number`, fetched so many hours after START; always in other words around the same title."""
    own = " ".join(f"{a}{b}" for a, b in zip("bcdghlmntv", "aeiouyaeio", strict=True) if (number + ord(a)) % 3)
    base: dict[str, object] = {
        "id": f"{story}-{number}",
        "url": f"https://bao.example.vn/{story}-{number}.html",
        "source": "bao",
        "kind": "news",
        "title": STORIES[story],
        "text": f"Tin {number} {own} {STORIES[story]} {number}{number}",
        "fetched": START + timedelta(hours=number),
    }
    return Document(**base | changes)  # type: ignore[arg-type]


def enriched(documents: Iterable[Document]) -> Iterator[Enriched | Rejected]:
    """No model: these tests are about issues."""
    pattern = sample()
    for item in documents:
        own = {spec.name: getattr(item, spec.name) for spec in fields(Document)}
        yield Enriched(**{spec.name: getattr(pattern, spec.name) for spec in fields(Enriched)} | own)


def take_in(store: Index, *documents: Document) -> Pipeline:
    pipeline = Pipeline(store, enriched)
    pipeline.ingest(documents)
    return pipeline


def issue_of(store: Index, story: str, number: int = 0) -> str:
    found = store.get(f"{story}-{number}")
    assert found is not None
    return found.issue


def filled(store: Index, count: int = 3) -> dict[str, str]:
    """Three stories of `count` items; story → its issue."""
    take_in(store, *(news(story, n) for n in range(count) for story in STORIES))
    issues = {story: issue_of(store, story) for story in STORIES}
    assert len(set(issues.values())) == 3
    return issues


def members(store: Index, issue: str) -> set[str]:
    return {document.id for document in store.documents(Filter(issues=(issue,)))}


def test_a_merge_moves_what_is_there_and_what_comes(store: Index) -> None:
    issues = filled(store)
    done = merge(store, issues["ca-chet"], issues["benh-vien"], OFFICER)
    assert (done.changed, done.applied, done.issue) == (True, True, issues["benh-vien"])
    take_in(store, news("ca-chet", 9), news("benh-vien", 10), news("sat-lo", 11))
    assert issue_of(store, "ca-chet", 9) == issue_of(store, "benh-vien", 10) == issues["benh-vien"]
    assert members(store, issues["ca-chet"]) == set()
    assert members(store, issues["sat-lo"]) == {f"sat-lo-{n}" for n in (0, 1, 2, 11)}
    assert ids_now(store, [issues["ca-chet"], "unknown"]) == (issues["benh-vien"], "unknown")
    (record,) = [event for event in store.audit_log() if event["what"] == "issue_merge"]
    assert (record["by"], record["issue"], record["target"]) == ("chi-lan", issues["ca-chet"], issues["benh-vien"])
    (record,) = [event for event in store.audit_log() if event["what"] == "issue_merged"]
    assert (record["issue"], record["target"]) == (issues["ca-chet"], issues["benh-vien"])
    assert parse_time(record["at"]) == OFFICER.at


def test_merges_run_on(store: Index) -> None:
    a, b, c = filled(store).values()
    merge(store, a, b, OFFICER)
    merge(store, b, c, OFFICER)
    take_in(store, *(news(story, 9) for story in STORIES))
    assert {issue_of(store, story, 9) for story in STORIES} == {c}
    assert standing(store, a).id == standing(store, b).id == c
    with pytest.raises(InputError, match="không gộp ngược lại"):
        merge(store, c, a, OFFICER)
    assert not merge(store, a, c, OFFICER).changed


def test_what_cannot_be_merged(store: Index) -> None:
    issues = filled(store)
    one = issues["ca-chet"]
    for old, new, said in (
        (one, one, "với chính nó"),
        ("khong-co", one, "không có vấn đề 'khong-co'"),
        (one, "khong-co", "không có vấn đề 'khong-co'"),
    ):
        with pytest.raises(InputError, match=said):
            merge(store, old, new, OFFICER)
    assert decisions(store.issue_log()) == []


def test_a_title_by_staff_survives_retitling_merges_and_reopening(store: Index) -> None:
    issues = filled(store)
    rename(store, issues["ca-chet"], "  Cá chết ở   lòng hồ ", OFFICER)
    take_in(store, *(news("ca-chet", n, title=f"{STORIES['ca-chet']} lần {n}") for n in range(5, 25)))
    assert standing(store, issues["ca-chet"]).title == "Cá chết ở lòng hồ"
    merge(store, issues["ca-chet"], issues["sat-lo"], OFFICER)
    assert standing(store, issues["ca-chet"]).title == "Cá chết ở lòng hồ"
    assert rename(store, issues["ca-chet"], "Sạt lở và cá chết", OFFICER).issue == issues["sat-lo"]
    assert standing(store, issues["sat-lo"]).title == "Sạt lở và cá chết"
    assert standing(store, issues["sat-lo"]).title_by_staff


def test_issues_that_are_live_no_more_are_renamed_and_merged_too(store: Index) -> None:
    issues = filled(store)
    take_in(store, news("sat-lo", 24 * 60))
    rename(store, issues["ca-chet"], "Cá chết tháng ba", OFFICER)
    assert standing(store, issues["ca-chet"]).title == "Cá chết tháng ba"
    merge(store, issues["benh-vien"], issues["ca-chet"], OFFICER)
    assert members(store, issues["ca-chet"]) == {f"{s}-{n}" for s in ("ca-chet", "benh-vien") for n in range(3)}
    assert standing(store, issues["benh-vien"]).title == "Cá chết tháng ba"


@pytest.mark.parametrize("title", ["", "  \t\n ", "ab", "\u200b\u200b\u200b\u200b", "\x00\x01\x02", "dài " * 60])
def test_titles_that_are_refused(title: str) -> None:
    with pytest.raises(InputError, match="3–160 ký tự"):
        clean_title(title)


def test_titles_are_kept_in_one_line_of_nfc_without_personal_data() -> None:
    decomposed = unicodedata.normalize("NFD", "Ngập đường\r\nở phường\x07 Trương Quang Trọng")
    assert clean_title(decomposed) == "Ngập đường ở phường Trương Quang Trọng"
    assert clean_title("Mất nước\u200b, gọi 0905 123 456") == "Mất nước, gọi [điện thoại]"


def test_the_same_again_changes_nothing_and_is_one_line(opener: Open) -> None:
    issues = filled(opener())
    url = _url(opener)
    runner = CliRunner()
    for command, first, again in (
        (["merge", issues["ca-chet"], issues["benh-vien"]], "đã gộp vấn đề", "từ trước"),
        (["rename", issues["benh-vien"], "Thuốc và cá"], "nay là “Thuốc và cá”", "đã mang tiêu đề"),
    ):
        for said in (first, again):
            done = runner.invoke(app, ["issues", *command, "--store", url, "--by", "anh-ba"])
            assert done.exit_code == 0, done.output
            assert said in done.output
            assert done.output.count("\n") == 1
    assert [d.by for _, d in decisions(opener().issue_log())] == ["anh-ba", "anh-ba"]


def test_the_commands(opener: Open) -> None:
    issues = filled(opener())
    url, runner = _url(opener), CliRunner()

    def told(*words: str) -> list[dict[str, object]]:
        done = runner.invoke(app, ["issues", *words, "--store", url, "--json"])
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert {record["id"] for record in told("list", "--days", "99999")} == set(issues.values())
    (merged,) = told("merge", issues["ca-chet"], issues["benh-vien"])
    assert merged == {
        "what": "issue_merge",
        "asked": issues["ca-chet"],
        "target": issues["benh-vien"],
        "issue": issues["benh-vien"],
        "changed": True,
        "applied": True,
    }
    (issue, *documents) = told("show", issues["ca-chet"])
    assert issue["id"] == issues["benh-vien"]
    assert {record["id"] for record in documents} == {f"{s}-{n}" for s in ("ca-chet", "benh-vien") for n in range(3)}
    assert {record["id"] for record in told("list", "--days", "99999")} == {issues["benh-vien"], issues["sat-lo"]}
    unknown = runner.invoke(app, ["issues", "rename", "khong-co", "Tên mới", "--store", url])
    assert isinstance(unknown.exception, DuluanError)
    assert "duluan issues list" in str(unknown.exception)
    found = runner.invoke(app, ["search", f"issue:{issues['ca-chet']}", "--json", "--store", url])
    assert found.stdout.count("\n") == 6


class Killed(Exception):
    """Stands for kill -9: nothing behind it runs."""


def test_a_kill_between_writing_down_and_carrying_out(opener: Open) -> None:
    issues = filled(opener())
    opener().audit(Decision(what="merge", issue=issues["ca-chet"], target=issues["sat-lo"], by="x", at=START).event())
    assert members(opener(), issues["ca-chet"]) != set()
    take_in(opener(), news("ca-chet", 9))
    again = opener()
    assert members(again, issues["ca-chet"]) == set()
    assert issue_of(again, "ca-chet", 9) == issues["sat-lo"]


def test_a_kill_while_it_is_carried_out(opener: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elasticsearch has no transactions: what was written of the batch stands, the snapshot does not."""
    issues = filled(opener())

    half = opener()
    write = half.write

    def without_state(batch: Batch, **more: object) -> object:
        if batch.state:
            write(Batch(documents=batch.documents, issues=batch.issues, merges=batch.merges))
            raise Killed
        return write(batch, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(half, "write", without_state)
    with pytest.raises(Killed):
        merge(half, issues["ca-chet"], issues["sat-lo"], OFFICER)
    assert decided_in(opener()) == 0
    take_in(opener(), news("ca-chet", 9), news("sat-lo", 10))
    after = opener()
    assert decided_in(after) > 0
    assert {issue_of(after, "ca-chet", n) for n in (0, 9)} == {issues["sat-lo"]}


DYING = """
import os, signal, sys, {module} as where
from duluan.cli.main import main
where.{name} = lambda *given, **more: os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["duluan", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("point", ["written down", "half carried out"])
@pytest.mark.parametrize("deed", ["merge", "split", "rename"])
def test_a_command_killed_for_good_is_done_by_the_next_writer(opener: Open, deed: str, point: str) -> None:
    """SIGKILL behind the entry in the audit log, and behind all that the batch writes but the snapshot."""
    issues, url = filled(opener()), _url(opener)
    one, other = issues["ca-chet"], issues["sat-lo"]
    words = {"merge": [one, other], "split": [one, "ca-chet-0"], "rename": [one, "Cá chết lòng hồ"]}[deed]
    module, name = ("flows.issues", "carried_out")
    if point == "half carried out":
        module, name = ("index.sqlite_write" if url.startswith("sqlite") else "index.elastic_write", "put_state")
    command = [sys.executable, "-c", DYING.format(module=module, name=name), "issues", deed, *words, "--store", url]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == -signal.SIGKILL
    assert decided_in(opener()) == 0
    take_in(opener(), news("ca-chet", 9))
    after = opener()
    assert len(decisions(after.issue_log())) == 1
    fish = {f"ca-chet-{n}" for n in (0, 1, 2)}
    if deed == "merge":
        assert members(after, other) >= fish | {"ca-chet-9"}
        assert standing(after, one).id == other
    elif deed == "split":
        alone = issue_of(after, "ca-chet")
        assert alone not in issues.values()
        assert members(after, one) >= fish - {"ca-chet-0"}
        assert not members(after, alone) & (fish - {"ca-chet-0"})
    else:
        assert standing(after, one).title == "Cá chết lòng hồ"


def test_an_import_that_runs_carries_out_what_another_process_wrote_down(
    opener: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH", 1)
    monkeypatch.setattr(ingest, "AHEAD", 0)
    issues = filled(opener())
    ours, theirs = opener(), opener()

    def items() -> Iterator[Document]:
        yield news("ca-chet", 9)
        merge(theirs, issues["ca-chet"], issues["sat-lo"], OFFICER)
        rename(theirs, issues["sat-lo"], "Hai việc một vấn đề", OFFICER)
        yield news("ca-chet", 10)

    pipeline = Pipeline(ours, enriched)
    pipeline.ingest(items())
    assert issue_of(opener(), "ca-chet", 10) == issues["sat-lo"]
    assert standing(opener(), issues["ca-chet"]).title == "Hai việc một vấn đề"


def test_two_imports_at_once_know_of_each_others_documents(opener: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "BATCH", 1)
    one, other = Pipeline(opener(), enriched), Pipeline(opener(), enriched)
    for number in range(4):
        (one, other)[number % 2].ingest([news("ca-chet", number)])
    assert len({issue_of(opener(), "ca-chet", n) for n in range(4)}) == 1


def test_a_split_is_an_issue_of_its_own_for_good(store: Index) -> None:
    whole = filled(store, 4)["ca-chet"]
    done = split(store, whole, ["ca-chet-2", "ca-chet-0"], OFFICER)
    assert (done.changed, done.applied) == (True, True)
    assert members(store, done.issue) == {"ca-chet-0", "ca-chet-2"}
    assert members(store, whole) == {"ca-chet-1", "ca-chet-3"}
    (record,) = [event for event in store.audit_log() if event["what"] == "issue_moved"]
    assert (record["of"], record["issue"]) == (whole, done.issue)
    assert record["documents"] == ["ca-chet-0", "ca-chet-2"]
    named = standing(store, done.issue)
    assert (named.title, named.voices, named.merged_into) == (STORIES["ca-chet"], 2, None)
    assert standing(store, whole).voices == 2
    take_in(store, *(news("ca-chet", n) for n in range(5, 60)))
    assert members(store, done.issue) >= {"ca-chet-0", "ca-chet-2"}
    assert members(store, whole) >= {"ca-chet-1", "ca-chet-3"}
    assert standing(store, done.issue).id == done.issue
    newer = news("ca-chet", 0, text="Bản mới", fetched=START + timedelta(hours=90))
    take_in(store, newer)
    assert issue_of(store, "ca-chet", 0) == done.issue


def test_reprints_and_comments_go_along(store: Index) -> None:
    take_in(store, *(news("ca-chet", n) for n in range(3)))
    first = news("ca-chet", 0)
    reprint = news("ca-chet", 20, title=first.title, text=first.text, source="bao-khac")
    comment = news("ca-chet", 21, kind="comment", parent="ca-chet-20", text="Năm nào cũng vậy, bao giờ mới xong?")
    take_in(store, reprint, comment)
    done = split(store, issue_of(store, "ca-chet"), ["ca-chet-0"], OFFICER)
    assert members(store, done.issue) == {"ca-chet-0", "ca-chet-20", "ca-chet-21"}
    later = news("ca-chet", 30, kind="comment", parent="ca-chet-0", text="Mong xã sớm trả lời cho dân biết.")
    take_in(store, later)
    assert issue_of(store, "ca-chet", 30) == done.issue
    assert standing(store, done.issue).voices == 3


def test_what_cannot_be_split(store: Index) -> None:
    issues = filled(store)
    one = issues["ca-chet"]
    for documents, said in (
        (["ca-chet-0", "sat-lo-1"], f"sat-lo-1 thuộc vấn đề {issues['sat-lo']}, không thuộc {one}"),
        (["ca-chet-0", "khong-co"], "không có văn bản 'khong-co'"),
        ([f"ca-chet-{n}" for n in range(3)], "không còn văn bản nào"),
    ):
        with pytest.raises(InputError, match=said):
            split(store, one, documents, OFFICER)
    with pytest.raises(InputError, match="không có vấn đề"):
        split(store, "khong-co", ["ca-chet-0"], OFFICER)
    assert decisions(store.issue_log()) == []


def test_an_issue_merged_earlier_is_split_again_and_a_split_undone(store: Index) -> None:
    issues = filled(store)
    merge(store, issues["ca-chet"], issues["sat-lo"], OFFICER)
    fish = [f"ca-chet-{n}" for n in range(3)]
    out = split(store, issues["ca-chet"], fish, OFFICER).issue
    assert members(store, out) == set(fish)
    assert out not in issues.values()
    merge(store, out, issues["sat-lo"], OFFICER)
    assert members(store, out) == set()
    again = split(store, issues["sat-lo"], fish, OFFICER)
    assert again.changed
    assert members(store, again.issue) == set(fish)
    assert again.issue != out
    take_in(store, news("ca-chet", 9), news("sat-lo", 9))
    assert issue_of(store, "ca-chet", 9) == again.issue
    assert issue_of(store, "sat-lo", 9) == issues["sat-lo"]


def test_stored_alerts_take_staffs_title(store: Index) -> None:
    """Kibana reads them past us, and showed the former title until the alert's next version."""
    issues = filled(store)
    fish, slide = issues["ca-chet"], issues["sat-lo"]
    store.put_alerts([alert(id, issue=issue, title=f"{id}: gấp ba") for id, issue in (("a-1", fish), ("a-2", slide))])
    rename(store, fish, "Cá chết ở hạ lưu", OFFICER)
    assert {a.id: a.title for a in store.alerts()} == {"a-1": "Cá chết ở hạ lưu: gấp ba", "a-2": "a-2: gấp ba"}
    merge(store, slide, fish, OFFICER)
    assert {a.title for a in store.alerts()} == {"Cá chết ở hạ lưu: gấp ba"}


def test_a_merge_into_an_issue_that_is_live_no_more_keeps_what_it_was(store: Index) -> None:
    """It used to take over the other's title, voices and beginning."""
    old = filled(store)["ca-chet"]
    take_in(store, *(news("benh-vien", 24 * 60 + n) for n in range(4)))
    newer = issue_of(store, "benh-vien", 24 * 60)
    before, other = standing(store, old), standing(store, newer)
    assert before.title != other.title
    merge(store, newer, old, OFFICER)
    merged = standing(store, newer)
    assert (merged.id, merged.title, merged.first) == (old, before.title, before.first)
    assert (merged.voices, merged.last) == (before.voices + other.voices, other.last)


def test_what_is_live_no_more_adds_its_voices_and_beginning_where_it_goes(store: Index) -> None:
    """Its voices used to be left out of the count."""
    old = filled(store)["ca-chet"]
    take_in(store, *(news("benh-vien", 24 * 60 + n) for n in range(4)))
    newer = issue_of(store, "benh-vien", 24 * 60)
    before, other = standing(store, old), standing(store, newer)
    merge(store, old, newer, OFFICER)
    merged = standing(store, old)
    assert (merged.id, merged.title, merged.first) == (newer, other.title, before.first)
    assert merged.voices == before.voices + other.voices
    take_in(store, news("benh-vien", 24 * 60 + 5))
    assert standing(store, old).voices == merged.voices + 1


def test_an_issue_that_is_live_no_more_is_split(store: Index) -> None:
    issues = filled(store)
    take_in(store, news("benh-vien", 24 * 60))
    done = split(store, issues["ca-chet"], ["ca-chet-1"], OFFICER)
    assert members(store, done.issue) == {"ca-chet-1"}
    named = standing(store, done.issue)
    assert (named.title, named.voices, named.first) == (STORIES["ca-chet"], 1, START + timedelta(hours=1))


def test_the_same_split_again_is_one_line(opener: Open) -> None:
    issues = filled(opener())
    words = ["issues", "split", issues["ca-chet"], "ca-chet-1", "--store", _url(opener)]
    for said in ("đã tách 1 văn bản", "từ trước, nay thuộc"):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert said in done.output
        assert done.output.count("\n") == 1
    assert len(decisions(opener().issue_log())) == 1


def test_a_kill_before_a_split_is_carried_out(opener: Open) -> None:
    issues = filled(opener())
    event = Decision(what="split", issue=issues["ca-chet"], documents=("ca-chet-0",), by="x", at=START).event()
    opener().audit(event)
    assert members(opener(), issues["ca-chet"]) >= {"ca-chet-0"}
    take_in(opener())
    assert members(opener(), issues["ca-chet"]) == {"ca-chet-1", "ca-chet-2"}


def test_two_decisions_that_contradict_each_other(store: Index) -> None:
    """Written down at the same moment by two officers: the first stands, the second is void, the store goes on."""
    issues = filled(store)
    a, b = issues["ca-chet"], issues["sat-lo"]
    for old, new in ((a, b), (b, a)):
        store.audit(Decision(what="merge", issue=old, target=new, by="x", at=START).event())
    take_in(store, news("ca-chet", 9))
    assert issue_of(store, "ca-chet", 9) == issue_of(store, "sat-lo") == b


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deeds=st.lists(
        st.tuples(
            st.integers(5, 60), st.sampled_from(["merge", "rename", "split"]), st.integers(0, 2), st.integers(0, 4)
        ),
        max_size=5,
    ),
    sizes=st.lists(st.integers(1, 17), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
)
def test_batches_restarts_and_kills_never_matter(
    deeds: list[tuple[int, str, int, int]], sizes: list[int], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    documents = [news(chance.choice([*STORIES]), n) for n in range(60)]
    folder = tmp_path_factory.mktemp("kho")
    calm = _lived(folder / "calm.sqlite", documents, deeds, [60], killed=False)
    assert _lived(folder / "other.sqlite", documents, deeds, sizes, killed=True) == calm


def _lived(
    path: Path, documents: list[Document], deeds: list[tuple[int, str, int, int]], sizes: list[int], *, killed: bool
) -> object:
    """What is in a store that took in `documents` in batches of these sizes, reopened after each, staff acting in between."""
    store = open_store(f"sqlite:///{path}")
    store.setup()
    position, turn = 0, 0
    for stop, deed, story, number in [*sorted(deeds), (len(documents), "", 0, 0)]:
        while position < stop:
            end = min(stop, position + sizes[turn % len(sizes)])
            take_in(store, *documents[position:end])
            position, turn = end, turn + 1
        if deed:
            _act(store, deed, documents[:position], story, number, killed=killed)
    content = (
        sorted((d.id, d.issue) for d in store.documents(Filter())),
        list(store.issues()),
        store.counts(Filter(), ("issue", "day")),
    )
    store.close()
    return content


def _act(store: Index, deed: str, known: list[Document], story: int, number: int, *, killed: bool) -> None:
    """One deed on the issue of a document; where `killed`, the process dies after writing it down and a new one goes on."""
    stored = [store.get(document.id) for document in (known[number % len(known)], known[-1 - story])]
    one, other = (document.issue for document in stored if document is not None)
    try:
        with pytest.MonkeyPatch.context() as patch:
            if killed:
                patch.setattr(issues_flow, "carried_out", lambda store: False)
            if deed == "merge":
                merge(store, one, other, OFFICER)
            elif deed == "rename":
                rename(store, one, f"Tên số {number}", OFFICER)
            else:
                split(store, one, [known[number % len(known)].id], OFFICER)
    except InputError:
        return
    Pipeline(store, enriched).catch_up()


def _url(opener: Open) -> str:
    opened = opener()
    path = getattr(opened, "path", None)
    return f"sqlite:///{path}" if path else str(opened.shown)  # type: ignore[attr-defined]
