"""Graph API answers: errors (often with HTTP 200) and usage headers → what to do. Pure; the calls are in `facebook.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from crawlers.gate import Answer
from crawlers.outcome import SourceProblem

PAUSE = 15 * 60.0  # seconds after a throttling error without an estimate: a quarter of Graph's rolling hour
STOP = 6 * 3600.0  # until the next look at a source that a person has to mend; never for good
USAGE_LIMIT = 90  # per cent of any quota; throttling starts at 100

_RETRY = frozenset({1, 2})
_THROTTLE = frozenset({4, 17, 32, 341, 613, *range(80001, 80015)})
_TOKEN = frozenset({102, 190})
_SUBCODES = {
    458: "ứng dụng đã bị gỡ khỏi tài khoản",
    459: "tài khoản phải đăng nhập lại để xác minh",
    460: "mật khẩu đã đổi",
    463: "mã truy cập đã hết hạn",
    467: "mã truy cập không còn hiệu lực",
}


def read_graph(answer: Answer) -> dict[str, Any]:
    """The JSON object of a good answer. Raises SourceProblem for an error, whatever the HTTP status."""
    try:
        value = json.loads(answer.body)
    except ValueError:
        raise SourceProblem(f"Graph API trả lời không phải JSON (HTTP {answer.status})", action="retry") from None
    if not isinstance(value, dict):
        raise SourceProblem("Graph API trả lời sai dạng", action="report")
    if "error" in value:
        raise graph_problem(value["error"], answer.headers)
    if answer.status >= 400:
        raise SourceProblem(f"Graph API: HTTP {answer.status}", action="retry" if answer.status >= 500 else "report")
    return value


def graph_problem(error: object, headers: Mapping[str, str]) -> SourceProblem:
    """An error object → what follows. Facebook's own message may quote the request and is never passed on."""
    details = error if isinstance(error, dict) else {}
    code, subcode = _int(details.get("code")), _int(details.get("error_subcode"))
    name = f"Graph API lỗi {code}" + (f"/{subcode}" if subcode else "")
    if code in _RETRY:
        return SourceProblem(f"{name}: lỗi tạm thời phía Facebook", action="retry", code=str(code))
    if code in _THROTTLE:
        after = regain_seconds(headers) or PAUSE
        return SourceProblem(f"{name}: vượt hạn mức gọi, tạm dừng", action="pause", after=after, code=str(code))
    if code in _TOKEN:
        why = _SUBCODES.get(subcode, "mã truy cập bị từ chối")
        text = f"{name}: {why}; cấp mã mới rồi đặt lại DULUAN_FACEBOOK_TOKEN"
        return SourceProblem(text, action="stop", after=STOP, code=str(code))
    if code == 10 or 200 <= code <= 299:
        text = (
            f"{name}: thiếu quyền; cần pages_read_engagement, pages_read_user_content hoặc Page Public Content Access"
        )
        return SourceProblem(text, action="stop", after=STOP, code=str(code))
    if code == 100:
        text = f"{name}: tham số không hợp lệ, hoặc Trang này cần Page Public Content Access"
        return SourceProblem(text, action="report", code="100")
    if code == 368:
        text = f"{name}: bị chặn vì vi phạm chính sách; dừng và liên hệ Meta"
        return SourceProblem(text, action="stop", after=STOP, code="368")
    return SourceProblem(f"{name}: lỗi chưa biết, cần người xem", action="report", code=str(code))


def regain_seconds(headers: Mapping[str, str]) -> float:
    """Longest `estimated_time_to_regain_access` (minutes in the header) in seconds; 0 where none is given."""
    minutes = [_int(row.get("estimated_time_to_regain_access")) for row in _usage_rows(headers)]
    return 60.0 * max(minutes, default=0)


def usage_percent(headers: Mapping[str, str]) -> int:
    """The fullest quota of X-App-Usage and X-Business-Use-Case-Usage, in per cent."""
    names = ("call_count", "total_time", "total_cputime")
    return max((_int(row.get(name)) for row in _usage_rows(headers) for name in names), default=0)


def check_usage(headers: Mapping[str, str]) -> None:
    """Raises SourceProblem (pause) where a quota is nearly used up: before Facebook has to say so."""
    wait, used = regain_seconds(headers), usage_percent(headers)
    if wait or used >= USAGE_LIMIT:
        raise SourceProblem(f"Graph API: đã dùng {used} % hạn mức, tạm dừng", action="pause", after=wait or PAUSE)


def _usage_rows(headers: Mapping[str, str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in ("x-app-usage", "x-page-usage", "x-ad-account-usage", "x-business-use-case-usage"):
        try:
            value = json.loads(headers.get(name) or "{}")
        except ValueError:
            continue
        groups = value.values() if name.startswith("x-business") and isinstance(value, dict) else [[value]]
        rows += [row for group in groups if isinstance(group, list) for row in group if isinstance(row, dict)]
    return rows


def _int(value: object) -> int:
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return 0
