"""One connection to an Elasticsearch cluster: requests, bulk with back-pressure, refresh on demand, errors in one clear line.

The only module that imports the client. Nothing is connected before the first request. Only a bulk's 429 is retried here, and a
503 once, where the shards it lacked have come meanwhile; every other failure goes to the caller, who runs the step again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from elasticsearch import ApiError, Elasticsearch, TransportError
from elasticsearch import ConnectionError as NoConnection
from elasticsearch.serializer import OrjsonSerializer

from duluan.errors import StoreError
from index.elastic_bulk import PUSHED_BACK, TOO_LARGE, Action, Outcome, send

Body = Mapping[str, Any]

TIMEOUT = 120.0  # seconds; a snapshot or a re-index of a month answers later than a search
SHARD_WAIT = "5s"  # for shards that are on their way
BULK_WAIT = "30s"  # the same for a bulk, which the server itself lets wait
PAGE = 1000
WHOLE = {"allow_partial_search_results": "false"}  # an answer that lacks a shard is an error, not a smaller number
PARTS = {"allow_partial_search_results": False}
_HEADERS = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}


# Cluster → indices that this process wrote to since they were last refreshed.
_DIRTY: dict[str, set[str]] = {}
# Cluster → names and aliases that this process has refreshed once; see `Cluster.look_anew`.
_SEEN: dict[str, set[str]] = {}


class Cluster:
    """A cluster at `url`; user and password in the URL or as `login`, or an API key (which goes first)."""

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        login: tuple[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.username:
            login = (unquote(parts.username), unquote(parts.password or ""))
        port = parts.port or (443 if parts.scheme == "https" else 9200)
        self.shown = f"{parts.scheme}://{parts.hostname}:{port}"
        self._options: dict[str, Any] = {"basic_auth": login} if login and not api_key else {"api_key": api_key}
        self._client: Elasticsearch | None = None
        self._sleep = sleep
        self._dirty = _DIRTY.setdefault(self.shown, set())
        self._seen = _SEEN.setdefault(self.shown, set())

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def ask(self, method: str, path: str, body: Body | str | None = None, **params: Any) -> Any:
        """One request; raises StoreError for anything but success."""
        return self._translated(lambda: self._send(method, path, body, params))

    def ask_or_none(
        self, method: str, path: str, body: Body | None = None, *, absent: Sequence[int] = (404,), **params: Any
    ) -> Any:
        """As `ask`; None where the answer's status is one of `absent`."""

        def attempt() -> Any:
            try:
                return self._send(method, path, body, params)
            except ApiError as error:
                if error.status_code in absent:
                    return None
                raise

        return self._translated(attempt)

    def search(self, index: str, body: Body, **params: Any) -> Any:
        """A search that sees all that this process wrote."""
        self.refresh(*index.split(","))
        return self.ask("POST", f"/{index}/_search", body, **WHOLE, **params)

    def searches(self, requests: Sequence[tuple[str, Body]]) -> list[Any]:
        """Several searches in one round trip; of what was just written they see what has been refreshed."""
        lines = "".join(f"{json.dumps({'index': index, **PARTS})}\n{json.dumps(body)}\n" for index, body in requests)
        answers = self.ask("POST", "/_msearch", lines)["responses"]
        if any(answer["status"] == 503 for answer in answers) and self._translated(self._shards_came):
            answers = self.ask("POST", "/_msearch", lines)["responses"]
        for answer in answers:
            if "error" in answer:
                raise self._refused(int(answer["status"]), answer["error"])
        return list(answers)

    def stream(self, index: str, query: Body, sort: Sequence[Body], **parts: Any) -> Iterator[dict[str, Any]]:
        """All hits of a point in time, in `sort` order, a page at a time."""
        self.refresh(*index.split(","))
        pit = self.ask("POST", f"/{index}/_pit", keep_alive="10m")["id"]
        body = {"query": query, "sort": list(sort), "size": PAGE, "track_total_hits": False, **parts}
        try:
            while True:
                answer = self.ask("POST", "/_search", {**body, "pit": {"id": pit, "keep_alive": "10m"}}, **WHOLE)
                hits = answer["hits"]["hits"]
                yield from hits
                if len(hits) < PAGE:
                    return
                body["search_after"] = hits[-1]["sort"]
        finally:
            self.ask_or_none("DELETE", "/_pit", {"id": pit})

    def refresh(self, *indices: str) -> None:
        """Make this process's own writes to `indices` searchable, at the first time also those of processes before it.

        Costs nothing afterwards where this process wrote nothing.
        """
        new = [index for index in indices if index not in self._seen]
        if new:
            # A refresh waits a minute for a shard that has no node, and takes no time limit of ours.
            if not self._translated(partial(self._shards_came, *new)):
                raise self._refused(503, None)
            # A key that may only read sees others' writes when the server refreshes by itself (see the settings template).
            self.ask_or_none("POST", f"/{','.join(new)}/_refresh", absent=(403, 404), ignore_unavailable="true")
            self._seen.update(new)
        stale = [name for name in tuple(self._dirty) if any(_within(name, index) for index in indices)]
        if not stale:
            return
        self._dirty.difference_update(stale)  # before the request: what another thread writes meanwhile stays marked
        try:
            self.ask("POST", f"/{','.join(sorted(stale))}/_refresh", ignore_unavailable="true")
        except StoreError:
            self._dirty.update(stale)
            raise

    def look_anew(self, *indices: str) -> None:
        """What was written until now to `indices` (none named: to all) is seen by the next search, whoever wrote it.

        For whoever takes over from a process that was killed, and where an answer a second old would not do.
        """
        self._seen.difference_update(indices or tuple(self._seen))

    def bulk(self, actions: Iterable[Action], lanes: int = 1) -> list[Outcome]:
        """Send actions, `lanes` requests at a time; each has its own outcome, so that one bad document never loses its batch."""
        touched = set[str]()

        def noted() -> Iterator[Action]:
            for action in actions:
                touched.add(action.index)
                yield action

        try:
            return send(noted(), self._bulk_request, self._sleep, lanes)
        finally:  # after it: a refresh by another thread in between would take the mark away
            self._dirty.update(touched)

    def write_all(self, actions: Iterable[Action]) -> list[Outcome]:
        """Send actions; raises StoreError where one is refused, but for a conflict or an absence."""
        return [self.checked(outcome) for outcome in self.bulk(actions)]

    def sources(self, index: str, ids: Iterable[str]) -> dict[str, Any]:
        """Sources by id, as of now: no refresh is needed."""
        asked = list(ids)
        if not asked:
            return {}
        answer = self.ask("POST", f"/{index}/_mget", {"ids": asked})
        return {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}

    def put(self, index: str, id: str, source: str, *, version: int | None = None, create: bool = False) -> int:
        """Write one document; the status (409 for a conflict). Raises StoreError for any other refusal."""
        (outcome,) = self.bulk([Action(index, id, source, version, "create" if create else "index")])
        return self.checked(outcome).status

    def checked(self, outcome: Outcome) -> Outcome:
        """`outcome`, or StoreError where it is a refusal other than a conflict or an absence."""
        if outcome.foreign or outcome.poison:
            raise self._refused(outcome.status, {"type": outcome.error})
        return outcome

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    def _bulk_request(self, lines: str) -> Mapping[str, Any] | int:
        """The answer; the status where the request as a whole is pushed back, or refused for what is in it."""

        def attempt() -> Any:
            try:
                return self._send("POST", "/_bulk", lines, {"timeout": BULK_WAIT})
            except ApiError as error:
                if error.status_code in {400, TOO_LARGE, PUSHED_BACK}:
                    return error.status_code
                raise

        answer: Mapping[str, Any] | int = self._translated(attempt)
        return answer

    def _send(self, method: str, path: str, body: Body | str | None, params: Mapping[str, Any]) -> Any:
        try:
            return self._send_once(method, path, body, params)
        except ApiError as error:
            if error.status_code != 503 or not self._shards_came():
                raise
            return self._send_once(method, path, body, params)

    def _shards_came(self, *indices: str) -> bool:
        """Waits for shards that are on their way: a month that was created this moment, a node that has just started.

        True too for a key that may not ask: its own request will show.
        """
        names = ",".join(f"{index}*" for index in indices) or "duluan-*"
        asked = {"wait_for_status": "yellow", "timeout": SHARD_WAIT}
        try:
            return not self._send_once("GET", f"/_cluster/health/{names}", None, asked)["timed_out"]
        except ApiError as error:
            return error.status_code == 403

    def _send_once(self, method: str, path: str, body: Body | str | None, params: Mapping[str, Any]) -> Any:
        if self._client is None:
            self._client = Elasticsearch(
                self.shown,
                **self._options,
                request_timeout=TIMEOUT,
                max_retries=0,
                retry_on_timeout=False,
                serializers={"application/json": OrjsonSerializer()},
            )
        headers = _LINES if isinstance(body, str) else _HEADERS
        sent = body.encode() if isinstance(body, str) else body
        return self._client.perform_request(method, path, params=dict(params), headers=headers, body=sent).body

    def _translated(self, attempt: Callable[[], Any]) -> Any:
        try:
            return attempt()
        except NoConnection as error:
            raise StoreError(
                f"kho {self.shown}: không kết nối được ({type(error).__name__}); "
                "hãy kiểm tra Elasticsearch có đang chạy và địa chỉ --store"
            ) from None
        except ApiError as error:
            body = error.body if isinstance(error.body, dict) else {}
            raise self._refused(error.status_code, body.get("error")) from None
        except TransportError as error:
            raise StoreError(f"kho {self.shown}: lỗi đường truyền {type(error).__name__}; hãy chạy lại") from None

    def _refused(self, status: int, error: Any) -> StoreError:
        """The advice for a status; the server's reason is left out, since it may quote a document."""
        kind = error.get("type", "") if isinstance(error, dict) else str(error or "")[:80]
        known = _ADVICE_BY_TYPE.get(kind) or _ADVICE_BY_STATUS.get(status)
        return StoreError(f"kho {self.shown}: {known or f'Elasticsearch từ chối ({status} {kind})'}")


_ADVICE_BY_TYPE = {
    "index_not_found_exception": "chưa có lược đồ; hãy chạy: duluan setup",
    "mapper_parsing_exception": "máy chủ không biết một kiểu trường của lược đồ; cần Elasticsearch 9 bản đầy đủ",
    "cluster_block_exception": "chỉ số đang bị khóa ghi (đĩa gần đầy hoặc đang chuyển lược đồ); giải phóng đĩa rồi chạy lại",
}
_ADVICE_BY_STATUS = {
    401: "sai tên, mật khẩu hoặc khóa; hãy đặt lại DULUAN_ES_API_KEY (hoặc DULUAN_ES_API_KEY_FILE)",
    403: "khóa này không đủ quyền; duluan setup cần khóa quản trị, việc hằng ngày cần khóa ghi (duluan_writer)",
    429: "máy chủ quá tải; hãy chạy lại sau",
    503: "cụm chưa sẵn sàng (trạng thái đỏ hoặc đang khởi động); hãy xem GET _cluster/health rồi chạy lại",
    504: "máy chủ trả lời quá chậm; hãy chạy lại",
}


def path_of(*parts: str) -> str:
    """A request path with every part escaped."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _within(name: str, index: str) -> bool:
    """Whether concrete index `name` lies behind the alias, name or pattern `index`."""
    return name == index or name.startswith(index.rstrip("*").rstrip("-") + "-")
