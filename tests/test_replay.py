"""A recorded stream played through the detector: what counts, and what an alert is called."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from duluan.cli.replay import app

START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=7)))
GIVEN = "sentiment,topic,origin,issue"


def item(id: str, issue: str, at: datetime, *, sentiment: str = "neu", title: str = "", **more: Any) -> dict[str, Any]:
    moment = at.isoformat()
    return {
        "id": id,
        "url": f"https://bao.example/{id}",
        "source": f"bao-{sum(map(ord, id)) % 3}",
        "kind": "news",
        "title": title or f"Tin {id}",
        "text": f"Nội dung {id}.",
        "fetched": moment,
        "published": moment,
        "topic": "giao_thong",
        "sentiment": sentiment,
        "origin": id,
        "issue": issue,
        **more,
    }


def stream() -> list[dict[str, Any]]:
    """Three quiet weeks; then two issues flare up in one night, one of them in another province, and both had another beginning."""
    found = [item(f"n{n}", f"viec-{n % 12}", START + timedelta(hours=n)) for n in range(21 * 24)]
    flare = START + timedelta(days=20)
    for issue, where, inside in (("trong", "Ba Tơ", True), ("ngoai", "Tam Đảo", False)):
        found.append(
            item(
                f"{issue}-cu",
                issue,
                START + timedelta(days=12),
                title="Những cây cầu đẹp nhất nước",
                in_province=inside,
            )
        )
        found += [
            item(
                f"{issue}{n}", issue, flare + timedelta(minutes=25 * n), sentiment="neg", in_province=inside,
                title=f"Cầu treo {where} đứt cáp, tin thứ {n}",
            )
            for n in range(14)
        ]  # fmt: skip
    return found


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dong") / "dong.jsonl"
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in stream()), encoding="utf-8")
    return path


def played(recorded: Path, *more: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["--given", GIVEN, "--quiet", *more, str(recorded)])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_record_counts_unless_scope_is_asked_for(recorded: Path) -> None:
    assert {alert["issue"] for alert in played(recorded)} == {"trong", "ngoai"}
    assert {alert["issue"] for alert in played(recorded, "--scoped")} == {"trong"}


def test_an_alert_is_called_by_its_voices_not_by_how_its_issue_began(recorded: Path) -> None:
    alerts = played(recorded, "--scoped")
    assert alerts
    assert all(alert["title"].startswith("Cầu treo Ba Tơ đứt cáp") for alert in alerts)
