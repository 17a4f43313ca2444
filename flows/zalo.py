"""Messages to the province's Zalo OA: received, classified in memory, counted by topic and hour. No text is kept, by anybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from crawlers.credentials import need_credential
from crawlers.state import State
from crawlers.zalo_webhook import ZaloWebhook
from duluan.clock import Clock
from duluan.config import Profile, Source
from duluan.errors import ConfigError
from duluan.model import Document, Enriched
from nlp.enrich import Enricher

OTHER = "khac"


def zalo_account(profile: Profile, name: str | None) -> Source:
    """The OA whose messages are counted. Raises ConfigError where it is not configured or not the only one."""
    accounts = {source.id: source for source in profile.sources if source.via == "zalo"}
    if name is not None and name in accounts:
        return accounts[name]
    if name is None and len(accounts) == 1:
        return next(iter(accounts.values()))
    found = ", ".join(accounts) or "chưa có nguồn nào"
    raise ConfigError(f'{profile.folder / "sources.toml"}: cần một nguồn via = "zalo" (--source); hiện có: {found}')


def hook_of(profile: Profile, account: Source, state_dir: Path, *, clock: Clock) -> Callable[[], ZaloWebhook]:
    """Opens the webhook in the thread that will use it. Raises SourceError, before any port is opened, for a missing secret."""
    app_id = need_credential("DULUAN_ZALO_APP_ID", account.id)
    secret = need_credential("DULUAN_ZALO_OA_SECRET", account.id)
    classify = topic_of(profile, clock)

    def open_hook() -> ZaloWebhook:
        return ZaloWebhook(State(state_dir), app_id=app_id, secret=secret, classify=classify, clock=clock)

    return open_hook


def topic_of(profile: Profile, clock: Clock) -> Callable[[str], str]:
    """A message's topic by the same models as everything else; what they refuse (no words, another language) is 'khac'."""
    enricher = Enricher(profile, keywords=False)

    def classify(text: str) -> str:
        message = Document(
            id="0" * 16, url="urn:duluan:message", source="zalo", kind="comment", title="", text=text, fetched=clock()
        )
        [found] = enricher.enrich([message])
        return found.topic if isinstance(found, Enriched) else OTHER

    return classify
