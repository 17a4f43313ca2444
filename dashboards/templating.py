"""The Jinja environment of the pages: autoescaping on, unknown names refused."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboards import words


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboards", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("number", "cell", "percent", "listed", "day", "minute", "change", "versions"):
        environment.filters[name] = getattr(words, name)
    environment.globals.update(TONES=words.TONES, TIERS=words.TIERS, STATES=words.STATES)
    return environment


def render(template: str, **values: Any) -> str:
    """A page as text."""
    return _environment().get_template(template).render(**values)


def data_url(png: bytes) -> str:
    """A picture inside the page, so that the file needs nothing beside it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
