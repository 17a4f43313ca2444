"""An element of a page → its blocks of text in reading order, each with what it is and how much of it is link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lxml import etree
from lxml.html import HtmlElement

from duluan.text import squeeze

# Elements that begin and end a line of text on the screen.
_BLOCK = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset",
        "figcaption", "figure",
        "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "nav",
        "ol", "p", "picture", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "video",
        "zone",
    }
)  # fmt: skip
_SILENT = (
    "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "canvas", "audio", "video", "form",
    "button", "select", "input", "textarea", "link", "meta", "head", "dialog",
)  # fmt: skip
_GONE = "duluan-gone"
_LINE_BREAK = "\x00"  # no HTML text can hold it: the parser replaces it
_LAYOUT = 4  # blocks in one cell from which on its row is layout
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CAPTION_CLASS = re.compile(r"caption|chu-?thich|image-?desc|photo-?desc|pcaption", re.IGNORECASE)
_RIGHT = re.compile(r"text-align\s*:\s*right|\btext-right\b", re.IGNORECASE)


# Control characters and those that take no room on the screen; CMS editors leave them between letters.
_INVISIBLE = dict.fromkeys(
    [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0xAD, 0x200B, 0x200C, 0x200E, 0x200F, *range(0x202A, 0x202F),
     *range(0x2060, 0x2065), *range(0x2066, 0x206A), 0xFEFF, 0xFFFC, 0xFFFE, 0xFFFF]
)  # fmt: skip


def visible(text: str) -> str:
    """NFC, white space squeezed, without control and zero-width characters."""
    return squeeze(text.translate(_INVISIBLE) if not text.isascii() or not text.isprintable() else text)


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, list item, table row or caption. `linked`: characters that are link text."""

    text: str
    tag: str  # p, h, li, tr or caption
    linked: int = 0
    right: bool = False  # set flush right: where signatures and sources stand


def silence(root: HtmlElement) -> None:
    """Take out what never is text of the page: scripts, forms, players. Changes `root`."""
    etree.strip_elements(root, *_SILENT, with_tail=False)


def remove(root: HtmlElement, elements: Iterable[HtmlElement]) -> None:
    """Take `elements` out of the tree below `root`; the text behind each stays. In C: no text passes through Python."""
    found = [element for element in elements if element is not root]
    for element in found:
        element.tag = _GONE
    if found:
        etree.strip_elements(root, _GONE, with_tail=False)


@dataclass(slots=True)
class _Line:
    """The block under construction and the elements that are open around it."""

    pieces: list[str] = field(default_factory=list)
    linked: int = 0
    links: int = 0
    captions: int = 0
    headings: int = 0
    rows: list[bool] = field(default_factory=list)  # open rows; True for one of data, False for one of layout
    items: int = 0
    right: int = 0

    def add(self, text: str | None) -> None:
        if text:
            self.pieces.append(text)
            if self.links:
                self.linked += len(text.strip())

    def close(self) -> Iterator[Block]:
        """The finished block; a line break splits it, since many portals write paragraphs that way."""
        if not self.pieces:
            return
        parts = [part for piece in "".join(self.pieces).split(_LINE_BREAK) if (part := visible(piece))]
        for part in parts:
            yield Block(part, self._tag(), min(self.linked, len(part)) if len(parts) == 1 else 0, self.right > 0)
        self.pieces.clear()
        self.linked = 0

    @property
    def in_row(self) -> bool:
        """Inside a row of data."""
        return any(self.rows)

    def _tag(self) -> str:
        if self.captions:
            return "caption"
        if self.headings:
            return "h"
        if self.in_row:
            return "tr"
        return "li" if self.items else "p"


def read_blocks(root: HtmlElement) -> list[Block]:
    """All blocks inside `root`. The walk keeps its own stack depth in C, so deep markup cannot exhaust Python's."""
    line = _Line()
    found: list[Block] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if not isinstance(element.tag, str):  # a comment: nothing but its tail
            if event == "end" and element is not root:
                line.add(element.tail)
            continue
        if event == "start":
            found.extend(_enter(line, element))
        else:
            found.extend(_leave(line, element, is_root=element is root))
    found.extend(line.close())
    return found


def _enter(line: _Line, element: HtmlElement) -> Iterator[Block]:
    tag = element.tag
    if _breaks(tag, line):
        yield from line.close()
    elif tag == "br":
        line.add(" " if line.in_row else _LINE_BREAK)
    elif tag in {"td", "th"} and line.in_row and line.pieces:
        line.add(" | ")
    _count(line, element, 1)
    line.add(element.text)


def _leave(line: _Line, element: HtmlElement, *, is_root: bool) -> Iterator[Block]:
    if _breaks(element.tag, line):
        yield from line.close()
    _count(line, element, -1)
    if not is_root:
        line.add(element.tail)


def _is_data(row: HtmlElement) -> bool:
    """False for a row that lays out the page: old portals put the whole article into one cell."""
    return all(sum(1 for _ in cell.iter("p", "div", "table")) < _LAYOUT for cell in row)


def _breaks(tag: str, line: _Line) -> bool:
    """Inside a table row, cells and their paragraphs stay on the row's line."""
    return tag in _BLOCK and (tag == "tr" or not line.in_row)


def _count(line: _Line, element: HtmlElement, step: int) -> None:
    tag = element.tag
    if tag == "a":
        line.links += step
    elif tag == "figcaption" or (
        tag in {"p", "td", "div", "span"} and _CAPTION_CLASS.search(element.get("class") or "")
    ):
        line.captions += step
    elif tag in _HEADINGS:
        line.headings += step
    elif tag == "tr":
        if step > 0:
            line.rows.append(_is_data(element))
        elif line.rows:
            line.rows.pop()
    elif tag == "li":
        line.items += step
    if tag in {"p", "div"} and (_RIGHT.search(element.get("style") or "") or _RIGHT.search(element.get("class") or "")):
        line.right += step
