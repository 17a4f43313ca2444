"""Pages without a site rule: is there one body of text, where is it, and what does it say.

Microdata's articleBody and JSON-LD's articleBody go first. Else the region that holds the heading and the heaviest container of
text is cut out and given to trafilatura (fast mode): on the region it needs a third of the time that it needs on the page.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import trafilatura
from lxml import etree
from lxml.html import HtmlElement

from crawlers.extract.blocks import Block, read_blocks, remove, silence, visible
from crawlers.extract.structured import Structured
from duluan.text import fold

_MARKED = etree.XPath("descendant::*[@itemprop='articleBody']")
_MIN_BODY = 200  # characters of own text below which a page without any statement of its own is no article
_MAX_REGION = 500_000  # characters; no article is longer, and trafilatura takes a second for each million
_DOMINANT = (
    0.40  # share of the page's running text that the heaviest container holds; lists of teasers reach 0.15 at most
)
_DOMINANT_WEAK = 0.25  # enough where the page itself says that it is an article
_MIN_PARAGRAPH = 40  # running text; menus and headlines are shorter
_CHROME = ("nav", "footer", "aside", "menu")
_CHROME_CLASS = re.compile(
    r"(?:^|[\s_-])(?:nav|menu|footer|sidebar|breadcrumbs?|related|relate|tin-?lien-?quan|lienquan|comments?|binh-?luan|share|social"
    r"|banner|advert\w*|ads?|popup|modal|cookie|newsletter|tags?|most-?view\w*|doc-?nhieu|xem-?nhieu|tin-?khac)(?:$|[\s_-])",
    re.IGNORECASE,
)
_RELATED = re.compile(r"relat|lien-?quan|tin-?khac|cung-?chuyen-?muc", re.IGNORECASE)  # also inside camelCase names
_MANY = 15  # paragraphs; a box with more is hardly one of links


@dataclass(frozen=True, slots=True)
class Region:
    """Where the text is. `share`: part of the page's running text that the heaviest container holds (0–1)."""

    container: HtmlElement
    root: HtmlElement
    share: float
    length: int


def article_blocks(root: HtmlElement, said: Structured, title: str) -> list[Block] | None:
    """Blocks of the body, or None where the page has no one body of text. Changes `root` (scripts and chrome go)."""
    body, is_article = said.body, said.is_article  # before scripts go
    silence(root)
    remove(root, (element for element in root.iter("div", "ul", "section", "aside", "table") if _is_related(element)))
    if (marked := _marked_body(root)) is not None:
        return read_blocks(marked)
    if len(body) >= _MIN_BODY:
        return [Block(line, "p") for part in body.splitlines() if (line := visible(part))]
    _remove_chrome(root)
    region = find_region(root, title)
    if region is None or region.share < (_DOMINANT_WEAK if is_article else _DOMINANT):
        return None
    if region.length < _MIN_BODY and not is_article:
        return None
    if region.length > _MAX_REGION:
        return read_blocks(region.container)
    return _by_trafilatura(region.root) or read_blocks(region.container)


def _marked_body(root: HtmlElement) -> HtmlElement | None:
    """The longest element that the page itself calls the body."""
    found = cast(list[HtmlElement], _MARKED(root))
    best = max(found, key=lambda element: len(element.text_content()), default=None)
    return best if best is not None and len(visible(best.text_content())) >= _MIN_BODY else None


def _remove_chrome(root: HtmlElement) -> None:
    etree.strip_elements(root, *_CHROME, with_tail=False)
    remove(root, (element for element in root.iter("div", "ul", "section", "ol") if _is_chrome(element)))


def _is_chrome(element: HtmlElement) -> bool:
    """A box named after page furniture – unless it holds the heading or an article: VnExpress calls its main column sidebar-1."""
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    if not _CHROME_CLASS.search(names):
        return False
    return element.find(".//h1") is None and element.find(".//article") is None


def _is_related(element: HtmlElement) -> bool:
    names = f"{element.get('class') or ''} {element.get('id') or ''} {element.get('type') or ''}"
    return bool(_RELATED.search(names)) and element.find(".//h1") is None and len(element.findall(".//p")) < _MANY


def find_region(root: HtmlElement, title: str) -> Region | None:
    """The container with most running text and the smallest element that holds it and the heading."""
    mass: dict[HtmlElement, int] = defaultdict(int)
    for element, length in _running_text(root):
        mass[element] += length
    if not mass:
        return None
    container = max(mass, key=lambda element: mass[element])
    total = sum(mass.values())
    heading = _heading(root, title)
    region = _common(container, heading) if heading is not None else container
    return Region(container, region, mass[container] / total, mass[container])


def _running_text(root: HtmlElement) -> Iterator[tuple[HtmlElement, int]]:
    """(container, characters): a paragraph counts for its parent, loose text in a box for the box. Link text does not count."""
    for element in root.iter("p", "li", "blockquote", "div", "td", "section", "article"):
        loose = _own_text(element)
        if loose < _MIN_PARAGRAPH:
            continue
        parent = element.getparent()
        paragraph = element.tag in {"p", "li", "blockquote"} or (element.tag == "div" and len(element) < 3)
        yield (parent if paragraph and parent is not None else element), loose


def _own_text(element: HtmlElement) -> int:
    """Characters directly in `element` or in its inline children, links left out."""
    length = len((element.text or "").strip())
    for child in element:
        if child.tag in _INLINE:
            length += len((child.text or "").strip()) + sum(len((inner.tail or "").strip()) for inner in child)
        length += len((child.tail or "").strip())
    return length


_INLINE = frozenset({"b", "strong", "i", "em", "u", "span", "font", "small", "mark", "sub", "sup"})


def _heading(root: HtmlElement, title: str) -> HtmlElement | None:
    wanted = fold(title)
    headings = list(root.iter("h1", "h2"))
    same = (heading for heading in headings if wanted and fold(visible(heading.text_content())) == wanted)
    return next(same, next((heading for heading in headings if heading.tag == "h1"), None))


def _common(first: HtmlElement, second: HtmlElement) -> HtmlElement:
    """The lowest common ancestor."""
    above = {first, *first.iterancestors()}
    return next((element for element in (second, *second.iterancestors()) if element in above), first)


def _by_trafilatura(region: HtmlElement) -> list[Block]:
    try:
        found = trafilatura.bare_extraction(region, fast=True, include_comments=False, with_metadata=False)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError, etree.LxmlError):
        return []  # hostile markup; the caller reads the container itself
    text = getattr(found, "text", None) or ""
    return [Block(line, "p") for part in text.splitlines() if (line := visible(part.lstrip("-|# ")))]
