"""Importing the boards over Kibana's documented API: POST [/s/<space>]/api/saved_objects/_import, multipart `file`, `kbn-xsrf`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from duluan.errors import ConfigError, StoreError

_SPACE: Final = re.compile(r"[a-z0-9_-]+")
_LOGIN: Final = re.compile(r"//[^@/]*@")  # in an address; never shown
_TIMEOUT: Final = 120.0  # seconds; Kibana migrates old forms while it imports
_SHOWN: Final = 3  # refused objects that are named

_REFUSED: Final = {
    400: "không nhận tệp này; hãy kiểm tra phiên bản Kibana (cần 8.9 trở lên)",
    401: "sai đăng nhập; hãy kiểm tra DULUAN_KIBANA_API_KEY hoặc DULUAN_ES_USER, DULUAN_ES_PASSWORD",
    403: "đăng nhập đúng nhưng thiếu quyền; cần quyền ghi Saved Objects Management trong không gian này",
    404: "không có địa chỉ này; hãy kiểm tra --url và --space",
    409: "đang bận ghi cùng đối tượng; hãy chạy lại sau ít phút",
    413: "tệp lớn hơn mức cho phép; hãy nâng savedObjects.maxImportPayloadBytes (hoặc giới hạn của máy chủ trung gian)",
    429: "đang quá tải; hãy chạy lại sau ít phút",
    503: "chưa sẵn sàng; hãy đợi Kibana khởi động xong rồi chạy lại",
}
_CAUSES: Final = {
    "conflict": "đã có đối tượng khác cùng mã",
    "ambiguous_conflict": "trùng với nhiều đối tượng có sẵn",
    "missing_references": "thiếu đối tượng mà nó trỏ đến",
    "unsupported_type": "Kibana này không có loại đối tượng đó",
    "unknown": "lỗi của Kibana",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KibanaServer:
    """Where Kibana runs and how to log in; the secrets never show in `repr`."""

    url: str
    space: str = "default"
    login: tuple[str, str] | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)

    def address(self) -> str:
        """The import endpoint of the space. Raises ConfigError for a space that Kibana would not have."""
        if not _SPACE.fullmatch(self.space):
            raise ConfigError(f"--space {self.space!r}: mã không gian chỉ gồm chữ thường, số, gạch dưới, gạch nối")
        space = "" if self.space == "default" else f"/s/{self.space}"
        return f"{self.url.rstrip('/')}{space}/api/saved_objects/_import"


def push(server: KibanaServer, boards: str) -> int:
    """Import the NDJSON `boards`, replacing earlier versions; how many objects Kibana took. Raises StoreError (one line)."""
    headers = {"kbn-xsrf": "duluan"} | ({"Authorization": f"ApiKey {server.api_key}"} if server.api_key else {})
    upload = {"file": ("duluan.ndjson", boards.encode(), "application/ndjson")}
    login = None if server.api_key else server.login
    try:
        answer = httpx.post(
            server.address(), params={"overwrite": "true"}, files=upload, headers=headers, auth=login, timeout=_TIMEOUT
        )
        told = answer.json() if answer.status_code == 200 else {}
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _failed(server, f"không kết nối được ({type(error).__name__}); hãy kiểm tra địa chỉ --url") from None
    except ValueError:
        raise _failed(server, "trả lời không phải của Kibana; hãy kiểm tra địa chỉ --url") from None
    if answer.status_code != 200:
        said = _REFUSED.get(answer.status_code, "hãy xem nhật ký của Kibana rồi chạy lại")
        raise _failed(server, f"{said} (mã {answer.status_code})")
    if not told.get("success"):
        raise _failed(server, _partly(told))
    return int(told["successCount"])


def _failed(server: KibanaServer, said: str) -> StoreError:
    return StoreError(f"Kibana {_LOGIN.sub('//', server.url)}: {said}")


def _partly(told: Mapping[str, Any]) -> str:
    """What Kibana took and what it refused, and why."""
    errors = told.get("errors", ())
    named = ", ".join(_named(error) for error in errors[:_SHOWN])
    more = f" và {len(errors) - _SHOWN} đối tượng khác" if len(errors) > _SHOWN else ""
    return f"nhận {told.get('successCount', 0)} đối tượng, từ chối {len(errors)}: {named}{more}"


def _named(error: Mapping[str, Any]) -> str:
    kind = error.get("error", {}).get("type", "unknown")
    title = error.get("title") or error.get("meta", {}).get("title") or error.get("id")
    return f"{error.get('type')} “{title}” ({_CAUSES.get(kind, kind)})"
