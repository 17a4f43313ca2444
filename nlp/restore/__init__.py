"""Diacritics put back where a text has none or few: 'duong vao xa hong' → 'đường vào xã hỏng'."""

from nlp.restore.restorer import Restorer, lacks_marks, marked, shipped

__all__ = ["Restorer", "lacks_marks", "marked", "shipped"]
