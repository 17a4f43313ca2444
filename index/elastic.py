"""One connection to an Elasticsearch cluster: requests, bulk with back-pressure, refresh on demand, errors in one clear line.

The only module that imports the client. Nothing is connected before the first request. Only a bulk's 429 is retried here;
every other failure goes to the caller at once, who runs the step again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from elasticsearch import ApiError, Elasticsearch, TransportError
from elasticsearch import ConnectionError as NoConnection

from duluan.errors import StoreError

Body = Mapping[str, Any]

TIMEOUT = 120.0  # seconds; a snapshot or a re-index of a month answers later than a search
BULK_BYTES = 8_000_000  # of one request; Elasticsearch refuses 100 MB, and advises 5–15
BULK_TRIES = 6
PAGE = 1000
WHOLE = {"allow_partial_search_results": "false"}  # an answer that lacks a shard is an error, not a smaller number
PARTS = {"allow_partial_search_results": False}
_HEADERS = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Action:
    """One line pair of a bulk request; `source` None deletes."""

    index: str
    id: str
    source: str | None  # JSON
    version: int | None = None  # external, equal or greater passes
    create: bool = False

    def lines(self) -> str:
        """Its NDJSON."""
        head: dict[str, Any] = {"_index": self.index, "_id": self.id}
        if self.version is not None:
            head |= {"version": self.version, "version_type": "external_gte"}
        verb = "delete" if self.source is None else "create" if self.create else "index"
        line = json.dumps({verb: head}, ensure_ascii=False)
        return f"{line}\n" if self.source is None else f"{line}\n{self.source}\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action: HTTP status and the error's type ('' where it went well)."""

    action: Action
    status: int
    error: str = ""


_DIRTY: dict[str, set[str]] = {}  # cluster → indices that this process wrote to since they were last refreshed


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
        """Make this process's own writes to `indices` searchable; costs nothing where it wrote none."""
        stale = [name for name in tuple(self._dirty) if any(_within(name, index) for index in indices)]
        if not stale:
            return
        self._dirty.difference_update(stale)  # before the request: what another thread writes meanwhile stays marked
        try:
            self.ask("POST", f"/{','.join(sorted(stale))}/_refresh", ignore_unavailable="true")
        except StoreError:
            self._dirty.update(stale)
            raise

    def bulk(self, actions: Iterable[Action]) -> list[Outcome]:
        """Send actions; each has its own outcome, so that one bad document never loses its batch."""
        outcomes: list[Outcome] = []
        for chunk in _chunks(actions):
            outcomes += self._bulk(chunk)
        return outcomes

    def put(self, index: str, id: str, source: str, *, version: int | None = None, create: bool = False) -> int:
        """Write one document; the status (409 for a conflict). Raises StoreError for any other refusal."""
        (outcome,) = self.bulk([Action(index, id, source, version, create)])
        return self.checked(outcome).status

    def checked(self, outcome: Outcome) -> Outcome:
        """`outcome`, or StoreError where it is a refusal other than a conflict or an absence."""
        if outcome.error and outcome.status not in {404, 409}:
            raise self._refused(outcome.status, {"type": outcome.error})
        return outcome

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    def touched(self, index: str) -> None:
        """Note that this process wrote to `index` other than by bulk."""
        self._dirty.add(index)

    def _bulk(self, actions: list[Action]) -> list[Outcome]:
        """One chunk: what is pushed back (429) is sent again, a request that is refused whole is halved."""
        done: list[Outcome] = []
        for attempt in range(BULK_TRIES):
            answer = self._bulk_request(actions)
            if answer is None:
                if len(actions) == 1:
                    return [*done, Outcome(actions[0], 413, "request_refused")]
                middle = len(actions) // 2
                return done + self._bulk(actions[:middle]) + self._bulk(actions[middle:])
            outcomes = [_outcome(action, item) for action, item in zip(actions, answer["items"], strict=True)]
            done += [outcome for outcome in outcomes if outcome.status != 429]
            actions = [outcome.action for outcome in outcomes if outcome.status == 429]
            if not actions:
                return done
            self._sleep(min(30.0, 0.5 * 2**attempt))
        raise StoreError(f"kho {self.shown}: máy chủ quá tải, không nhận thêm; hãy chạy lại sau, phần đã ghi vẫn còn")

    def _bulk_request(self, actions: Sequence[Action]) -> Any:
        """The answer; None where the request as a whole is refused for what is in it (too large, not parsed)."""
        self._dirty.update(action.index for action in actions)
        lines = "".join(action.lines() for action in actions)
        for attempt in range(BULK_TRIES):
            answer = self._translated(lambda: self._attempt_bulk(lines))
            if answer != 429:
                return None if isinstance(answer, int) else answer
            self._sleep(min(30.0, 0.5 * 2**attempt))
        return None

    def _attempt_bulk(self, lines: str) -> Any:
        try:
            return self._send("POST", "/_bulk", lines, {})
        except ApiError as error:
            if error.status_code in {400, 413, 429}:
                return error.status_code
            raise

    def _send(self, method: str, path: str, body: Body | str | None, params: Mapping[str, Any]) -> Any:
        if self._client is None:
            self._client = Elasticsearch(
                self.shown, **self._options, request_timeout=TIMEOUT, max_retries=0, retry_on_timeout=False
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


def _outcome(action: Action, item: Mapping[str, Any]) -> Outcome:
    ((_, result),) = item.items()
    error = result.get("error")
    return Outcome(action, int(result["status"]), error.get("type", "error") if error else "")


def _chunks(actions: Iterable[Action]) -> Iterator[list[Action]]:
    chunk, size = list[Action](), 0
    for action in actions:
        length = len(action.source or "") * 2
        if chunk and (size + length > BULK_BYTES or len(chunk) >= PAGE):
            yield chunk
            chunk, size = [], 0
        chunk.append(action)
        size += length
    if chunk:
        yield chunk


def _within(name: str, index: str) -> bool:
    """Whether concrete index `name` lies behind the alias, name or pattern `index`."""
    return name == index or name.startswith(index.rstrip("*").rstrip("-") + "-")
