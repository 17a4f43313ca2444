"""The documents stay in step with the program: commands that they show parse, links lead somewhere, no command is left out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from duluan.cli.main import COMMANDS, app

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAME = {path: str(path.relative_to(ROOT)) for path in DOCS}
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^(?:\w+=\S+ )*(duluan .+)$", re.MULTILINE)
INLINE = re.compile(r"`(duluan [^`]+)`")
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)(?:#[^)]*)?\)")


def shown_commands(path: Path) -> Iterator[list[str]]:
    """Each `duluan …` of a page as words, less placeholders (`…`), redirections and pipes."""
    text = path.read_text()
    blocks = "\n".join(FENCED.findall(text))
    for shown in [*LINE.findall(blocks), *INLINE.findall(FENCED.sub("", text))]:
        line = re.split(r" (?:\||>|<|&&|#) ", shown)[0]
        if "|" in line or "[" in line:  # a synopsis of several forms, not a command
            continue
        yield [word for word in shlex.split(line)[1:] if word != "…"]


def _resolve(words: list[str]) -> tuple[TyperCommand | TyperGroup, list[str]]:
    """The command that the words lead to, and what is left for it."""
    command: TyperCommand | TyperGroup = typer.main.get_command(app)
    rest = list(words)
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        found = command.get_command(typer.Context(command), rest[0])
        assert found is not None, f"no command {rest[0]!r} in `duluan {' '.join(words)}`"
        command, rest = found, rest[1:]
    return command, rest


@pytest.mark.parametrize("path", DOCS, ids=lambda path: NAME[path])
def test_shown_commands_exist(path: Path) -> None:
    for words in shown_commands(path):
        command, rest = _resolve(words)
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        for option in (word.split("=")[0] for word in rest if word.startswith("--")):
            assert option in known | {"--help"}, f"`duluan {' '.join(words)}` in {NAME[path]}: no option {option}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: NAME[path])
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{NAME[path]} links to {target}"


def test_the_handbook_names_every_command() -> None:
    handbook = (ROOT / "docs/huong-dan.md").read_text()
    filters = {
        "extract",
        "enrich",
        "cluster",
        "replay",
        "redact",
        "locate",
        "eval",
        "models",
        "demo",
    }  # developers' and make's
    missing = [name for name in COMMANDS if name not in filters and f"duluan {name}" not in handbook]
    assert missing == []
