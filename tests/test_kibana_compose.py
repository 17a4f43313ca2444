"""docker-compose.yml as a whole: it parses, every setting is one that the code reads, no secret stands in it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from duluan.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
CODE = ("duluan", "crawlers", "nlp", "index", "alerts", "dashboards", "flows")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def test_docker_compose_accepts_it() -> None:
    tool = shutil.which("docker-compose")
    if tool is None:
        pytest.skip("docker-compose is not installed (apt-get install docker-compose)")
    done = subprocess.run(
        [tool, "-f", str(ROOT / "docker-compose.yml"), "config", "-q"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_setting_exists_in_our_code(compose: dict[str, Any]) -> None:
    code = "".join(path.read_text(encoding="utf-8") for name in CODE for path in (ROOT / name).rglob("*.py"))
    settings = {name for service in compose["services"].values() for name in service.get("environment", {})}
    ours = {name.removesuffix("_FILE") for name in settings if name.startswith("DULUAN_")}
    assert ours >= {
        "DULUAN_STORE",
        "DULUAN_ES_API_KEY",
        "DULUAN_ES_PASSWORD",
        "DULUAN_SMTP_URL",
        "DULUAN_KIBANA_PASSWORD",
    }
    assert [name for name in sorted(ours) if f'"{name}"' not in code] == []


def test_our_services_run_our_commands(compose: dict[str, Any]) -> None:
    ours = {
        name: s["command"].split()[0]
        for name, s in compose["services"].items()
        if s.get("image", "").startswith("duluan")
    }
    assert ours == {"setup": "setup", "boards": "kibana", "worker": "serve"}
    assert set(ours.values()) <= set(COMMANDS)


def test_no_secret_stands_in_the_file(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET|API_KEY|SMTP_URL", key):
                assert key.endswith("_FILE"), (name, key)
                assert str(value).startswith(("/run/secrets/", "/keys/")), (name, key)
    used = {secret for service in compose["services"].values() for secret in service.get("secrets", ())}
    assert used == set(compose["secrets"])


def test_services_are_pinned_limited_and_wait_for_each_other(compose: dict[str, Any]) -> None:
    once = {"setup", "boards"}
    for name, service in compose["services"].items():
        assert re.search(r":\d+\.\d+", service["image"]), name
        assert "mem_limit" in service, name
        assert service["restart"] == ("on-failure" if name in once else "unless-stopped")
        if name not in {*once, "worker"}:
            assert service["healthcheck"]["retries"] >= 10, name
        for other, condition in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in once else "service_healthy"
            assert condition == {"condition": wanted}, (name, other)


def test_ports_are_on_loopback_and_volumes_declared(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    named = {v.partition(":")[0] for s in compose["services"].values() for v in s.get("volumes", ())}
    assert {name for name in named if not name.startswith("./")} == set(compose["volumes"])
    assert all((ROOT / name).exists() for name in named if name.startswith("./"))


def test_kibana_shows_local_time_and_fetches_nothing() -> None:
    settings = yaml.safe_load((ROOT / "docker" / "kibana.yml").read_text(encoding="utf-8"))
    assert settings["uiSettings.overrides"]["dateFormat:tz"] == "Asia/Ho_Chi_Minh"
    assert settings["map.includeElasticMapsService"] is False
    assert settings["telemetry.optIn"] is False
