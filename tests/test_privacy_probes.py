"""The probe sets: 314 personal data in comment style, 300 public matters that must stay.

`heldout` was written before any tuning and looked at once: recall .968, damage 2 of 150 (docs/privacy.md). Both halves are
regression tests since; the floors only rise.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from pathlib import Path

from duluan.privacy import redact

DATA = Path(__file__).parent / "data"


def probes(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def found(probe: dict[str, str]) -> bool:
    left = redact(probe["text"])
    return not any(unicodedata.normalize("NFC", secret) in left for secret in probe["secrets"].split("‖"))


def test_recall_of_personal_data() -> None:
    every = probes("redaction_probes.csv")
    counts = Counter(probe["kind"].split("_")[0] for probe in every)
    assert len(every) >= 300
    assert min(counts.values()) >= 25
    missed = [probe["text"] for probe in every if not found(probe)]
    assert len(missed) <= 0.02 * len(every), missed


def test_no_damage_to_public_matter() -> None:
    every = probes("keep_probes.csv")
    assert len(every) >= 300
    assert [p["text"] for p in every if redact(p["text"]) != unicodedata.normalize("NFC", p["text"])] == []
