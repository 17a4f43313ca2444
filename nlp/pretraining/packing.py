"""`python -m nlp.pretraining.packing DATA OUT`: everything that training reads, as token ids, so that a machine with a card needs no text.

OUT gets tokenizer.json; plain_NN.npy.xz and voices.npy.xz (ids one after another); labelled.npz, sections.npz, unlabelled.npz (ragged
rows: `ids`, `ends`, with answers, folds or sections). Labelled texts and titles are in labelled.npz alone.
"""

from __future__ import annotations

import io
import lzma
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nlp.corpus import Read, unlabelled_articles, unlabelled_comments
from nlp.datasets import TASKS, Example, labelled
from nlp.normalise import normalise
from nlp.pretraining.tokens import NEWS, SEPARATOR, VOICE, fit_tokenizer, joined
from nlp.pretraining.weights import save_arrays
from nlp.reading import as_read, titles_as_read
from nlp.train import fold_of, labels_of

U16 = npt.NDArray[np.uint16]
VOCABULARY = 12_000
LENGTH = 128
_PART = 8_000_000  # ids of one file
_SECTION_LEAST = 45  # articles
_POOL = 40_000  # unlabelled news items that a trained encoder answers, for others to learn from
_AT_ONCE = 2000


def main(data: Path, out: Path) -> None:
    """Write the pack."""
    out.mkdir(parents=True, exist_ok=True)
    examples = labelled(data)
    tokenizer = fit_tokenizer(_sample(data, examples), VOCABULARY)
    tokenizer.save(str(out / "tokenizer.json"))
    _stream(out, "plain", _rows(tokenizer, NEWS, unlabelled_articles(data, examples)))
    _stream(out, "voices", _rows(tokenizer, VOICE, unlabelled_comments(data, examples)))
    _labelled(out / "labelled.npz", tokenizer, examples)
    _sections(out / "sections.npz", tokenizer, unlabelled_articles(data, examples, sys.maxsize))
    comments = list(unlabelled_comments(data, examples))
    articles = [a for a in islice(unlabelled_articles(data, examples), 0, 110_000) if a[1]]
    chosen = np.random.default_rng(1).permutation(len(articles))[:_POOL]
    rows = [*_short(tokenizer, NEWS, [articles[k] for k in chosen]), *_short(tokenizer, VOICE, comments)]
    save_arrays(out / "unlabelled.npz", {"chosen": chosen} | _ragged(rows))


def _sample(data: Path, examples: Sequence[Example]) -> Iterator[str]:
    for title, text, _ in unlabelled_comments(data, examples):
        yield normalise(f"{title} {text}")
    for title, text, _ in islice(unlabelled_articles(data, examples, 10), 0, None, 3):
        yield normalise(f"{title} {text}")


def _rows(tokenizer: Any, kind: int, texts: Iterable[Read]) -> Iterator[list[int]]:
    """Whole texts: <kind> title <sep> text."""
    with Pool(2) as pool:
        for pairs in pool.imap(_normalised, _lots(texts)):
            titles = tokenizer.encode_batch_fast([title for title, _ in pairs])
            bodies = tokenizer.encode_batch_fast([text for _, text in pairs])
            for title, body in zip(titles, bodies, strict=True):
                yield [kind, *title.ids, SEPARATOR, *body.ids]


def _normalised(texts: list[Read]) -> list[tuple[str, str]]:
    return [(normalise(title), normalise(text)) for title, text, _ in texts]


def _lots(texts: Iterable[Read]) -> Iterator[list[Read]]:
    several = iter(texts)
    while lot := list(islice(several, _AT_ONCE)):
        yield lot


def _short(tokenizer: Any, kind: int, texts: Sequence[Read]) -> Iterator[list[int]]:
    """Texts as the models read them, cut to LENGTH."""
    titles = tokenizer.encode_batch_fast(titles_as_read([title for title, _, _ in texts]))
    bodies = tokenizer.encode_batch_fast(as_read([text for _, text, _ in texts]))
    for title, body in zip(titles, bodies, strict=True):
        yield joined(kind, title.ids, body.ids, LENGTH)


def _stream(out: Path, name: str, rows: Iterable[list[int]]) -> None:
    held: list[int] = []
    number = total = 0
    for row in rows:
        held += row
        if len(held) >= _PART:
            _save(out / f"{name}_{number:02}.npy.xz", held)
            number, total, held = number + 1, total + len(held), []
    _save(out / f"{name}_{number:02}.npy.xz", held)
    print(name, total + len(held), flush=True)


def _save(path: Path, ids: list[int]) -> None:
    handle = io.BytesIO()
    np.save(handle, np.asarray(ids, dtype=np.uint16))
    path.write_bytes(lzma.compress(handle.getvalue(), preset=6))


def _ragged(rows: Sequence[Sequence[int]]) -> dict[str, npt.NDArray[Any]]:
    return {
        "ids": np.asarray([one for row in rows for one in row], dtype=np.uint16),
        "ends": np.cumsum([len(row) for row in rows]).astype(np.int64),
    }


def _labelled(path: Path, tokenizer: Any, examples: Sequence[Example]) -> None:
    kinds = [NEWS if example.kind == "news" else VOICE for example in examples]
    reads = [(example.title, example.text, "") for example in examples]
    found: list[list[int]] = [[] for _ in examples]
    for kind in (NEWS, VOICE):
        places = [place for place, one in enumerate(kinds) if one == kind]
        for place, row in zip(places, _short(tokenizer, kind, [reads[place] for place in places]), strict=True):
            found[place] = row
    answers = np.full((len(examples), len(TASKS)), -1, dtype=np.int8)
    second = np.full(len(examples), -1, dtype=np.int8)
    for column, task in enumerate(TASKS):
        labels = labels_of(examples, task)
        for place, example in enumerate(examples):
            if task in example.answers:
                answers[place, column] = labels.index(example.answers[task])
            if task == "topic" and example.second in labels:
                second[place] = labels.index(example.second)
    folds = np.asarray([fold_of(example.group) for example in examples], dtype=np.int8)
    held = {"answers": answers, "second": second, "folds": folds, "tasks": np.asarray(TASKS)}
    save_arrays(path, held | _ragged(found))


def _sections(path: Path, tokenizer: Any, articles: Iterable[Read]) -> None:
    told = [article for article in articles if article[2]]
    sizes = Counter(article[2] for article in told)
    names = sorted(name for name, size in sizes.items() if size >= _SECTION_LEAST)
    kept = [article for article in told if article[2] in set(names)]
    rows = list(_short(tokenizer, NEWS, kept))
    places = np.asarray([names.index(article[2]) for article in kept], dtype=np.int16)
    save_arrays(path, {"sections": places} | _ragged(rows))
    print("sections", len(names), "articles", len(kept), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
