"""Connections and secrets from the environment or from files (`…_FILE`), never from the command line or the province's TOML."""

from __future__ import annotations

import os
from pathlib import Path

from duluan.errors import ConfigError

DEFAULT_STORE = "sqlite:///var/duluan.sqlite"
DEFAULT_STATE = "var/state"


def secret(name: str) -> str | None:
    """$NAME, or the content of the file named by $NAME_FILE, stripped; None where neither is set or what is there is empty.

    Raises ConfigError (without the content) where the file cannot be read.
    """
    if value := os.environ.get(name):
        return value
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{name}_FILE: không đọc được tệp {path}") from None


def store_url(given: str | None = None) -> str:
    """`given`, else $DULUAN_STORE, else a SQLite file below var/."""
    return given or os.environ.get("DULUAN_STORE") or DEFAULT_STORE


def state_folder(given: str | None = None) -> Path:
    """Where crawlers keep frontier, pace and spool: `given`, else $DULUAN_STATE, else var/state. Never below an output folder."""
    return Path(given or os.environ.get("DULUAN_STATE") or DEFAULT_STATE)


def loopback_allowed() -> bool:
    """DULUAN_ALLOW_LOOPBACK=1: crawlers may reach this machine; for the demo and tests only."""
    return os.environ.get("DULUAN_ALLOW_LOOPBACK") == "1"
