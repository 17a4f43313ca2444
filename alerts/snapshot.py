"""The engine as bytes and back: arrays as npz, everything else as JSON (never pickle). Restored, it goes on to the bit."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from alerts.baseline import FIELDS, Baselines
from alerts.dispersion import Dispersion
from alerts.engine import Engine, Mark, Row
from alerts.episode import Episode
from alerts.exposure import Exposure
from alerts.hours import HourTable
from alerts.newborn import Cohort
from alerts.thresholds import Peaks
from duluan.clock import format_time, parse_time
from duluan.config import AlertRules
from duluan.errors import StoreError
from duluan.model import Fetch, Voice

FORMAT = 2
_TABLES = ("voices", "negatives", "flags", "held", "held_negatives")
_POOLS = ("pool", "shadow")
_POOL = ("normal", "target", "block", "leaning", "lean_target")
_EXPOSURE = ("volume", "live", "by_hour", "by_day", "lags")
_COHORT = ("first", "second", "paired")


def dump(engine: Engine) -> bytes:
    """Everything `load` needs."""
    arrays: dict[str, Any] = {}
    meta: dict[str, Any] = {"format": FORMAT, "pending": [_item(entry[3]) for entry in engine.pending]}
    if engine.first is not None:
        meta |= _meta(engine)
        arrays |= _arrays(engine)
    arrays["meta"] = np.frombuffer(json.dumps(meta, ensure_ascii=False).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def load(blob: bytes, rules: AlertRules | None = None) -> Engine:
    """The engine that `dump` wrote. Raises StoreError for anything else."""
    try:
        with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
            meta = json.loads(arrays["meta"].tobytes())
            if meta["format"] != FORMAT:
                raise StoreError(f"trạng thái bộ phát hiện ở dạng {meta['format']}, bản này đọc dạng {FORMAT}")
            return _rebuild(meta, arrays, rules)
    except (ValueError, KeyError, OSError) as error:
        raise StoreError(f"trạng thái bộ phát hiện trong kho bị hỏng: {error}") from None


def _meta(engine: Engine) -> dict[str, Any]:
    exposure, cohort = engine.exposure, engine.cohort
    return {
        "first": engine.first,
        "clock": engine.clock,
        "ticked": engine.ticked,
        "closed": engine.closed,
        "recalibrated": engine.recalibrated,
        "barred": sorted(engine.barred),
        "base": engine.voices.base,
        "per_day": engine.base.per_day,
        "merged": engine.merged,
        "origins": engine.origins,
        "rows": [_row(row) for row in engine.rows],
        "peaks": {name: asdict(peaks) for name, peaks in engine.peaks.items()},
        "system": {name: asdict(episode) for name, episode in engine.system.items()},
        "exposure": {
            "first": exposure.first,
            "names": exposure.names,
            "born": exposure.born,
            "tried": [None if value != value else value for value in exposure.tried],
            "gap": exposure.gap,
            "worth": exposure.worth,
            "base": exposure.voices.base,
        },
        "cohort": {"weight": cohort.weight, "negatives": cohort.negatives, "voices": cohort.voices},
    }


def _arrays(engine: Engine) -> dict[str, Any]:
    count, sources = len(engine.rows), len(engine.exposure.names)
    arrays = {name: getattr(engine, name).data[:count] for name in _TABLES}
    arrays |= {f"base_{name}": getattr(engine.base, name)[:count] for name in FIELDS}
    for pool in _POOLS:
        arrays |= {f"{pool}_{name}": getattr(getattr(engine.base, pool), name) for name in _POOL}
    arrays |= {f"exposure_{name}": getattr(engine.exposure, name) for name in _EXPOSURE}
    arrays |= {f"sources_{name}": getattr(engine.exposure, name).data[:sources] for name in ("voices", "lost")}
    return arrays | {f"cohort_{name}": getattr(engine.cohort, name) for name in _COHORT}


def _rebuild(meta: dict[str, Any], arrays: Any, rules: AlertRules | None) -> Engine:
    engine = Engine(rules)
    engine.observe_all(_item_from(entry) for entry in meta["pending"])
    if "first" not in meta:
        return engine
    for name in ("first", "clock", "ticked", "closed", "recalibrated", "merged"):
        setattr(engine, name, meta[name])
    engine.barred = set(meta["barred"])
    engine.origins = {origin: (issue, hour) for origin, (issue, hour) in meta["origins"].items()}
    engine.rows = [_row_from(entry) for entry in meta["rows"]]
    engine.index = {row.issue: position for position, row in enumerate(engine.rows) if row.issue}
    engine.peaks = {name: Peaks(**entry) for name, entry in meta["peaks"].items()}
    engine.system = {name: Episode(**entry) for name, entry in meta["system"].items()}
    for name in _TABLES:
        setattr(engine, name, _table(meta["base"], arrays[name]))
    engine.base = _baselines(meta, arrays, len(engine.rows))
    engine.exposure = _exposure(meta["exposure"], arrays)
    engine.cohort = Cohort()
    for name, value in meta["cohort"].items():
        setattr(engine.cohort, name, value)
    for name in _COHORT:
        setattr(engine.cohort, name, arrays[f"cohort_{name}"])
    return engine


def _table(base: int, data: Any) -> HourTable:
    table = HourTable(base, len(data) + 64)
    table.data[: len(data)] = data
    return table


def _baselines(meta: dict[str, Any], arrays: Any, count: int) -> Baselines:
    base = Baselines(count + 64)
    base.per_day = meta["per_day"]
    for name in FIELDS:
        getattr(base, name)[:count] = arrays[f"base_{name}"]
    for pool in _POOLS:
        setattr(base, pool, Dispersion(**{name: arrays[f"{pool}_{name}"] for name in _POOL}))
    return base


def _exposure(meta: dict[str, Any], arrays: Any) -> Exposure:
    exposure = Exposure(meta["first"])
    exposure.names, exposure.born, exposure.gap = meta["names"], meta["born"], meta["gap"]
    exposure.worth = meta["worth"]
    exposure.tried = [float("nan") if value is None else value for value in meta["tried"]]
    exposure.index = {name: position for position, name in enumerate(exposure.names)}
    for name in _EXPOSURE:
        setattr(exposure, name, arrays[f"exposure_{name}"])
    exposure.voices = _table(meta["base"], arrays["sources_voices"])
    exposure.lost = _table(meta["base"], arrays["sources_lost"])
    grow = len(exposure.voices.data) - len(exposure.volume)
    for name in ("volume", "live"):
        setattr(exposure, name, np.r_[getattr(exposure, name), np.zeros(max(grow, 0))])
    return exposure


def _row(row: Row) -> dict[str, Any]:
    return asdict(row)


def _row_from(entry: dict[str, Any]) -> Row:
    marks = [Mark(**(mark | {"places": tuple(mark["places"])})) for mark in entry["marks"]]
    episode = Episode(**entry["episode"]) if entry["episode"] else None
    return Row(entry["issue"], entry["born"], marks, entry["grown"], episode)


def _item(item: Voice | Fetch) -> dict[str, Any]:
    return {key: format_time(value) if hasattr(value, "tzinfo") else value for key, value in asdict(item).items()}


def _item_from(entry: dict[str, Any]) -> Voice | Fetch:
    if "at" in entry:
        return Fetch(entry["source"], parse_time(entry["at"]), entry["ok"])
    published = parse_time(entry["published"]) if entry["published"] else None
    return Voice(
        **(entry | {"fetched": parse_time(entry["fetched"]), "published": published, "places": tuple(entry["places"])})
    )
