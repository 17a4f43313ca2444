"""Portals, sitemaps, list pages, and `duluan sources`: what a list leads to, and the true minute however it is read."""

from __future__ import annotations

import gzip
import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from samples_crawl import SENTENCES, Hit, Reply, Site, article, documents, feed, fetches, run, site, source
from samples_index import numbered
from typer.testing import CliRunner

from crawlers.check import SourceCheck, stamp_quality
from crawlers.connectors.feeds import read_feed
from crawlers.connectors.listing import article_links
from crawlers.connectors.nukeviet import is_article, listed_articles
from crawlers.connectors.sitemap import dated_addresses, read_sitemap, w3c_time
from crawlers.outcome import Refused, SourceProblem
from duluan.cli.main import app
from duluan.cli.sources import _show
from duluan.clock import LOCAL, fixed_clock
from flows.source_days import daily_counts, trend
from flows.sources import SourceHealth
from index import open_store
from index.base import Batch

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
DAYS = ("Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy", "Chủ nhật")
COUNT = 23
HEAD = {"Last-Modified": "Tue, 24 Nov 2026 09:00:00 GMT"}


def _time(n: int) -> datetime:
    return datetime(2026, 11, 24, 17, 41, tzinfo=LOCAL) - timedelta(hours=17 * n, minutes=7 * n)


def _path(n: int) -> str:
    return f"/vi/news/tin-tuc/hop-thon-sua-duong-{1000 + n}.html"


def _page(n: int) -> str:
    at = _time(n)
    body = "".join(f"<p>{sentence} (Thôn {n}.)</p>" for sentence in SENTENCES)
    return f"""<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><meta name="generator" content="NukeViet v4.5">
<title>Họp thôn {n}</title><meta property="og:type" content="article">
<meta property="article:published_time" content="{at:%Y-%m-%d}+07{at:%H:%M:%S}"></head><body>
<div class="news_column panel panel-default"><div class="panel-body"><h1 class="title" itemprop="headline">Họp thôn {n} bàn sửa đường</h1>
<span class="hidden" itemprop="datePublished">{at + timedelta(days=2):%Y-%m-%dT%H:%M:%S+07:00}</span>
<span class="h5">{DAYS[at.weekday()]} - {at:%d/%m/%Y %H:%M}</span>
<div class="hometext" itemprop="description">Bà con góp ý về đường liên thôn.</div>
<div id="news-bodyhtml" class="bodytext">{body}</div></div></div></body></html>"""


def _portal(here: Site) -> None:
    def listing(first: int) -> str:
        rows = "".join(
            f'<div class="news_column panel"><div class="panel-body"><h3><a href="{_path(n)}">Họp thôn {n}</a></h3></div></div>'
            for n in range(first, min(first + 20, COUNT))
        )
        twin = f'<a href="/vi/news/print/tin-tuc/hop-thon-{1000 + first}.html">In</a>'
        return f"<!DOCTYPE html><html><body>{rows}{twin}<a href='/vi/about/'>Giới thiệu</a></body></html>"

    items = "".join(
        f"<item><title>Họp thôn {n}</title><link>{here.base}{_path(n)}</link><guid>news_{1000 + n}</guid>"
        f"<pubDate>{_time(n):%a, %d %b %Y %H}:{_time(n).month:02d}:{_time(n):%S} +0700</pubDate></item>"
        for n in range(COUNT)
    )
    urls = "".join(
        f"<url><loc>{here.base}{_path(n)}</loc><lastmod>{_time(n):%Y-%m-%dT%H:%M:%S+07:00}</lastmod></url>"
        for n in range(COUNT)
    )
    index = f"<sitemapindex><sitemap><loc>{here.base}/sitemap-vi.news.xml</loc></sitemap></sitemapindex>"
    here.routes |= {_path(n): Reply(_page(n), headers=HEAD) for n in range(COUNT)}
    here.routes |= {
        "/vi/news/tin-tuc/": Reply(listing(0), headers=HEAD),
        "/vi/news/tin-tuc/page-2/": Reply(listing(20), headers=HEAD),
        "/index.php": Reply(f'<?xml version="1.0"?><rss version="2.0"><channel>{items}</channel></rss>', headers=HEAD),
        "/sitemap.xml": Reply(index, type="text/xml", headers=HEAD),
        "/sitemap-vi.news.xml": Reply(
            gzip.compress(f"<urlset>{urls}</urlset>".encode()), type="text/xml", headers=HEAD
        ),
    }


def test_the_true_minute_by_page_feed_and_sitemap(tmp_path: Path) -> None:
    ways = {"list": "/vi/news/tin-tuc/", "rss": "/index.php?language=vi&nv=news&op=rss", "sitemap": "/sitemap.xml"}
    with ExitStack() as stack:
        sites = {way: stack.enter_context(site()) for way in ways}
        for here in sites.values():
            _portal(here)
        flooded = sites["rss"]  # its flood blocker has enough for a moment

        def blocked_once(hit: Hit) -> Reply:
            asked = [one.path for one in flooded.hits].count(_path(5))
            return Reply("Too many", 429, headers={"Retry-After": "2"}) if asked == 1 else Reply(_page(5), headers=HEAD)

        flooded.routes[_path(5)] = blocked_once
        sources = [source(sites[way].base + path, "nukeviet", id=way) for way, path in ways.items()]
        found = documents(run(sources, tmp_path, clock=fixed_clock(NOW)))
        again = run(sources, tmp_path, clock=fixed_clock(NOW))
        asked = {way: here.paths() for way, here in sites.items()}
    for way in ways:
        times = {document.url.rpartition("/")[2]: document.published for document in found if document.source == way}
        assert times == {str(1000 + n): _time(n) for n in range(COUNT)}, way
    assert documents(again) == []
    assert all(path.count("print") == 0 for paths in asked.values() for path in paths)
    assert asked["list"].count("/vi/news/tin-tuc/page-2/") == 1
    [refused, later] = [hit.at for hit in flooded.hits if hit.path == _path(5)]
    assert min(hit.at for hit in flooded.hits if hit.at > refused) - refused >= 2.0
    assert later > refused


def test_portal_addresses() -> None:
    assert is_article("https://a.gov.vn/vi/news/tin-tuc/sat-lo-4821.html", "https://a.gov.vn/vi/news/")
    assert not is_article("https://b.gov.vn/vi/news/tin-tuc/sat-lo-4821.html", "https://a.gov.vn/vi/news/")
    assert not is_article("https://a.gov.vn/vi/news/print/tin-tuc/sat-lo-4821.html", "https://a.gov.vn/")
    with pytest.raises(SourceProblem):
        list(listed_articles(b"", "https://a.gov.vn/"))


def test_feeds_of_all_kinds() -> None:
    atom = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="/bai-1.html"/>
      <published>2026-11-20T08:15:00+07:00</published></entry></feed>"""
    [entry] = read_feed(atom.encode(), "https://bao.example.vn/rss")
    assert entry.url == "https://bao.example.vn/bai-1.html"
    assert entry.published == datetime(2026, 11, 20, 1, 15, tzinfo=UTC)
    broken = b'<rss version="2.0"><channel><item><link>https://a.vn/x-1.html</link><title>a & b</title></item><item>'
    assert [item.url for item in read_feed(broken, "https://a.vn/")] == ["https://a.vn/x-1.html"]
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss version="2.0"><channel>&b;</channel></rss>'
    )
    assert read_feed(bomb, "https://a.vn/") == []
    for body in (b"<html><body>Trang</body></html>", str(Path(__file__)).encode(), b""):
        with pytest.raises(SourceProblem):  # a body that is a file's name is not opened
            read_feed(body, "https://a.vn/")


@given(st.binary(max_size=400))
@example(b"<:")  # a name that lxml's own QName refuses
@example(b"\x1f\x8b")  # looks packed and is not: refused as truncated
@settings(max_examples=60, deadline=None)
def test_no_list_crashes_a_reader(noise: bytes) -> None:
    for body in (
        noise,
        b"<urlset><url><loc>" + noise,
        b'<rss version="2.0"><channel><item><link>' + noise,
        b"<a href='" + noise,
    ):
        for read in (read_feed, read_sitemap, lambda body, url: list(article_links(body, url))):
            try:
                read(body, "https://bao.example.vn/")
            except (SourceProblem, Refused):  # both are outcomes that a poll counts
                continue


def test_news_sitemaps_and_their_times() -> None:
    body = b"""<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
      xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://a.vn/x-12345.html</loc>
      <lastmod>2026-11-20</lastmod><news:news><news:publication_date>2026-11-20T08:15:00+07:00</news:publication_date>
      </news:news></url><url><lastmod>2026</lastmod></url></urlset>"""
    [entry] = read_sitemap(body, "https://a.vn/s.xml").entries
    assert entry.published == datetime(2026, 11, 20, 8, 15, tzinfo=LOCAL)
    assert not entry.exact
    assert w3c_time("2026-11-20T08:15:00") == datetime(2026, 11, 20, 8, 15, tzinfo=LOCAL)
    assert w3c_time("hôm qua") is None


def test_what_looks_like_an_article() -> None:
    links = [
        "/phat-luat/xet-xu-vu-an-4959000.html",
        "/202603/tra-bong-lam-thu-tuc-cho-dan-d6113ab/",
        "/web/guest/-/asset_publisher/Content/hop-giao-ban",
        "https://www.bao.example.vn/hop-bao-ve-tinh-hinh-kinh-te-xa-hoi",
    ]
    others = [
        "/",
        "/thoi-su",
        "/tag/duong-4959000.html",
        "/anh-4959000.jpg",
        "https://quangcao.vn/x-4959000.html",
        "mailto:a@b.vn",
    ]
    body = "".join(f'<a href="{link}">x</a>' for link in links + others + links).encode()
    found = list(article_links(body, "https://bao.example.vn/thoi-su"))
    assert [link.removeprefix("https://bao.example.vn") for link in found] == links


def test_list_pages_and_liferay(tmp_path: Path) -> None:
    with site() as here:
        path = "/web/guest/-/asset_publisher/Content/hop-giao-ban"
        here.routes |= {
            "/bai-viet-ve-duong-12345.html": Reply(article("Bài một", 1)),
            path: Reply(article("Bài hai", 2)),
        }
        here.routes["/muc"] = Reply('<html><body><a href="/bai-viet-ve-duong-12345.html">a</a></body></html>')
        action = f"{path}?p_p_id=101&amp;_action=edit"
        here.routes["/tin"] = Reply(f'<html><body><a href="{action}">b</a><a href="{path}">c</a></body></html>')
        found = run(
            [source(f"{here.base}/muc", "list", id="muc"), source(f"{here.base}/tin", "liferay", id="cong")], tmp_path
        )
    assert sorted((document.source, document.title) for document in documents(found)) == [
        ("cong", "Bài hai"),
        ("muc", "Bài một"),
    ]


def test_etag_and_content_hash_spare_a_feed(tmp_path: Path) -> None:
    with site() as here:
        here.routes["/tin-1.html"] = Reply(article("Một", 1))
        whole = feed(here.base, ["/tin-1.html"])

        def revalidated(hit: object) -> Reply:
            headers = getattr(hit, "headers", {})
            if headers.get("if-none-match") == '"v1"':
                return Reply("", 304)
            return Reply(whole.body, type=whole.type, headers={"ETag": '"v1"'})

        here.routes["/rss"] = revalidated
        one = source(f"{here.base}/rss")
        assert len(documents(run(one, tmp_path))) == 1
        assert fetches(run(one, tmp_path)) == [True]
    assert here.hits[-1].headers["if-none-match"] == '"v1"'


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([5, 6, 4, 5, 7, 5, 6, 5, 4, 6, 5, 5, 6, 5], "usual"),
        ([25, 26, 24, 25, 27, 25, 26, 25, 24, 26, 25, 25, 26, 0], "silent"),
        ([25, 26, 24, 25, 27, 25, 26, 25, 24, 26, 25, 25, 26, 5], "few"),
        ([25, 26, 24, 25, 27, 25, 26, 25, 24, 26, 25, 25, 26, 60], "doubled"),
        ([0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], "usual"),
        ([20, 30, 25, 2, 20, 30, 25, 22, 28, 24, 2, 22, 30, 26, 24, 28, 25, 2], "usual"),
        ([5, 5, 5], "new"),
    ],
)
def test_a_source_is_compared_with_its_own_past(days: list[int], expected: str) -> None:
    assert trend(days) == expected


def test_quality_of_times() -> None:
    exact = datetime(2026, 11, 20, 8, 15, tzinfo=LOCAL)
    assert stamp_quality(exact, None, NOW) == "minute"
    assert stamp_quality(exact, exact + timedelta(minutes=4), NOW) == "differs"
    assert stamp_quality(exact.replace(hour=0, minute=0), None, NOW) == "day"
    assert stamp_quality(None, exact, NOW) == "missing"
    assert stamp_quality(NOW + timedelta(hours=2), None, NOW) == "future"


@pytest.fixture
def own_province(tmp_path: Path, province_dir: Path) -> Path:
    """The shipped profile with a sources.toml to fill."""
    folder = tmp_path / "tinh"
    folder.mkdir()
    for path in province_dir.iterdir():
        if path.is_file() and path.name != "sources.toml":
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


def _toml(id: str, url: str, lawful: bool = True) -> str:
    law = 'purpose = "Kiểm thử"\nlawful_basis = "Trang của ta"\n' if lawful else ""
    return (
        f'[[source]]\nid = "{id}"\nname = "Nguồn {id}"\nurl = "{url}"\nvia = "rss"\ntrust = 3\n'
        f"expected_per_day = [0, 9]\ndelay = 0\nverified = false\n{law}"
    )


def test_sources_check_then_crawl(tmp_path: Path, own_province: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DULUAN_ALLOW_LOOPBACK", "1")
    monkeypatch.setenv("DULUAN_STATE", str(tmp_path / "state"))
    with site() as here, site({"/robots.txt": Reply("", 503)}) as closed:
        today = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        stamp = today.astimezone(LOCAL).isoformat()
        here.routes |= {f"/tin-{n}.html": Reply(article(f"Tin {n}", n, published=stamp)) for n in range(3)}
        here.routes["/rss"] = feed(
            here.base, [f"/tin-{n}.html" for n in range(3)], f"{today:%a, %d %b %Y %H:%M:%S} +0000"
        )
        rows = [("tot", here.base, True), ("dong", closed.base, True), ("khong_can_cu", here.base, False)]
        text = "\n".join(_toml(id, f"{base}/rss", lawful) for id, base, lawful in rows)
        text += _toml("tep", "file:khong-co").replace('"rss"', '"file"').replace("delay = 0", "delay = 3")
        (own_province / "sources.toml").write_text(text, encoding="utf-8")
        words = ["--province", str(own_province), "--store", f"sqlite:///{tmp_path}/kho.sqlite"]
        checked = CliRunner().invoke(app, ["sources", "check", "--json", *words])
        shown = CliRunner().invoke(app, ["sources", "check", *words])
        crawled = CliRunner().invoke(app, ["crawl", "--json", *words])
    assert checked.exit_code == 3, checked.output
    table = {row["source"]: row for row in json.loads(checked.stdout)}
    assert table["tot"]["passed"]
    assert table["tot"]["robots"] == "none"
    assert table["tot"]["stamp"] == "minute"
    assert table["tot"]["listed"] == 3
    assert table["tot"]["trend"] == "new"
    assert table["dong"]["robots"] == "unreachable"
    assert "purpose" in table["khong_can_cu"]["problem"]
    assert json.loads((tmp_path / "state" / "checked_sources.json").read_text()) == ["tot"]
    assert max(map(len, shown.stdout.splitlines())) <= 80
    [cells] = [line.split() for line in shown.stdout.splitlines() if line.startswith("✓ tot")]
    assert cells[:5] == ["✓", "tot", "được", f"{today.astimezone(LOCAL):%d/%m}", f"{today.astimezone(LOCAL):%H:%M}"]
    assert cells[6:] == ["0–9", "chưa", "rõ", "phút"]
    assert "  dong: không đọc được robots.txt: coi như không cho phép" in shown.stdout
    assert table["tep"]["problem"] == "nguồn tep: không có thư mục khong-co; hãy tạo thư mục rồi đặt tệp vào"
    assert closed.paths() == []
    told = {row["source"]: row for row in map(json.loads, crawled.stdout.splitlines())}
    assert told["tot"] == {"source": "tot", "tried": True, "ok": True, "documents": 3, "rejected": {}}
    assert told["dong"]["ok"] is False
    assert told["khong_can_cu"]["tried"] is False
    assert crawled.exit_code == 3
    store = open_store(f"sqlite:///{tmp_path}/kho.sqlite")
    assert sum(1 for event in store.audit_log() if event["what"] == "fetch") > 3
    store.close()


def test_a_papers_sitemap_of_the_day(tmp_path: Path) -> None:
    """{Y}, {MM}, {d} … are today's and yesterday's; a file that is not there yet at midnight does not fail the source."""
    now = datetime(2026, 12, 1, 0, 20, tzinfo=LOCAL)
    assert dated_addresses("https://a.vn/s-{Y}.xml?m={m}&d={d}", now) == [
        "https://a.vn/s-2026.xml?m=12&d=1",
        "https://a.vn/s-2026.xml?m=11&d=30",
    ]
    assert dated_addresses("https://a.vn/s-{Y}-{MM}.xml", now + timedelta(days=9)) == ["https://a.vn/s-2026-12.xml"]
    assert dated_addresses("https://a.vn/s.xml", now) == ["https://a.vn/s.xml"]
    with site() as here:
        late = "2026-11-30T23:50:00+07:00"
        here.routes["/tin-1.html"] = Reply(article("Tin lúc khuya", published=late))
        listed = f"<urlset><url><loc>{here.base}/tin-1.html</loc><lastmod>{late}</lastmod></url></urlset>"
        here.routes["/s-2026-11-30.xml"] = Reply(listed, type="text/xml")
        paper = source(here.base + "/s-{Y}-{MM}-{DD}.xml", "sitemap")
        found = run(paper, tmp_path, clock=fixed_clock(now))
        here.routes["/s-2026-12-01.xml"] = Reply("<urlset></urlset>", type="text/xml")
        del here.routes["/s-2026-11-30.xml"]
        assert fetches(run(paper, tmp_path, clock=fixed_clock(now))) == [True]
        del here.routes["/s-2026-12-01.xml"]
        assert fetches(run(paper, tmp_path, clock=fixed_clock(now))) == [False]
    assert [document.title for document in documents(found)] == ["Tin lúc khuya"]
    assert fetches(found) == [True]


def test_the_table_stands_in_80_columns_and_says_what_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    def row(id: str, **more: object) -> SourceHealth:
        given = {"newest": NOW, "per_day": 231.46, "stamp": "minute"} | more
        one = source("https://bao.example.vn/rss", id=id, delay=3, expected_per_day=(120, 400))
        days = given.pop("days", (None, None, "new"))
        return SourceHealth(one, SourceCheck(id, True, "rules", **given), *days)  # type: ignore[misc,arg-type]

    _show(
        [
            row("vnexpress_y_kien_ban_doc_rat_dai", stamp="differs"),
            row("im", days=(0, 231.0, "silent")),
            row("hong", problem="không bóc được bài mẫu: not_article; " * 4),
            row("thua", per_day=2.0, stamp="day"),
        ]
    )
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert "Chưa dùng được: hong: không bóc được bài mẫu" in text
    assert "im: hôm qua 0 mục, thường ngày 231 (im lặng)" in text
    assert "thua: số mục mỗi ngày ngoài khoảng dự kiến 120–400; trang chỉ ghi ngày" in text


def test_record_makes_a_reviewable_fixture(tmp_path: Path, province_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DULUAN_ALLOW_LOOPBACK", "1")
    monkeypatch.setenv("DULUAN_STATE", str(tmp_path / "state"))
    with site({"/tin-1.html": Reply(article("Trang mẫu"))}) as here:
        words = ["sources", "record", f"{here.base}/tin-1.html", "--name", "mau", "--out", str(tmp_path / "mau")]
        result = CliRunner().invoke(app, [*words, "--province", str(province_dir)], catch_exceptions=False)
    assert result.exit_code == 0
    record = json.loads((tmp_path / "mau" / "mau.json").read_text(encoding="utf-8"))
    assert record["expected"]["title"] == "Trang mẫu"
    assert list(record) == ["rule", "rules", "url", "fetched", "nukeviet", "expected", "absent"]
    assert record["expected"]["published"] == "2026-11-20T08:15:00+07:00"
    assert (tmp_path / "mau" / "mau.html").read_text(encoding="utf-8") == article("Trang mẫu")


def test_history_of_a_store_gives_whole_days(tmp_path: Path) -> None:

    store = open_store(f"sqlite:///{tmp_path}/kho.sqlite")
    store.setup()
    at = datetime(2026, 11, 20, 10, 0, tzinfo=LOCAL)
    store.write(Batch(documents=[numbered(n, published=at + timedelta(days=n // 2)) for n in range(8)]))
    [days] = daily_counts(store, datetime(2026, 11, 25, 9, 0, tzinfo=LOCAL)).values()
    store.close()
    assert days == [2, 2, 2, 2, 0]
