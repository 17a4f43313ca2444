"""`duluan doctor`: what works here and what is missing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from duluan.cli.common import ProvinceDir, StoreUrl, open_index
from duluan.clock import system_clock
from duluan.config import province_folder
from duluan.settings import secret, store_url

app = typer.Typer(add_completion=False)

_MARKS = {"ok": "[green]✓[/]", "optional": "[yellow]–[/]", "broken": "[red]✗[/]"}


@app.command()
def doctor(
    province: ProvinceDir = None,
    store: StoreUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="In ra JSON.")] = False,
) -> None:
    """Kiểm tra máy này: thứ gì chạy được, thứ gì còn thiếu, và lệnh để khắc phục."""
    from flows.doctor import examine, healthy

    findings = examine(
        province=province_folder(province),
        store=store_url(store),
        smtp=secret("DULUAN_SMTP_URL"),
        open_store=open_index,
        clock=system_clock,
    )
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        table = Table(box=None, padding=(0, 1), show_header=False)
        for finding in findings:
            mend = f"\n[dim]→ {escape(finding.mend)}[/]" if finding.mend and finding.verdict != "ok" else ""
            table.add_row(_MARKS[finding.verdict], finding.what, escape(finding.detail) + mend)
        Console(soft_wrap=False).print(table)
    raise typer.Exit(0 if healthy(findings) else 1)
