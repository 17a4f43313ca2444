"""What a page says of itself in machine-readable form: JSON-LD, microdata, OpenGraph and other meta tags.

Author names are read for one purpose only: so that the lines of the body that consist of them can be dropped.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml.html import HtmlElement

from duluan.text import squeeze

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


@dataclass(frozen=True, slots=True)
class Structured:
    """Values as written, entities resolved, white space squeezed; empty where the page is silent."""

    is_article: bool = False  # JSON-LD or microdata names this very page an article, or a publication time is given
    headline: str = ""
    og_title: str = ""
    description: str = ""
    published: tuple[str, ...] = ()  # candidates, best first
    authors: frozenset[str] = frozenset()
    body: str = ""  # JSON-LD articleBody


def read_structured(root: HtmlElement) -> Structured:
    """Read all of a page's machine-readable statements. Broken JSON-LD is searched for its fields instead."""
    metas = _metas(root)
    nodes = list(_articles(root))
    times = [*metas_first(metas, _TIME_METAS), *_field_values(nodes, "datePublished"), *_microdata_times(root)]
    return Structured(
        is_article=bool(nodes) or "article:published_time" in metas or _has_article_scope(root),
        headline=_clean(next(_field_values(nodes, "headline"), "")),
        og_title=_clean(next(metas_first(metas, ("og:title", "twitter:title")), "")),
        description=_clean(next(metas_first(metas, ("og:description", "description", "twitter:description")), "")),
        published=tuple(dict.fromkeys(times)),
        authors=frozenset(_author_names(nodes, metas, root)),
        body=next(_field_values(nodes, "articleBody"), ""),
    )


def metas_first(metas: dict[str, str], names: Iterable[str]) -> Iterator[str]:
    """Contents of the metas called `names`, in that order, where present."""
    return (metas[name] for name in names if metas.get(name))


def _metas(root: HtmlElement) -> dict[str, str]:
    """name / property / itemprop → content; the first one that is not empty counts."""
    found: dict[str, str] = {}
    for meta in root.iter("meta"):
        content = (meta.get("content") or "").strip()
        for attribute in ("property", "name", "itemprop"):
            if content and (key := meta.get(attribute)):
                found.setdefault(key.strip().lower(), content)
    return found


def _articles(root: HtmlElement) -> Iterator[dict[str, Any]]:
    """JSON-LD nodes of an article type that are not members of a list of other pages."""
    for script in root.iter("script"):
        if "ld+json" in (script.get("type") or "").lower() and (text := script.text):
            yield from _article_nodes(text[:_MAX_LD])


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


def _has_article_scope(root: HtmlElement) -> bool:
    return any(_ARTICLE_TYPE.search(element.get("itemtype").strip()) for element in root.iterfind(".//*[@itemtype]"))


def _microdata_times(root: HtmlElement) -> Iterator[str]:
    for element in root.iterfind(".//*[@itemprop='datePublished']"):
        yield element.get("content") or element.get("datetime") or element.text_content()[:100]
    for element in root.iterfind(".//time[@pubdate]"):
        yield element.get("datetime") or element.text_content()[:100]


def _author_names(nodes: Iterable[dict[str, Any]], metas: dict[str, str], root: HtmlElement) -> Iterator[str]:
    for node in nodes:
        authors = node.get("author")
        for author in authors if isinstance(authors, list) else [authors]:
            name = author.get("name") if isinstance(author, dict) else author
            if isinstance(name, str):
                yield from _names(name)
    for value in metas_first(metas, _AUTHOR_METAS):
        yield from _names(value)
    for element in root.iterfind(".//*[@rel='author']"):
        yield from _names(element.text_content()[:200])


def _names(text: str) -> Iterator[str]:
    """'NHẬT XUÂN;NGHI VŨ' → both, lower case."""
    return (name.lower() for part in re.split(r"[;,]", _clean(text)[:200]) if 2 < len(name := part.strip()) < 60)


def _clean(text: str) -> str:
    """Entities resolved twice over: Tuổi Trẻ's JSON-LD escapes its letters two times."""
    return squeeze(html.unescape(html.unescape(text)))
