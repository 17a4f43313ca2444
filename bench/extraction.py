"""Extraction side by side: `python bench/extraction.py [SHARED] [--rounds N]` prints a table and writes it to docs/benchmarks.md.

Cases: our own page fixtures (text and record ours) and, where ../shared is, the real pages of html_fixtures with their gold.
The others run at their best for this task: trafilatura fast with original dates to the second; readability-lxml and newspaper4k
are measured where they are installed (they are no dependency of ours). Speed: CPU time of one process, best of N rounds a page.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import lzma
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import lxml.html
import trafilatura
from sections import machine, write_section

from crawlers.extract import extract
from crawlers.extract.times import parse_vietnamese_time
from duluan.model import Document, RawPage

ROOT = Path(__file__).resolve().parents[1]
LISTS = {
    "meth04_nld_list": "https://nld.com.vn/kinh-te.htm",
    "meth04_tuoitre_list": "https://tuoitre.vn/kinh-doanh.htm",
    "meth04_vietnamnet_list": "https://vietnamnet.vn/kinh-doanh",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One page and what is known to be right. `body` None: only one sentence is known. `title` empty: a list page."""

    page: RawPage
    title: str
    published: datetime | None
    body: str | None = None
    sentence: str = ""
    real: bool = True
    nukeviet: bool = False  # what the source would say


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool said of a page."""

    title: str
    published: datetime | None
    text: str


Tool = Callable[[Case], Result | None]


def own_cases() -> list[Case]:
    """Our fixtures of the CMS families."""
    cases = []
    for path in sorted((ROOT / "tests" / "fixtures" / "pages").glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        wanted = record["expected"]
        page = RawPage(
            record["url"], "mau", datetime.fromisoformat(record["fetched"]), path.with_suffix(".html").read_bytes()
        )
        cases.append(
            Case(
                page,
                wanted["title"],
                datetime.fromisoformat(wanted["published"]),
                wanted["text"],
                real=False,
                nukeviet=record["nukeviet"],
            )
        )
    return cases


def real_cases(folder: Path) -> list[Case]:
    """The public pages with gold: three with title, minute and a sentence, one with its whole body, three lists."""
    cases = []
    with (folder / "gold.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            published = datetime.fromisoformat(row["published_at"].replace(" ", ""))
            page = RawPage(row["url"], "mau", published + timedelta(hours=1), unpacked(folder / f"{row['file']}.xz"))
            cases.append(Case(page, row["title"], published, sentence=row["text_contains"]))
    gold = json.loads(unpacked(folder / "fundus_vnexpress_gold.json.xz"))["V1"]
    (meta,) = json.loads(unpacked(folder / "fundus_vnexpress_meta.json.xz")).values()
    fetched = datetime.fromisoformat(meta["crawl_date"]).replace(tzinfo=UTC)
    body = [*gold["body"]["summary"], *(p for part in gold["body"]["sections"] for p in part["paragraphs"])]
    page = RawPage(meta["url"], "mau", fetched, unpacked(folder / "fundus_vnexpress_article_2025_10_22.html.xz"))
    cases.append(Case(page, gold["title"], datetime.fromisoformat(gold["publishing_date"]), "\n".join(body)))
    for name, url in LISTS.items():
        cases.append(
            Case(RawPage(url, "mau", fetched + timedelta(days=365), unpacked(folder / f"{name}.html.xz")), "", None)
        )
    return cases


def unpacked(path: Path) -> bytes:
    return lzma.decompress(path.read_bytes())


def ours(case: Case) -> Result | None:
    found = extract(case.page, nukeviet=case.nukeviet)
    return Result(found.title, found.published, found.text) if isinstance(found, Document) else None


def ours_without_rules(case: Case) -> Result | None:
    with mock.patch("crawlers.extract.page.choose_rule", return_value=None):
        return ours(case)


def by_trafilatura(case: Case) -> Result | None:
    page = case.page
    dates = {"original_date": True, "extensive_search": True, "outputformat": "%Y-%m-%dT%H:%M:%S%z"}
    found = trafilatura.bare_extraction(
        page.body, url=page.url, fast=True, with_metadata=True, include_comments=False, date_extraction_params=dates
    )
    if found is None or isinstance(found, dict):
        return None
    return Result(found.title or "", moment(found.date, page), found.text or "")


def by_readability(case: Case) -> Result | None:
    page = case.page
    from readability import Document as Readable

    readable = Readable(page.body.decode("utf-8", "replace"))
    return Result(readable.short_title(), None, lxml.html.fromstring(readable.summary()).text_content())


def by_newspaper(case: Case) -> Result | None:
    page = case.page
    import newspaper
    import tldextract.tldextract as domains

    domains.TLD_EXTRACTOR = domains.TLDExtract(suffix_list_urls=())  # its default would ask the network for a list
    html = page.body.decode("utf-8", "replace")
    article = newspaper.article(
        page.url, language="vi", input_html=html, fetch_images=False
    )  # else it asks for pictures
    return Result(article.title or "", moment(article.publish_date, page), article.text or "")


def moment(value: object, page: RawPage) -> datetime | None:
    """A tool's date with hour and zone, or None: midnight without a zone is a date, not a time."""
    if not value or str(value).endswith("00:00:00"):
        return None
    return parse_vietnamese_time(str(value), page.fetched)


TOOLS: dict[str, Tool] = {
    "duluan, site rules": ours,
    "duluan, fallback": ours_without_rules,
    "trafilatura fast": by_trafilatura,
    "readability-lxml": by_readability,
    "newspaper4k": by_newspaper,
}
NEEDS = {"readability-lxml": "readability", "newspaper4k": "newspaper"}


def tokens(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", unicodedata.normalize("NFC", text).lower()))


def f1(found: str, wanted: str) -> float:
    one, other = tokens(found), tokens(wanted)
    return 2 * sum((one & other).values()) / max(1, sum(one.values()) + sum(other.values()))


@dataclass(slots=True)
class Score:
    """One row of the table."""

    titles: int = 0
    minutes: int = 0
    articles: int = 0
    sentences: int = 0
    with_sentence: int = 0
    f1_own: float = 0.0
    bodies_own: int = 0
    f1_real: float = 0.0
    lists_kept: int = 0
    lists: int = 0
    ms: float = 0.0
    timed: int = 0


def judge(tool: Tool, cases: list[Case], rounds: int) -> Score:
    score = Score()
    for case in cases:
        found = tool(case)
        if not case.title:
            score.lists += 1
            score.lists_kept += found is not None and len(found.text) >= 200
        else:
            judge_article(case, found or Result("", None, ""), score)
        if case.real:
            score.ms += best_ms(tool, case, rounds)
            score.timed += 1
    return score


def judge_article(case: Case, found: Result, score: Score) -> None:
    score.articles += 1
    score.titles += " ".join(found.title.split()) == case.title
    score.minutes += (
        found.published is not None
        and case.published is not None
        and abs(found.published - case.published) < timedelta(minutes=1)
    )
    if case.sentence:
        score.with_sentence += 1
        score.sentences += case.sentence in found.text
    elif case.body and case.real:
        score.f1_real = f1(found.text, case.body)
    elif case.body:
        score.bodies_own += 1
        score.f1_own += f1(found.text, case.body)


def best_ms(tool: Tool, case: Case, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        tool(case)
        times.append(time.process_time() - start)
    return min(times) * 1000


def row(name: str, score: Score) -> str:
    ms = score.ms / score.timed if score.timed else float("nan")
    cells = [
        name,
        f"{score.titles}/{score.articles}",
        f"{score.minutes}/{score.articles}",
        f"{score.sentences}/{score.with_sentence}",
        f"{score.f1_real:.3f}",
        f"{score.f1_own / max(1, score.bodies_own):.3f}",
        f"{score.lists_kept}/{score.lists}",
        f"{ms:.1f}",
        f"{1000 / ms:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", nargs="?", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--rounds", type=int, default=7, help="repetitions a page; the best counts")
    options = parser.parse_args()
    folder = options.shared / "data" / "html_fixtures"
    real = real_cases(folder) if folder.is_dir() else []
    cases = real + own_cases()
    lines = [described(real, cases), "", *HEAD]
    print("\n".join(lines))
    for name, tool in TOOLS.items():
        if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
            lines.append(f"| {name} | not installed (`pip install '.[bench]'`) |" + " |" * 7)
            continue
        lines.append(row(name, judge(tool, cases, options.rounds)))
        print(lines[-1], flush=True)
    if real:
        write_section("Extraction", "\n".join([f"Written by `python bench/extraction.py` {machine()}.", *lines]))


HEAD = (
    "| tool | title | minute | sentence | F1 VnExpress | F1 own pages | lists kept | ms/page | pages/s |",
    "|---|---|---|---|---|---|---|---|---|",
)


def described(real: list[Case], cases: list[Case]) -> str:
    """What was measured: how many pages, how large."""
    kilobytes = sum(len(case.page.body) for case in real) // max(1, len(real)) // 1024
    return (
        f"{len(cases)} pages, {len(real)} of them real ({kilobytes} KB on average: the figures of speed, CPU time, best of several"
        " rounds). minute: time of publication to the minute with its zone; lists kept: list pages taken for articles."
    )


if __name__ == "__main__":
    main()
