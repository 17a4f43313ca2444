"""Server-side request forgery: what a feed, a redirect or a name may not make us fetch. Judged by what was hit."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples_crawl import Reply, article, documents, feed, fetches, reasons, run, site, source

from crawlers.guard import address_allowed, check_url, host_key
from crawlers.outcome import Refused

BAD = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/",
    "ftp://example.vn/x",
    "http://10.1.2.3/a-1.html",
    "http://192.168.1.1/a-1.html",
    "http://172.16.0.9/a-1.html",
    "http://169.254.169.254/latest/meta-data",
    "http://0.0.0.0/",
    "http://100.64.0.1/",
    "http://[::ffff:10.0.0.1]/",
    "http://[fd00::1]/",
    "http://[fe80::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[::]/",
    "http://[fe80::1%25eth0]/",
    "http://user:pass@example.vn/",
    "http://example.vn:6379/",
    "http://224.0.0.1/",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://",
    "http://example.vn:99999/",
    "http://[::1",
]
LOOPBACK = ["http://127.0.0.1:1/x", "http://127.9.9.9/", "http://localhost/", "http://a.localhost/", "http://[::1]/"]

REBIND = """
import asyncio, socket, sys
from pathlib import Path
from crawlers.audit import Audit
from crawlers.gate import Ask, Gate
from crawlers.outcome import Deferred, Refused
from crawlers.scrapy_engine import run_job
from crawlers.state import State
from duluan.clock import system_clock
port, folder = sys.argv[1], Path(sys.argv[2])
answers = {}
def lookup(name):  # the first look-up is harmless, every later one is an attack
    answers[name] = answers.get(name, 0) + 1
    return "93.184.216.34" if name == "rebind.example" and answers[name] == 1 else "127.0.0.1"
socket.gethostbyname = lookup
async def job(transport):
    gate = Gate(State(folder), transport, audit=Audit(folder, system_clock), agent="duluan/0", allow_loopback=False)
    for name in sys.argv[3:]:
        try:
            await gate.fetch(Ask(url=f"http://{name}:{port}/x", source="t", delay=0))
        except (Refused, Deferred) as error:
            print(name, error.reason)
run_job(job, agent="duluan/0", timeout=1, limit=1000000, allow_loopback=False)
"""


@pytest.mark.parametrize("url", BAD)
def test_refused_even_with_the_test_switch(url: str) -> None:
    with pytest.raises(Refused) as told:
        check_url(url, allow_loopback=True)
    assert told.value.reason == "forbidden_address"


@pytest.mark.parametrize("url", LOOPBACK)
def test_loopback_only_with_the_test_switch(url: str) -> None:
    check_url(url, allow_loopback=True)
    with pytest.raises(Refused):
        check_url(url, allow_loopback=False)


@given(st.ip_addresses())
def test_only_public_unicast_addresses_are_reached(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    allowed = address_allowed(str(address), allow_loopback=False)
    if (
        address.is_private
        or address.is_multicast
        or address.is_link_local
        or address.is_unspecified
        or address.is_reserved
    ):
        assert not allowed


@given(st.text(max_size=60))
def test_no_spelling_crashes_the_guard(text: str) -> None:
    for url in (text, f"http://{text}", f"http://example.vn/{text}"):
        try:
            check_url(url, allow_loopback=False)
            host_key(url)
        except Refused:
            continue


def test_a_feed_cannot_point_us_inside(tmp_path: Path) -> None:
    """With the switch, for the feed's own sake: everything but loopback stays closed, whatever the feed says."""
    with site() as here:
        here.routes |= {"/tin-1.html": Reply(article("Tin tốt"))}
        here.routes["/rss"] = feed(
            here.base, ["http://10.0.0.1/a-1.html", "http://169.254.169.254/b-2.html", "/tin-1.html"]
        )
        found = run(source(f"{here.base}/rss"), tmp_path)
    assert reasons(found) == ["forbidden_address"] * 2
    assert [document.title for document in documents(found)] == ["Tin tốt"]


def test_without_the_switch_this_machine_is_not_reached(tmp_path: Path) -> None:
    with site({"/rss": Reply("x")}) as here:
        sources = [
            source(here.base + "/rss", id="so"),
            source(here.base.replace("127.0.0.1", "localhost") + "/rss", id="ten"),
        ]
        assert fetches(run(sources, tmp_path, allow_loopback=False)) == [False, False]
    assert here.hits == []


SPELLINGS = ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "0x7f000001", "017700000001", "127.0.0.1.", "127。0。0。1"]


def test_names_that_resolve_inside_and_rebinding(tmp_path: Path) -> None:
    """Names whose first or every look-up leads here, and this machine's address in decimal, octal, hexadecimal and full width."""
    names = ["inside.example", "rebind.example", "rebind.example", *SPELLINGS]
    with site({"/x": Reply("<html></html>")}) as here:
        port = here.base.rpartition(":")[2]
        ended = subprocess.run(
            [sys.executable, "-c", REBIND, port, str(tmp_path), *names], capture_output=True, text=True, timeout=60
        )
    told = ended.stdout.split()
    assert told[::2] == names, ended.stderr
    assert set(told[1::2]) <= {"forbidden_address", "robots_unreachable"}
    assert told[1] == "forbidden_address"
    assert here.hits == []
