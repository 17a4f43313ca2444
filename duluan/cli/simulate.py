"""`duluan simulate`: a made-up province's stream with its truth, to choose budgets and to repeat the tables of docs/alerts.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from duluan.cli.common import Quiet
from duluan.cli.streams import Tally, emit

app = typer.Typer(add_completion=False)


@app.command()
def simulate(
    kind: Annotated[
        str, typer.Option("--kind", help="std: đủ sự cố và nhiễu; null: không có sự cố; pure: chỉ có nhiễu.")
    ] = "std",
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Hạt giống; cùng hạt giống cho cùng một dòng dữ liệu.")
    ] = 0,
    weeks: Annotated[int, typer.Option("--weeks", min=2, max=520, help="Số tuần; sáu tuần đầu yên tĩnh.")] = 20,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            help="Thêm tình huống, lặp lại được: model (đổi mô hình sắc thái), national (cả nước xôn xao), holidays (nghỉ lễ), "
            "clusters (vấn đề gộp, tách), dark (sự cố lúc mất nguồn).",
        ),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Ghi đáp án (sự cố, giờ bắt đầu) vào tệp JSON này.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Sinh dòng tin giả lập của một tỉnh (JSON Lines) để thử bộ phát hiện; chấm bằng: duluan replay … --truth TỆP."""
    from alerts.simulation.stream import simulate as make
    from alerts.simulation.world import KINDS, SCENARIOS, Setting

    chosen = next((known for known in KINDS if known == kind), None)
    if chosen is None:
        raise typer.BadParameter(f"{kind!r}; chọn một trong: {', '.join(KINDS)}", param_hint="--kind")
    if unknown := sorted(set(scenario or []) - set(SCENARIOS)):
        raise typer.BadParameter(f"{unknown[0]!r}; cho phép: {', '.join(SCENARIOS)}", param_hint="--scenario")
    wanted = frozenset(known for known in SCENARIOS if known in (scenario or []))
    stream = make(Setting(kind=chosen, seed=seed, weeks=weeks, scenarios=wanted))
    if truth is not None:
        truth.write_text(json.dumps(stream.truth_record(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    tally = Tally(quiet=quiet)
    for record in stream.records():
        tally.read += 1
        emit(record, tally)
    raise typer.Exit(tally.finish(f"simulate: {len(stream.truth)} sự cố"))
