"""`duluan replay`: a recorded stream through the detector, alerts out."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from duluan.cli.common import Files, ProvinceDir, Quiet, open_province
from duluan.cli.streams import Tally, emit, records
from duluan.clock import format_time
from duluan.errors import InputError
from duluan.records import to_record

app = typer.Typer(add_completion=False)
_STEP = re.compile(r"(\d+)(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@app.command()
def replay(
    files: Files = None,
    step: Annotated[str, typer.Option("--step", help="Bước thời gian: 30m, 1h, 1d.")] = "1h",
    given: Annotated[
        str, typer.Option("--given", help="Những gì dòng dữ liệu đã cho sẵn: sentiment,topic,origin,issue.")
    ] = "",
    tier: Annotated[str | None, typer.Option("--tier", help="Chỉ in cảnh báo mức mail hoặc watch.")] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Đáp án của duluan simulate: chấm điểm, in ra dòng lỗi chuẩn.")
    ] = None,
    scoped: Annotated[
        bool, typer.Option("--scoped", help="Chỉ đếm bài về tỉnh, như duluan watch (mặc định: đếm mọi bài).")
    ] = False,
    province: ProvinceDir = None,
    quiet: Quiet = False,
) -> None:
    """Chạy lại một dòng dữ liệu qua bộ phát hiện; mỗi đợt một dòng khi mở, thêm một dòng khi nâng lên mức gửi thư."""
    from flows.replay import Loaded, Replay, load

    chosen = _given(given)
    known = None if truth is None else _truth(truth)
    if tier not in (None, "mail", "watch"):
        raise typer.BadParameter(f"{tier!r}; chọn mail hoặc watch", param_hint="--tier")
    pace = _step(step)
    tally = Tally(quiet=quiet)
    items: list[Loaded] = []
    for where, record in records(files or [], tally):
        try:
            items.append(load(record, chosen))
        except (ValueError, TypeError) as error:
            tally.reject(where, str(error))
    everything = {"sentiment", "topic", "origin", "issue"} <= chosen
    player = Replay(chosen, None if everything and province is None else open_province(province), pace, scoped)
    found: list[dict[str, Any]] = []
    with _progress(quiet) as tick:
        for alert in player.run(items, tick):
            found.append({"detected": format_time(alert.detected), "issue": alert.issue, "tier": alert.tier})
            if tier is None or alert.tier == tier:
                emit(to_record(alert), tally)
    for refused in player.rejected:
        tally.reject(refused.where, refused.reason)
    if known is not None:
        _score(found, known)
    raise typer.Exit(tally.finish("replay"))


def _truth(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"không đọc được đáp án {path}: {error}") from None
    if not isinstance(known, dict) or not {"truth", "t0", "weeks", "warm_h"} <= known.keys():
        raise InputError(f"{path} không phải đáp án của duluan simulate: thiếu truth, t0, weeks hoặc warm_h")
    return known


def _score(found: list[dict[str, Any]], known: dict[str, Any]) -> None:
    """One line for each tier on standard error."""
    from alerts.simulation.score import Score, hours_of

    for tier in ("mail", "watch"):
        score = Score()
        score.add(hours_of(found, known, tier), known)
        rate, low, high = score.per_week()
        line = f"{tier}: báo nhầm {rate:.2f} mỗi tuần (khoảng 95 %: {low:.2f}–{high:.2f})"
        if score.delays:
            line += f", tìm ra {score.recall():.1%} sự cố, chậm trung bình {score.rmd():.1f} giờ (bỏ sót tính 120)"
        print(line.replace(".", ","), file=sys.stderr)


def _given(text: str) -> frozenset[str]:
    from flows.replay import GIVEN

    names = frozenset(part.strip() for part in text.split(",") if part.strip())
    if unknown := sorted(names - set(GIVEN)):
        raise typer.BadParameter(f"{unknown[0]!r}; cho phép: {', '.join(GIVEN)}", param_hint="--given")
    return names


def _step(text: str) -> timedelta:
    match = _STEP.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise typer.BadParameter(f"{text!r}; ví dụ 30m, 1h, 1d", param_hint="--step")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[float], None] | None]:
    """A bar on standard error where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replay", total=1.0)
        yield lambda share: bar.update(task, completed=share)
