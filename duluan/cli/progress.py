"""Progress on standard error: a live line in a terminal, nothing where it is a file or `--quiet` is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Told = Callable[[int], None]


@contextmanager
def counter(what: str, *, quiet: bool = False, total: int | None = None) -> Iterator[Told]:
    """Yields a function that takes how much is done so far; shows rate and, with a `total`, a bar."""
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task(what, total=total, rate="")

        def told(done: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            rate = f"{done / elapsed:,.0f}/giây".replace(",", ".") if elapsed > 1 else ""
            progress.update(task, completed=done, rate=rate)

        yield told
