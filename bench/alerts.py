"""`python bench/alerts.py [--full]`: see `alert_table.py`. A file of its own, because its name hides the package `alerts`."""

from __future__ import annotations

import sys
from importlib import import_module

if __name__ == "__main__":
    sys.path.append(sys.path.pop(0))  # this folder last: the package comes first
    import_module("alert_table").main()
