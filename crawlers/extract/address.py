"""Which address a page goes by: its own `rel=canonical` where that stays on the host, else the one that was fetched."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from duluan.urls import canonical_url


def page_address(fetched_url: str, declared: str | None, *, nukeviet: bool = False) -> str:
    """The canonical address. Raises ValueError where `fetched_url` is no web address.

    A canonical link to another host is not believed (it would let one site overwrite another's documents), nor is one to the
    front page or to a section above the page – a frequent mistake of templates. NukeViet pages are keyed by module and number.
    """
    own = canonical_url(fetched_url, nukeviet=nukeviet)
    if nukeviet or not declared:
        return own
    try:
        other = canonical_url(urljoin(fetched_url, declared.strip()))
    except ValueError:
        return own
    return other if _same_page_possible(own, other) else own


def _same_page_possible(own: str, other: str) -> bool:
    mine, theirs = urlsplit(own), urlsplit(other)
    if _site(mine.netloc) != _site(theirs.netloc) or theirs.fragment:
        return False
    path = theirs.path.rstrip("/")
    return bool(path) and not (
        len(path) < len(mine.path) and mine.path.startswith(path + "/") and not _twin(mine.path, path)
    )


def _site(netloc: str) -> str:
    return netloc.removeprefix("amp.")


def _twin(mine: str, theirs: str) -> bool:
    """…/bai-viet-123.html/print → …/bai-viet-123.html is a twin, not a section above."""
    return mine[len(theirs) :].strip("/") in {"amp", "print", "in", "pdf"}
