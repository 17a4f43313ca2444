"""Word segmentation: the only place that calls underthesea.

Its model is loaded on first use under a lock: threads that arrive during the first load otherwise get a None model (seen in 9.5.0).
It turns missing imports into None, which is checked here once. Nothing that downloads is ever called.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from duluan.errors import ModelError

_lock = threading.Lock()
_segmenter: Callable[[str], list[str]] | None = None


def warm() -> None:
    """Load the segmenter now (about 1 s); later calls cost nothing."""
    _loaded()


def segment(text: str) -> list[str]:
    """'Đường vào xã hư hỏng nặng' → ['Đường', 'vào', 'xã', 'hư hỏng', 'nặng']. Any text gives an answer; empty gives []."""
    return [str(word) for word in _loaded()(text)] if text.strip() else []


def _loaded() -> Callable[[str], list[str]]:
    global _segmenter
    if _segmenter is None:
        with _lock:
            if _segmenter is None:
                _segmenter = _load()
    return _segmenter


def _load() -> Callable[[str], list[str]]:
    from underthesea.pipeline.word_tokenize import word_tokenize

    if word_tokenize is None:
        raise ModelError("thiếu bộ tách từ underthesea; chạy: pip install underthesea==9.5.0")
    word_tokenize("khởi động")
    found: Callable[[str], list[str]] = word_tokenize
    return found
