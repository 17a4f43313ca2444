"""`duluan demo`: the whole way on the sample province, offline, on its own clock."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from duluan.cli.common import ProvinceDir, Quiet, open_province
from duluan.clock import local

if TYPE_CHECKING:
    from flows.demo import DemoReport

app = typer.Typer(add_completion=False)

STEPS = 5
TIERS = {"mail": "GỬI THƯ", "watch": "THEO DÕI", "system": "HỆ THỐNG"}


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Thư mục kết quả.")] = Path("out/demo"),
    province: ProvinceDir = None,
    quiet: Quiet = False,
) -> None:
    """Chạy trọn quy trình trên một tỉnh mẫu: nhập, thu thập, phân tích, cảnh báo, bản tin. Không cần mạng."""
    from flows.demo import demo as run

    profile = open_province(province)
    begun = time.monotonic()
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task("")
        step = iter(range(1, STEPS + 1))

        def tell(what: str) -> None:
            line = f"[{next(step)}/{STEPS}] {what}"
            progress.update(task, description=line)
            if not quiet and not console.is_terminal:
                print(line, file=sys.stderr, flush=True)

        report = run(out, profile, tell=tell)
    if not quiet:
        print(summary(report, out, time.monotonic() - begun))


def summary(report: DemoReport, out: Path, seconds: float) -> str:
    """What was read, rejected and why, the alerts, where the files lie, which page to open: at most 80 columns wide."""
    lines = [
        "",
        f"Tỉnh mẫu {report.profile.province.name}: xong sau {seconds:.0f} giây.",
        "",
        f"Đã đọc    {_number(report.imported.read)} tin bài, ý kiến từ kho các tuần trước; "
        f"{_number(report.crawled.read)} từ {len(report.profile.sources)} nguồn.",
        f"Đã ghi    {_number(report.imported.written + report.crawled.written)} mới, "
        f"{_number(report.imported.updated + report.crawled.updated)} cập nhật, "
        f"{_number(report.imported.known + report.crawled.known)} đã có.",
        f"Trong kho {_number(report.documents)} tin bài, ý kiến, gom thành {_number(report.issues)} vấn đề.",
        *_rejections(report),
        *_alerts(report),
        f"Thư       {len(report.mails)} thư trong {out / 'thu'} (lần này gửi {report.watched.sent}, còn chờ {report.watched.waiting})",
        *(f"Bản tin   {path}" for path in report.briefing),
        f"Kho       {report.store}",
        "",
        f"Hãy mở    {report.page}",
    ]
    return "\n".join(lines)


def _rejections(report: DemoReport) -> list[str]:
    from dashboards.words import REASONS

    reasons: Counter[str] = Counter()
    for (_, reason), count in (report.imported.rejected + report.crawled.rejected).items():
        reasons[reason] += count
    told = [f"          {count} {REASONS.get(reason, reason)}" for reason, count in sorted(reasons.items())]
    return [f"Đã loại   {sum(reasons.values())}:", *told] if told else ["Đã loại   0"]


def _alerts(report: DemoReport) -> list[str]:
    from alerts.tone import tone_of

    lines = [f"Cảnh báo  {len(report.stored_alerts)}:"]
    for alert in report.stored_alerts:
        lines.append(f"  {TIERS[alert.tier]:<9} {local(alert.detected):%H:%M %d/%m}  {_short(alert.title, 55)}")
        if alert.tier != "system":
            tone = tone_of(alert)
            negative = f", {tone.neg} tiêu cực ({tone.share:.0%})" if tone else ""
            lines.append(f"            {alert.voices} lượt ý kiến (mức thường ngày {alert.expected:.0f}){negative}")
    return lines


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def _number(value: int) -> str:
    from dashboards.words import number

    return number(value)
