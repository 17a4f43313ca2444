"""Response body → one whole HTML page in UTF-8, or a refusal: size, gzip, sort of content, charset, completeness.

Order of charsets: byte order mark, strict UTF-8 (Vietnamese sites that say iso-8859-1 and send UTF-8 are common), the header's,
the page's own `meta`, windows-1258. Plain Scrapy believes the header first and gives mojibake (reference, section 1).
"""

from __future__ import annotations

import codecs
import re
import zlib

from crawlers.extract import reasons
from crawlers.extract.reasons import Refused

MAX_BYTES = 8 * 1024 * 1024  # the crawler's own limit; the largest article page of the fixtures has 0.5 MB
_DAMAGE = 0.02  # at most this share of non-ASCII characters may be broken before a charset is given up
_HEAD = 4096

_OTHER_FORMATS = (
    b"%PDF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"RIFF",
    b"\xd0\xcf\x11\xe0",
    b"{",
    b"[",
)
_OTHER_ROOTS = re.compile(rb"<(?:rss|feed|urlset|sitemapindex|rdf:RDF)\b", re.IGNORECASE)
_NOT_TEXT = re.compile(r"^\s*(?:image|video|audio|font)/|^\s*application/(?!xhtml|xml)", re.IGNORECASE)
_HTML_START = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HTML_END = re.compile(rb"</(?:html|body)\b", re.IGNORECASE)
_TAG = re.compile(rb"<[a-z!/]", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a]")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
# Only these labels are believed: a hostile label such as `punycode` or `utf-7` would run another decoder.
# Western labels (iso-8859-1, windows-1252) are left out: on Vietnamese bytes they mean windows-1258, which is tried last.
_KNOWN = re.compile(
    r"utf-?16(?:-?[lb]e)?|(?:windows-|cp)125[013-8]|iso-?8859-(?:[2-9]|1[013-6])|koi8-r|gb18030|gbk|big5|shift_jis|euc-(?:jp|kr)"
)


def page_markup(body: bytes, content_type: str = "") -> bytes:
    """The page in UTF-8, whatever it came in. Raises Refused (too_large, truncated, not_html, bad_charset)."""
    body = _unzipped(body)
    if len(body) > MAX_BYTES:
        raise Refused(reasons.TOO_LARGE, f"{len(body)} bytes, at most {MAX_BYTES}")
    _check_html(body, content_type)
    _check_complete(body)
    return _in_utf8(body, content_type)


def _unzipped(body: bytes) -> bytes:
    """A body that is still gzip; a stream without its trailer was cut, whatever Content-Length said."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(body, MAX_BYTES + 1)
    except zlib.error:
        raise Refused(reasons.TRUNCATED, "broken gzip stream") from None
    if len(plain) > MAX_BYTES:
        raise Refused(reasons.TOO_LARGE, f"more than {MAX_BYTES} bytes unpacked")
    if not stream.eof:
        raise Refused(reasons.TRUNCATED, "gzip stream without its trailer")
    return plain


def _check_html(body: bytes, content_type: str) -> None:
    head = body[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    if _HTML_START.search(head):
        return
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    if _NOT_TEXT.search(content_type):
        raise Refused(reasons.NOT_HTML, content_type.split(";")[0].strip()[:60])
    if head.startswith(_OTHER_FORMATS) or _OTHER_ROOTS.search(head) or len(_CONTROL.findall(head)) * 10 > len(head):
        raise Refused(reasons.NOT_HTML)
    if not _TAG.search(body):
        raise Refused(reasons.NOT_HTML, "no markup")


def _check_complete(body: bytes) -> None:
    """A page that opens <html> or <body> must close one of them; a fragment that opens neither is taken as it is."""
    if _HTML_START.search(body, 0, _HEAD) and not _HTML_END.search(body):
        raise Refused(reasons.TRUNCATED, "no closing </body> or </html>")


def _in_utf8(body: bytes, content_type: str) -> bytes:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace").encode()
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(body, content_type).encode()
    return body


def _decoded(body: bytes, content_type: str) -> str:
    """The text of a body that is not strict UTF-8."""
    lossy = body.decode("utf-8", "replace")
    if _bearable(lossy):
        return lossy
    for label in (*_labels(body, content_type), "cp1258"):
        text = body.decode(label, "replace")
        if _bearable(text):
            return text
    raise Refused(reasons.BAD_CHARSET)


def _bearable(text: str) -> bool:
    broken = text.count("\ufffd")
    return broken == 0 or broken <= _DAMAGE * (len(text) - len(text.encode("ascii", "ignore")))


def _labels(body: bytes, content_type: str) -> list[str]:
    """Charsets named by the header, then by the page, as far as they are believed."""
    named = [match[1] for match in [_CHARSET.search(content_type)] if match]
    named += [match[1].decode("ascii") for match in [_META_CHARSET.search(body, 0, _HEAD)] if match]
    return [label for label in map(str.lower, named) if _KNOWN.fullmatch(label)]
