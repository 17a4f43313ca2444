"""Unlabelled news in the data folder, for what words mean beside each other; some of it with the section it stood in.

Whatever shares its title or its opening with a labelled text is left out, so that held-out folds stay unseen.
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from nlp.datasets import Example, read_rows
from nlp.normalise import normalise

_LETTERS = re.compile(r"\w+")
_KEY = 60  # letters that tell two texts apart
_LEAD = 1200  # characters of a body
_EVERY = 4  # of vietnews, far the largest set
NO_SECTION = "Tổng hợp"  # a feed of everything


@dataclass(frozen=True, slots=True)
class Piece:
    """One article: normalised title and text as one, and the outlet's section ('' where it is not told)."""

    text: str
    section: str


Row = Mapping[str, str]
Read = tuple[str, str, str]  # title, text, section

SETS: Mapping[str, Callable[[Row], Read]] = {
    "rss_daily_2025_2026/articles.csv.xz": lambda row: (row["title"], row["summary"], _section("rss", row["category"])),
    "vnexpress_topics_2020/articles.csv.xz": lambda row: (row["title"], row["content"], _section("vnx", row["topic"])),
    "vietnam_news_2016/articles.csv.xz": lambda row: (
        row["title"],
        row["content"],
        _section(row["outlet"], row["category"]),
    ),
    "tuoitre_2024/articles.csv.xz": lambda row: (
        row["title"],
        f"{row['description']} {row['content']}",
        _section("tt", row["category"]),
    ),
}


def unlabelled(data: Path, labelled: Iterable[Example]) -> Iterator[Piece]:
    """Every article of the sets that lie in `data`, less those that are labelled; of vietnews every fourth."""
    for title, text, section in unlabelled_articles(data, labelled, _EVERY):
        yield Piece(normalise(f"{title} . {text[:_LEAD]}"), section)


def unlabelled_articles(data: Path, labelled: Iterable[Example], every: int = 1) -> Iterator[Read]:
    """(title, text, section) as they stand in the sets, less the labelled; of vietnews one in `every`."""
    known = _keys(labelled)
    for title, text, section in _articles(data, every):
        if known.isdisjoint((_key(title), _key(text))):
            yield title, text, section


def unlabelled_comments(data: Path, labelled: Iterable[Example]) -> Iterator[Read]:
    """Readers' comments that shipped weights may learn from, less the labelled: (title, text, ""); a labelled title is left empty."""
    known = _keys(labelled)
    for title, text, _ in _comments(data):
        if _key(text) not in known:
            yield "" if _key(title) in known else title, text, ""


def _keys(labelled: Iterable[Example]) -> set[str]:
    return {_key(part) for example in labelled for part in (example.title, example.text)} - {""}


def _comments(data: Path) -> Iterator[Read]:
    for name in ("train", "valid"):
        if (path := data / f"victsd/{name}.csv.xz").is_file():
            yield from ((row["Title"], row["Comment"], "") for row in read_rows(path))
    if (path := data / "tuoitre_2024/comments.csv.xz").is_file():
        yield from (("", row["text"], "") for row in read_rows(path))


def _articles(data: Path, every: int) -> Iterator[Read]:
    for name, read in SETS.items():
        if (data / name).is_file():
            yield from map(read, read_rows(data / name))
    path = data / "vietnews/news.tsv.xz"
    if path.is_file():
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for line in islice(lines, 0, None, every):
                title, *rest = line.rstrip("\n").split("\t")
                yield title, " ".join(rest), ""


def _section(outlet: str, name: str) -> str:
    return f"{outlet}:{name}" if name and name != NO_SECTION else ""


def _key(text: str) -> str:
    return "".join(_LETTERS.findall(normalise(text[: 4 * _KEY])))[:_KEY]
