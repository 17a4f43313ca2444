"""`duluan watch`: detect up to now on the store, write alerts, send mail."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from duluan.cli.common import ProvinceDir, Quiet, StoreUrl, open_index, open_province
from duluan.clock import format_time, local, system_clock

app = typer.Typer(add_completion=False)
_PAUSE = 300  # seconds between rounds


@app.command()
def watch(
    once: Annotated[bool, typer.Option("--once", help="Chạy một lượt rồi dừng.")] = False,
    province: ProvinceDir = None,
    store: StoreUrl = None,
    quiet: Quiet = False,
) -> None:
    """Phát hiện vấn đề chuyển xấu trong kho, ghi cảnh báo, gửi thư (DULUAN_SMTP_URL, DULUAN_MAIL_FROM)."""
    from flows.outbox import outlets_from_environment
    from flows.watch import watch as run

    profile = open_province(province)
    index = open_index(store)
    outlets = outlets_from_environment()
    try:
        while True:
            report = run(index, profile, clock=system_clock, mailer=outlets.mailer, webhook=outlets.webhook)
            if not quiet:
                typer.echo(
                    f"{local(report.until):%H:%M %d/%m/%Y}: {report.voices} tin mới, {len(report.alerts)} cảnh báo, "
                    f"{report.mails} thư mới, gửi {report.sent}, còn chờ {report.waiting}"
                )
                for alert in report.alerts:
                    typer.echo(f"  [{alert.tier}] {format_time(local(alert.detected))} {alert.id} {alert.title}")
            for error in report.errors:
                typer.echo(f"duluan: {error}", err=True)
            if once:
                break
            time.sleep(_PAUSE)
    finally:
        index.close()
