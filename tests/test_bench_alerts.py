"""The rules that stand beside our detector do what their authors' own programs do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.alert_rules import Counts, counts, episodes, farrington_bound, obsei, scored, spike, zscore

# 30 series through R 4's surveillance 1.20.3: algo.farrington(b=3, w=3, reweight=TRUE, trend=FALSE, powertrans="2/3", limit54=c(0,4))
GOLDEN = json.loads((Path(__file__).parent / "data" / "farrington.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN, ids=range(len(GOLDEN)))
def test_the_farrington_bound_is_that_of_r_surveillance(case: dict) -> None:
    _, bound = farrington_bound(np.array([case["baseline"]], float), alpha=case["alpha"])
    assert bound[0] == pytest.approx(case["upper"], rel=1e-4)


def test_an_outage_makes_the_ratio_rule_fire_on_the_return() -> None:
    days = np.array([[0.0] * 30 + [5.0] * 10 + [0.0] * 24])
    assert spike(days)[0, 30] == 15.0
    assert not spike(days)[0, 60:].any()


def test_four_items_never_fire() -> None:
    days = np.zeros((1, 40 * 24))
    days[0, 900:] = 4.0
    assert not spike(days).any()
    assert not obsei(days).any()
    assert zscore(days)[0, 900] == 8.0  # over the floor of half an item


def test_clean_counts_take_one_voice_of_an_origin_at_its_time_of_publication() -> None:
    truth = {"weeks": 1, "t0": "2027-01-04T00:00:00+07:00"}
    base = {"source": "s", "sentiment": "neg", "issue": "v1", "published": "2027-01-04T01:30:00+07:00"}
    records = [
        base | {"origin": "a", "fetched": "2027-01-04T05:10:00+07:00"},
        base | {"origin": "a", "fetched": "2027-01-04T06:10:00+07:00"},
        base | {"origin": "b", "fetched": "2027-01-04T05:20:00+07:00", "sentiment": "neu"},
        {"fetch": {"source": "s", "at": "2027-01-04T06:00:00+07:00", "ok": True}},
    ]
    assert np.flatnonzero(counts(records, truth, raw=True).hourly[0]).tolist() == [5, 6]
    assert np.flatnonzero(counts(records, truth, raw=False).hourly[0]).tolist() == [1]


def test_an_episode_opens_once_and_again_after_three_calm_days() -> None:
    hourly = np.zeros((1, 200), np.float32)
    hourly[0, [10, 120]] = 6
    found = scored(spike, Counts(("v1",), hourly), 3.0)
    assert episodes(found, 3.0) == [(11.0, "v1"), (121.0, "v1")]
