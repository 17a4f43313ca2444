"""The engine as bytes and back: arrays as npz, everything else as JSON (never pickle). Restored, it goes on to the bit."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, fields
from functools import cache
from typing import Any

import numpy as np

from alerts.baseline import FIELDS, Baselines
from alerts.calibration import Record
from alerts.dispersion import Dispersion
from alerts.engine import Engine
from alerts.episode import Episode
from alerts.exposure import Exposure
from alerts.forecast import Forecasts, Pending
from alerts.hours import HourTable
from alerts.ledger import TABLES, Ledger, Mark, Row
from alerts.memory import Memory
from alerts.nursery import Heard
from alerts.thresholds import Peaks
from duluan.clock import format_time, parse_time
from duluan.config import AlertRules
from duluan.errors import StoreError
from duluan.model import Fetch, Voice

FORMAT = 7
_LEDGERS = ("ledger", "themes", "terms")
_POOLS = ("pool", "shadow")
_POOL = ("normal", "target", "block", "leaning", "lean_target")
_EXPOSURE = ("volume", "live", "by_hour", "by_day", "lags")
_COHORT = ("first", "second", "paired")
_TIMES = ("first", "clock", "ticked", "closed", "recalibrated")


def dump(engine: Engine) -> bytes:
    """Everything `load` needs."""
    arrays: dict[str, Any] = {}
    meta: dict[str, Any] = {"format": FORMAT, "pending": [_item(item) for item in engine.pending]}
    if engine.memory.first is not None:
        meta |= _meta(engine.memory)
        arrays |= _arrays(engine.memory)
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


def _meta(memory: Memory) -> dict[str, Any]:
    exposure, cohort = memory.exposure, memory.cohort
    return {name: getattr(memory, name) for name in _TIMES} | {
        "barred": sorted(memory.barred),
        **{name: _ledger(getattr(memory, name)) for name in _LEDGERS},
        "nursery": {
            key: [[_flat(heard.mark), heard.hours] for heard in waiting]
            for key, waiting in memory.nursery.waiting.items()
        },
        "peaks": {name: asdict(peaks) for name, peaks in memory.peaks.items()},
        "system": {name: asdict(episode) for name, episode in memory.system.items()},
        "bands": _flat(memory.forecasts)
        | {
            "pending": [_flat(entry) for entry in memory.forecasts.pending],
            "records": {hours: [_flat(r) for r in records] for hours, records in memory.forecasts.records.items()},
        },
        "exposure": {
            "first": exposure.first,
            "names": exposure.names,
            "born": exposure.born,
            "tried": [None if value != value else value for value in exposure.tried],
            "gap": exposure.gap,
            "until": exposure.until,
            "base": exposure.voices.base,
        },
        "cohort": {"weight": cohort.weight, "negatives": cohort.negatives, "voices": cohort.voices},
    }


def _ledger(ledger: Ledger) -> dict[str, Any]:
    return {
        "base": ledger.voices.base,
        "per_day": ledger.base.per_day,
        "merged": ledger.merged,
        "origins": ledger.origins,
        "rows": [_row(row) for row in ledger.rows],
    }


def _arrays(memory: Memory) -> dict[str, Any]:
    exposure = memory.exposure
    sources = len(exposure.names)
    arrays: dict[str, Any] = {}
    for name in _LEDGERS:
        arrays |= {f"{name}_{key}": value for key, value in _ledger_arrays(getattr(memory, name)).items()}
    arrays |= {f"exposure_{name}": getattr(exposure, name) for name in _EXPOSURE}
    arrays |= {f"sources_{name}": getattr(exposure, name).data[:sources] for name in ("voices", "lost")}
    arrays |= {"echo_own": memory.echoes.own, "echo_usual": memory.echoes.usual}
    return arrays | {f"cohort_{name}": getattr(memory.cohort, name) for name in _COHORT}


def _ledger_arrays(ledger: Ledger) -> dict[str, Any]:
    count = len(ledger.rows)
    arrays: dict[str, Any] = {name: getattr(ledger, name).data[:count] for name in TABLES}
    arrays["births"] = ledger.born()
    arrays |= {f"base_{name}": getattr(ledger.base, name)[:count] for name in FIELDS}
    for pool in _POOLS:
        arrays |= {f"{pool}_{name}": getattr(getattr(ledger.base, pool), name) for name in _POOL}
    return arrays


def _rebuild(meta: dict[str, Any], arrays: Any, rules: AlertRules | None) -> Engine:
    engine = Engine(rules)
    engine.observe_all(_item_from(entry) for entry in meta["pending"])
    if "first" in meta:
        _remember(engine.memory, meta, arrays)
    return engine


def _remember(memory: Memory, meta: dict[str, Any], arrays: Any) -> None:
    for name in _TIMES:
        setattr(memory, name, meta[name])
    memory.barred = set(meta["barred"])
    memory.nursery.waiting = {
        key: [Heard(_mark_from(mark), [(hour, part) for hour, part in hours]) for mark, hours in waiting]
        for key, waiting in meta["nursery"].items()
    }
    memory.peaks = {track: Peaks(**meta["peaks"][track]) for track in memory.peaks}
    memory.system = {name: Episode(**entry) for name, entry in meta["system"].items()}
    memory.forecasts = _forecasts(meta["bands"])
    memory.exposure = _exposure(meta["exposure"], arrays)
    memory.echoes.own, memory.echoes.usual = arrays["echo_own"], arrays["echo_usual"]
    for name, value in meta["cohort"].items():
        setattr(memory.cohort, name, value)
    for name in _COHORT:
        setattr(memory.cohort, name, arrays[f"cohort_{name}"])
    for name in _LEDGERS:
        prefix = f"{name}_"
        own = {key.removeprefix(prefix): arrays[key] for key in arrays.files if key.startswith(prefix)}
        _fill(getattr(memory, name), meta[name], own)


def _fill(ledger: Ledger, meta: dict[str, Any], arrays: dict[str, Any]) -> None:
    ledger.merged = meta["merged"]
    ledger.origins = {origin: (issue, hour) for origin, (issue, hour) in meta["origins"].items()}
    ledger.rows = [_row_from(entry) for entry in meta["rows"]]
    ledger.index = {row.issue: position for position, row in enumerate(ledger.rows) if row.issue}
    for name in TABLES:
        setattr(ledger, name, _table(meta["base"], arrays[name]))
    ledger.births = np.r_[arrays["births"], np.zeros(64, dtype=np.int64)]
    ledger.base = _baselines(meta, arrays, len(ledger.rows))


def _table(base: int, data: Any) -> HourTable:
    table = HourTable(base, len(data) + 64)
    table.data[: len(data)] = data
    return table


def _baselines(meta: dict[str, Any], arrays: dict[str, Any], count: int) -> Baselines:
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
    exposure.until = meta["until"]
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
    return _flat(row) | {
        "marks": [_flat(mark) for mark in row.marks],
        "episode": _flat(row.episode) if row.episode else None,
    }


def _flat(item: Any) -> dict[str, Any]:
    """Fields by name, values as they are: `asdict` copies them deeply, which took four fifths of a catch-up's time."""
    return {name: getattr(item, name) for name in _names(type(item))}  # type: ignore[arg-type]


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(spec.name for spec in fields(kind))


def _forecasts(meta: dict[str, Any]) -> Forecasts:
    records = {int(hours): [Record(**entry) for entry in entries] for hours, entries in meta["records"].items()}
    return Forecasts(meta["day"], [Pending(**entry) for entry in meta["pending"]], records)


def _row_from(entry: dict[str, Any]) -> Row:
    marks = [_mark_from(mark) for mark in entry["marks"]]
    episode = Episode(**entry["episode"]) if entry["episode"] else None
    return Row(entry["issue"], marks, entry["grown"], episode)


def _mark_from(entry: dict[str, Any]) -> Mark:
    return Mark(**(entry | {"places": tuple(entry["places"])}))


def _item(item: Voice | Fetch) -> dict[str, Any]:
    return {key: format_time(value) if hasattr(value, "tzinfo") else value for key, value in _flat(item).items()}


def _item_from(entry: dict[str, Any]) -> Voice | Fetch:
    if "at" in entry:
        return Fetch(entry["source"], parse_time(entry["at"]), entry["ok"])
    published = parse_time(entry["published"]) if entry["published"] else None
    lists = {name: tuple(entry[name]) for name in ("places", "terms")}
    return Voice(**(entry | {"fetched": parse_time(entry["fetched"]), "published": published} | lists))
