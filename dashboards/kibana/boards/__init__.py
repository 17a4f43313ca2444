"""The five boards and the saved searches of the monitoring staff.

Boards read news, issues, alerts, fetches and the counts with the minimum cell applied; never people's own words.
"""

from typing import Final

from dashboards.kibana.boards.alert import ALERT
from dashboards.kibana.boards.communes import MAP
from dashboards.kibana.boards.issue import ISSUE
from dashboards.kibana.boards.overview import OVERVIEW
from dashboards.kibana.boards.parts import SEARCHES, VIEWS
from dashboards.kibana.boards.source import SOURCE
from dashboards.kibana.model import Board

BOARDS: Final[tuple[Board, ...]] = (OVERVIEW, ISSUE, ALERT, SOURCE, MAP)

__all__ = ["ALERT", "BOARDS", "ISSUE", "MAP", "OVERVIEW", "SEARCHES", "SOURCE", "VIEWS"]
