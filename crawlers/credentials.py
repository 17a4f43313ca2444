"""Secrets of connectors: from the environment or a file, per source where its own variable is set. Never logged."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from crawlers.outcome import SourceProblem


def credential(name: str, source: str, environ: Mapping[str, str] | None = None) -> str | None:
    """$NAME_<SOURCE>, else $NAME; each also as `…_FILE`, the path of a file that holds it. None where none is set."""
    env = os.environ if environ is None else environ
    suffix = re.sub(r"[^A-Z0-9]", "_", source.upper())
    for key in (f"{name}_{suffix}", name):
        if value := env.get(key):
            return value.strip()
        if path := env.get(f"{key}_FILE"):
            try:
                return Path(path).read_text(encoding="utf-8").strip() or None
            except OSError as error:
                raise SourceProblem(
                    f"không đọc được tệp của {key}_FILE: {error.strerror}", action="stop", local=True
                ) from None
    return None


def need_credential(name: str, source: str, environ: Mapping[str, str] | None = None) -> str:
    """The secret. Raises SourceProblem (stop) that names the variable to set."""
    value = credential(name, source, environ)
    if not value:
        raise SourceProblem(
            f"nguồn {source}: chưa đặt biến môi trường {name} (hoặc {name}_FILE)", action="stop", local=True
        )
    return value
