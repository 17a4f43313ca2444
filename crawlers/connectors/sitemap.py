"""Sitemaps (sitemaps.org 0.9): index files, news sitemaps, gzip; read as data, never expanding entities."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from lxml import etree

from crawlers.connectors.base import CONNECTORS, MAX_AGE, Found, Session
from crawlers.decode import MAX_SITEMAP, gunzip
from crawlers.gate import Conditional
from crawlers.outcome import Deferred, Refused, SourceProblem
from duluan.clock import LOCAL, local

MAX_FILES = 50  # sitemap files read per try; a portal's index lists one a module or month
MAX_DEPTH = 2


_PLACEHOLDERS = ("{Y}", "{MM}", "{DD}", "{m}", "{d}")


def dated_addresses(url: str, now: datetime) -> list[str]:
    """`url` with its placeholders filled in for today and yesterday (local days), today first, without a repeat.

    {Y} year, {MM} and {DD} two digits, {m} and {d} without a leading zero: papers keep a sitemap a day or month. Yesterday is
    read too: what was published late in the evening would otherwise never be seen after midnight.
    """
    if not any(name in url for name in _PLACEHOLDERS):
        return [url]
    filled = []
    for moment in (local(now), local(now) - timedelta(days=1)):
        values = (f"{moment.year}", f"{moment.month:02d}", f"{moment.day:02d}", str(moment.month), str(moment.day))
        address = url
        for name, value in zip(_PLACEHOLDERS, values, strict=True):
            address = address.replace(name, value)
        filled.append(address)
    return list(dict.fromkeys(filled))


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """One <url> or <sitemap>. `published` is news:publication_date; `modified` is lastmod, at least a day exact."""

    url: str
    modified: datetime | None
    published: datetime | None
    exact: bool  # `modified` has a time of day


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A parsed file: an index points to further files, the other kind to pages."""

    index: bool
    entries: tuple[SitemapEntry, ...]


def read_sitemap(body: bytes, url: str) -> Sitemap:
    """Parse one file, gzipped or not. Raises SourceProblem where it is no sitemap; a cut file gives what it still lists."""
    if body.startswith(b"\x1f\x8b"):
        body = gunzip(body, MAX_SITEMAP)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False, load_dtd=False)
    try:
        root: etree._Element | None = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    name = _name(root) if root is not None else ""
    if root is None or name not in {"urlset", "sitemapindex"}:
        raise SourceProblem("địa chỉ nguồn không trả về sitemap", action="retry", code="not_a_sitemap")
    entries = [entry for node in root if isinstance(node.tag, str) and (entry := _entry(node, url))]
    return Sitemap(name == "sitemapindex", tuple(entries))


def _name(node: etree._Element) -> str:
    """Its name without the namespace; a recovering parser lets through names that `QName` refuses ("<:")."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _entry(node: etree._Element, base: str) -> SitemapEntry | None:
    found = {_name(child): (child.text or "").strip() for child in node.iter() if isinstance(child.tag, str)}
    if not found.get("loc"):
        return None
    lastmod = found.get("lastmod", "")
    return SitemapEntry(
        urljoin(base, found["loc"]), w3c_time(lastmod), w3c_time(found.get("publication_date", "")), "T" in lastmod
    )


def w3c_time(text: str) -> datetime | None:
    """W3C date or time; one without a zone is Vietnam's. None where it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=LOCAL)


async def walk_sitemap(session: Session, url: str, conditional: Conditional = "headers") -> AsyncIterator[SitemapEntry]:
    """All page entries below `url`; files that did not change since the last try, or only list old pages, are passed over.

    Of a dated address, today's file may be missing (404) as long as yesterday's is there – some papers make it only with the
    day's first article – and yesterday's may fail where today's was read. Raises what the file that counts raised.
    """
    today, *before = dated_addresses(url, session.clock())
    missing = False
    try:
        async for entry in _walk(session, today, conditional):
            yield entry
    except Refused as refused:
        missing = refused.reason == "gone" and bool(before)
        if not missing:
            raise
    for address in before:
        try:
            async for entry in _walk(session, address, conditional):
                yield entry
        except (Refused, Deferred, SourceProblem):
            if missing:
                raise


async def _walk(session: Session, url: str, conditional: Conditional) -> AsyncIterator[SitemapEntry]:
    """One sitemap with its sub-files: a broken sub-file is skipped; the first file must be readable."""
    todo, read = [(url, 0)], 0
    while todo and read < MAX_FILES:
        address, depth = todo.pop(0)
        read += 1
        try:
            answer = await session.get(address, conditional=conditional, limit=MAX_SITEMAP)
            if answer.unchanged:
                continue
            sitemap = read_sitemap(answer.body, answer.url)
        except (Refused, Deferred, SourceProblem):
            if depth == 0:
                raise
            continue
        if not sitemap.index:
            for entry in sitemap.entries:
                yield entry
        elif depth < MAX_DEPTH:
            todo.extend((entry.url, depth + 1) for entry in newest_first(sitemap.entries, session.clock()))


def newest_first(entries: tuple[SitemapEntry, ...], now: datetime) -> list[SitemapEntry]:
    """Sub-files that may list recent pages, the latest changed first; those without a date keep their order at the front."""
    recent = [entry for entry in entries if entry.modified is None or entry.modified >= now - MAX_AGE]
    return sorted(recent, key=lambda entry: -(entry.modified or now).timestamp())


@CONNECTORS.register("sitemap")
async def sitemap(session: Session) -> AsyncIterator[Found]:
    """Recent pages of a sitemap. lastmod only decides what is recent: in general it is the edit time, not the publication."""
    async for entry in walk_sitemap(session, session.source.url):
        if entry.modified is not None and entry.modified < session.clock() - MAX_AGE:
            continue
        if lead := session.lead(entry.url, entry.published):
            yield lead
