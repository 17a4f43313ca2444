"""Page → Document: site rules as data, structured metadata, trafilatura; exact times; every refusal has its reason."""

from crawlers.extract.page import extract, extract_redacted
from crawlers.extract.times import parse_vietnamese_time

__all__ = ["extract", "extract_redacted", "parse_vietnamese_time"]
