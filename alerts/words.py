"""How numbers and moments are written in alerts: Vietnamese decimals, local time, odds that a reader can picture."""

from __future__ import annotations

from datetime import datetime

from duluan.clock import local
from duluan.text import excerpt, squeeze

_HEADLINE = 90  # characters of an issue's title in an alert


def when(moment: datetime | None) -> str:
    """'08:06 ngày 07/03/2026', local time; 'không rõ giờ' where unknown."""
    return f"{local(moment):%H:%M ngày %d/%m/%Y}" if moment else "không rõ giờ"


def number(value: float, digits: int = 1) -> str:
    """'1.234,5'; whole numbers without decimals."""
    text = f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))
    return text.removesuffix("," + "0" * digits) if digits else text


def percent(share: float) -> str:
    """'83%'."""
    return f"{round(100 * share)}%"


def odds(score: float) -> str:
    """log10 of the evidence → 'chưa tới 1 phần 10.000': how rarely ordinary ups and downs look like this (Ville's inequality)."""
    power = min(max(int(score), 1), 9)
    names = {6: "1 phần triệu", 7: "1 phần 10 triệu", 8: "1 phần 100 triệu", 9: "1 phần tỷ"}
    return "chưa tới " + names.get(power, f"1 phần {number(10**power, 0)}")


def headline(title: str) -> str:
    """An issue's title, cut to its first sentence and to what fits a subject line."""
    flat = squeeze(title)
    first, stop, _ = flat.partition(". ")
    return excerpt(first if stop and len(first) >= 20 else flat.rstrip("."), _HEADLINE)
