"""`duluan locate`: the province's places named in each line of text."""

from __future__ import annotations

import typer

from duluan.cli.common import Files, ProvinceDir, Quiet, open_province
from duluan.cli.streams import Tally, emit, lines
from duluan.records import to_record

app = typer.Typer(add_completion=False)


@app.command()
def run(files: Files = None, province: ProvinceDir = None, quiet: Quiet = False) -> None:
    """Tìm xã, phường, đặc khu, huyện cũ của tỉnh trong từng dòng văn bản; cả tên có dấu, không dấu và viết tắt."""
    from nlp.places import Locator

    locator = Locator(open_province(province))
    tally = Tally(quiet=quiet)
    for number, (_, line) in enumerate(lines(files or []), start=1):
        tally.read += 1
        found = locator.locate(line)
        places = [to_record(place) for place in found.places]
        emit({"line": number, "places": places, "in_province": found.in_province}, tally)
    raise typer.Exit(tally.finish("locate"))
