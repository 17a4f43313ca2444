"""Chains of merged issues, the same in both stores."""

from __future__ import annotations

from collections.abc import Mapping


def final_issue(merges: Mapping[str, str], issue: str) -> str:
    """The end of a chain of merges. Raises ValueError for a ring."""
    seen = {issue}
    while issue in merges:
        issue = merges[issue]
        if issue in seen:
            raise ValueError(f"merges run in a ring at issue {issue!r}")
        seen.add(issue)
    return issue
