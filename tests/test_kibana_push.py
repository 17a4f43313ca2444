"""Importing the boards into a loopback stand-in that enforces the documented API of Kibana."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from duluan.cli.main import app, main
from duluan.config import load_province
from duluan.errors import ConfigError, StoreError
from flows.kibana import build, saved
from flows.kibana_push import KibanaServer, push

ROOT = Path(__file__).resolve().parents[1]
PROFILE = load_province(ROOT / "province" / "quang_ngai")
BOARDS = build(PROFILE)
LOGIN = ("admin", "mật-khẩu-thử")
KEY = "a2hvYS10aHU="
TYPES = {"index-pattern", "dashboard", "search", "map"}
LIMIT = 26_214_400  # bytes, savedObjects.maxImportPayloadBytes


@dataclass
class StandIn:
    """What POST [/s/<space>]/api/saved_objects/_import asks for, as documented; `status` makes it answer that instead."""

    spaces: tuple[str, ...] = ("default",)
    limit: int = LIMIT
    status: int | None = None
    taken: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)  # (space, type, id) → object
    url: str = ""

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        where, _, query = path.partition("?")
        space = self._space(where)
        if method != "POST" or space is None:
            return 404, {"statusCode": 404, "error": "Not Found", "message": "Not Found"}
        if self.status is not None:
            return self.status, {"statusCode": self.status, "message": "mật-khẩu-thử"}  # never to be repeated
        if not headers.get("kbn-xsrf"):
            return 400, {"statusCode": 400, "message": "Request must contain a kbn-xsrf header."}
        if headers.get("Authorization") not in {f"ApiKey {KEY}", _basic(*LOGIN)}:
            return 401, {"statusCode": 401, "message": "Unauthorized"}
        if len(body) > self.limit:
            return 413, {"statusCode": 413, "message": "Payload content length greater than maximum allowed"}
        return self._import(space, query == "overwrite=true", headers, body)

    def _space(self, path: str) -> str | None:
        end = "/api/saved_objects/_import"
        if not path.endswith(end):
            return None
        head = path.removesuffix(end)
        space = head.removeprefix("/s/") if head else "default"
        return space if space in self.spaces and (not head or head.startswith("/s/")) else None

    def _import(self, space: str, overwrite: bool, headers: Any, body: bytes) -> tuple[int, Any]:
        head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
        message = BytesParser().parsebytes(head + body)
        parts = message.get_payload() if message.get_content_type() == "multipart/form-data" else []
        if len(parts) != 1 or parts[0].get_param("name", header="content-disposition") != "file":
            return 400, {"statusCode": 400, "message": "[request body.file]: expected value of type [Stream]"}
        if not (parts[0].get_filename() or "").endswith(".ndjson"):
            return 400, {"statusCode": 400, "message": "Invalid file extension"}
        lines = [json.loads(line) for line in parts[0].get_payload(decode=True).decode().splitlines()]
        errors, known = [], {(i["type"], i["id"]) for i in lines} | {key[1:] for key in self.taken if key[0] == space}
        for item in lines:
            problem = self._problem(space, overwrite, item, known)
            if problem:
                title = item["attributes"].get("title")
                errors.append({"type": item["type"], "id": item["id"], "meta": {"title": title}, "error": problem})
            else:
                self.taken[space, item["type"], item["id"]] = item
        good = len(lines) - len(errors)
        return 200, {"success": not errors, "successCount": good, **({"errors": errors} if errors else {})}

    def _problem(self, space: str, overwrite: bool, item: dict[str, Any], known: set[tuple[str, str]]) -> Any:
        if item["type"] not in TYPES:
            return {"type": "unsupported_type"}
        gone = [r for r in item["references"] if (r["type"], r["id"]) not in known]
        if gone:
            return {"type": "missing_references", "references": gone}
        return {"type": "conflict"} if not overwrite and (space, item["type"], item["id"]) in self.taken else None


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def kibana(**given: Any) -> Iterator[StandIn]:
    """The stand-in, serving on loopback."""
    stand_in = StandIn(**given)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = stand_in.answer("POST", self.path, self.headers, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_push_imports_everything_and_again_replaces_it() -> None:
    with kibana() as stand_in:
        server = KibanaServer(url=stand_in.url, login=LOGIN)
        for _ in range(2):
            assert push(server, BOARDS) == len(saved(PROFILE))
        assert list(stand_in.taken.values()) == saved(PROFILE)


def test_push_by_api_key_into_a_space() -> None:
    with kibana(spaces=("default", "giam-sat")) as stand_in:
        server = KibanaServer(url=f"{stand_in.url}/", space="giam-sat", api_key=KEY, login=("no", "no"))
        assert push(server, BOARDS) == len(saved(PROFILE))
        assert {space for space, *_ in stand_in.taken} == {"giam-sat"}


def test_the_stand_in_is_strict() -> None:
    """Else the tests above prove nothing."""
    import httpx

    with kibana() as stand_in:
        url = f"{stand_in.url}/api/saved_objects/_import"
        upload = {"file": ("x.ndjson", BOARDS.encode())}
        xsrf = {"kbn-xsrf": "x"}
        assert httpx.post(url, files=upload, auth=LOGIN).status_code == 400
        assert httpx.post(url, files=upload, headers=xsrf).status_code == 401
        assert httpx.post(url, content=BOARDS.encode(), headers=xsrf, auth=LOGIN).status_code == 400
        assert httpx.post(url, files={"upload": upload["file"]}, headers=xsrf, auth=LOGIN).status_code == 400
        assert httpx.post(url, files={"file": ("x.txt", b"{}")}, headers=xsrf, auth=LOGIN).status_code == 400
        assert httpx.post(f"{stand_in.url}/s/a/api/saved_objects/_import", files=upload).status_code == 404
        assert stand_in.taken == {}
        assert httpx.post(url, files=upload, headers=xsrf, auth=LOGIN).json()["success"] is True
        assert (
            httpx.post(url, files=upload, headers=xsrf, auth=LOGIN).json()["errors"][0]["error"]["type"] == "conflict"
        )


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "phiên bản Kibana"),
        (401, "sai đăng nhập"),
        (403, "thiếu quyền"),
        (404, "--space"),
        (409, "chạy lại sau"),
        (413, "maxImportPayloadBytes"),
        (429, "quá tải"),
        (500, "nhật ký"),
        (502, "nhật ký"),
        (503, "chưa sẵn sàng"),
    ],
)
def test_a_refusal_is_one_clear_line(status: int, said: str) -> None:
    with kibana(status=status) as stand_in, pytest.raises(StoreError, match=said) as caught:
        push(KibanaServer(url=stand_in.url, login=LOGIN), BOARDS)
    assert f"(mã {status})" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "mật-khẩu-thử" not in str(caught.value)


def test_wrong_login_space_and_size() -> None:
    with kibana(limit=1000) as stand_in:
        for server, said in (
            (KibanaServer(url=stand_in.url), "sai đăng nhập"),
            (KibanaServer(url=stand_in.url, login=("admin", "sai")), "sai đăng nhập"),
            (KibanaServer(url=stand_in.url, login=LOGIN, space="khac"), "--space"),
            (KibanaServer(url=stand_in.url, login=LOGIN), "maxImportPayloadBytes"),
        ):
            with pytest.raises(StoreError, match=said):
                push(server, BOARDS)


def test_partial_success_names_what_was_refused() -> None:
    items = saved(PROFILE)[1:]  # without the news view, which searches, map and boards refer to
    boards = "".join(json.dumps(item) + "\n" for item in items)
    with kibana() as stand_in, pytest.raises(StoreError, match="thiếu đối tượng mà nó trỏ đến") as caught:
        push(KibanaServer(url=stand_in.url, login=LOGIN), boards)
    told = str(caught.value)
    assert f"nhận {len(stand_in.taken)} đối tượng" in told
    assert f"từ chối {len(items) - len(stand_in.taken)}" in told
    assert "“Tin bài, mới nhất trước”" in told
    assert "đối tượng khác" in told
    assert "\n" not in told


def test_no_kibana_there() -> None:
    for url, said in (("http://127.0.0.1:1", "không kết nối được"), ("http://a:b@127.0.0.1:1", "không kết nối được")):
        with pytest.raises(StoreError, match=said) as caught:
            push(KibanaServer(url=url), BOARDS)
        assert "a:b" not in str(caught.value)
    with pytest.raises(ConfigError, match="--space"):
        push(KibanaServer(url="http://127.0.0.1:1", space="../x"), BOARDS)


def test_secrets_never_show() -> None:
    assert "mật-khẩu-thử" not in repr(KibanaServer(url="http://x", login=LOGIN, api_key=KEY))
    assert KEY not in repr(KibanaServer(url="http://x", login=LOGIN, api_key=KEY))


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text(LOGIN[1] + "\n", encoding="utf-8")
    monkeypatch.setenv("DULUAN_ES_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("DULUAN_ES_USER", LOGIN[0])
    with kibana(spaces=("default", "a1")) as stand_in:
        arguments = ["kibana", "push", "--url", stand_in.url, "--store", f"sqlite:///{tmp_path}/kho.sqlite"]
        done = CliRunner().invoke(app, [*arguments, "--space", "a1"])
    assert (done.exit_code, done.stdout) == (0, f"Đã nạp {len(saved(PROFILE))} đối tượng vào {stand_in.url}\n")
    assert {space for space, *_ in stand_in.taken} == {"a1"}


def test_the_command_says_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = f"sqlite:///{tmp_path}/kho.sqlite"
    monkeypatch.setattr("sys.argv", ["duluan", "kibana", "push", "--url", "http://127.0.0.1:1", "--store", store])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1
