"""The probe sets: 314 personal data in comment style, 300 public matters that must stay.

`heldout` was written before any tuning and looked at once: recall .968, damage 2 of 150 (docs/privacy.md). Both halves are
regression tests since; the floors only rise. The second set (scripts/redaction_probes.py) was run once before anything was changed
for it: recall .927, damage 0 of 300.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from pathlib import Path

from bench.redaction import left_over
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


def test_recall_of_the_second_set() -> None:
    every = probes("redaction_second.csv")
    assert min(Counter(probe["kind"] for probe in every).values()) >= 25
    missed = [probe["text"] for probe in every if left_over(probe["kind"], probe["text"], probe["secret"])]
    assert len(missed) <= 2, missed


def test_no_damage_to_the_second_set() -> None:
    every = probes("keep_second.csv")
    assert len(every) >= 300
    assert [p["text"] for p in every if redact(p["text"]) != unicodedata.normalize("NFC", p["text"])] == []


def test_a_name_that_somebody_says_is_theirs() -> None:
    assert redact("Tôi là Nguyễn Văn Không, ở thôn 2") == "Tôi là [tên riêng], ở thôn 2"
    assert redact("con em tên là Trần Thị Mơ mới lớp 2") == "con em tên là [tên riêng] mới lớp 2"
    for text in ("Quê em là Hà Nội", "trường tôi là Lê Lợi", "bọn họ là Trung Quốc", "Chỗ con là Cao Bằng"):
        assert redact(text) == text
