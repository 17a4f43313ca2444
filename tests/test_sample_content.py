"""The sample's content: amounts, wording, planted truth, the files for the import."""

from __future__ import annotations

import csv
import json
import tomllib
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from duluan.clock import LOCAL, parse_time
from duluan.model import Document, Fetch
from duluan.records import document_from, fetch_from
from duluan.urls import document_id
from flows.importing import read_files, read_map
from flows.sample.content import DEMO_CLOCK, Sample, build, write_history
from flows.sample.grammar import Wordings, expand, shingles
from flows.sample.outlets import BY_ID, DAK_BLA, OUTLETS, SONG_TRA
from flows.sample.stories import common, topic_banks

VOWELS = frozenset("ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ")


@pytest.fixture(scope="module")
def sample() -> Sample:
    return build()


def test_about_sixty_items_a_day_for_five_weeks(sample: Sample) -> None:
    days = Counter(item.published.astimezone(LOCAL).date() for item in sample.items)
    full = [count for day, count in days.items() if day not in {min(days), max(days)}]
    assert len(days) == 36
    assert 54 <= len(sample.items) / 35 <= 70
    assert min(full) >= 8  # Tết is thin
    assert all(sample.end - timedelta(days=35) < item.published < sample.end for item in sample.items)


def test_same_clock_and_seed_give_the_same_sample_and_another_seed_another(sample: Sample) -> None:
    build.cache_clear()
    assert build() == sample
    assert build(seed=8).items != sample.items


def test_every_text_is_vietnamese_with_its_diacritics(sample: Sample) -> None:
    bare = [item.text for item in sample.items if not VOWELS & set(item.text.lower())]
    assert bare == []
    assert not any(mark in item.text + item.title for item in sample.items for mark in "<>{}|")


def test_no_text_repeats_a_third_of_another_but_the_reprints(sample: Sample) -> None:
    said = Wordings()
    for item in sample.items:
        if item.story == "gia_danh_dien_luc":
            continue
        overlap = said.overlap(f"{item.title}\n{item.text}")
        # The planted sentences with personal data are the same on purpose and come on top of the writer's limit.
        assert overlap <= 0.35 or any(secret in item.text for secret in sample.secrets), item
        said.add(f"{item.title}\n{item.text}")


def test_the_reprinted_story_is_one_text_in_every_outlet(sample: Sample) -> None:
    items = [item for item in sample.items if item.story == "gia_danh_dien_luc"]
    assert {item.outlet for item in items} == {outlet.id for outlet in OUTLETS}
    first = shingles(items[0].text)
    for item in items[1:]:
        assert len(first & shingles(item.text)) / len(shingles(item.text)) > 0.9


def test_truth_names_what_was_planted(sample: Sample) -> None:
    kinds = Counter(truth.kind for truth in sample.truth)
    assert kinds == {"incident": 1, "ramp": 1, "campaign": 1, "reprint": 1, "outage": 1, "noise": 1}
    urls = {item.url: item for item in sample.items}
    for truth in sample.truth:
        assert truth.urls or truth.kind == "outage"
        assert all(truth.start <= urls[url].published <= truth.until for url in truth.urls)


def test_the_incident_is_new_negative_and_widespread(sample: Sample) -> None:
    incident = sample.planted("incident")
    items = [item for item in sample.items if item.url in set(incident.urls)]
    voices = [item for item in items if item.kind != "news"]
    assert sample.end - incident.start < timedelta(days=2)
    assert len(items) >= 80
    assert sum(item.tone == "neg" for item in voices) / len(voices) > 0.8
    assert sum(place.partition(" ")[2] in item.text for place in incident.places for item in items) >= 15
    assert {item.kind for item in items} == {"news", "post", "comment"}
    assert sum(item.published >= sample.crawl_from for item in items) >= 25


def test_the_ramp_rises_for_three_weeks(sample: Sample) -> None:
    ramp = sample.planted("ramp")
    weeks = Counter(
        (item.published - ramp.start).days // 7
        for item in sample.items
        if item.url in set(ramp.urls) and item.tone == "neg"
    )
    assert weeks[0] < weeks[1] < weeks[2]
    assert weeks[2] >= 4 * weeks[0]


def test_the_campaign_is_a_burst_of_gladness(sample: Sample) -> None:
    campaign = sample.planted("campaign")
    tones = Counter(item.tone for item in sample.items if item.url in set(campaign.urls))
    assert tones["pos"] >= 60
    assert tones["pos"] / tones.total() > 0.9


def test_during_the_outage_every_try_fails_and_nothing_is_known(sample: Sample) -> None:
    outage = sample.planted("outage")
    tries = [
        fetch for fetch in sample.fetches if fetch.source == outage.source and outage.start <= fetch.at < outage.until
    ]
    assert len(tries) >= 24
    assert not any(fetch.ok for fetch in tries)
    assert all(fetch.ok for fetch in sample.fetches if fetch not in tries)
    assert not any(i.outlet == DAK_BLA.id and outage.start <= i.published < outage.until for i in sample.items)


def test_everyday_noise_covers_all_topics_and_tones(sample: Sample) -> None:
    noise = [item for item in sample.items if item.url in set(sample.planted("noise").urls)]
    assert len({item.topic for item in noise}) == 15
    assert min(Counter(item.tone for item in noise).values()) > len(noise) / 6


def test_places_are_communes_of_today(sample: Sample, province_dir: Path) -> None:
    units = tomllib.loads((province_dir / "places.toml").read_text(encoding="utf-8"))["unit"]
    now = {f"{u['type']} {u['name']}" for u in units if u["era"] == "now" and u["level"] == "commune"}
    named = {place for bank in topic_banks() for story in bank.story for place in story.places}
    assert named <= now
    assert len(named) >= 60


def test_each_secret_is_planted_and_no_author_stands_in_a_text(sample: Sample) -> None:
    texts = "\n".join(f"{item.title}\n{item.text}" for item in sample.items)
    for name in common().names:
        assert name not in texts
    late = "\n".join(item.text for item in sample.last_day)
    for phone in ("0905 184 273", "o9o7 55 28 16", "thanhtruc.venlo@example.com", "76C1-482.91", "1903 5567 8210 14"):
        assert phone in texts
        assert phone in late
    assert set(common().names) <= set(sample.secrets)


def test_comments_answer_an_earlier_post_of_their_page(sample: Sample) -> None:
    posts = {item.url: item for item in sample.items if item.kind == "post"}
    for item in sample.items:
        if item.kind == "comment":
            assert item.parent is not None
            post = posts[item.parent]
            assert post.published < item.published
            assert (post.outlet, post.story) == (item.outlet, item.story)


def test_ids_are_those_of_the_addresses_and_unique(sample: Sample) -> None:
    ids = {item.id for item in sample.items}
    assert len(ids) == len(sample.items)
    for item in sample.items[:50]:
        assert item.id == document_id(item.url, nukeviet=BY_ID[item.outlet].via == "nukeviet")


def test_moving_to_other_ports_moves_every_address(sample: Sample) -> None:
    bases = {host: base[:-5] + str(40000 + number) for number, (host, base) in enumerate(sample.bases.items())}
    moved = sample.at(bases)
    assert not any(":2847" in item.url + (item.parent or "") for item in moved.items)
    assert [item.text for item in moved.items] == [item.text for item in sample.items]
    assert sample.at(sample.bases) is sample


def test_history_files_hold_all_older_weeks_and_nothing_of_the_last_day(sample: Sample, tmp_path: Path) -> None:
    files = write_history(sample, tmp_path)
    records = [json.loads(line) for line in files.jsonl.read_text(encoding="utf-8").splitlines()]
    fetches = [fetch for record in records if (fetch := fetch_from(record))]
    documents = [document_from(record) for record in records if "fetch" not in record]
    assert tuple(sorted(fetches, key=lambda f: f.at)) == tuple(sorted(sample.fetches, key=lambda f: f.at))
    assert all(document.published and document.published < sample.crawl_from for document in documents)
    assert all(document.published and document.published <= document.fetched <= sample.end for document in documents)
    with files.csv.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(documents) + len(rows) >= 0.99 * len(sample.history)
    by_id = {item.id: item for item in sample.items}
    assert all(by_id[document.id].text == document.text for document in documents)


def test_the_archive_is_read_through_its_map(sample: Sample, tmp_path: Path) -> None:
    files = write_history(sample, tmp_path)
    read = list(read_files([files.csv], read_map(files.map)))
    by_id = {item.id: item for item in sample.items}
    assert len(read) >= 30
    for document in read:
        assert isinstance(document, Document)
        assert document.source == SONG_TRA.id
        assert document.published == by_id[document.id].published
        assert document.fetched.utcoffset() == timedelta(hours=7)
    whole = list(read_files([files.jsonl]))
    assert {type(item) for item in whole} == {Document, Fetch}


def test_history_is_the_same_to_the_byte(sample: Sample, tmp_path: Path) -> None:
    first, second = write_history(sample, tmp_path / "a"), write_history(sample, tmp_path / "b")
    for name in ("jsonl", "csv", "map"):
        assert getattr(first, name).read_bytes() == getattr(second, name).read_bytes()


def test_the_clock_is_a_friday_evening_after_the_briefing_week() -> None:
    assert DEMO_CLOCK.weekday() == 4
    assert parse_time("2026-03-20T18:00:00+07:00") == DEMO_CLOCK
    assert isinstance(DEMO_CLOCK, datetime)


def test_phrases_expand_and_slips_are_seen() -> None:
    rng = Random(1)
    assert expand("{a|a} <xa> , <n:5-5>.", {"xa": "xã Ba Vì"}, rng) == "A xã Ba Vì, 5."
    with pytest.raises(ValueError, match="unbalanced"):
        expand("{a|b", {}, rng)
    with pytest.raises(KeyError):
        expand("<khong_co>", {}, rng)
