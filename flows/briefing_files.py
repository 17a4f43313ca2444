"""The briefing's files: which formats, under which names. A file appears whole or not at all."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dashboards.briefing import Briefing
from dashboards.briefing_docx import write_docx
from dashboards.briefing_html import write_html
from duluan.clock import Clock
from duluan.config import Profile
from duluan.errors import DuluanError, InputError
from flows.brief import Period, build_briefing
from flows.machine import find_browser
from index.base import Index

PDF_LIMIT = 90  # seconds
_QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--no-pdf-header-footer")  # fmt: skip


def write_briefing(
    store: Index, profile: Profile, period: Period, formats: Sequence[str], out: Path, *, clock: Clock
) -> list[Path]:
    """Write `out`/ban-tin-<period>.<format> for each of docx, html, pdf; returns the paths.

    Raises InputError where `out` cannot be written, DuluanError where a PDF is asked for and no browser is here.
    """
    briefing = build_briefing(store, profile, period, clock=clock)
    files = []
    for name in formats:
        path = out / f"ban-tin-{period.name}.{name}"
        try:
            out.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=out, prefix=".ban-tin-") as folder:
                part = Path(folder) / path.name
                _WRITERS[name](briefing, part)
                part.replace(path)
        except OSError as error:
            raise InputError(f"không ghi được {path}: {error.strerror}") from None
        files.append(path)
    return files


def _write_pdf(briefing: Briefing, path: Path) -> None:
    browser = find_browser()
    if browser is None:
        raise DuluanError("xuất PDF cần trình duyệt; cài bằng: apt-get install chromium, hoặc dùng --format docx,html")
    page = path.with_suffix(".html")
    write_html(briefing, page)
    command = [browser, *_QUIET, f"--user-data-dir={path.parent / 'profile'}", f"--print-to-pdf={path}", page.as_uri()]
    try:
        subprocess.run(command, capture_output=True, timeout=PDF_LIMIT, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise DuluanError("trình duyệt không xuất được PDF; dùng --format docx,html") from None


_WRITERS = {"docx": write_docx, "html": write_html, "pdf": _write_pdf}
