"""A round on configured sources: unverified ones are named and skipped until they pass the check from this installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from duluan.clock import fixed_clock
from duluan.config import Profile, load_province
from duluan.errors import ConfigError
from flows.run import CHECKED, run_round, startable
from flows.sample.content import DEMO_CLOCK, build
from flows.sample.profile import profile as sample_profile
from flows.sample.server import FREE, serve
from flows.sources import check_health
from index import open_store


def _unverified(profile: Profile) -> Profile:
    sources = tuple(source.model_copy(update={"verified": False}) for source in profile.sources)
    return profile.model_copy(update={"sources": sources})


def test_check_then_run(tmp_path: Path, province_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = fixed_clock(DEMO_CLOCK)
    store = open_store(f"sqlite:///{tmp_path / 's.sqlite'}")
    store.setup()
    state = tmp_path / "state"
    with serve(build(DEMO_CLOCK), ports=FREE) as site:
        for name, value in site.environ.items():
            monkeypatch.setenv(name, value)
        profile = _unverified(sample_profile(site, load_province(province_dir)))
        before = run_round(store, profile, clock=clock, mailer=None, state_dir=state, allow_loopback=True)
        assert before.crawled.written == 0
        assert {source.id for source, _ in before.skipped} == {source.id for source in profile.sources}
        news = [source for source in profile.sources if source.via == "rss"]
        found = check_health(store, profile, news, state_dir=state, clock=clock, allow_loopback=True)
        assert all(health.check.passed for health in found)
        after = run_round(store, profile, clock=clock, mailer=None, state_dir=state, allow_loopback=True)
    assert set(after.crawled.by_source) == {source.id for source in news}
    assert len(after.skipped) == len(profile.sources) - len(news)
    store.close()


def test_a_source_that_cannot_be_reached_does_not_pass(tmp_path: Path, province_dir: Path) -> None:
    profile = load_province(province_dir)
    dead = profile.sources[0].model_copy(update={"url": "http://127.0.0.1:9/rss", "delay": 0})
    store = open_store(f"sqlite:///{tmp_path / 's.sqlite'}")
    store.setup()
    (health,) = check_health(
        store, profile, [dead], state_dir=tmp_path / "state", clock=fixed_clock(DEMO_CLOCK), allow_loopback=True
    )
    store.close()
    assert not health.check.passed
    assert startable(profile, tmp_path / "state")[0] == []


def test_a_damaged_list_of_checked_sources_is_one_clear_line(tmp_path: Path, province_dir: Path) -> None:
    (tmp_path / CHECKED).write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="tệp hỏng"):
        startable(load_province(province_dir), tmp_path)


def test_an_unknown_source_lists_those_that_exist(tmp_path: Path, province_dir: Path) -> None:
    with pytest.raises(ConfigError, match="khong_co"):
        startable(load_province(province_dir), tmp_path, ["khong_co"])
