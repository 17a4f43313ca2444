"""One round on the configured real sources: crawl → enrich → index → watch. `duluan run` and the schedule call it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from duluan.config import Profile, Source
from duluan.errors import ConfigError

CHECKED = "checked_sources.json"  # in the state folder: sources that passed `duluan sources check` on this installation


def startable(
    profile: Profile, state_dir: Path, wanted: Sequence[str] = ()
) -> tuple[list[Source], list[tuple[Source, str]]]:
    """(sources that may run, [(skipped, why)]): verified in the profile, or passed `sources check` here.

    Raises ConfigError where `wanted` names a source that is not configured.
    """
    for name in wanted:
        if name not in profile.source_by_id:
            raise ConfigError(
                f"{profile.folder / 'sources.toml'}: không có nguồn {name!r}; hiện có: {', '.join(profile.source_by_id)}"
            )
    chosen = [profile.source_by_id[name] for name in wanted] if wanted else list(profile.sources)
    checked = _checked(state_dir)
    may: list[Source] = []
    skipped: list[tuple[Source, str]] = []
    for source in chosen:
        if not (source.purpose and source.lawful_basis):
            skipped.append((source, "chưa ghi mục đích (purpose) và căn cứ (lawful_basis)"))
        elif not source.verified and source.id not in checked:
            skipped.append((source, "chưa kiểm chứng; hãy chạy: duluan sources check " + source.id))
        else:
            may.append(source)
    return may, skipped


def _checked(state_dir: Path) -> set[str]:
    path = state_dir / CHECKED
    if not path.is_file():
        return set()
    try:
        return set(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        raise ConfigError(f"{path}: tệp hỏng; xóa tệp rồi chạy lại: duluan sources check") from None
