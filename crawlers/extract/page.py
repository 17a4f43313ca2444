"""One response → one Document, or the reason why not. Pure: the fetch time of the page is the only clock.

Site rule first, then what the page says in JSON-LD, microdata and OpenGraph, then trafilatura – field by field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import cast

from lxml import etree
from lxml.html import HtmlElement

from crawlers.extract import reasons
from crawlers.extract.address import page_address
from crawlers.extract.blocks import Block, read_blocks, remove, silence, visible
from crawlers.extract.clean import own_paragraphs, with_sapo, without_lead
from crawlers.extract.decode import page_markup
from crawlers.extract.fallback import article_blocks
from crawlers.extract.language import is_vietnamese
from crawlers.extract.published import choose_time, reconciled, visible_stamps, with_seconds
from crawlers.extract.reasons import Refused
from crawlers.extract.rules import SiteRule, Version, choose_rule, elements, matches, values
from crawlers.extract.structured import Structured
from duluan.model import Document, RawPage, Rejected
from duluan.urls import document_id

MIN_TEXT = 100  # characters; a shorter news text gives no model anything to read
MIN_TEXT_POST = 10
MAX_TEXT = 500_000  # characters; the longest articles have a tenth of it, and cleaning eight million takes ten seconds
# lxml.html chooses a class per element in Python; one class for all of them saves a sixth of the time of a page.
_ALL_HTML = etree.ElementDefaultClassLookup(element=HtmlElement)
_SITE_SUFFIX = re.compile(r"\s+[-–—|•»]\s+[^-–—|•»]{2,60}$")


def extract(page: RawPage, *, rules: str | None = None, nukeviet: bool = False) -> Document | Rejected:
    """The Document in `page`, its text not yet redacted, or a Rejected with one of `crawlers.extract.reasons`.

    `rules` names a site rule (else host and markup decide), `nukeviet` says that the source is a NukeViet portal. Raises
    ConfigError for a rule that does not exist, and nothing for any content of a page.
    """
    try:
        return _document(page, rules, nukeviet)
    except Refused as refusal:
        return Rejected(refusal.reason, page.url, page.source, refusal.detail)


@dataclass(frozen=True)
class _Reading:
    """One parsed page and what has been found out about it."""

    root: HtmlElement
    page: RawPage
    rule: SiteRule | None
    version: Version | None

    @cached_property
    def said(self) -> Structured:
        return Structured(self.root)


def _document(page: RawPage, rules: str | None, nukeviet: bool) -> Document:
    if not 200 <= page.status < 300:
        raise Refused(reasons.HTTP_STATUS, str(page.status))
    root = parse_html(page_markup(page.body, page.content_type))
    rule = choose_rule(root, page.url, "nukeviet" if nukeviet and rules is None else rules)
    reading = _Reading(root, page, rule, rule.version_on(page.fetched) if rule else None)
    keyed = nukeviet or (rule is not None and rule.nukeviet)
    address = _address(reading, keyed)
    title = _title(reading)  # title and time first: reading the body takes scripts and boxes out of the tree
    published = _published(reading, title)
    paragraphs = _paragraphs(reading, title)
    text = "\n".join(paragraphs)
    if not title:
        raise Refused(reasons.NOT_ARTICLE, "no title")
    _check(text, page)
    return Document(
        id=document_id(address, nukeviet=keyed), url=address, source=page.source, kind=page.kind,
        title=title, text=text, fetched=page.fetched, published=published,
    )  # fmt: skip


def parse_html(markup: bytes) -> HtmlElement:
    """The tree of a page in UTF-8, comments left out. Raises Refused(not_html) for a page without any element."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    parser.set_element_class_lookup(_ALL_HTML)
    try:
        root = etree.fromstring(markup, parser)
    except (etree.LxmlError, SyntaxError, ValueError):
        root = None
    if root is None:
        raise Refused(reasons.NOT_HTML, "no element")
    return cast(HtmlElement, root)


def _address(reading: _Reading, keyed: bool) -> str:
    declared = next((link.get("href") for link in reading.root.iter("link") if link.get("rel") == "canonical"), None)
    try:
        return page_address(reading.page.url, declared, nukeviet=keyed)
    except ValueError:
        raise Refused(reasons.BAD_URL) from None


def _title(reading: _Reading) -> str:
    root, said = reading.root, reading.said
    if reading.version and (own := next(values(root, reading.version.title), None)):
        return visible(own)
    return _fallback_title(root, said)


def _fallback_title(root: HtmlElement, said: Structured) -> str:
    """The heading where it resembles what the metadata says (papers rewrite headings after sharing), else the metadata."""
    stated = said.headline or _without_site(said.og_title) or _without_site(_head_title(root))
    headings = [text for element in root.iter("h1") if (text := visible(element.text_content()))]
    for heading in headings:
        if _resembles(heading, stated):
            return heading
    return stated or next(iter(headings), "")


def _head_title(root: HtmlElement) -> str:
    element = root.find(".//head/title")
    return visible(element.text_content()) if element is not None else ""


def _without_site(title: str) -> str:
    """'Lũ lên nhanh - Báo Mẫu' → 'Lũ lên nhanh'; a part of the title that long is no site's name."""
    cut = _SITE_SUFFIX.sub("", title)
    return cut if len(cut) >= 15 else title


def _resembles(one: str, other: str) -> bool:
    first, second = set(one.lower().split()), set(other.lower().split())
    return len(first & second) * 2 >= max(len(first), len(second), 1)


def _published(reading: _Reading, title: str) -> datetime | None:
    root, said, fetched = reading.root, reading.said, reading.page.fetched
    version = reading.version
    if version is not None:
        own = choose_time(values(root, version.published), fetched)
        if version.distrust:
            return own
        if own is not None:
            return with_seconds(own, said.published, fetched)
    heading = _title_element(root, title)
    for stated in said.published:
        moment = reconciled(stated, visible_stamps(heading), fetched)
        if moment is not None:
            return choose_time([moment.isoformat()], fetched)
    return choose_time(visible_stamps(heading), fetched)


def _title_element(root: HtmlElement, title: str) -> HtmlElement | None:
    return next((element for element in root.iter("h1", "h2") if visible(element.text_content()) == title), None)


def _paragraphs(reading: _Reading, title: str) -> list[str]:
    version, said = reading.version, reading.said
    authors = said.authors  # before the tree is changed
    sapo = (_ruled_sapo(reading.root, version) if version else "") or said.description
    blocks = _ruled_blocks(reading.root, version) if version else []
    if not blocks:
        found = article_blocks(reading.root, said, title)
        if found is None:
            raise Refused(reasons.NOT_ARTICLE)
        blocks = found
    if sum(len(block.text) for block in blocks) > MAX_TEXT:
        raise Refused(reasons.TOO_LARGE, f"more than {MAX_TEXT} characters of text")
    lead = version.lead if version else ()
    paragraphs = own_paragraphs(blocks, title, authors)
    if paragraphs:
        paragraphs[0] = without_lead(paragraphs[0], lead)
    return with_sapo(paragraphs, without_lead(visible(sapo), lead))


def _ruled_blocks(root: HtmlElement, version: Version) -> list[Block]:
    """The body that the rule points to: of several matches the longest (Tuổi Trẻ has an empty twin for its pop-up)."""
    body = max(elements(root, version.body), key=lambda element: len(element.text_content()), default=None)
    if body is None:
        return []
    if not _visible_text(body).strip():
        body = next(_scripted_bodies(root, version), body)
    silence(body)
    remove(body, (element for selector in version.drop for element in matches(body, selector)))
    return read_blocks(body)


def _ruled_sapo(root: HtmlElement, version: Version) -> str:
    for element in elements(root, version.sapo):
        remove(element, (found for selector in version.drop for found in matches(element, selector)))
        if text := visible(element.text_content()):
            return text
    return ""


def _visible_text(body: HtmlElement) -> str:
    return "".join(element.text or "" for element in body.iter() if element.tag not in {"script", "style"}) + "".join(
        element.tail or "" for element in body.iterdescendants()
    )


def _scripted_bodies(root: HtmlElement, version: Version) -> Iterator[HtmlElement]:
    """Bodies that an inline script writes: group 1 of each pattern, a JavaScript string or plain HTML."""
    for pattern in version.script:
        for script in root.iter("script"):
            if (match := re.search(pattern, script.text or "", re.DOTALL)) and (markup := _unescaped(match[1])).strip():
                yield parse_html(f"<div>{markup}</div>".encode())


def _unescaped(literal: str) -> str:
    r"""The value of a JavaScript string literal's inside: '<p>M\u01b0a<\/p>' → '<p>Mưa</p>'."""
    if "\\" not in literal:
        return literal
    try:
        return str(json.loads(f'"{_ODD_ESCAPE.sub(_plain, literal)}"', strict=False))
    except ValueError:
        return literal.replace("\\/", "/").replace('\\"', '"').replace("\\n", "\n")


_ODD_ESCAPE = re.compile(r"\\(.)|\"", re.DOTALL)


def _plain(match: re.Match[str]) -> str:
    """Escapes that JavaScript allows and JSON does not; a bare quote (from a template literal) is escaped."""
    if match[0] == '"':
        return '\\"'
    return match[0] if match[1] in '"\\/bfnrtu' else match[1]


def _check(text: str, page: RawPage) -> None:
    if len(text) < (MIN_TEXT if page.kind == "news" else MIN_TEXT_POST):
        raise Refused(reasons.TOO_SHORT, f"{len(text)} characters")
    if text.count("\ufffd") * 100 > len(text):
        raise Refused(reasons.BAD_CHARSET, "broken letters in the text")
    if not is_vietnamese(text):
        raise Refused(reasons.WRONG_LANGUAGE)


def redacted(document: Document) -> Document:
    """The same document with personal data replaced by kind marks, as every record that leaves the process must be."""
    from duluan.privacy import redact

    return replace(document, title=redact(document.title, document.kind), text=redact(document.text, document.kind))


def extract_redacted(page: RawPage, *, rules: str | None = None, nukeviet: bool = False) -> Document | Rejected:
    """`extract`, then redaction: what the command line and the crawl use."""
    found = extract(page, rules=rules, nukeviet=nukeviet)
    return found if isinstance(found, Rejected) else redacted(found)
