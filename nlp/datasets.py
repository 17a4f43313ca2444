"""The labelled sets: where their files lie, which columns they have, what each may be used for.

`may_ship` follows their licences: sets marked "research" only measure; what we ship is trained on our own labels and on sets
whose public source states no licence. Text is read from the data folder and never copied into the project.
"""

from __future__ import annotations

import csv
import lzma
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from duluan.errors import InputError
from duluan.model import Kind

csv.field_size_limit(1 << 24)  # whole articles
TASKS: tuple[str, ...] = ("topic", "sentiment", "tone", "feedback", "toxic")


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text. `group`: its article; examples of one group never stand on both sides of a split."""

    text: str
    title: str
    kind: Kind
    group: str
    answers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    sarcasm: bool = False
    second: str | None = None  # another topic that would be right


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file, plain or .xz. Raises InputError where it cannot be read."""
    try:
        with (
            lzma.open(path, "rt", encoding="utf-8-sig", newline="")
            if path.suffix == ".xz"
            else path.open(encoding="utf-8-sig", newline="") as handle
        ):
            yield from csv.DictReader(handle)
    except OSError as error:
        raise InputError(f"không đọc được {path}: {error.strerror or error}") from None
    except (lzma.LZMAError, EOFError, UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: không phải CSV UTF-8 (hoặc tệp nén hỏng)") from None


def comments(data: Path) -> list[Example]:
    """Our labelled comments."""
    return [
        Example(
            text=row["text"],
            title=row["title"],
            kind="comment",
            group=row["title"],
            answers={
                "sentiment": row["sentiment"],
                "topic": row["topic"],
                "feedback": "yes" if row["feedback"] == "1" else "no",
            },
            source=row["source"],
            sarcasm=row["sarcasm"] == "1",
        )
        for row in read_rows(data / "labels/comments.csv.xz")
    ]


def news(data: Path) -> list[Example]:
    """Our labelled news items."""
    return [
        Example(
            text=row["text"],
            title=row["title"],
            kind="news",
            group=row["title"],
            answers={"tone": row["tone"], "topic": row["topic"]},
            source=row["source"].split(" - ")[0],
            second=row["topic2"] or None,
        )
        for row in read_rows(data / "labels/news.csv.xz")
    ]


def toxic_comments(data: Path) -> list[Example]:
    """ViCTSD's training split: comments marked as toxic or not."""
    return [
        Example(
            text=row["Comment"],
            title=row["Title"],
            kind="comment",
            group=row["Title"],
            answers={"toxic": "yes" if row["Toxicity"] == "1" else "no"},
            source="victsd",
        )
        for row in read_rows(data / "victsd/train.csv.xz")
    ]


LOADERS: Mapping[str, Callable[[Path], list[Example]]] = {
    "comments": comments,
    "news": news,
    "toxic": toxic_comments,
}


def labelled(data: Path) -> list[Example]:
    """All sets that shipped weights are trained on."""
    if not data.is_dir():
        raise InputError(f"không có thư mục dữ liệu {data}; dùng --data")
    return [example for load in LOADERS.values() for example in load(data)]


def with_task(examples: Sequence[Example], task: str) -> list[int]:
    """Positions of the examples that answer `task`."""
    return [place for place, example in enumerate(examples) if task in example.answers]
