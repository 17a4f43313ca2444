"""`duluan alerts list|explain|ack`: read alerts, see how a number came about, tell what was done."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated

import typer

from duluan.cli.common import ProvinceDir, StoreUrl, open_index, open_province
from duluan.clock import format_time, local, system_clock
from duluan.errors import InputError

app = typer.Typer(add_completion=False, no_args_is_help=True)
AlertId = Annotated[str, typer.Argument(help="Mã cảnh báo.")]
_WORDS = {
    "watching": "đang theo dõi",
    "open": "đang mở",
    "acknowledged": "đã tiếp nhận",
    "silenced": "tạm ẩn",
    "easing": "đang hạ nhiệt",
    "closed": "đã hạ nhiệt",
    "reopened": "mở lại",
    "false_alarm": "báo động nhầm",
}


@app.command("list")
def list_(
    store: StoreUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="In JSON Lines.")] = False,
    days: Annotated[int, typer.Option("--days", min=1, help="Trong bao nhiêu ngày gần đây.")] = 30,
) -> None:
    """Các cảnh báo gần đây và trạng thái của chúng."""
    from alerts.lifecycle import current
    from duluan.records import dumps, to_record

    index = open_index(store)
    for alert in index.alerts(since=system_clock() - timedelta(days=days)):
        state = current(index.alert_history(alert.id)) or "open"
        if as_json:
            typer.echo(dumps(to_record(alert) | {"state": state}))
        else:
            typer.echo(
                f"{alert.id}  {local(alert.detected):%d/%m/%Y %H:%M}  {alert.tier:6} {_WORDS[state]}  {alert.title}"
            )


@app.command()
def explain(id: AlertId, store: StoreUrl = None, province: ProvinceDir = None) -> None:
    """Mọi con số của một cảnh báo và cách tính lại từ kho."""
    from alerts.render import text
    from flows.explain import explain as recompute

    profile = open_province(province)
    found = recompute(open_index(store), profile, id)
    typer.echo(text(found.card))
    typer.echo("CÁCH TÍNH")
    for line in found.lines:
        typer.echo(f"- {line}")
    typer.echo("LỊCH SỬ")
    for entry in found.history:
        note = f" ({entry['note']})" if entry.get("note") else ""
        typer.echo(f"- {entry['at']} {_WORDS.get(entry['state'], entry['state'])}{note}")


@app.command()
def ack(
    id: AlertId,
    store: StoreUrl = None,
    note: Annotated[str, typer.Option("--note", help="Ghi chú, không nêu tên người dân.")] = "",
    false_alarm: Annotated[bool, typer.Option("--false-alarm", help="Báo động nhầm.")] = False,
    silence: Annotated[int, typer.Option("--silence", min=0, help="Tạm ẩn số giờ này.")] = 0,
) -> None:
    """Ghi nhận đã tiếp nhận, báo động nhầm hoặc tạm ẩn một cảnh báo."""
    from alerts.lifecycle import Action, advance, current

    index = open_index(store)
    history = index.alert_history(id)
    state = current(history)
    if state is None:
        raise InputError(f"không có cảnh báo {id!r}; xem danh sách bằng: duluan alerts list")
    action: Action = "false_alarm" if false_alarm else "silence" if silence else "acknowledge"
    following = advance(state, action)
    if following is None:
        typer.echo(f"{id}: vẫn {_WORDS[state]}, không có gì thay đổi")
        return
    now = system_clock()
    event = {"at": format_time(now), "state": following}
    if silence:
        event["until"] = format_time(now + timedelta(hours=silence))
    index.add_alert_event(id, event | ({"note": note} if note else {}))
    index.audit({"at": format_time(now), "what": f"alert_{action}", "alert": id})
    typer.echo(json.dumps({"id": id, "state": following}, ensure_ascii=False))
