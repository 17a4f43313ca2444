"""Named factories ('linear', 'onnx', …): adding a model, rule or connector is one registration, no core change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from duluan.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to factories; an unknown name raises ConfigError that lists what exists."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator; a name taken twice raises ValueError."""

        def add(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self._what} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return add

    def get(self, name: str) -> T:
        """The entry called `name`."""
        if name not in self._entries:
            raise ConfigError(f"{self._what} {name!r} không có; hiện có: {', '.join(self.names())}")
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)
