"""The real stream of the province through enrichment, clustering and detector: every alert, one line each.

    python -m bench.real_replay [--part province_subset|articles] [--scoped]

Prints ids, moments and counts, never text; `docs/real-replay.md` gives a reader's verdict on each line.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from duluan.config import load_province
from duluan.model import Document
from flows.importing import read_files, read_map
from flows.replay import Entry, Replay

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "rss_daily_2025_2026"


def main() -> None:
    """Replay and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("province_subset", "articles"), default="province_subset")
    parser.add_argument(
        "--scoped", action="store_true", help="count what is told of the province alone, as duluan watch"
    )
    asked = parser.parse_args()
    source = DATA / f"{asked.part}.csv.xz"
    rows = read_files([source], read_map(ROOT / "examples" / "import-maps" / "rss-daily.toml"))
    documents = [row for row in rows if isinstance(row, Document)]
    replay = Replay(frozenset(), load_province(ROOT / "province" / "quang_ngai"), scoped=asked.scoped)
    for alert in replay.run([Entry(document, {}) for document in documents]):
        numbers = f"voices {alert.voices}  share {alert.share:.2f}  score {alert.score:.2f}"
        print(
            f"{alert.issue}  {alert.tier:5}  {alert.detected:%Y-%m-%d %H:%M}  {alert.topic:10}  {numbers}", flush=True
        )
    moments = [document.fetched for document in documents]
    weeks = (max(moments) - min(moments)).total_seconds() / 604_800
    print(f"{len(documents)} texts, {weeks:.1f} weeks")


if __name__ == "__main__":
    main()
