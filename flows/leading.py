"""Where an issue's id leads after merges, and alerts as staff's decisions have them now: for whatever a person is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from alerts.words import headline
from duluan.errors import InputError
from duluan.model import Alert, Issue
from index.base import Index


def standing(store: Index, id: str) -> Issue:
    """The issue that `id` leads to now, merges followed. Raises InputError where there is none."""
    found = _ends(store, [id]).get(id)
    if found is None:
        raise InputError(f"không có vấn đề {id!r}; xem danh sách bằng: duluan issues list")
    return found


def ids_now(store: Index, ids: Sequence[str]) -> tuple[str, ...]:
    """For each id of an issue the one that it leads to, each once; unknown ones as they are."""
    ends = _ends(store, ids)
    return tuple(dict.fromkeys(ends[id].id if id in ends else id for id in ids))


def as_decided(store: Index, alerts: Sequence[Alert]) -> list[Alert]:
    """Alerts of merged issues under the ones that they lead to, with staff's titles where there are any; themes as they are."""
    ends = _ends(store, [alert.issue for alert in alerts])
    return [_under(alert, ends[alert.issue]) if alert.issue in ends else alert for alert in alerts]


def retitle(store: Index, issue: str) -> None:
    """Store the alerts of `issue` under staff's title, for whoever reads them past us (Kibana)."""
    own = [alert for alert in store.alerts() if alert.issue == issue]
    store.put_alerts([new for old, new in zip(own, as_decided(store, own), strict=True) if new.title != old.title])


def _under(alert: Alert, issue: Issue) -> Alert:
    title = alert.title
    if issue.title_by_staff:
        title = f"{headline(issue.title)}: {alert.title.rpartition(': ')[2]}"
    return replace(alert, issue=issue.id, title=title)


def _ends(store: Index, ids: Iterable[str]) -> dict[str, Issue]:
    """Those of `ids` that are there → the issue that they lead to."""
    known: dict[str, Issue] = {}
    asked = {id for id in ids if id}
    wanted = sorted(asked)
    while asked:
        found = {issue.id: issue for issue in store.issues(sorted(asked))}
        known |= found
        asked = {issue.merged_into for issue in found.values() if issue.merged_into} - known.keys()
    return {id: _end(known, known[id]) for id in wanted if id in known}


def _end(known: dict[str, Issue], issue: Issue) -> Issue:
    while issue.merged_into in known:
        issue = known[issue.merged_into]
    return issue
