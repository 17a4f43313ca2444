"""docker-compose.yml as a whole: it parses, every setting is one that the code reads, every command one that it runs, no secret
stands in it. And every command of the list is really built."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import stat
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from crawlers.credentials import credential
from duluan.cli.main import COMMANDS, app
from duluan.settings import secret

ROOT = Path(__file__).resolve().parents[1]
CODE = ("duluan", "crawlers", "nlp", "index", "alerts", "dashboards", "flows")
READERS = {"secret", "credential", "need_credential"}  # these read $NAME or the file named by $NAME_FILE
ONCE = {"folders", "setup", "boards"}
# Read by the code, and for reasons not in the file:
ELSEWHERE = {
    "DULUAN_ALLOW_LOOPBACK",  # the demo and tests only
    "DULUAN_DATA",  # training and evaluation, on a workstation
    "DULUAN_ES_USER",  # `elastic` is the default
    "DULUAN_KIBANA_API_KEY",  # the boards job logs in with the password
    "DULUAN_SMTP_CA",  # for a relay with its own certificate authority
    "DULUAN_USER",  # who acts on alerts at a terminal; the login name is the default
    "DULUAN_ZALO_ACCESS_TOKEN",  # the refresh token renews itself
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What docker/secrets.sh makes, twice, in a copy of the folder."""
    copy = tmp_path_factory.mktemp("cai-dat")
    (copy / "docker").mkdir()
    shutil.copy(ROOT / "docker" / "secrets.sh", copy / "docker")
    for _ in range(2):
        subprocess.run(["sh", str(copy / "docker" / "secrets.sh")], check=True)
        (copy / "secrets" / "facebook_token").write_text("mã-thử\n", encoding="utf-8")
    return copy / "secrets"


def our_settings(compose: dict[str, Any]) -> dict[str, str]:
    """DULUAN_ variables of all services, with their values."""
    services = compose["services"].values()
    return {k: str(v) for s in services for k, v in s.get("environment", {}).items() if k.startswith("DULUAN_")}


def read_by_the_code() -> tuple[set[str], set[str]]:
    """(names read at all, names that may also be a file), from the calls in the code – not from comments or texts."""
    plain, also_file = set(), set()
    for path in (path for name in CODE for path in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            values = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "envvar")]
            given = {a.value for a in values if isinstance(a, ast.Constant) and str(a.value).startswith("DULUAN_")}
            if name in READERS:
                also_file |= given
            elif name in {"get", "getenv", "Option", "pop"}:
                plain |= given
    return plain | also_file, also_file


def test_docker_compose_accepts_it() -> None:
    tool = shutil.which("docker-compose")
    if tool is None:
        pytest.skip("docker-compose is not installed (apt-get install docker-compose)")
    done = subprocess.run(
        [tool, "-f", str(ROOT / "docker-compose.yml"), "config"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(yaml.safe_load(done.stdout)["services"]) >= {"elasticsearch", "kibana", "postgres", "prefect", "worker"}


def test_every_setting_is_read_by_our_code(compose: dict[str, Any]) -> None:
    read, also_file = read_by_the_code()
    for name in our_settings(compose):
        bare = name.removesuffix("_FILE")
        assert bare in (also_file if name.endswith("_FILE") else read), name


def test_every_setting_of_our_code_is_there_or_left_out_for_a_reason(compose: dict[str, Any]) -> None:
    read, _ = read_by_the_code()
    named = {name.removesuffix("_FILE") for name in our_settings(compose)}
    assert read - named == ELSEWHERE


def test_every_secret_file_is_read_by_our_settings(
    compose: dict[str, Any], secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: Path(value).name for name, value in our_settings(compose).items() if "/run/secrets/" in value}
    assert len(files) >= 8
    for name, file in files.items():
        written = (secrets / file).read_text(encoding="utf-8").strip()
        monkeypatch.setenv(name, str(secrets / file))
        bare = name.removesuffix("_FILE")
        assert secret(bare) == (written or None), "an empty file is a setting that is not set"
        assert credential(bare, "nguon") == (written or None)


def test_the_script_makes_every_secret_once(compose: dict[str, Any], secrets: Path) -> None:
    assert {path.name for path in secrets.iterdir()} == set(compose["secrets"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o600}
    passwords = [(secrets / f"{name}_password").read_text() for name in ("elastic", "kibana", "postgres")]
    assert len(set(passwords)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{48}", one) for one in passwords), "the database's goes into an address"
    assert (secrets / "facebook_token").read_text(encoding="utf-8") == "mã-thử\n", "what is there stays"
    for line in ("secrets", ".env"):
        assert line in (ROOT / ".dockerignore").read_text().split(), "never into the image"
        assert {line, f"{line}/"} & set((ROOT / ".gitignore").read_text().split()), "never into a commit"


def test_our_services_run_our_commands(compose: dict[str, Any]) -> None:
    """Each command line is parsed by the real command, without running it."""
    group = typer.main.get_command(app)
    lines = {n: s.get("command", "") for n, s in compose["services"].items() if s["image"].startswith("duluan:")}
    assert {name: line.split()[0] for name, line in lines.items()} == {
        "setup": "setup",
        "boards": "kibana",
        "worker": "serve",
        "zalo": "zalo",
    }
    checked = [line.split() for line in lines.values()]
    checked += [
        s["healthcheck"]["test"][2:] for s in compose["services"].values() if "duluan" in str(s.get("healthcheck"))
    ]
    assert ["doctor"] in checked
    for words in checked:
        command = group
        while words and hasattr(command, "get_command"):
            context = command.make_context("duluan", [words[0]], resilient_parsing=True)
            command, words = command.get_command(context, words[0]), words[1:]
        assert command is not None
        command.make_context("duluan", list(words))


def test_images_are_those_that_the_code_is_tested_with(compose: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in compose["services"].items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {images[name] for name in ("worker", "setup", "boards", "zalo")} == {f"duluan:{project['version']}"}
    assert images["prefect"].startswith(f"prefecthq/prefect:{version('prefect')}-python3.11")
    assert images["elasticsearch"].endswith(":9.4.3")
    assert images["kibana"].endswith(":9.4.3")
    assert re.search(r"^FROM python:3\.11\.\d+-slim-\w+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for name, image in images.items():
        assert re.search(r":v?\d+\.\d+", image), name


def test_no_secret_stands_in_the_file(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET|API_KEY|SMTP_URL", key):
                assert key.endswith("_FILE"), (name, key)
                assert str(value).startswith(("/run/secrets/", "/keys/")), (name, key)
                if str(value).startswith("/run/secrets/"):
                    assert Path(value).name in service["secrets"], (name, key)
    used = {secret for service in compose["services"].values() for secret in service.get("secrets", ())}
    assert used == set(compose["secrets"])


def test_services_are_limited_watched_and_wait_for_each_other(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert {"mem_limit", "cpus", "logging", "security_opt"} <= set(service), name
        assert service["restart"] == ("on-failure" if name in ONCE else "unless-stopped")
        assert ("healthcheck" in service) == (name not in ONCE), name
        for other, condition in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert condition == {"condition": wanted}, (name, other)


@pytest.mark.parametrize(
    ("service", "answer", "well"),
    [
        ("kibana", '{"status":{"overall":{"level":"available"}}}', True),
        ("kibana", '{"status":{"overall":{"level":"unavailable"}}}', False),
        ("kibana", "Kibana server is not ready yet", False),
        ("elasticsearch", "401", True),
        ("elasticsearch", "503", False),
        ("smtp", "220 mail ESMTP", True),
        ("smtp", "554 no", False),
    ],
)
def test_health_checks_tell_well_from_ill(
    compose: dict[str, Any], tmp_path: Path, service: str, answer: str, well: bool
) -> None:
    """The shell line itself, with curl and nc that say `answer`."""
    for tool in ("curl", "nc"):
        (tmp_path / tool).write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n")
        (tmp_path / tool).chmod(0o755)
    line = compose["services"][service]["healthcheck"]["test"][1]
    done = subprocess.run(["/bin/sh", "-c", line], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False)
    assert (done.returncode == 0) is well


def test_ports_are_on_loopback_and_volumes_declared(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    named = {v.partition(":")[0] for s in compose["services"].values() for v in s.get("volumes", ())}
    assert {name for name in named if not name.startswith("./")} == set(compose["volumes"])
    assert all((ROOT / name).exists() for name in named if name.startswith("./"))


def test_kibana_shows_local_time_and_fetches_nothing() -> None:
    settings = yaml.safe_load((ROOT / "docker" / "kibana.yml").read_text(encoding="utf-8"))
    assert settings["uiSettings.overrides"]["dateFormat:tz"] == "Asia/Ho_Chi_Minh"
    assert settings["uiSettings.overrides"]["courier:ignoreFilterIfFieldNotInIndex"] is True
    assert settings["map.includeElasticMapsService"] is False
    assert settings["telemetry.optIn"] is False


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
