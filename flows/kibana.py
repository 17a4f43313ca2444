"""Kibana boards over the store: build, the six checks, and pushing them with the map's polygons.

The sixth check asks every panel's question twice: as the aggregation that Lens would send to Elasticsearch, and by plain
evaluation over what SQLite holds of the same documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from dashboards.kibana import checks
from dashboards.kibana.boards import BOARDS, SEARCHES, VIEWS
from dashboards.kibana.model import Panel, ProvinceMap
from dashboards.kibana.question import Answer, aggregation, answer, evaluate, map_aggregation
from dashboards.kibana.saved import ndjson, objects
from duluan.errors import ConfigError, StoreError
from duluan.model import KINDS, VOICE_KINDS
from duluan.privacy import MIN_CELL
from duluan.query import Filter
from duluan.voices import commune_codes
from index import elastic_schema
from index.base import Index
from index.elastic_hourly import CHANNELS, CUTS
from index.elastic_index import ElasticIndex

Row = dict[str, Any]
TOLERANCE = 1e-4  # relative; Elasticsearch keeps averages' terms as 32-bit floats


def build() -> str:
    """The NDJSON of all boards."""
    return ndjson(BOARDS, SEARCHES, VIEWS)


def check_files() -> list[str]:
    """Checks 1–5; what is wrong."""
    return [
        *checks.saved_objects(objects(BOARDS, SEARCHES, VIEWS)),
        *checks.fields(BOARDS, SEARCHES, template_fields()),
    ]


def template_fields() -> dict[str, dict[str, Any]]:
    """Index (as data views name it) → field → mapping, from the templates that `duluan setup` installs."""
    documents = elastic_schema.template("component-documents")["template"]["mappings"]["properties"]
    found = {elastic_schema.NEWS: checks.flat(documents), elastic_schema.VOICES: checks.flat(documents)}
    for name in (*elastic_schema.LEDGERS, elastic_schema.SHAPES):
        properties = elastic_schema.template(name.removeprefix("duluan-"))["mappings"]["properties"]
        found[name] = checks.flat(properties)
    return found


def check_numbers(elastic: ElasticIndex, oracle: Index) -> Iterator[tuple[str, str, int, str]]:
    """Check 6: (board, panel, rows compared, what differs or ''). Both stores hold the same documents."""
    elastic.recount()
    rows = {name: list(read(oracle)) for name, read in ROWS.items()}
    for board in BOARDS:
        for panel in board.panels:
            if isinstance(panel, ProvinceMap):
                yield board.title, panel.title, *_compare_map(elastic, panel, rows[panel.view.index])
                continue
            asked = answer(panel, elastic.aggregate(panel.view.index, aggregation(panel)))
            expected = evaluate(panel, rows[panel.view.index])
            yield board.title, panel.title, len(expected), difference(asked, expected)


def difference(asked: Answer, expected: Answer) -> str:
    """The first difference, or ''."""
    if list(asked) != list(expected):
        odd = next((pair for pair in zip(asked, expected, strict=False) if pair[0] != pair[1]), None)
        return f"các dòng khác nhau: {len(asked)} và {len(expected)}" + (f", từ {odd[0]} và {odd[1]}" if odd else "")
    for key, values in expected.items():
        for got, wanted in zip(asked[key], values, strict=True):
            if not _same(got, wanted):
                return f"{key}: {got} ≠ {wanted}"
    return ""


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return (one or 0.0) == (other or 0.0)
    return abs(one - other) <= TOLERANCE * max(1.0, abs(other))


def _compare_map(elastic: ElasticIndex, panel: ProvinceMap, rows: list[Row]) -> tuple[int, str]:
    buckets = elastic.aggregate(panel.view.index, map_aggregation(panel))["aggregations"]["join"]["buckets"]
    asked: Answer = {(bucket["key"],): (float(bucket["doc_count"]),) for bucket in buckets}
    expected: dict[tuple[Any, ...], tuple[float | None, ...]] = {}
    for code in sorted({code for row in rows for code in row[panel.term]}):
        expected[code,] = (float(sum(code in row[panel.term] for row in rows)),)
    return len(expected), difference(dict(sorted(asked.items())), expected)


def _news(store: Index) -> Iterator[Row]:
    kinds = tuple(kind for kind in KINDS if kind not in VOICE_KINDS)
    for d in store.documents(Filter(kinds=kinds)):
        yield {
            "at": d.published or d.fetched,
            "source": d.source,
            "topic": d.topic,
            "sentiment": d.sentiment,
            "p_neg": d.sentiment_p["neg"],
            "places": commune_codes(d.places),
            "keywords": d.keywords,
            "origin": d.origin,
            "issue": d.issue,
            "delay_minutes": None if d.published is None else (d.fetched - d.published).total_seconds() / 60,
        }


def _hourly(store: Index) -> Iterator[Row]:
    for channel, kinds in CHANNELS.items():
        for cut, keys in CUTS.items():
            for cell in store.counts(Filter(kinds=kinds), keys):
                below = channel == "voices" and cell.voices < MIN_CELL
                numbers = {} if below else {"documents": cell.documents, "voices": cell.voices}
                yield {"hour": cell.hour or cell.day, "cut": cut, "channel": channel, "below": below, **numbers}


def _issues(store: Index) -> Iterator[Row]:
    for issue in store.issues():
        yield {"title": issue.title or None, "voices": issue.voices, "last": issue.last, "topic": issue.topic}


VERDICTS = {"acknowledged": "right", "false_alarm": "false"}


def _alerts(store: Index) -> Iterator[Row]:
    for alert in store.alerts():
        states = [entry["state"] for entry in store.alert_history(alert.id) if entry["state"] != "version"]
        judged = [VERDICTS[state] for state in states if state in VERDICTS]
        yield {
            "detected": alert.detected,
            "tier": alert.tier,
            "title": alert.title,
            "topic": alert.topic,
            "voices": alert.voices,
            "share": alert.share,
            "state": states[-1] if states else None,
            "verdict": judged[-1] if judged else None,
            "delay_hours": (alert.detected - alert.started).total_seconds() / 3600,
        }


def _fetches(store: Index) -> Iterator[Row]:
    for fetch in store.fetches():
        yield {"at": fetch.at, "source": fetch.source, "ok": fetch.ok}


def _rejections(store: Index) -> Iterator[Row]:
    for source, reason, count in store.rejections():
        for _ in range(count):
            yield {"source": source, "reason": reason}


ROWS: Mapping[str, Callable[[Index], Iterator[Row]]] = {
    "duluan-news": _news,
    "duluan-hourly": _hourly,
    "duluan-issues": _issues,
    "duluan-alerts": _alerts,
    "duluan-fetches": _fetches,
    "duluan-rejections": _rejections,
}


def push(kibana: str, user: tuple[str, str] | None, api_key: str | None) -> int:
    """Import the boards into a running Kibana; how many objects it took. Raises StoreError where it refuses any."""
    headers = {"kbn-xsrf": "duluan"} | ({"Authorization": f"ApiKey {api_key}"} if api_key else {})
    upload = {"file": ("duluan.ndjson", build().encode(), "application/ndjson")}
    url = f"{kibana.rstrip('/')}/api/saved_objects/_import"
    try:
        answer = httpx.post(url, params={"overwrite": "true"}, files=upload, headers=headers, auth=user, timeout=120)
    except httpx.HTTPError as error:
        raise StoreError(
            f"Kibana {kibana}: không kết nối được ({type(error).__name__}); hãy kiểm tra địa chỉ --url"
        ) from None
    if answer.status_code in {401, 403}:
        raise StoreError(
            f"Kibana {kibana}: sai đăng nhập hoặc thiếu quyền ({answer.status_code}); cần quyền quản trị Kibana"
        )
    if answer.status_code != 200:
        raise StoreError(f"Kibana {kibana}: trả lời {answer.status_code}; hãy xem nhật ký Kibana rồi chạy lại")
    result = answer.json()
    if not result["success"]:
        refused = ", ".join(
            f"{e['type']} {e.get('title', e['id'])} ({e['error']['type']})" for e in result["errors"][:3]
        )
        raise StoreError(f"Kibana {kibana}: từ chối {len(result['errors'])} đối tượng: {refused}")
    return int(result["successCount"])


def shapes(folder: Path) -> Iterator[Row]:
    """The province's polygons as documents of duluan-communes. Raises ConfigError where map.geojson is missing or damaged."""
    path = folder / "map.geojson"
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        for feature in features:
            named = feature["properties"]
            yield {"code": named["code"], "name": f"{named['type']} {named['name']}", "shape": feature["geometry"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: không đọc được ranh giới xã, phường ({type(error).__name__})") from None


def panels() -> Iterator[tuple[str, Panel]]:
    """(board, panel) of all charts."""
    for board in BOARDS:
        for panel in board.panels:
            if isinstance(panel, Panel):
                yield board.title, panel
