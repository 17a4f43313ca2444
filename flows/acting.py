"""What staff do with an alert, from the command line and the desk: the state goes into its history, who and when into the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.lifecycle import Action, State, advance, current
from duluan.clock import format_time
from duluan.errors import InputError
from duluan.privacy import redact
from index.base import Index

MOST_REMARK = 300  # characters: a remark is no report


@dataclass(frozen=True, slots=True)
class Act:
    """One action. `by` is the officer's account; it stands in the audit log only. `more`: until (silence), to (assign)."""

    action: Action
    by: str
    at: datetime
    remark: str = ""
    more: Mapping[str, str] | None = None


def act(store: Index, id: str, deed: Act) -> tuple[State, State | None]:
    """The state before, and the one it led to (None: nothing changed). Raises InputError where there is no such alert.

    Remarks are redacted as people's own words are.
    """
    before = current(store.alert_history(id))
    if before is None:
        raise InputError(f"không có cảnh báo {id!r}; xem danh sách bằng: duluan alerts list")
    following = advance(before, deed.action)
    if following is None:
        return before, None
    at, more = format_time(deed.at), dict(deed.more or {})
    event = {"at": at, "state": following, "action": deed.action, **more}
    if deed.remark:
        event["remark"] = redact(deed.remark)[:MOST_REMARK]
    store.add_alert_event(id, event)
    store.audit({"at": at, "what": f"alert_{deed.action}", "alert": id, "by": deed.by, "state": following, **more})
    return before, following
