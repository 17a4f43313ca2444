"""The kind marks and how spans are replaced by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PHONE = "[điện thoại]"
EMAIL = "[email]"
PAPER = "[số giấy tờ]"
PLATE = "[biển số]"
ACCOUNT = "[tài khoản]"
ADDRESS = "[địa chỉ nhà]"
PROFILE = "[trang cá nhân]"
NAME = "[tên riêng]"
MARKS = (PHONE, EMAIL, PAPER, PLATE, ACCOUNT, ADDRESS, PROFILE, NAME)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of a text, and the mark that stands for it."""

    start: int
    end: int
    mark: str


def replace_spans(text: str, spans: Iterable[Span]) -> str:
    """`text` with each span replaced by its mark; of two that overlap the earlier, then the longer wins."""
    parts: list[str] = []
    position = 0
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if span.start < position:
            position = max(position, span.end)  # the overlap's tail belongs to what was found as well
            continue
        parts += (text[position : span.start], span.mark)
        position = span.end
    parts.append(text[position:])
    return "".join(parts)
