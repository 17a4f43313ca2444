"""Elasticsearch's schema: component and composable templates, monthly indices behind two aliases, ledgers, roles.

Mappings are `dynamic: strict`: a field that is not declared here is refused, never guessed. An index's name ends in the
mapping version (`duluan-news-2026.03-v1`): `setup` copies indices of an older version and then swaps the alias in one step,
so readers never see a gap; writers are refused meanwhile and run again.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from duluan.errors import StoreError
from index.elastic import Cluster, path_of

VERSION: Final = 4  # of the whole schema: `setup` brings an older one up to it
MAPPING: Final = 1  # of the documents' mapping; a new one copies every month
NEWS: Final = "duluan-news"
VOICES: Final = "duluan-voices"
BOTH: Final = f"{NEWS},{VOICES}"
STATE: Final = "duluan-state"
LEDGERS: Final = (
    "duluan-issues",
    "duluan-alerts",
    "duluan-history",
    "duluan-fetches",
    "duluan-rejections",
    "duluan-hourly",
    STATE,
    "duluan-outbox",
    "duluan-audit",
    "duluan-labels",
)
ISSUES, ALERTS, HISTORY, FETCHES, REJECTIONS, HOURLY, _, OUTBOX, AUDIT, LABELS = LEDGERS
SHAPES: Final = "duluan-communes"
META_ID: Final = "meta"
GRACE: Final = 2.0  # seconds that a copied index still stands for searches that began before the alias moved

_TEMPLATES = files("index") / "templates"
_NAME = re.compile(r"(?P<family>duluan-(?:news|voices))-(?P<month>\d{4}\.\d\d)-v(?P<version>\d+)")


def template(name: str) -> dict[str, Any]:
    """A JSON file of index/templates."""
    found: dict[str, Any] = json.loads((_TEMPLATES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def ledger(name: str) -> dict[str, Any]:
    """What a ledger's index is created with."""
    return {"settings": template("ledger-settings"), **template(name.removeprefix("duluan-"))}


def install(cluster: Cluster, now: datetime) -> None:
    """Put templates, create what is missing, copy what is old; idempotent. Raises StoreError for a newer schema."""
    found = stored_version(cluster)
    if found is not None and found > VERSION:
        raise StoreError(
            f"kho {cluster.shown}: lược đồ ở bản {found}, chương trình này chỉ biết đến bản {VERSION}; hãy nâng cấp duluan"
        )
    for component in ("settings", "documents"):
        cluster.ask("PUT", f"/_component_template/duluan-{component}", template(f"component-{component}"))
    cluster.ask("PUT", "/_index_template/duluan-documents", template("index-documents"))
    for name in LEDGERS:
        _bring_up(cluster, name)
    copied = _outdated(cluster)
    for old in copied:
        _copy(cluster, old)
    if copied:
        cluster.pause(GRACE)
        cluster.ask("DELETE", f"/{','.join(copied)}")
    for family in (NEWS, VOICES):
        cluster.ask("PUT", path_of("_index_template", family), _aliasing(family))
        create_month(cluster, family, now)
    months = f"{NEWS}-*,{VOICES}-*"
    cluster.ask("PUT", f"/{months}/_mapping", template("component-documents")["template"]["mappings"])
    _tune(cluster, months, template("component-settings")["template"]["settings"])
    meta = {"schema": VERSION, "kind": "meta"}
    cluster.ask(
        "POST", path_of(STATE, "_update", META_ID), {"doc": meta, "upsert": {**meta, "counters": {}, "open": {}}}
    )


def stored_version(cluster: Cluster) -> int | None:
    """The schema version in the store; None where there is none."""
    answer = cluster.ask_or_none("GET", path_of(STATE, "_doc", META_ID))
    return int(answer["_source"]["schema"]) if answer else None


def create(cluster: Cluster, name: str, body: dict[str, Any]) -> None:
    """Create an index unless it is there."""
    if cluster.ask_or_none("HEAD", path_of(name)):
        return
    try:
        cluster.ask("PUT", path_of(name), body)
    except StoreError:
        if not cluster.ask_or_none("HEAD", path_of(name)):  # else another process was first
            raise


def _bring_up(cluster: Cluster, name: str) -> None:
    """Create a ledger, or add to its mapping the fields that are new; Elasticsearch refuses any other change of it."""
    body = ledger(name)
    create(cluster, name, body)
    cluster.ask("PUT", path_of(name, "_mapping"), body["mappings"])
    _tune(cluster, name, body["settings"])


def _tune(cluster: Cluster, names: str, settings: dict[str, Any]) -> None:
    """Give indices that are there what may be changed of their settings."""
    changeable = {key: settings[key] for key in ("refresh_interval", "merge")}
    cluster.ask("PUT", f"/{names}/_settings", {"index": changeable}, ignore_unavailable="true")


def past_months(cluster: Cluster, now: datetime) -> list[str]:
    """Month indices that came before the month of `now` (UTC)."""
    this = f"{now.year:04d}.{now.month:02d}"
    return [month.string for month in _months(cluster) if month["month"] < this]


def _months(cluster: Cluster) -> list[re.Match[str]]:
    """The names of all month indices, taken apart, in order."""
    names = cluster.ask("GET", f"/{NEWS}-*,{VOICES}-*/_alias", ignore_unavailable="true")
    return [match for name in sorted(names) if (match := _NAME.fullmatch(name))]


def month_index(family: str, moment: datetime) -> str:
    """The concrete index of the month (UTC) that a document was first fetched in."""
    return f"{family}-{moment.year:04d}.{moment.month:02d}-v{MAPPING}"


def create_month(cluster: Cluster, family: str, moment: datetime) -> str:
    """Create the month's index; returns its name.

    Its alias comes from the template: the right to change aliases holds the right to remove indices, and a writer has neither.
    """
    name = month_index(family, moment)
    create(cluster, name, {})
    return name


def _aliasing(family: str) -> dict[str, Any]:
    """The template that puts new months of this mapping behind their alias. It comes after the copying of older ones: a copy
    joins the alias only when it is whole."""
    documents = template("index-documents")
    patterns = [f"{family}-*-v{MAPPING}"]
    return {**documents, "index_patterns": patterns, "priority": 300, "template": {"aliases": {family: {}}}}


def _outdated(cluster: Cluster) -> list[str]:
    """Month indices of an older mapping version."""
    return [month.string for month in _months(cluster) if int(month["version"]) < MAPPING]


def _copy(cluster: Cluster, old: str) -> None:
    """Copy one month to the present mapping. Reading goes on from the old index until the alias moves in one step."""
    match = _NAME.fullmatch(old)
    assert match is not None
    family, new = match["family"], f"{match['family']}-{match['month']}-v{MAPPING}"
    moved = cluster.ask_or_none("GET", path_of(new, "_alias", family))
    if moved:  # an earlier try ended after the alias had moved: readers are on the copy, which must not be made anew
        return
    cluster.ask("PUT", path_of(old, "_settings"), {"index.blocks.write": True})
    cluster.ask_or_none("DELETE", path_of(new))  # half a copy of an earlier try
    cluster.ask("PUT", path_of(new), {})
    copy = {"source": {"index": old}, "dest": {"index": new, "version_type": "external"}}
    cluster.ask("POST", "/_reindex", copy, refresh="true", wait_for_completion="true")
    swap = [{"add": {"index": new, "alias": family}}, {"remove": {"index": old, "alias": family, "must_exist": False}}]
    cluster.ask("POST", "/_aliases", {"actions": swap})
