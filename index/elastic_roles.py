"""Least-privilege roles and API keys on a secured Elasticsearch: writer (daily work), reader (Kibana), admin (setup)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from duluan.errors import StoreError
from index.elastic import Cluster, path_of
from index.elastic_schema import (
    ALERTS,
    AUDIT,
    FETCHES,
    HISTORY,
    HOURLY,
    ISSUES,
    LABELS,
    NEWS,
    OUTBOX,
    REJECTIONS,
    SHAPES,
    STATE,
    VOICES,
)

_READ = ["read", "view_index_metadata"]
_WRITE = [*_READ, "index", "delete", "maintenance"]

# Kibana never sees duluan-voices (people's own words), the history, the outbox or the audit log.
ROLES: Final[dict[str, dict[str, Any]]] = {
    "duluan_writer": {
        "cluster": ["monitor"],
        "indices": [
            # A month's index is created by the writer that first needs it, behind its alias by the template: `manage`, and even
            # the bare right to change aliases, would hold the right to remove indices.
            {"names": [f"{NEWS}*", f"{VOICES}*"], "privileges": [*_WRITE, "create_index"]},
            {
                "names": [ISSUES, ALERTS, HISTORY, FETCHES, REJECTIONS, HOURLY, STATE, OUTBOX, LABELS],
                "privileges": _WRITE,
            },
            {"names": [AUDIT], "privileges": [*_READ, "create_doc", "maintenance"]},  # append-only
        ],
    },
    "duluan_reader": {
        "cluster": [],
        "indices": [
            {"names": [f"{NEWS}*", ISSUES, ALERTS, FETCHES, REJECTIONS, HOURLY, SHAPES], "privileges": _READ},
        ],
        "applications": [{"application": "kibana-.kibana", "privileges": ["read"], "resources": ["*"]}],
    },
    "duluan_admin": {
        "cluster": ["monitor", "manage_index_templates", "manage_security", "manage"],
        "indices": [{"names": ["duluan-*"], "privileges": ["all"]}],
    },
}


def install_roles(cluster: Cluster, keys: Path | None, kibana_password: str | None = None) -> Iterator[str]:
    """Create the roles, and with `keys` an API key each in a file only its owner may read; what was done, a line each.

    `kibana_password` becomes that of the user that Kibana's server itself logs in as.
    """
    if cluster.ask_or_none("GET", "/_security/_authenticate", absent=(400, 404, 405, 500)) is None:
        yield "Máy chủ không bật bảo mật: không tạo vai trò (chỉ dùng như vậy trên máy thử)"
        return
    for name, role in ROLES.items():
        cluster.ask("PUT", path_of("_security", "role", name), role)
        yield f"Vai trò {name}: sẵn sàng"
    if kibana_password:
        cluster.ask("POST", "/_security/user/kibana_system/_password", {"password": kibana_password})
        yield "Mật khẩu của kibana_system: đã đặt"
    for name in ROLES if keys else ():
        assert keys is not None
        path = keys / f"{name}.key"
        if path.exists():
            yield f"Khóa {path}: đã có, giữ nguyên"
            continue
        _write_key(
            path, cluster.ask("POST", "/_security/api_key", {"name": name, "role_descriptors": {name: ROLES[name]}})
        )
        yield f"Khóa {path}: đã tạo"


def _write_key(path: Path, answer: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise StoreError(f"không ghi được khóa {path}: {error.strerror}; hãy chọn thư mục khác cho --keys") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(answer["encoded"])
