"""Recall of redaction on the probe sets of tests/data, and damage to the sets that must stay: `python bench/redaction.py [--errors]`.

A probe counts as found when none of its secret's digits, letters of the address, or words of the name is left in place.
"""

from __future__ import annotations

import argparse
import csv
import re
import time
import unicodedata
from collections import Counter
from pathlib import Path

from duluan.privacy import redact

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
HALVES = ("dev", "heldout")
_HOSTS = re.compile(r"^(?:https?|www|m|profile\.php|.*\.(?:com|com\.vn|me))$")  # says nothing by itself


def read(name: str) -> list[dict[str, str]]:
    """All probes of a file."""
    with (DATA / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def leaks(text: str, secrets: list[str]) -> bool:
    """Whether a secret, or a run of four of its digits or words, is still there after redaction."""
    left = redact(text)
    return any(part in unicodedata.normalize("NFC", left) for secret in secrets for part in _parts(secret))


def _parts(secret: str) -> list[str]:
    """What must not be left: the whole, and each of its tokens that says something by itself (3 digits, or a name's word)."""
    whole = unicodedata.normalize("NFC", secret)
    tokens = re.findall(r"\d{3,}|[^\W\d_]{4,}", whole)
    return [whole, *(token for token in tokens if token.isdigit() and len(token) >= 4)]


def left_over(kind: str, text: str, secret: str) -> bool:
    """Whether any part of the secret that says something is left: a word of a name, a group of digits, a word of an address."""
    left = redact(text)
    if unicodedata.normalize("NFC", secret) in left:
        return True
    pattern = r"[^\W\d_]{2,}" if kind.startswith("name") else r"\d+\w*" if kind == "address" else r"[\w.]{4,}"
    if kind in {"email", "profile"}:
        parts = [part for part in re.findall(pattern, secret) if not _HOSTS.search(part.lower())]
    else:
        parts = re.findall(pattern if kind in {"address"} or kind.startswith("name") else r"\w+", secret)
    elsewhere = set(re.findall(r"\w+", text.replace(secret, " ")))
    kept = set(re.findall(r"[\w.]+|\w+", left)) | set(re.findall(r"\w+", left))
    return any(part in kept and part not in elsewhere for part in parts)


def second_set(errors: bool) -> None:
    """The set of scripts/redaction_probes.py: recall and damage, per kind."""
    probes, keeps = read("redaction_second.csv"), read("keep_second.csv")
    missed = [p for p in probes if left_over(p["kind"], p["text"], p["secret"])]
    damaged = [p for p in keeps if redact(p["text"]) != unicodedata.normalize("NFC", p["text"])]
    print(f"second: recall {1 - len(missed) / len(probes):.3f} of {len(probes)}; damage {len(damaged)} of {len(keeps)}")
    every, bad = Counter(p["kind"] for p in probes), Counter(p["kind"] for p in missed)
    print("  " + ", ".join(f"{kind} {n - bad[kind]}/{n}" for kind, n in every.items()))
    if errors:
        for probe in missed + damaged:
            print(f"  {probe['kind']:14s} {probe['text']}  →  {redact(probe['text'])}")


def main() -> None:
    """Prints recall per kind and damage per kind, for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=HALVES, help="this half of the first set alone")
    parser.add_argument("--errors", action="store_true", help="print every probe that leaks and every text damaged")
    asked = parser.parse_args()
    for half in [asked.split] if asked.split else HALVES:
        probes = [p for p in read("redaction_probes.csv") if p["split"] == half]
        keeps = [p for p in read("keep_probes.csv") if p["split"] == half]
        missed = [p for p in probes if leaks(p["text"], p["secrets"].split("‖"))]
        damaged = [p for p in keeps if redact(p["text"]) != unicodedata.normalize("NFC", p["text"])]
        all_kinds, bad = Counter(p["kind"] for p in probes), Counter(p["kind"] for p in missed)
        print(
            f"{half}: recall {1 - len(missed) / len(probes):.3f} of {len(probes)}; damage {len(damaged)} of {len(keeps)}"
        )
        print("  " + ", ".join(f"{kind} {n - bad[kind]}/{n}" for kind, n in all_kinds.items()))
        if asked.errors:
            for probe in missed + damaged:
                print(f"  {probe['kind']:14s} {probe['text']}  →  {redact(probe['text'])}")
    second_set(asked.errors)
    texts = [p["text"] for p in read("redaction_probes.csv") + read("keep_probes.csv")]
    start = time.process_time()
    for _ in range(5):
        for text in texts:
            redact(text)
    print(f"{5 * len(texts) / (time.process_time() - start):,.0f} probe texts/s (CPU)")


if __name__ == "__main__":
    main()
