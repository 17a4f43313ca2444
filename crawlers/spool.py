"""Raw responses, kept for seven days so that every document can be extracted again: WARC files in a folder of their own.

The folder is 0700 and its files 0600; it is the one place where a page stands as its authors wrote it. Answers of comment
endpoints and social APIs never come here (`Gate` decides by the request), nor do robots.txt, feeds and tokens.
"""

from __future__ import annotations

import io
import logging
import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from duluan.clock import format_time, parse_time
from duluan.errors import InputError, StoreError
from duluan.model import KINDS, Kind, RawPage

log = logging.getLogger(__name__)

RETENTION = timedelta(days=7)
_SOURCE, _FETCHED, _KIND = "X-Duluan-Source", "X-Duluan-Fetched", "X-Duluan-Kind"


class Spool:
    """Writes the pages of one process; a file a day and process, each record flushed."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._clock = clock
        make_private(folder)

    def write(self, page: RawPage) -> None:
        """Append one response (its body decompressed)."""
        day = page.fetched.astimezone(UTC).strftime("%Y%m%d")
        path = self._folder / f"{day}-{os.getpid()}.warc.gz"
        buffer = io.BytesIO()
        writer = WARCWriter(buffer, gzip=True)
        headers = [("Content-Type", page.content_type or "application/octet-stream")]
        record = writer.create_warc_record(
            page.url,
            "response",
            payload=io.BytesIO(page.body),
            length=len(page.body),
            http_headers=StatusAndHeaders(f"{page.status} OK", headers, protocol="HTTP/1.1"),
            warc_headers_dict={
                "WARC-Date": page.fetched.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                _SOURCE: page.source,
                _FETCHED: format_time(page.fetched),
                _KIND: page.kind,
            },
        )
        writer.write_record(record)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as handle:
            handle.write(buffer.getvalue())

    def expire(self) -> int:
        """Delete files that hold a page seven days old; returns how many."""
        return expire_spool(self._folder, self._clock())


def make_private(folder: Path) -> None:
    """Create the spool's folder, for its owner's eyes only. Raises StoreError where that is not possible."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StoreError(f"{folder}: không tạo được thư mục trang gốc: {error.strerror}") from None


def expire_spool(folder: Path, now: datetime) -> int:
    """Apply the retention of raw pages as of `now`: a day's file goes when its first record may be seven days old."""
    gone = 0
    for path in sorted(folder.glob("*.warc.gz")):
        try:
            day = datetime.strptime(path.name[:8], "%Y%m%d").replace(tzinfo=UTC)
        except ValueError:
            continue
        if now >= day + RETENTION:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def read_spool(folder: Path) -> Iterator[RawPage]:
    """Every page kept, oldest file first. A record cut by a crash ends its file, not the run."""
    if not folder.is_dir():
        raise InputError(f"{folder}: không có thư mục trang gốc này")
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as handle:
            try:
                for record in ArchiveIterator(handle):
                    if record.rec_type == "response":
                        yield _page(record)
            except (ArchiveLoadFailed, EOFError, OSError):
                log.warning("%s: bản ghi cuối bị cắt, bỏ qua phần còn lại", path.name)


def _page(record: object) -> RawPage:
    headers = record.rec_headers  # type: ignore[attr-defined]  # warcio has no types
    http = record.http_headers  # type: ignore[attr-defined]
    kind = headers.get_header(_KIND)
    return RawPage(
        url=headers.get_header("WARC-Target-URI"),
        source=headers.get_header(_SOURCE),
        fetched=parse_time(headers.get_header(_FETCHED)),
        body=record.content_stream().read(),  # type: ignore[attr-defined]
        status=int(http.get_statuscode()),
        content_type=http.get_header("Content-Type") or "",
        kind=cast(Kind, kind if kind in KINDS else "news"),
    )


def private_folder(folder: Path) -> bool:
    """True where nobody but the owner may look into `folder`."""
    return stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
