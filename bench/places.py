"""Places and in_province on the labelled news: `python bench/places.py [SHARED] [--errors]`.

A label counts where its name is a commune's or district's of the gazetteer, either era. In an item that is not of the province
a name that places elsewhere bear as well is a homonym and must not be answered. Province names are counted apart.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from duluan.config import Profile, load_province, province_folder
from nlp.places import Locator
from nlp.places.gazetteer import spelling, tokens_of

WHEN = datetime(2025, 12, 1, tzinfo=UTC)  # the items are of August 2025 to March 2026


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled news item."""

    text: str
    places: tuple[str, ...]
    here: bool


def read(path: Path) -> list[Item]:
    """Title and summary as one text, with the labels."""
    with lzma.open(path, "rt", encoding="utf-8", newline="") as handle:
        return [
            Item(f"{row['title']}\n{row['text']}", tuple(json.loads(row["places"])), row["in_province"] == "1")
            for row in csv.DictReader(handle)
        ]


def names_of(profile: Profile) -> dict[tuple[str, ...], set[str]]:
    """Folded name → accented spellings of communes and districts, less the provinces' names."""
    provinces = {tokens_of(unit.name) for unit in profile.units if unit.level == "province"}
    table: dict[tuple[str, ...], set[str]] = {}
    for unit in profile.units:
        for name in (unit.name, *unit.aliases):
            if tokens_of(name) not in provinces and unit.level != "province":
                table.setdefault(tokens_of(name), set()).add(spelling(name))
    return table


def resolved(label: str, names: dict[tuple[str, ...], set[str]]) -> tuple[str, ...] | None:
    """The label's folded name where the gazetteer has it with these marks."""
    tokens = tokens_of(label)
    forms = names.get(tokens, set())
    highland = "dak" in tokens
    return tokens if forms and (highland or spelling(label) in forms) else None


def main() -> None:
    """Prints the figures; with --errors every difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", nargs="?", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--errors", action="store_true", help="print every difference")
    asked = parser.parse_args()
    profile = load_province(province_folder())
    locator, names = Locator(profile), names_of(profile)
    shared_names = {tokens_of(unit.name) for unit in profile.units if unit.shared}
    items = read(asked.shared / "data/labels/news.csv.xz")
    start = time.process_time()
    found = [locator.locate(item.text, WHEN) for item in items]
    spent = time.process_time() - start
    hits = wrong = missed = right_scope = labels = homonyms = 0
    for item, located in zip(items, found, strict=True):
        named = {t for label in item.places if (t := resolved(label, names))}
        gold = named if item.here else named - shared_names
        labels += len(gold)
        homonyms += len(named - gold)
        answer = {t for p in located.places if p.level != "province" and (t := tokens_of(p.written)) in names}
        hits, wrong, missed = hits + len(gold & answer), wrong + len(answer - gold), missed + len(gold - answer)
        right_scope += located.in_province == item.here
        if asked.errors and (answer != gold or located.in_province != item.here):
            scope = "" if located.in_province == item.here else f" IN {item.here}→{located.in_province}"
            print(
                f"+{sorted(' '.join(t) for t in answer - gold)} -{sorted(' '.join(t) for t in gold - answer)}{scope} | {item.text!r}"
            )
    print(f"communes and districts: {labels} labels ({homonyms} more are homonyms elsewhere)")
    print(
        f"precision {hits / max(1, hits + wrong):.3f}  recall {hits / max(1, labels):.3f}  ({wrong} wrong, {missed} missed)"
    )
    print(f"in_province accuracy {right_scope / len(items):.4f} of {len(items)}")
    print(
        f"{len(items) / spent:,.0f} texts/s (CPU), mean {sum(len(i.text) for i in items) / len(items):.0f} characters"
    )


if __name__ == "__main__":
    main()
