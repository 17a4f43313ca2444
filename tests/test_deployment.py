"""The compose file names only settings that the code reads, and every command of the list is really built."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml

from duluan.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
CODE = ("duluan", "crawlers", "nlp", "index", "alerts", "dashboards", "flows")


def _compose() -> dict[str, dict[str, dict[str, object]]]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_settings_of_the_worker_exist_in_the_code() -> None:
    code = "".join(path.read_text(encoding="utf-8") for name in CODE for path in (ROOT / name).rglob("*.py"))
    settings = _compose()["services"]["worker"]["environment"]
    assert isinstance(settings, dict)
    for name in settings:
        if name.startswith("DULUAN_"):
            assert name.removesuffix("_FILE") in code, name


def test_images_are_pinned_secrets_declared_and_services_limited() -> None:
    compose = _compose()
    for name, service in compose["services"].items():
        assert "build" in service or re.search(r":\d+\.\d+", str(service["image"])), name
        assert "mem_limit" in service, name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name  # type: ignore[call-overload]


def test_every_listed_command_is_built() -> None:
    for name, entry in COMMANDS.items():
        module = importlib.import_module(f"duluan.cli.{entry.module}")
        assert module.app.registered_commands or module.app.registered_groups, name


@pytest.mark.xdist_group("probe")
def test_groups_reach_xdist(request: pytest.FixtureRequest) -> None:
    """Without them a run starts two Elasticsearch servers, and two demos fight for the same ports (xdist 3.8 with pytest 9.2)."""
    if request.config.getoption("dist", "no") == "no" and not hasattr(request.config, "workerinput"):
        pytest.skip("runs without xdist")
    assert request.node.nodeid.endswith("@probe")
