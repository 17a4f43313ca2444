"""Zalo's access token: a refresh token works once, so one process refreshes at a time and keeps the new pair before using it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from crawlers.connectors.base import Session
from crawlers.credentials import credential, need_credential
from crawlers.gate import Answer
from crawlers.outcome import SourceProblem
from duluan.clock import format_time, parse_time

OAUTH = "https://oauth.zaloapp.com/v4/oa/access_token"
EARLY = timedelta(minutes=10)  # refresh so long before the end: a run must not outlive its token
STOP = 6 * 3600.0  # seconds until the next look at a source that a person has to mend


@dataclass(frozen=True, slots=True)
class Pair:
    """What is kept. `seed` is a hash of the refresh token that the operator gave, to see when a new one is given."""

    access_token: str
    refresh_token: str
    expires: str
    seed: str


class ZaloTokens:
    """The tokens of one source, in `zalo-<source>.json` (0600, whatever the store) of the state folder, changed only under a file lock."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._path = session.state.folder / f"zalo-{session.source.id}.json"

    async def access(self, *, refused: str = "") -> str:
        """A usable access token; `refused` is one that the API no longer takes. Raises SourceProblem (stop)."""
        given = credential("DULUAN_ZALO_REFRESH_TOKEN", self._session.source.id)
        if not given and not self._path.exists():
            fixed = need_credential("DULUAN_ZALO_ACCESS_TOKEN", self._session.source.id)
            if fixed == refused:
                raise SourceProblem("Zalo: mã truy cập bị từ chối và không có mã làm mới", action="stop", after=STOP)
            return fixed
        async with self._lock():
            pair = self._load()
            if pair is None or (given and pair.seed != _hash(given)):
                pair = Pair("", given or "", "", _hash(given or ""))
            if self._usable(pair) and pair.access_token != refused:
                return pair.access_token
            fresh = await self._renewed(pair, given)
            self._save(fresh)  # before it is used: the old refresh token is already worthless
            return fresh.access_token

    def _usable(self, pair: Pair) -> bool:
        return bool(pair.access_token) and parse_time(pair.expires) - EARLY > self._session.clock()

    async def _renewed(self, pair: Pair, given: str | None) -> Pair:
        """By the kept refresh token; where Zalo no longer takes it, by the operator's, once more: it may have been renewed
        under the same name, and a used one only earns a refusal."""
        try:
            return await self._refresh(pair)
        except SourceProblem as problem:
            if problem.action != "stop" or not given or given == pair.refresh_token:
                raise
            return await self._refresh(Pair("", given, "", _hash(given)))

    async def _refresh(self, pair: Pair) -> Pair:
        source = self._session.source.id
        answer = await self._session.api(
            oauth_address(self._session.source.url),
            headers={"secret_key": need_credential("DULUAN_ZALO_SECRET", source)},
            form={
                "refresh_token": pair.refresh_token,
                "app_id": need_credential("DULUAN_ZALO_APP_ID", source),
                "grant_type": "refresh_token",
            },
        )
        return read_pair(answer, pair.seed, self._session.clock())

    def _load(self) -> Pair | None:
        try:
            return Pair(**json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise SourceProblem(
                f"{self._path.name}: tệp mã Zalo hỏng; xóa tệp và cấp mã mới", action="stop", local=True
            ) from None

    def _save(self, pair: Pair) -> None:
        """Written aside, flushed to the disk, then renamed: a crash leaves the old pair or the new one, never half of one."""
        aside = self._path.with_suffix(".new")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            json.dump(asdict(pair), handle)
            handle.flush()
            os.fsync(handle.fileno())
        aside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @asynccontextmanager
    async def _lock(self) -> AsyncIterator[None]:
        handle = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _locked(handle):
                await asyncio.sleep(0.05)
            yield
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def oauth_address(api: str) -> str:
    """Zalo's own token address for Zalo's API; for a replica the same path on the replica's own host."""
    parts = urlsplit(api)
    if (parts.hostname or "").endswith("zalo.me"):
        return OAUTH
    return f"{parts.scheme}://{parts.netloc}/v4/oa/access_token"


def read_pair(answer: Answer, seed: str, now: datetime) -> Pair:
    """The token endpoint's answer → the new pair (`expires_in` comes as text or number). Raises SourceProblem."""
    value = read_json(answer)
    access, refresh = value.get("access_token"), value.get("refresh_token")
    if not access or not refresh:
        raise SourceProblem(
            f"Zalo lỗi {value.get('error', '?')}: mã làm mới không dùng được (mỗi mã chỉ dùng một lần);"
            " cấp lại rồi đặt DULUAN_ZALO_REFRESH_TOKEN",
            action="stop",
            after=STOP,
            code=str(value.get("error", "")),
        )
    try:
        lifetime = timedelta(seconds=int(str(value.get("expires_in", "3600"))))
    except ValueError:
        lifetime = timedelta(hours=1)
    return Pair(str(access), str(refresh), format_time(now + lifetime), seed)


def read_json(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer. Raises SourceProblem (retry) where it is none."""
    try:
        value = json.loads(answer.body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise SourceProblem(f"Zalo trả lời không phải JSON (HTTP {answer.status})", action="retry")
    return value
