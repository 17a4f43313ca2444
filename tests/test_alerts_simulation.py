"""The made-up province: what it contains, what a seed promises, and how alerts on it are scored."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from alerts.simulation.score import Score, hours_of
from alerts.simulation.stream import Stream, simulate
from alerts.simulation.world import Setting, holidays_of
from duluan.model import Fetch, Voice
from duluan.records import document_from, fetch_from

SMALL = {"issues": 30, "newborn": 3.0, "weeks": 9}


@pytest.fixture(scope="module")
def std() -> Stream:
    return simulate(Setting(seed=4, incidents=12.0, **SMALL))


def voices(stream: Stream) -> list[Voice]:
    return [item for item in stream.items() if isinstance(item, Voice)]


def test_the_same_setting_gives_the_same_stream(std: Stream) -> None:
    again = simulate(Setting(seed=4, incidents=12.0, **SMALL))
    assert list(again.records()) == list(std.records())
    assert again.truth == std.truth
    assert list(simulate(Setting(seed=5, incidents=12.0, **SMALL)).records()) != list(std.records())


def test_items_come_in_order_of_fetching_and_never_before_publication(std: Stream) -> None:
    moments = [item.at if isinstance(item, Fetch) else item.fetched for item in std.items()]
    assert all(later >= earlier for earlier, later in pairwise(moments))
    assert all(v.published is None or v.published <= v.fetched for v in voices(std))


def test_every_family_strikes_and_leaves_voices_after_its_onset(std: Stream) -> None:
    assert set(Counter(i.family for i in std.truth)) == {"burst", "ramp", "tone", "new", "quiet"}
    negative = Counter(v.issue for v in voices(std) if v.p_neg)
    assert all(negative[f"v{i.issue}"] >= 1 for i in std.truth if i.family in ("burst", "quiet", "new"))
    assert all(i.family == "tone" if i.fifth is None else i.fifth >= i.onset for i in std.truth)


def test_reprints_share_an_origin_that_came_first(std: Stream) -> None:
    seen: set[str] = set()
    copies = 0
    for voice in voices(std):
        if voice.origin != voice.id:
            copies += 1
            assert voice.origin in seen
        seen.add(voice.id)
    assert copies > 0.1 * len(seen)


def test_pure_streams_hold_no_incident_and_no_new_issue() -> None:
    stream = simulate(Setting(kind="pure", seed=1, **SMALL))
    assert stream.truth == ()
    assert {v.issue for v in voices(stream)} <= {f"v{k}" for k in range(30)}


def test_outages_are_seen_in_the_fetch_lines_and_filled_up_later(std: Stream) -> None:
    failed = [f for f in std.fetches if not f[2]]
    assert failed
    assert any(v.published is None for v in voices(std))
    assert any(v.published and (v.fetched - v.published).total_seconds() > 3 * 3600 for v in voices(std))


def test_a_scenario_changes_nothing_else() -> None:
    plain = simulate(Setting(seed=2, **SMALL))
    model = simulate(Setting(seed=2, scenarios=frozenset({"model"}), **SMALL))
    assert [v.id for v in voices(plain)] == [v.id for v in voices(model)]
    half = len(plain.events) // 2
    assert not np.array_equal(plain.events.negative[half:], model.events.negative[half:])
    assert plain.events.negative[: half // 2].mean() == model.events.negative[: half // 2].mean()


def test_national_chatter_triples_three_days() -> None:
    plain = simulate(Setting(kind="null", seed=2, **SMALL))
    loud = simulate(Setting(kind="null", seed=2, scenarios=frozenset({"national"}), **SMALL))
    start = 6 * 168 - 2 * 168 + 0.3 * (9 - 4) * 168  # quiet weeks: half of nine, rounded down
    inside = [((s.events.published >= start) & (s.events.published < start + 72)).sum() for s in (plain, loud)]
    assert 2.5 < inside[1] / inside[0] < 3.2


def test_holidays_are_quiet() -> None:
    setting = Setting(kind="null", seed=2, scenarios=frozenset({"holidays"}), **SMALL)
    free = np.repeat(holidays_of(setting), 24).astype(bool)
    counts = np.bincount(simulate(setting).events.published.astype(int), minlength=setting.hours)
    assert free.any()
    assert counts[free].mean() < 0.7 * counts[~free].mean()


def test_clusters_merge_and_split() -> None:
    stream = simulate(Setting(seed=3, scenarios=frozenset({"clusters"}), **(SMALL | {"issues": 60})))
    assert stream.changes
    for change in stream.changes:
        late = stream.events.issue[stream.events.fetched >= change.hour]
        assert change.old not in late
        assert change.new in late


def test_darkness_hides_the_first_hours_of_incidents() -> None:
    stream = simulate(Setting(seed=6, incidents=12.0, scenarios=frozenset({"dark"}), **SMALL))
    failed = {(source, int(hour)) for hour, source, ok in stream.fetches if not ok}
    hidden = [i for i in stream.truth if all((source, int(i.onset) + 1) in failed for source in range(6))]
    assert hidden


def test_records_are_those_of_the_contract(std: Stream) -> None:
    for record in list(std.records())[:500]:
        fetch = fetch_from(record)
        if fetch is None:
            assert document_from(record).id == record["id"]


def test_score_counts_as_the_yardstick_does() -> None:
    truth = {
        "t0": "2027-01-04T00:00:00+07:00",
        "weeks": 10,
        "warm_h": 336.0,
        "truth": [
            {"family": "burst", "issues": ["v1"], "t0": 500.0},
            {"family": "new", "issues": ["v9"], "t0": 600.0, "fifth": 604.0},
        ],
    }
    alerts = [
        (100.0, "v3"),
        (505.0, "v1"),
        (520.0, "v1"),
        (606.0, "v9"),
        (700.0, "v4"),
        (760.0, "v4"),
        (900.0, "v4"),
        (645.0, "v1"),
    ]
    score = Score()
    score.add(alerts, truth)
    assert (score.false, score.weeks) == (3, 8.0)  # v4 twice (a repeat within 72 h), v1 once it is too late
    assert score.recall() == 1.0
    assert score.rmd() == pytest.approx((5.0 + 6.0) / 2)
    assert score.after_fifth == [2.0]
    rate, low, high = score.per_week()
    assert (round(low * 8, 3), rate * 8, round(high * 8, 3)) == (0.619, 3.0, 8.767)  # exact Poisson limits of 3


def test_a_missed_incident_counts_120_hours() -> None:
    truth = {
        "t0": "2027-01-04T00:00:00+07:00",
        "weeks": 10,
        "warm_h": 0.0,
        "truth": [{"family": "ramp", "issues": ["v1"], "t0": 9.0}],
    }
    score = Score()
    score.add([], truth)
    assert (score.recall(), score.rmd()) == (0.0, 120.0)


def test_mails_are_watch_alerts_too() -> None:
    truth = {"t0": "2027-01-04T00:00:00+07:00"}
    alerts = [
        {"detected": "2027-01-05T00:00:00+07:00", "issue": "v1", "tier": tier} for tier in ("mail", "watch", "system")
    ]
    assert hours_of(alerts, truth, "mail") == [(24.0, "v1")]
    assert len(hours_of(alerts, truth, "watch")) == 2


def test_the_commands_simulate_and_score(tmp_path: Path) -> None:
    truth, stream = tmp_path / "truth.json", tmp_path / "stream.jsonl"
    run = [sys.executable, "-c", "from duluan.cli.main import main; main()"]
    made = subprocess.run(
        [*run, "simulate", "--seed", "3", "--weeks", "2", "--truth", str(truth)], capture_output=True, check=True
    )
    stream.write_bytes(made.stdout)
    assert json.loads(truth.read_text(encoding="utf-8"))["weeks"] == 2
    told = subprocess.run(
        [*run, "replay", "--given", "sentiment,topic,origin,issue", "--step", "6h", "--truth", str(truth), str(stream)],
        capture_output=True,
        check=True,
    )
    assert "mail: báo nhầm" in told.stderr.decode()
    wrong = subprocess.run([*run, "simulate", "--scenario", "bao"], capture_output=True, check=False)
    assert wrong.returncode == 2
    assert "holidays" in wrong.stderr.decode()
