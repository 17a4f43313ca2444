"""Response bodies: content encodings undone under a size limit; a body that was cut is seen even where the length matches.

Scrapy hands over two thirds of a cut gzip stream without a word; the gzip and zlib trailers tell. Brotli and zstd are never
offered in Accept-Encoding: a server that sends them anyway is refused, not decoded.
"""

from __future__ import annotations

import re
import zlib

from crawlers.outcome import Refused

MAX_BODY = 8 * 1024 * 1024  # bytes after decompression; the largest page of the extraction benchmark is 2.1 MB
MAX_SITEMAP = 52_428_800  # sitemaps.org: 50 MB uncompressed
_CHUNK = 65_536
_OPENED = re.compile(rb"<(?:html|body)[\s>]", re.IGNORECASE)
_CLOSED = re.compile(rb"</(?:html|body)\s*>", re.IGNORECASE)


def decode_body(body: bytes, encoding: str, limit: int) -> bytes:
    """The plain body. Raises Refused: truncated, too_large, bad_encoding."""
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if name in {"gzip", "x-gzip"}:
            body = gunzip(body, limit)
        elif name == "deflate":
            body = _inflate(body, limit)
        elif name != "identity":
            raise Refused("bad_encoding", f"mã hóa nội dung {name[:20]!r} không được yêu cầu")
    if len(body) > limit:
        raise Refused("too_large", f"dài hơn {limit} byte")
    return body


def gunzip(body: bytes, limit: int) -> bytes:
    """All members of a gzip stream (RFC 1952). Raises Refused where the last one has no trailer or the limit is passed."""
    out = bytearray()
    while body:
        member = zlib.decompressobj(wbits=31)
        out += _drain(member, body, limit - len(out))
        body = member.unused_data.lstrip(b"\0")  # zero padding behind the last member is legal
        if body and not body.startswith(b"\x1f\x8b"):
            break  # trailing bytes that are no member are ignored, as gzip(1) does
    return bytes(out)


def _inflate(body: bytes, limit: int) -> bytes:
    """HTTP's `deflate` is zlib by the standard and raw in the wild."""
    if not body:
        return b""
    try:
        return _drain(zlib.decompressobj(), body, limit)
    except Refused as error:
        if error.reason != "bad_encoding":
            raise
    return _drain(zlib.decompressobj(wbits=-15), body, limit)


def _drain(stream: zlib._Decompress, body: bytes, limit: int) -> bytes:
    out = bytearray()
    try:
        while body and not stream.eof:
            out += stream.decompress(body, _CHUNK)
            body = stream.unconsumed_tail
            if len(out) > limit:
                raise Refused("too_large", f"giải nén ra hơn {limit} byte")
    except zlib.error:
        raise Refused("bad_encoding", "dữ liệu nén hỏng") from None
    if not stream.eof:
        raise Refused("truncated", "dữ liệu nén bị cắt giữa chừng")
    return bytes(out)


def looks_cut(body: bytes, content_type: str) -> bool:
    """True for an HTML page that opens <html> or <body> and closes neither (the legal omission is never seen from a CMS)."""
    if "html" not in content_type.lower() and not body.lstrip()[:15].lower().startswith(b"<!doctype html"):
        return False
    return bool(_OPENED.search(body[:20_000])) and not _CLOSED.search(body[-200_000:])
