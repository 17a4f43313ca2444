"""How the restorer's model came about: `python -m nlp.restore.counting DATA OUT` (about 5 minutes of one core, 3 GB).

Counted are news and comments that state no licence or are our labels' texts (../shared/data/SOURCES.md); sets marked "research" are
not. One news item in a hundred, one RSS item in twenty and the comments of one article in five are held out and only measure.
"""

from __future__ import annotations

import csv
import lzma
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from duluan.text import fold
from nlp.datasets import read_rows
from nlp.restore.fitting import Corpus, fit
from nlp.restore.model import ID_BITS, LIMIT, save
from nlp.restore.pruning import Pruning
from nlp.restore.syllables import LONGEST, SIGNS, START, UNKNOWN, sentences

_NEWS, _RSS, _ARTICLES = 100, 20, 5  # one in so many is held out
# Comments are 1/270 of the text and what we mostly read. Chosen among 15 … 100 on other articles' comments (docs/language.md).
COMMENT_WEIGHT = 45.0
_LEAST_SEEN = 40  # occurrences that make a syllable a word of the vocabulary, where one in a comment counts ten
_CHUNK = 8_000_000  # ids turned into trigrams at once


def held_out(key: str, share: int) -> bool:
    """Whether the article or item `key` is one of the `share`-th part that only measures."""
    return zlib.crc32(key.encode()) % share == 0


def _news(data: Path, held: bool) -> Iterator[str]:
    with lzma.open(data / "vietnews/news.tsv.xz", "rt", encoding="utf-8") as handle:
        for line in handle:
            title, *rest = line.rstrip("\n").split("\t")
            if held_out(title, _NEWS) == held:
                yield "\n".join((title, *rest))


def _rss(data: Path, held: bool) -> Iterator[str]:
    rows = {row["title"]: row["summary"] for row in read_rows(data / "rss_daily_2025_2026/articles.csv.xz")}
    yield from (f"{title}\n{lead}" for title, lead in rows.items() if held_out(title, _RSS) == held)


def _articles(data: Path) -> Iterator[str]:
    for row in read_rows(data / "tuoitre_2024/articles.csv.xz"):
        if not held_out(row["title"], _ARTICLES):
            yield "\n".join((row["title"], row["description"], row["content"]))


def informal(data: Path) -> Iterator[str]:
    """Each comment once; the same words elsewhere are no longer held out, so they go as well, however they are set."""
    titles = {row["postId"]: row["title"] for row in read_rows(data / "tuoitre_2024/articles.csv.xz")}
    every = [(row["title"], row["text"]) for row in read_rows(data / "labels/comments.csv.xz")]
    for name in ("train", "valid"):
        every += [(row["Title"], row["Comment"]) for row in read_rows(data / f"victsd/{name}.csv.xz")]
    every += [(titles.get(row["postId"], ""), row["text"]) for row in read_rows(data / "tuoitre_2024/comments.csv.xz")]
    seen = {_letters(text) for title, text in every if held_out(title, _ARTICLES)}
    for title, text in every:
        if (letters := _letters(text)) not in seen and not held_out(title, _ARTICLES):
            seen.add(letters)
            yield text


def _letters(text: str) -> str:
    """What makes two texts the same: their letters and digits without marks."""
    return "".join(filter(str.isalnum, fold(text)))


def formal(data: Path) -> Iterator[str]:
    """News that is counted."""
    yield from _news(data, held=False)
    yield from _rss(data, held=False)
    yield from _articles(data)


def held_out_texts(data: Path, most: int = 400) -> dict[str, list[str]]:
    """Texts that were not counted: news bodies, RSS items of another time than most of the counted news, readers' comments."""
    labels = read_rows(data / "labels/comments.csv.xz")
    return {
        "news": [text for text, _ in zip(_news(data, held=True), range(most), strict=False)],
        "rss": [text for text, _ in zip(_rss(data, held=True), range(most), strict=False)],
        "comments": [row["text"] for row in labels if held_out(row["title"], _ARTICLES)],
    }


def vocabulary(news: Iterable[str], comments: Iterable[str]) -> list[str]:
    """SIGNS, then the syllables of enough occurrences, the most frequent first."""
    seen: Counter[str] = Counter()
    for texts, weight in ((news, 1), (comments, 10)):
        for text in texts:
            for words in sentences(text):
                for word in words:
                    seen[word] += weight
    often = [word for word, count in seen.most_common() if count >= _LEAST_SEEN and len(word) <= LONGEST]
    return [*SIGNS, *(word for word in often if word not in SIGNS)][:LIMIT]


def trigrams(texts: Iterable[str], words: list[str], weight: float = 1.0) -> Corpus:
    """Every three neighbours with their counts; two START stand before each sentence."""
    ids = {word: number for number, word in enumerate(words)}
    start, unknown = SIGNS.index(START), SIGNS.index(UNKNOWN)
    line: list[int] = []
    parts = []
    for text in texts:
        for sentence in sentences(text):
            line += (start, start, *(ids.get(word, unknown) for word in sentence))
        if len(line) > _CHUNK:
            parts.append(_distinct(line))
            line = []
    parts.append(_distinct([*line, start, start]))
    keys, places = np.unique(np.concatenate([keys for keys, _ in parts]), return_inverse=True)
    counts = np.bincount(places, weights=np.concatenate([counts for _, counts in parts]))
    return Corpus(keys, counts.astype(np.float64), weight)


def _distinct(line: list[int]) -> tuple[np.ndarray, np.ndarray]:
    ids = np.asarray(line, dtype=np.uint64)
    bits = np.uint64(ID_BITS)
    return np.unique((ids[:-2] << (bits + bits)) | (ids[1:-1] << bits) | ids[2:], return_counts=True)


def build(data: Path, folder: Path, told: Callable[[str], None]) -> None:
    """Count, fit and write the model with its card."""
    csv.field_size_limit(10**9)
    words = vocabulary(formal(data), informal(data))
    told(f"{len(words)} syllables")
    corpora = [trigrams(formal(data), words), trigrams(informal(data), words, COMMENT_WEIGHT)]
    told(f"{sum(corpus.keys.size for corpus in corpora)} distinct trigrams")
    pruning = Pruning()
    arrays = fit(words, corpora, pruning)
    save(arrays, card(corpora, arrays.second.size, arrays.third.size, len(words), pruning), folder)


def card(corpora: list[Corpus], pairs: int, triples: int, words: int, pruning: Pruning) -> dict[str, object]:
    """What the model was made of."""
    return {
        "method": "syllable trigrams, interpolated Kneser-Ney, Viterbi",
        "counted": {
            "news": "vietnews, rss_daily_2025_2026, tuoitre_2024: articles",
            "comments": "our labels' texts, victsd, tuoitre_2024: comments",
            "syllables": {name: corpus.size for name, corpus in zip(("news", "comments"), corpora, strict=True)},
        },
        "held_out": {"news": f"1/{_NEWS}", "rss": f"1/{_RSS}", "articles with comments": f"1/{_ARTICLES}"},
        "vocabulary": words,
        "bigrams": pairs,
        "trigrams": triples,
        "least_seen": {"bigram": pruning.least_pair, "trigram": pruning.least_triple},
        "comment_weight": corpora[-1].weight,
    }


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]), lambda line: print(line, flush=True))  # noqa: T201
