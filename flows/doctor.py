"""What works on this machine and what is missing, each with the command that mends it. Opens the store as every command does."""

from __future__ import annotations

import importlib.util
import shutil
import smtplib
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx

from duluan.clock import Clock, local
from duluan.config import load_province
from duluan.errors import DuluanError
from flows.machine import find_browser
from index.base import Index

Verdict = Literal["ok", "optional", "broken"]

MIN_FREE = 2 * 1024**3  # bytes: room for the store to grow and for a backup beside it
MAX_CLOCK_SKEW = 120.0  # seconds: more puts items into the wrong hour often enough to be seen
FIRST_YEAR = 2026  # a machine without a battery wakes up in 1970


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: what was looked at, how it stands, and the command that mends it ('' where nothing is to do)."""

    what: str
    verdict: Verdict
    detail: str
    mend: str = ""


def examine(
    *, province: Path, store: str, smtp: str | None, open_store: Callable[[str], Index], clock: Clock
) -> list[Finding]:
    """All findings. `open_store` opens and sets up the store; whatever DuluanError it raises becomes a finding."""
    return [
        _python(),
        _province(province),
        _store(store, open_store),
        _disk(store),
        _models(),
        _browser(),
        _torch(),
        _elasticsearch(store),
        _smtp(smtp),
        _clock(store, clock()),
    ]


def healthy(findings: Iterable[Finding]) -> bool:
    """Nothing that the main job needs is broken."""
    return all(finding.verdict != "broken" for finding in findings)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", "ok" if sys.version_info >= (3, 11) else "broken", version, "cài Python 3.11 trở lên")


def _province(folder: Path) -> Finding:
    try:
        profile = load_province(folder)
    except DuluanError as error:
        return Finding("Hồ sơ tỉnh", "broken", str(error), "sửa tệp TOML nêu trên")
    verified = sum(source.verified for source in profile.sources)
    communes = len(profile.commune_names)
    detail = f"{profile.province.name}: {communes} xã/phường, {len(profile.sources)} nguồn ({verified} đã kiểm chứng)"
    return Finding("Hồ sơ tỉnh", "ok", detail)


def _store(url: str, open_store: Callable[[str], Index]) -> Finding:
    """Opens the store and lets it check itself: pages, full-text index, rollups; cluster, locked indices, ids stored twice."""
    what = "Kho dữ liệu"
    try:
        with closing(open_store(url)) as store:
            problems = store.check()
    except DuluanError as error:
        return Finding(what, "broken", str(error), "duluan setup --store ĐỊA_CHỈ_KHO")
    shown = url.rpartition("@")[2] if "@" in url else url  # a password in the address is not shown
    if problems:
        more = f" (và {len(problems) - 1} lỗi khác)" if len(problems) > 1 else ""
        return Finding(
            what, "broken", f"{shown}: {problems[0]}{more}", "duluan restore BẢN_SAO_LƯU, sau khi đã duluan backup"
        )
    return Finding(what, "ok", f"{shown}, tự kiểm tra không thấy lỗi")


def _disk(store: str) -> Finding:
    folder = Path(store.removeprefix("sqlite:///")).parent if store.startswith("sqlite:") else Path()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"còn trống {free / 1024**3:.1f} GB"
    if free < MIN_FREE:
        return Finding("Đĩa", "broken", detail, "duluan retain, hoặc chuyển kho sang đĩa khác bằng --store")
    return Finding("Đĩa", "ok", detail)


def _models() -> Finding:
    folder = Path(__file__).resolve().parents[1] / "nlp" / "models"
    cards = sorted(folder.glob("*.json"))
    missing = [card.stem for card in cards if not card.with_suffix(".npz").is_file()]
    if not cards or missing:
        return Finding(
            "Mô hình tiếng Việt", "broken", f"thiếu: {', '.join(missing) or 'tất cả'}", "cài lại: pip install -e ."
        )
    return Finding("Mô hình tiếng Việt", "ok", f"{len(cards)} mô hình đi kèm")


def _browser() -> Finding:
    found = find_browser()
    if found:
        return Finding("Trình duyệt", "ok", found)
    return Finding(
        "Trình duyệt", "optional", "không có; chỉ cần cho trang dựng bằng JavaScript", "apt-get install chromium"
    )


def _torch() -> Finding:
    missing = [name for name in ("transformers", "torch") if importlib.util.find_spec(name) is None]
    if missing:
        detail = f"không có {', '.join(missing)}; mô hình đi kèm không cần đến"
        return Finding("Mô hình cắm thêm", "optional", detail, "pip install 'duluan[models]'")
    return Finding("Mô hình cắm thêm", "ok", "transformers, torch")


def _elasticsearch(store: str) -> Finding:
    if store.startswith("http"):
        return Finding("Elasticsearch", "ok", "đang dùng làm kho")
    return Finding(
        "Elasticsearch", "optional", "không dùng; kho là SQLite", "docker compose up -d, rồi --store http://máy:9200"
    )


def _smtp(url: str | None) -> Finding:
    if not url:
        return Finding(
            "Thư điện tử",
            "optional",
            "chưa khai báo; cảnh báo nằm trong hộp chờ gửi",
            "đặt DULUAN_SMTP_URL và DULUAN_MAIL_FROM",
        )
    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port or 25}"
    try:
        with smtplib.SMTP(parts.hostname or "", parts.port or 25, timeout=5) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        return Finding(
            "Thư điện tử", "broken", f"{where}: {type(error).__name__}", "kiểm tra DULUAN_SMTP_URL và tường lửa"
        )
    return Finding("Thư điện tử", "ok", where)


def _clock(store: str, now: datetime) -> Finding:
    shown = f"{local(now):%H:%M %d/%m/%Y} (giờ Việt Nam)"
    if not store.startswith("http"):
        return Finding("Đồng hồ", "ok" if now.year >= FIRST_YEAR else "broken", shown, "timedatectl set-ntp true")
    try:
        stamp = httpx.head(store, timeout=5).headers.get("Date")
    except httpx.HTTPError:
        return Finding("Đồng hồ", "optional", f"{shown}; không hỏi được giờ của máy chủ kho")
    if not stamp:
        return Finding("Đồng hồ", "ok", shown)
    skew = abs((parsedate_to_datetime(stamp) - now).total_seconds())
    detail = f"{shown}, lệch {skew:.0f} giây so với máy chủ kho"
    return Finding("Đồng hồ", "ok" if skew < MAX_CLOCK_SKEW else "broken", detail, "timedatectl set-ntp true")
