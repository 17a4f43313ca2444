"""The main job, end to end: planted truth is found, planted personal data is nowhere, a second run adds and mails nothing."""

from __future__ import annotations

import socket
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from duluan.cli.demo import summary
from duluan.config import load_province
from flows.demo import DemoReport, demo
from flows.sample.content import DEMO_CLOCK, Sample, Truth, build
from flows.sample.outlets import PORTS
from index import open_store

pytestmark = pytest.mark.xdist_group("demo")


@dataclass(frozen=True, slots=True)
class Runs:
    out: Path
    first: DemoReport
    second: DemoReport
    documents_first: int
    sample: Sample


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, province_dir: Path) -> Runs:
    out = tmp_path_factory.mktemp("demo") / "out"
    steps: list[str] = []
    # not the usual ports, which another demo on this machine may hold during one of the two runs: ids follow addresses
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    first = demo(out, load_province(province_dir), tell=steps.append, ports=ports)
    assert len(steps) == 5
    second = demo(out, load_province(province_dir), ports=ports)
    return Runs(out, first, second, first.documents, build(DEMO_CLOCK))


def _bytes(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below `folder`, packed ones unpacked: zip members, mail parts, zlib blobs of the store."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield path.name, content
        if path.suffix == ".docx":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path.name}/{name}", archive.read(name)
        if path.suffix == ".eml":
            for part in message_from_bytes(content, policy=default).walk():
                if not part.is_multipart():
                    yield f"{path.name}/{part.get_content_type()}", part.get_payload(decode=True) or b""
        if path.suffix == ".sqlite":
            yield from _cells(path)


def _cells(path: Path) -> Iterator[tuple[str, bytes]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        virtual = {
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'")
        }
        for name in names:
            if name in virtual:
                continue  # a contentless full-text table; its own tables are read as such
            for row in connection.execute(f'SELECT * FROM "{name}"'):
                for cell in row:
                    raw = cell if isinstance(cell, bytes) else str(cell).encode()
                    yield f"{path.name}:{name}", raw
                    yield from ((f"{path.name}:{name} (zlib)", text) for text in _inflated(raw))
    finally:
        connection.close()


def _inflated(raw: bytes) -> Iterator[bytes]:
    for start in (0, raw.find(b"\n") + 1):
        try:
            yield zlib.decompress(raw[start:])
        except zlib.error:
            continue


def test_no_personal_data_of_the_sample_is_anywhere(runs: Runs) -> None:
    secrets = [secret.encode() for secret in runs.sample.secrets]
    assert len(secrets) >= 10
    for name, content in _bytes(runs.out):
        found = [number for number, secret in enumerate(secrets) if secret in content]
        assert not found, f"planted secret no. {found[0]} is in {name}"


def _truth(sample: Sample, kind: str) -> Truth:
    return next(truth for truth in sample.truth if truth.kind == kind)


def _issues_of(runs: Runs, kind: str) -> set[str]:
    """The issues in which the planted story's documents ended."""
    wanted = set(_truth(runs.sample, kind).urls)
    ids = [item.id for item in runs.sample.items if item.url in wanted]
    store = open_store(f"sqlite:///{runs.first.store}")
    try:
        return {document.issue for id in ids if (document := store.get(id))}
    finally:
        store.close()


def test_the_incident_is_mailed_and_nothing_planted_as_harmless_is(runs: Runs) -> None:
    mailed = {alert.issue for alert in runs.first.stored_alerts if alert.tier == "mail"}
    assert mailed & _issues_of(runs, "incident")
    assert not mailed & (_issues_of(runs, "campaign") - _issues_of(runs, "incident"))
    assert not mailed & (_issues_of(runs, "reprint") - _issues_of(runs, "incident"))


def test_no_alert_of_any_tier_on_the_reprinted_story(runs: Runs) -> None:
    reprint = _issues_of(runs, "reprint")
    assert reprint
    assert not {alert.issue for alert in runs.first.stored_alerts if alert.tier != "system"} & reprint


def test_the_mail_was_delivered_once(runs: Runs) -> None:
    assert runs.first.watched.sent == len(runs.first.mails) >= 1
    assert runs.second.watched.sent == 0
    assert runs.second.mails == runs.first.mails
    mail = message_from_bytes(runs.first.mails[0].read_bytes(), policy=default)
    assert str(mail["Subject"]).startswith("[Dư luận] ")
    assert {part.get_content_type() for part in mail.walk()} >= {"text/plain", "text/html", "image/png"}


def test_a_second_run_adds_nothing(runs: Runs) -> None:
    second = runs.second
    assert (second.imported.written, second.crawled.written, second.crawled.updated) == (0, 0, 0)
    assert second.documents == runs.documents_first
    assert second.stored_alerts == runs.first.stored_alerts


def test_the_crawl_brought_the_last_day_and_counted_what_it_refused(runs: Runs) -> None:
    crawled = runs.first.crawled
    assert crawled.written >= 60
    assert crawled.fetches >= 5
    assert {reason for _, reason in crawled.rejected} >= {"truncated", "not_article", "robots"}
    sources = {item.outlet for item in runs.sample.last_day}
    assert set(crawled.by_source) == sources


def test_briefing_page_and_summary(runs: Runs) -> None:
    for path in (*runs.first.briefing, runs.first.page):
        assert path.stat().st_size > 20_000
    page = runs.first.page.read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://127.0.0.1", "").replace("http://www.w3.org", "")
    text = summary(runs.first, runs.out, 12.3)
    assert "Cảnh báo" in text
    assert "GỬI THƯ" in text
    assert str(runs.first.page) in text
