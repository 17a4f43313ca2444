"""underthesea's word segmentation model (Apache-2.0, a linear-chain CRF of two labels), read and applied in numpy.

The library builds 43 feature strings for every token (four fifths of its time). Here all that a token, a pair or three neighbours can
say is summed into one row of a table when the model is loaded, so that a token costs three look-ups. The answer is the same:
tests/test_nlp_words.py compares both on texts of every kind.

The file is CRFsuite's (https://www.chokkan.org/software/crfsuite/, lib/crf/src/crf1d_model.c): a header, weights, and two constant
databases of label and attribute names. The dictionary is a pickled set of words; it is not unpickled: only its strings are read.
"""

from __future__ import annotations

import pickletools
import re
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duluan.errors import ModelError

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

WORD_START, WORD_INSIDE = "B-W", "I-W"
REACH = 2  # tokens to either side that the features look at
_HEADER = struct.Struct("<4sI4s9I")
_FEATURE = np.dtype([("kind", "<u4"), ("source", "<u4"), ("label", "<u4"), ("weight", "<f8")])
_NAME = re.compile(
    r"T\[(?P<first>-?\d)(?:,(?P<last>-?\d))?\](?:\.(?P<what>lower|isdigit|istitle|is_in_dict))?=(?P<value>.*)", re.S
)
_KNOWN_TOKENS = 50_000  # rows of single tokens that are remembered

Span = tuple[int, int]  # offsets of an n-gram's first and last token from the token that is tagged
Table = dict[Span, dict[str, float]]  # span → value → how much it speaks for WORD_INSIDE


@dataclass(frozen=True, slots=True)
class Weights:
    """The model file: for each kind of feature what its values weigh, as (weight of inside − weight of start)."""

    features: Mapping[str, Table]  # "", "lower", "isdigit", "istitle", "is_in_dict"
    moves: tuple[tuple[float, float], tuple[float, float]]  # from start, inside → to start, inside


def read_weights(path: Path) -> Weights:
    """Raises ModelError for a file that is not CRFsuite's or has other labels."""
    try:
        return _parse(path.read_bytes())
    except (OSError, struct.error, ValueError, KeyError, IndexError) as error:
        raise ModelError(f"{path}: không đọc được mô hình tách từ ({error}); cài lại underthesea==9.5.0") from None


def read_words(path: Path) -> frozenset[str]:
    """The strings of a pickled set, without running what a pickle may run."""
    try:
        return frozenset(arg for _, arg, _ in pickletools.genops(path.read_bytes()) if isinstance(arg, str))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: không đọc được từ điển tách từ ({error}); cài lại underthesea==9.5.0") from None


def _parse(blob: bytes) -> Weights:
    magic, _, kind, _, _, labels, _, at_features, at_labels, at_names, _, _ = _HEADER.unpack_from(blob)
    if (magic, kind, labels) != (b"lCRF", b"FOMC", 2):
        raise ValueError("không phải mô hình CRF hai nhãn")
    count = struct.unpack_from("<I", blob, at_features + 8)[0]
    features = np.frombuffer(blob, _FEATURE, count, at_features + 12)
    inside = _names(blob, at_labels).index(WORD_INSIDE)
    weights = np.asarray(features["weight"], dtype=np.float64)
    signed = np.where(features["label"] == inside, weights, -weights)
    states = features["kind"] == 0
    names = _names(blob, at_names)
    leaning = np.bincount(features["source"][states], weights=signed[states], minlength=len(names))
    moves = np.zeros((2, 2))
    for item in features[~states]:
        moves[int(item["source"] == inside), int(item["label"] == inside)] = item["weight"]
    return Weights(
        _by_kind(names, np.asarray(leaning, dtype=np.float64)),
        ((moves[0, 0].item(), moves[0, 1].item()), (moves[1, 0].item(), moves[1, 1].item())),
    )


def _names(blob: bytes, start: int) -> list[str]:
    """All strings of a constant database (CQDB), by id."""
    if blob[start : start + 4] != b"CQDB":
        raise ValueError("thiếu bảng tên")
    size, at_offsets = struct.unpack_from("<II", blob, start + 16)
    found = []
    for offset in np.frombuffer(blob, "<u4", size, start + at_offsets):
        length = struct.unpack_from("<I", blob, start + int(offset) + 4)[0]
        begin = start + int(offset) + 8
        found.append(blob[begin : begin + length - 1].decode("utf-8"))
    return found


def _by_kind(names: Sequence[str], leaning: F64) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for name, weight in zip(names, leaning.tolist(), strict=True):
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"đặc trưng lạ {name[:40]!r}")
        first = int(match["first"])
        span = (first, int(match["last"] or first))
        found.setdefault(match["what"] or "", {}).setdefault(span, {})[match["value"]] = weight
    return found


# The spans of the features by their width, and so the columns of their tables.
_SINGLES: tuple[Span, ...] = tuple((k, k) for k in range(-REACH, REACH + 1))
_PAIRS: tuple[Span, ...] = ((-2, -1), (-1, 0), (0, 1), (1, 2))
_TRIPLES: tuple[Span, ...] = ((-2, 0), (-1, 1), (0, 2))


class _Grams:
    """Values of n-grams of one width → rows of summed weights (a column for each span)."""

    def __init__(self, spans: Sequence[Span], weights: Weights, words: Iterable[str]) -> None:
        features = weights.features
        exact = _tables(features.get("", {}), spans)
        lower = _tables(features.get("lower", {}), spans)
        listed = _tables(features.get("is_in_dict", {}), spans)
        width = spans[0][1] - spans[0][0]
        held = {word for word in words if word.count(" ") == width}
        lowers = sorted(held | {value for table in lower for value in table if value.count(" ") == width})
        exacts = sorted({value for table in exact for value in table if value.count(" ") == width})
        yes_no = [[table.get("False", 0.0) for table in listed], [table.get("True", 0.0) for table in listed]]
        rows = [yes_no[0]]
        self.lower: dict[str, int] = {}
        for value in lowers:
            self.lower[value] = len(rows)
            rows.append(_sum([table.get(value, 0.0) for table in lower], yes_no[value in held]))
        self.exact: dict[str, int] = {}
        for value in exacts:
            self.exact[value] = len(rows)
            base = rows[self.lower.get(value.lower(), 0)]
            rows.append(_sum([table.get(value, 0.0) for table in exact], base))
        self.rows = np.asarray(rows)

    def look_up(self, written: Sequence[str], lowered: Sequence[str]) -> I32:
        """Row of each n-gram."""
        exact, lower = self.exact, self.lower
        found = [
            row if (row := exact.get(value)) is not None else lower.get(low, 0)
            for value, low in zip(written, lowered, strict=True)
        ]
        return np.asarray(found, dtype=np.int32)


def _tables(table: Table, spans: Sequence[Span]) -> list[dict[str, float]]:
    return [table.get(span, {}) for span in spans]


def _sum(left: Sequence[float], right: Sequence[float]) -> list[float]:
    return [a + b for a, b in zip(left, right, strict=True)]


class Segmenter:
    """Cuts token lists into words."""

    def __init__(self, weights: Weights, words: frozenset[str]) -> None:
        self._moves = weights.moves
        self._words = words
        self._pairs = _Grams(_PAIRS, weights, words)
        self._triples = _Grams(_TRIPLES, weights, words)
        self._title_pair = _flags(weights, "istitle", (0, 1))
        self._title_triple = _flags(weights, "istitle", (0, 2))
        self._edges = _edges(weights.features)
        # what is left to look up when a token is first met; pairs and triples are in their tables
        self._features = {
            what: {span: table[span] for span in _SINGLES if span in table} for what, table in weights.features.items()
        }
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, str, int]] = {}
        self._rows = np.zeros((_KNOWN_TOKENS, len(_SINGLES)))

    def inside(self, sentences: Sequence[Sequence[str]]) -> list[list[bool]]:
        """For each token of each sentence whether it goes on with the word before it."""
        tokens = [token for sentence in sentences for token in sentence]
        if not tokens:
            return [[] for _ in sentences]
        sizes = [len(sentence) for sentence in sentences]
        leaning = self._leaning(tokens, sizes).tolist()
        found, start = [], 0
        for size in sizes:
            found.append(self._best(leaning[start : start + size]))
            start += size
        return found

    def _leaning(self, tokens: Sequence[str], sizes: Sequence[int]) -> F64:
        """How much everything around a token speaks for its going on with the word before."""
        singles, lowered, titles = self._singles(tokens)
        left, right = _room(sizes)
        total = np.zeros(len(tokens))
        for column, (offset, _) in enumerate(_SINGLES):
            _add(total, singles[:, column], (offset, offset), left, right, self._edges)
        for spans, grams, flags in (
            (_PAIRS, self._pairs, self._title_pair),
            (_TRIPLES, self._triples, self._title_triple),
        ):
            width = spans[0][1] - spans[0][0]
            rows = grams.rows[grams.look_up(_joined(tokens, width), _joined(lowered, width))]
            title = _titled(titles, width)
            for column, span in enumerate(spans):
                said = rows[:, column] + flags[title] if span[0] == 0 else rows[:, column]
                _add(total, said, span, left, right, self._edges)
        return total

    def _singles(self, tokens: Sequence[str]) -> tuple[F64, list[str], I32]:
        """Rows of the tokens by themselves, their lower case, whether they are written like titles."""
        with self._lock:
            if len(self._known) + len(tokens) > len(self._rows):
                self._known = {}
                self._rows = np.zeros((max(_KNOWN_TOKENS, len(tokens)), len(_SINGLES)))
            known = self._known
            entries = [known.get(token) or self._learn(known, token) for token in tokens]
            rows = self._rows[[entry[0] for entry in entries]]
        titles = np.fromiter((entry[2] for entry in entries), np.int32, len(entries))
        return rows, [entry[1] for entry in entries], titles

    def _learn(self, known: dict[str, tuple[int, str, int]], token: str) -> tuple[int, str, int]:
        row, lowered = len(known), token.lower()
        parts = {
            "": token,
            "lower": lowered,
            "isdigit": str(token.isascii() and token.isdigit()),
            "istitle": str(_is_title(token)),
        }
        parts["is_in_dict"] = str(lowered in self._words)
        for column, span in enumerate(_SINGLES):
            self._rows[row, column] = sum(
                self._features.get(what, {}).get(span, {}).get(value, 0.0) for what, value in parts.items()
            )
        known[token] = entry = (row, lowered, int(_is_title(token)))
        return entry

    def _best(self, leaning: Sequence[float]) -> list[bool]:
        """Viterbi over two labels; `x` is how much better the best path into `inside` is than that into `start`."""
        if not leaning:
            return []
        (to_start, to_inside), (back, on) = self._moves
        x, from_inside = 0.0, []
        for place, lean in enumerate(leaning):
            if not place:
                x = lean
                continue
            start_from_inside, inside_from_inside = x + back > to_start, x + on > to_inside
            from_inside.append((start_from_inside, inside_from_inside))
            x = lean + (x + on if inside_from_inside else to_inside) - (x + back if start_from_inside else to_start)
        path = [x > 0]
        for choices in reversed(from_inside):
            path.append(choices[path[-1]])
        path.reverse()
        return path


def _flags(weights: Weights, what: str, span: Span) -> F64:
    """What a yes-or-no feature says: (no, yes)."""
    table = weights.features.get(what, {}).get(span, {})
    return np.asarray([table.get("False", 0.0), table.get("True", 0.0)])


def _edges(features: Mapping[str, Table]) -> dict[tuple[Span, str], float]:
    """What spans say that reach over the beginning (BOS) or the end (EOS) of a sentence."""
    spans = {span for table in features.values() for span in table}
    return {
        (span, edge): sum(table.get(span, {}).get(edge, 0.0) for table in features.values())
        for span in spans
        for edge in ("BOS", "EOS")
    }


def _room(sizes: Sequence[int]) -> tuple[I32, I32]:
    """For each token how many stand before it in its sentence, and how many behind."""
    left = np.concatenate([np.arange(size, dtype=np.int32) for size in sizes])
    right = np.repeat(np.asarray(sizes, dtype=np.int32), sizes) - 1 - left
    return left, right


def _add(total: F64, said: F64, span: Span, left: I32, right: I32, edges: Mapping[tuple[Span, str], float]) -> None:
    """Add what the n-gram at `span` says to each token. `said[i]` is of the n-gram that begins at token i."""
    first, last = span
    before, behind = left < -first, right < last
    places = np.arange(total.size)
    fits = ~(before | behind)
    total[fits] += said[places[fits] + first]
    total[before] += edges.get((span, "BOS"), 0.0)
    total[behind & ~before] += edges.get((span, "EOS"), 0.0)


def _joined(tokens: Sequence[str], width: int) -> list[str]:
    """The n-grams of `width` + 1 tokens, one for each token that begins one."""
    if width == 1:
        return [f"{a} {b}" for a, b in pairwise(tokens)]
    return [f"{a} {b} {c}" for a, b, c in zip(tokens, tokens[1:], tokens[2:], strict=False)]


def _is_title(token: str) -> bool:
    """As the library has it: the first character is its own capital, as a digit's or a bracket's is too."""
    return token[:1].upper() == token[:1]


def _titled(titles: I32, width: int) -> I32:
    """Whether all tokens of each n-gram are."""
    parts = [titles[k : titles.size - width + k] for k in range(width + 1)]
    return np.asarray(np.minimum.reduce(parts), dtype=np.int32)


def words_of(tokens: Sequence[str], inside: Sequence[bool]) -> Iterator[str]:
    """Tokens joined into words."""
    word = ""
    for token, goes_on in zip(tokens, inside, strict=True):
        if goes_on and word:
            word = f"{word} {token}"
        else:
            if word:
                yield word
            word = token
    if word:
        yield word
