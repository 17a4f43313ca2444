"""`duluan search`: documents of the store, newest first."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from duluan.cli.common import ProvinceDir, StoreUrl, open_index, open_province
from duluan.clock import LOCAL, local, parse_time
from duluan.errors import InputError
from duluan.model import SENTIMENTS
from duluan.query import Filter, parse_query

if TYPE_CHECKING:
    from duluan.config import Profile
    from index.base import Hit, Index

app = typer.Typer(add_completion=False)

TONES = {"neg": "tiêu cực", "neu": "trung tính", "pos": "tích cực"}
_PAGE = 1000
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


@app.command()
def search(
    query: Annotated[
        str, typer.Argument(help='Ví dụ: sạt lở "cầu Cây Sung" -bão topic:thien_tai place:"Đăk Hà" sat*')
    ] = "",
    since: Annotated[str | None, typer.Option(help="Từ ngày (2026-03-01) hoặc thời điểm (RFC 3339).")] = None,
    until: Annotated[str | None, typer.Option(help="Đến hết ngày, hoặc trước thời điểm (RFC 3339).")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Mã chủ đề; nêu được nhiều lần.")] = None,
    place: Annotated[list[str] | None, typer.Option(help="Tên hoặc mã xã, phường; nêu được nhiều lần.")] = None,
    sentiment: Annotated[list[str] | None, typer.Option(help="neg, neu, pos; nêu được nhiều lần.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Nhiều nhất bao nhiêu kết quả.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="In mỗi văn bản một dòng JSON.")] = False,
    province: ProvinceDir = None,
    store: StoreUrl = None,
) -> None:
    """Tìm trong kho, mới nhất trước. Không phân biệt dấu và chữ hoa."""
    profile = open_province(province)
    asked = _filter(profile, query, since, until, topic or [], place or [], sentiment or [])
    index = open_index(store)
    if asked.issues:
        from flows.leading import ids_now

        asked = replace(asked, issues=ids_now(index, asked.issues))
    start = time.perf_counter()
    hits, total = _hits(index, asked, limit)
    took = (time.perf_counter() - start) * 1000
    for hit in hits:
        _print(hit, profile, as_json)
    print(f"{total} văn bản khớp, hiện {len(hits)}, tìm trong {took:.0f} ms", file=sys.stderr)


def _filter(
    profile: Profile,
    query: str,
    since: str | None,
    until: str | None,
    topics: list[str],
    places: list[str],
    sentiments: list[str],
) -> Filter:
    from duluan.voices import place_codes

    names = place_codes(profile.units)
    for topic in topics:
        _known("--topic", topic, profile.topic_names)
    for tone in sentiments:
        _known("--sentiment", tone, SENTIMENTS)
    parsed = parse_query(query, places=names)
    for topic in parsed.topics:
        _known("topic:", topic, profile.topic_names)
    quoted = parse_query(" ".join(f'place:"{name}"' for name in places), places=names).places
    return replace(
        parsed,
        since=None if since is None else _moment("--since", since),
        until=None if until is None else _moment("--until", until, end=True),
        topics=(*parsed.topics, *topics),
        places=(*parsed.places, *quoted),
        sentiments=(*parsed.sentiments, *sentiments),
    )


def _known(option: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise InputError(f"{option} {value!r} không có; chọn một trong: {', '.join(choices)}")


def _moment(option: str, text: str, *, end: bool = False) -> datetime:
    """A date (local midnight; with `end` the next one) or a moment with its offset."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(days=int(end))
            return datetime(day.year, day.month, day.day, tzinfo=LOCAL)
        return parse_time(text)
    except ValueError:
        raise InputError(
            f"{option} {text!r} không phải ngày (2026-03-01) hay thời điểm (2026-03-01T08:00:00+07:00)"
        ) from None


def _hits(index: Index, asked: Filter, limit: int) -> tuple[list[Hit], int]:
    hits: list[Hit] = []
    after: str | None = None
    while True:
        page = index.search(asked, limit=min(_PAGE, limit - len(hits)), after=after)
        hits.extend(page.hits)
        after = page.after
        if after is None or len(hits) >= limit:
            return hits, page.total


def _print(hit: Hit, profile: Profile, as_json: bool) -> None:
    from duluan.records import dumps, to_record

    document = hit.document
    if as_json:
        print(dumps(to_record(document)))
        return
    when = local(document.published or document.fetched)
    topic = profile.topic_names.get(document.topic, document.topic)
    named = profile.source_by_id.get(document.source)
    source = named.name if named else document.source
    print(f"{when:%d/%m/%Y %H:%M} · {source} · {topic} · {TONES[document.sentiment]}")
    print(f"  {document.title}" if document.title else "  (đã quá hạn lưu nội dung)")
    if hit.excerpt and hit.excerpt != document.title:
        print(f"  {_shown(hit.excerpt)}")
    print(f"  {document.url}\n")


def _shown(excerpt: str) -> str:
    """Highlights in bold on a terminal, else with their marks."""
    return excerpt.replace("⟦", _BOLD).replace("⟧", _PLAIN) if sys.stdout.isatty() else excerpt
