"""Build nlp/models/cluster_terms.npz: how many news texts hold each syllable uni- and bigram. Counts only, no text.

python scripts/build_cluster_terms.py ../shared/data OUT_FOLDER
"""

from __future__ import annotations

import csv
import lzma
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nlp.clustering.terms import Runs, tokens

LEAST = 16  # rarer terms are left out: they all count as `rare` in the card
CHARACTERS = 700  # of a whole article, so that both sources are of a like length


def texts(data: Path) -> Iterator[str]:
    """Every second item of both sources."""
    with lzma.open(data / "rss_daily_2025_2026" / "articles.csv.xz", "rt", encoding="utf-8", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle)):
            if number % 2 == 0:
                yield f"{row['title']}. {row['summary']}"
    with lzma.open(data / "vietnews" / "news.tsv.xz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % 2 == 0:
                yield line.rstrip("\n").replace("\t", " . ")[:CHARACTERS]


def main(data: Path, out: Path) -> None:
    """Write the table and print what the card must say."""

    seen: Counter[int] = Counter()
    documents = 0
    for text in texts(data):
        documents += 1
        single = Runs.of([tokens(text)])
        for runs in (single, single.grams(2)):
            seen.update(set((runs.codes >> np.uint64(32)).tolist()))
    kept = sorted((term, count) for term, count in seen.items() if count >= LEAST)
    keys, counts = (np.array(column, np.uint32) for column in zip(*kept, strict=True))
    np.savez_compressed(out / "cluster_terms.npz", key=keys, df=counts)
    print(f"documents {documents}, terms {len(kept)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
