"""Import into a store: idempotent, the same after kill -9 and in any batch size, the same hits in both stores; bad input loses nothing."""

from __future__ import annotations

import csv
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from duluan.clock import LOCAL
from duluan.config import load_province
from duluan.model import Document, Fetch
from duluan.query import Filter, parse_query
from duluan.urls import document_id
from flows import ingest
from flows.importing import read_files
from flows.ingest import Pipeline
from index import open_store
from index.base import Index
from nlp.enrich import Enricher

PLACES = ["Đăk Hà", "Sa Huỳnh", "Trà Bồng", "Măng Đen", "Lý Sơn", "Ba Tơ"]
MATTERS = [
    (
        "Đường liên xã {} sạt lở sau mưa",
        "Mưa lớn làm sạt lở nhiều đoạn đường ở {}, người dân đi lại khó khăn, mong sớm khắc phục.",
    ),
    ("Trạm y tế {} thiếu thuốc", "Bà con ở {} phản ánh trạm y tế thiếu thuốc nhiều tuần, phải đi xa để mua."),
    ("{} được mùa cá", "Ngư dân {} phấn khởi vì chuyến biển đầu năm đầy khoang, giá bán ổn định."),
    ("Nước sạch về {}", "Công trình nước sạch ở {} đi vào hoạt động, hàng trăm hộ dân vui mừng."),
]
HEAD = ["url", "source", "kind", "title", "text", "fetched"]


def _rows(count: int, seed: int = 3) -> list[list[str]]:
    rng = random.Random(seed)
    begin = datetime(2026, 3, 1, 6, tzinfo=LOCAL)
    rows = []
    for number in range(count):
        place, (title, text) = rng.choice(PLACES), rng.choice(MATTERS)
        moment = begin + timedelta(minutes=7 * number)
        detail = f" Ghi nhận lúc {moment:%H} giờ, có {rng.randint(3, 90)} hộ liên quan tại thôn {rng.randint(1, 9)}."
        url = f"https://baomau.example/bai-{number}.html"
        rows.append(
            [url, f"bao{number % 3}", "news", title.format(place), text.format(place) + detail, moment.isoformat()]
        )
    return rows


def _csv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([HEAD, *rows])
    return path


def _command(files: list[Path], store: Path) -> list[str]:
    options = ["--store", f"sqlite:///{store}", "--workers", "1", "--no-keywords"]
    return [sys.executable, "-m", "duluan", "import", *map(str, files), *options]


def _start(files: list[Path], store: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        _command(files, store), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _import(files: list[Path], store: Path) -> tuple[int, str]:
    """(exit code, standard error)."""
    done = subprocess.run(_command(files, store), capture_output=True, timeout=200, check=False)
    return done.returncode, done.stderr.decode()


def _content(store: Path) -> list[tuple[object, ...]]:
    """Every document with its origin and issue, every issue and every hourly count: what must be alike."""
    index = open_store(f"sqlite:///{store}")
    try:
        documents = [(d.id, d.origin, d.issue, d.topic, d.sentiment, d.text) for d in index.documents(Filter())]
        issues = [(i.id, i.title, i.voices, i.merged_into) for i in index.issues()]
        counts = [
            (r.hour, r.topic, r.sentiment, r.documents, r.voices)
            for r in index.counts(Filter(), ("hour", "topic", "sentiment"))
        ]
        return [*sorted(documents), *sorted(issues, key=str), *counts]
    finally:
        index.close()


@pytest.mark.timeout(240)
def test_kill_9_and_again_gives_the_undisturbed_store(tmp_path: Path) -> None:
    file = _csv(tmp_path / "in.csv", _rows(2400))
    assert _import([file], tmp_path / "calm.sqlite")[0] == 0
    store = tmp_path / "killed.sqlite"
    for least in (500, 1000):
        process = _start([file], store)
        deadline = time.monotonic() + 90
        while _count(store) < least and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert _import([file], store)[0] == 0
    assert _content(store) == _content(tmp_path / "calm.sqlite")
    assert "ghi mới 0" in _import([file], store)[1]


def _count(store: Path) -> int:
    try:
        connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        try:
            return int(connection.execute("SELECT count(*) FROM documents").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return 0


def test_batches_never_matter(tmp_path: Path, province_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _csv(tmp_path / "in.csv", _rows(700))
    enricher = Enricher(load_province(province_dir), keywords=False)
    contents = []
    for size in (500, 37):
        monkeypatch.setattr(ingest, "BATCH", size)
        store = open_store(f"sqlite:///{tmp_path / str(size)}.sqlite")
        store.setup()
        for part in ([file], [file]):  # the second pass reopens the clusterer and adds nothing
            Pipeline(store, enricher.enrich).ingest(read_files(part))
        store.close()
        contents.append(_content(tmp_path / f"{size}.sqlite"))
    assert contents[0] == contents[1]


def test_a_newer_version_replaces_and_keeps_its_issue(tmp_path: Path, province_dir: Path) -> None:
    rows = _rows(30)
    store = open_store(f"sqlite:///{tmp_path / 's.sqlite'}")
    store.setup()
    pipeline = Pipeline(store, Enricher(load_province(province_dir), keywords=False).enrich)
    pipeline.ingest(read_files([_csv(tmp_path / "a.csv", rows)]))
    before = store.get(document_id(rows[4][0]))
    newer = [*rows[4][:4], rows[4][4] + " Cập nhật: đã thông đường.", "2026-03-09T06:00:00+07:00"]
    report = pipeline.ingest(read_files([_csv(tmp_path / "b.csv", [newer, rows[5]])]))
    after = store.get(document_id(rows[4][0]))
    store.close()
    assert (report.written, report.updated, report.known) == (0, 1, 1)
    assert before is not None
    assert after is not None
    assert after.text.endswith("đã thông đường.")
    assert (after.issue, after.origin) == (before.issue, before.origin)


def test_both_stores_give_the_same_hits_and_counts(tmp_path: Path, province_dir: Path, elasticsearch_url: str) -> None:
    file = _csv(tmp_path / "in.csv", _rows(300))
    enricher = Enricher(load_province(province_dir), keywords=False)
    stores: list[Index] = [open_store(f"sqlite:///{tmp_path / 's.sqlite'}"), open_store(elasticsearch_url)]
    answers = []
    for store in stores:
        store.setup()
        Pipeline(store, enricher.enrich).ingest(read_files([file]))
        queries = [parse_query(text) for text in ('"sat lo" duong', "nuoc -ca", "kind:news truong OR tram*", "đắk hà")]
        scope = [
            Filter(must=q.must, must_not=q.must_not, kinds=q.kinds, sources=("bao0", "bao1", "bao2")) for q in queries
        ]
        hits = [[hit.document.id for hit in store.search(query, limit=15).hits] for query in scope]
        totals = [store.search(query).total for query in scope]
        ours = Filter(sources=("bao0", "bao1", "bao2"))
        answers.append((hits, totals, store.counts(ours, ("day", "topic", "sentiment")), store.count(ours)))
        store.close()
    assert answers[0] == answers[1]
    assert answers[0][3] == 300


def test_bad_rows_are_named_and_the_rest_is_stored(tmp_path: Path) -> None:
    rows = _rows(6)
    rows[2][5] = "hôm qua"
    code, told = _import([_csv(tmp_path / "in.csv", rows)], tmp_path / "s.sqlite")
    assert code == 3
    assert "in.csv:4 bad_record" in told
    assert _count(tmp_path / "s.sqlite") == 5


@pytest.mark.parametrize("case", ["no such file", "store below a file", "missing column"])
def test_one_line_and_exit_1_for_what_cannot_be_done(tmp_path: Path, case: str) -> None:
    good = _csv(tmp_path / "in.csv", _rows(3))
    (tmp_path / "plain").write_text("", encoding="utf-8")
    (tmp_path / "short.csv").write_text("url,title\n", encoding="utf-8")
    file = {"no such file": tmp_path / "none.csv", "missing column": tmp_path / "short.csv"}.get(case, good)
    store = tmp_path / "plain" / "s.sqlite" if case == "store below a file" else tmp_path / "s.sqlite"
    code, told = _import([file], store)
    lines = told.strip().splitlines()
    assert code == 1, told
    assert len(lines) == 1, told
    assert lines[0].startswith("duluan: ")


def _cramped(files: list[Path], store: Path) -> str:
    """The one line of an import that fails where no file may grow above 0.9 MB."""

    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    process = subprocess.run(_command(files, store), capture_output=True, preexec_fn=narrow, timeout=120, check=False)
    assert process.returncode == 1, process.stderr.decode()
    (told,) = process.stderr.decode().strip().splitlines()
    return told


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    file = _csv(tmp_path / "in.csv", _rows(1800))
    store = tmp_path / "s.sqlite"

    assert _cramped([file], store).startswith("duluan: ")
    acknowledged = _count(store)
    assert _import([file], store)[0] == 0
    assert acknowledged <= _count(store) == 1800


def test_no_room_to_unpack_the_language_identifier_is_one_line(tmp_path: Path) -> None:
    """It is unpacked when the first text in a foreign language comes; the same import goes through once there is room."""
    rows = _rows(3)
    rows[1][3:5] = ["La route du village est coupée", "Personne ne la répare depuis un an, disent les gens du hameau."]
    file, store = _csv(tmp_path / "in.csv", rows), tmp_path / "s.sqlite"
    assert "mô hình nhận diện ngôn ngữ" in _cramped([file], store)
    code, told = _import([file], store)
    assert (code, _count(store)) == (3, 2), told  # the foreign one is refused


def test_fetch_lines_reach_the_ledger(tmp_path: Path, province_dir: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 's.sqlite'}")
    store.setup()
    moment = datetime(2026, 3, 1, 6, tzinfo=LOCAL)
    items: list[Document | Fetch] = [Fetch("bao0", moment + timedelta(hours=n), n != 2) for n in range(4)]
    pipeline = Pipeline(store, Enricher(load_province(province_dir), keywords=False).enrich)
    assert pipeline.ingest(items).fetches == 4
    pipeline.ingest(items)
    kept = [(fetch.at, fetch.ok) for fetch in store.fetches()]
    store.close()
    assert len(kept) == 4
    assert [ok for _, ok in kept] == [True, True, False, True]
