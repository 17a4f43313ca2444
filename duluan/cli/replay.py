"""`duluan replay`: a recorded stream through the detector, alerts out."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer

from duluan.cli.common import Files, ProvinceDir, Quiet, open_province
from duluan.cli.streams import Tally, emit, records
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
    province: ProvinceDir = None,
    quiet: Quiet = False,
) -> None:
    """Chạy lại một dòng dữ liệu qua bộ phát hiện; mỗi đợt một dòng khi mở, thêm một dòng khi nâng lên mức gửi thư."""
    from flows.replay import Loaded, Replay, load

    chosen = _given(given)
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
    player = Replay(chosen, None if everything and province is None else open_province(province), pace)
    with _progress(quiet) as tick:
        for alert in player.run(items, tick):
            if tier is None or alert.tier == tier:
                emit(to_record(alert), tally)
    for refused in player.rejected:
        tally.reject(refused.where, refused.reason)
    raise typer.Exit(tally.finish("replay"))


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
