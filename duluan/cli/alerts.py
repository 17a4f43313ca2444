"""`duluan alerts list|explain|ack|assign|settle`: read alerts, see how a number came about, tell what was done."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duluan.cli.common import By, ProvinceDir, StoreUrl, account, open_index, open_province
from duluan.clock import format_time, local, system_clock
from duluan.errors import ConfigError, InputError

if TYPE_CHECKING:
    from alerts.lifecycle import Action

app = typer.Typer(add_completion=False, no_args_is_help=True)
AlertId = Annotated[str, typer.Argument(help="Mã cảnh báo.")]
Note = Annotated[str, typer.Option("--note", help="Ghi chú; tên người, số điện thoại bị che.")]
WORDS = {
    "watching": "đang theo dõi",
    "open": "đang mở",
    "acknowledged": "đã tiếp nhận",
    "silenced": "tạm ẩn",
    "easing": "đang hạ nhiệt",
    "closed": "đã hạ nhiệt",
    "reopened": "mở lại",
    "false_alarm": "báo động nhầm",
}
_DONE = {
    "acknowledge": "tiếp nhận",
    "assign": "giao cơ quan",
    "silence": "tạm ẩn",
    "unsilence": "thôi ẩn",
    "settle": "đã giải quyết",
    "false_alarm": "báo động nhầm",
    "opened": "phát hiện",
    "promoted": "lên mức gửi thư",
    "escalated": "tăng mạnh",
    "easing": "đang hạ",
    "closed": "đã yên",
    "reopened": "trở lại",
    "merged": "vấn đề đã gộp vào vấn đề khác, cảnh báo ở đó đi tiếp",
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
    from flows.leading import as_decided

    index = open_index(store)
    for alert in as_decided(index, index.alerts(since=system_clock() - timedelta(days=days))):
        state = current(index.alert_history(alert.id)) or "open"
        if as_json:
            typer.echo(dumps(to_record(alert) | {"state": state}))
        else:
            typer.echo(
                f"{alert.id}  {local(alert.detected):%d/%m/%Y %H:%M}  {alert.tier:6} {WORDS[state]}  {alert.title}"
            )


@app.command()
def explain(id: AlertId, store: StoreUrl = None, province: ProvinceDir = None) -> None:
    """Mọi con số của một cảnh báo và cách tính lại từ kho; mã thoát 1 khi có số không khớp."""
    from alerts.render import text
    from flows.explain import explain as recompute

    profile = open_province(province)
    found = recompute(open_index(store), profile, id)
    typer.echo(text(found.card))
    typer.echo("CÁCH TÍNH")
    for line in found.lines:
        typer.echo(f"- {line}")
    if found.checks:
        typer.echo("\nTÍNH LẠI TỪ KHO")
        for check in found.checks:
            mark = "khớp" if check.equal else f"KHÔNG KHỚP, tính lại được {check.again}"
            typer.echo(f"  {check.name:22} {check.stored}: {mark}")
    if not all(check.equal for check in found.checks):
        typer.echo("\nVÌ SAO KHÔNG KHỚP")
        for line in found.changes or (
            "Nhật ký không ghi thay đổi nào; có thể văn bản đã đến muộn hoặc đã quá hạn lưu.",
        ):
            typer.echo(f"- {line}")
    typer.echo("\nLỊCH SỬ")
    for entry in found.history:
        typer.echo(f"- {_history_line(entry)}")
    if not all(check.equal for check in found.checks):
        raise typer.Exit(1)


def _history_line(entry: dict[str, Any]) -> str:
    why = _DONE.get(entry.get("action") or entry.get("note", ""), entry.get("note", ""))
    more = [why, *(str(entry[key]) for key in ("to", "remark") if entry.get(key))]
    return f"{entry['at']} {WORDS.get(entry['state'], entry['state'])} ({'; '.join(part for part in more if part)})"


@app.command()
def ack(
    id: AlertId,
    store: StoreUrl = None,
    note: Note = "",
    by: By = None,
    false_alarm: Annotated[bool, typer.Option("--false-alarm", help="Báo động nhầm.")] = False,
    silence: Annotated[int, typer.Option("--silence", min=0, max=24 * 30, help="Tạm ẩn số giờ này (tối đa 720).")] = 0,
) -> None:
    """Ghi nhận đã tiếp nhận, báo động nhầm hoặc tạm ẩn một cảnh báo."""
    if false_alarm and silence:
        raise InputError("chỉ chọn một: --false-alarm hoặc --silence")
    more = {"until": format_time(system_clock() + timedelta(hours=silence))} if silence else {}
    _act(id, "false_alarm" if false_alarm else "silence" if silence else "acknowledge", store, note, by, more)


@app.command()
def assign(
    id: AlertId,
    agency: Annotated[str, typer.Argument(help="Mã cơ quan trong agencies.toml.")],
    store: StoreUrl = None,
    province: ProvinceDir = None,
    note: Note = "",
    by: By = None,
) -> None:
    """Giao một cảnh báo cho cơ quan trả lời."""
    known = [a.id for a in open_province(province).agencies]
    if agency not in known:
        raise ConfigError(f"không có cơ quan {agency!r} trong agencies.toml; hiện có: {', '.join(known)}")
    _act(id, "assign", store, note, by, {"to": agency})


@app.command()
def settle(id: AlertId, store: StoreUrl = None, note: Note = "", by: By = None) -> None:
    """Ghi nhận việc đã được giải quyết; ý kiến tiêu cực trở lại sau một ngày thì cảnh báo tự mở lại."""
    _act(id, "settle", store, note, by, {})


@app.command()
def unsilence(id: AlertId, store: StoreUrl = None, note: Note = "", by: By = None) -> None:
    """Thôi tạm ẩn một cảnh báo trước hạn."""
    _act(id, "unsilence", store, note, by, {})


def _act(id: str, action: Action, store: str | None, note: str, by: str | None, more: dict[str, str]) -> None:
    from alerts.lifecycle import allowed
    from flows.acting import Act, act

    before, following = act(open_index(store), id, Act(action, account(by), system_clock(), note, more))
    if following is None:
        able = ", ".join(_DONE[name] for name in allowed(before)) or "không thao tác nào"
        typer.echo(
            f"{id} ({WORDS[before]}): không thực hiện được thao tác “{_DONE[action]}”; còn thực hiện được: {able}"
        )
        return
    typer.echo(json.dumps({"id": id, "state": following, **more}, ensure_ascii=False))
