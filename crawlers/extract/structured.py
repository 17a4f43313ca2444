"""What a page says of itself in machine-readable form: JSON-LD, microdata, OpenGraph and other meta tags.

Author names are read for one purpose only: so that the lines of the body that consist of them can be dropped.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from lxml import etree
from lxml.html import HtmlElement

from crawlers.extract.blocks import visible

# Compiled XPath runs in C; iterfind would make a Python object of every element of the page.
_SCOPES = etree.XPath("descendant::*/@itemtype")
_DATES = etree.XPath("descendant::*[@itemprop='datePublished']")
_AUTHORS = etree.XPath("descendant::*[@rel='author']")
_LD = etree.XPath("descendant::script[contains(@type, 'ld+json')]")
_ARTICLE_TYPE = re.compile(r"(?:Article|BlogPosting|SocialMediaPosting|NewsStory)$")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_LOOSE_FIELD = '"%s"\\s*:\\s*"((?:[^"\\\\]|\\\\.){1,2000})"'
_MAX_LD = 300_000  # characters of one JSON-LD block
_MAX_NODES = 2000

# Meta names that hold the time of first publication, most trustworthy first; modified and updated times are not asked.
_TIME_METAS = (
    "article:published_time", "datepublished", "pubdate", "publishdate", "publish_date", "article.published",
    "dcterms.issued", "dc.date.issued", "dcterms.created", "dc.date", "parsely-pub-date", "sailthru.date",
)  # fmt: skip
_AUTHOR_METAS = ("author", "article:author", "dable:author", "dcterms.creator", "dc.creator")


@dataclass(frozen=True)
class Structured:
    """One page's statements, each read when it is asked for. Values as written, entities resolved, white space squeezed.

    Ask before the tree is changed: reading the body takes scripts out. Broken JSON-LD is searched for its fields instead.
    """

    root: HtmlElement

    @cached_property
    def metas(self) -> dict[str, str]:
        """name, property or itemprop → content; the first one that is not empty counts."""
        found: dict[str, str] = {}
        for meta in self.root.iter("meta"):
            content = (meta.get("content") or "").strip()
            for attribute in ("property", "name", "itemprop"):
                if content and (key := meta.get(attribute)):
                    found.setdefault(key.strip().lower(), content)
        return found

    @cached_property
    def nodes(self) -> list[dict[str, Any]]:
        """JSON-LD nodes of an article type that are not members of a list of other pages."""
        texts = [script.text or "" for script in cast(list[HtmlElement], _LD(self.root))]
        return [node for text in texts if text for node in _article_nodes(text[:_MAX_LD])]

    @cached_property
    def is_article(self) -> bool:
        """JSON-LD or microdata names this page an article, or a publication time is given."""
        if self.nodes or "article:published_time" in self.metas:
            return True
        return any(_ARTICLE_TYPE.search(kind.strip()) for kind in cast(list[str], _SCOPES(self.root)))

    @cached_property
    def headline(self) -> str:
        """JSON-LD headline."""
        return _clean(next(_field_values(self.nodes, "headline"), ""))

    @cached_property
    def og_title(self) -> str:
        """The title for sharing; often with the site's name behind it."""
        return _clean(next(self._metas_called("og:title", "twitter:title"), ""))

    @cached_property
    def description(self) -> str:
        """og:description: on Vietnamese news pages the sapo, sometimes cut short."""
        return _clean(next(self._metas_called("og:description", "description", "twitter:description"), ""))

    @cached_property
    def published(self) -> tuple[str, ...]:
        """Candidates for the time of publication, best first."""
        stated = [*self._metas_called(*_TIME_METAS), *_field_values(self.nodes, "datePublished")]
        marked = [*cast(list[HtmlElement], _DATES(self.root)), *self.root.iter("time")]
        for element in marked:
            if (
                element.tag != "time"
                or element.get("pubdate") is not None
                or element.get("itemprop") == "datePublished"
            ):
                stated.append(element.get("content") or element.get("datetime") or element.text_content()[:100])
        return tuple(dict.fromkeys(stated))

    @cached_property
    def authors(self) -> frozenset[str]:
        """Names (lower case) whose lines are to be dropped."""
        named = [name for node in self.nodes for name in _node_authors(node)]
        named += self._metas_called(*_AUTHOR_METAS)
        named += [element.text_content()[:200] for element in cast(list[HtmlElement], _AUTHORS(self.root))]
        return frozenset(name for text in named for name in _names(text))

    @cached_property
    def body(self) -> str:
        """JSON-LD articleBody."""
        return next(_field_values(self.nodes, "articleBody"), "")

    def _metas_called(self, *names: str) -> Iterator[str]:
        return (self.metas[name] for name in names if self.metas.get(name))


def _article_nodes(text: str) -> Iterator[dict[str, Any]]:
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        try:
            data = json.loads(_TRAILING_COMMA.sub(r"\1", text).strip(" \t\r\n;"), strict=False)
        except (ValueError, RecursionError):
            yield from _loose_node(text)
            return
    yield from _walk(data)


def _walk(data: object) -> Iterator[dict[str, Any]]:
    """Top level, arrays, @graph and mainEntity – not itemListElement, whose members are other pages."""
    queue: list[object] = [data]
    for _ in range(_MAX_NODES):
        if not queue:
            return
        node = queue.pop(0)
        if isinstance(node, list):
            queue.extend(node)
        elif isinstance(node, dict):
            types = node.get("@type")
            if any(
                isinstance(kind, str) and _ARTICLE_TYPE.search(kind)
                for kind in (types if isinstance(types, list) else [types])
            ):
                yield node
            queue.extend(
                node[key]
                for key in ("@graph", "mainEntity", "mainEntityOfPage")
                if isinstance(node.get(key), (dict, list))
            )


def _loose_node(text: str) -> Iterator[dict[str, Any]]:
    """The fields of a block that is no JSON (an unescaped quote in the description is the usual cause)."""
    kind = re.search(_LOOSE_FIELD % "@type", text)
    if not re.search(r'"@type"\s*:\s*"\w*(?:Article|BlogPosting)"', text) or kind is None:
        return
    fields = {name: re.search(_LOOSE_FIELD % name, text) for name in ("headline", "datePublished")}
    yield {name: match[1] for name, match in fields.items() if match}


def _field_values(nodes: Iterable[dict[str, Any]], key: str) -> Iterator[str]:
    return (value.strip() for node in nodes if isinstance(value := node.get(key), str) and value.strip())


def _node_authors(node: dict[str, Any]) -> Iterator[str]:
    authors = node.get("author")
    for author in authors if isinstance(authors, list) else [authors]:
        name = author.get("name") if isinstance(author, dict) else author
        if isinstance(name, str):
            yield name


def _names(text: str) -> Iterator[str]:
    """'NHẬT XUÂN;NGHI VŨ' → both, lower case."""
    return (name.lower() for part in re.split(r"[;,]", _clean(text)[:200]) if 2 < len(name := part.strip()) < 60)


def _clean(text: str) -> str:
    """Entities resolved twice over: Tuổi Trẻ's JSON-LD escapes its letters two times."""
    return visible(html.unescape(html.unescape(text)))
