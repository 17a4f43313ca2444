"""Places: from a text to the dated units of the province that it names (design.md, section 2)."""

from nlp.places.locator import Located, Locator

__all__ = ["Located", "Locator"]
