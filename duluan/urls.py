"""Canonical URLs and document ids, to the letter of the contract (RFC 3986 6.2.2 normalisation, UTF-8)."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote, urlsplit

_DROPPED = frozenset({"fbclid", "gclid", "zarsrc", "gidzl", "ref", "ref_src", "mibextid", "rdid", "_ga"})
_SAFE_PATH = "/-._~!$&'()*+,;=:@%"
_SAFE_QUERY = "-._~!$'()*+,;:@/?%"
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NUKEVIET = re.compile(r"^/(?:[a-z]{2}/)?(?P<module>[a-z0-9-]+)/(?:.*?/)?[^/]*?-(?P<id>\d+)\.html/?$", re.IGNORECASE)
_NUKEVIET_TWIN = re.compile(r"^(?P<head>/(?:[a-z]{2}/)?[a-z0-9-]+)/(?:print|savefile)/", re.IGNORECASE)


def canonical_url(url: str, *, nukeviet: bool = False) -> str:
    """The one spelling of a page's address; `nukeviet` (the source says so) keys pages on host, module and number.

    Raises ValueError where `url` has no scheme and host and is no `urn:duluan:` name.
    """
    text = url.strip()
    if text.lower().startswith("urn:duluan:"):
        return text
    parts = urlsplit(text)
    scheme = "https" if parts.scheme.lower() in {"http", "https"} else ""
    if not scheme or not parts.hostname:
        raise ValueError(f"not a web address: {url[:200]!r}")
    host = _host(parts.hostname, parts.port)
    path = re.sub(r"/{2,}", "/", _quoted(parts.path, _SAFE_PATH)) or "/"
    if nukeviet and (page := _NUKEVIET.match(_NUKEVIET_TWIN.sub(r"\g<head>/", path))):
        return f"{scheme}://{host}/{page['module']}/{page['id']}"
    path = _without_endings(path)
    pairs = sorted(_pair(part) for part in parts.query.split("&") if part)
    query = "&".join(key + value for key, value in pairs if not (key.startswith("utm_") or key in _DROPPED))
    fragment = f"#{_quoted(parts.fragment, _SAFE_PATH)}" if parts.fragment.startswith("c=") else ""
    return f"{scheme}://{host}{path}" + (f"?{query}" if query else "") + fragment


def document_id(url: str, *, nukeviet: bool = False) -> str:
    """First 16 hex digits of SHA-256 over the canonical URL."""
    return hashlib.sha256(canonical_url(url, nukeviet=nukeviet).encode()).hexdigest()[:16]


def comment_url(parent: str, platform_id: str) -> str:
    """A comment's address: its parent's canonical URL + '#c=' + the platform's comment id."""
    return f"{canonical_url(parent)}#c={platform_id}"


def _host(name: str, port: int | None) -> str:
    host = re.sub(r"^(?:www|m)\.", "", name.lower())
    return host if port in {None, 80, 443} else f"{host}:{port}"


def _quoted(text: str, safe: str) -> str:
    """Percent-encoding normalised: unreserved characters plain, the rest as upper-case escapes of UTF-8."""
    escaped = quote(_STRAY_PERCENT.sub("%25", text), safe=safe, errors="replace")
    return _ESCAPE.sub(_normal_escape, escaped)


def _normal_escape(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else match[0].upper()


def _pair(part: str) -> tuple[str, str]:
    key, equals, value = part.partition("=")
    return _quoted(key, _SAFE_QUERY), equals + _quoted(value, _SAFE_QUERY + "=")


def _without_endings(path: str) -> str:
    trimmed = path.rstrip("/")
    for ending in ("/amp", ".amp"):
        trimmed = trimmed.removesuffix(ending)
    return trimmed.rstrip("/") or "/"
