"""`duluan crawl`: the configured sources' new pages and posts → store."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from duluan.cli.common import ProvinceDir, Quiet, StoreUrl, open_index, open_province
from duluan.cli.progress import counter
from duluan.clock import system_clock
from duluan.errors import ConfigError, SourceError
from duluan.settings import loopback_allowed, state_folder

if TYPE_CHECKING:
    from duluan.config import Profile, Source
    from duluan.model import Document, Fetch, Rejected

app = typer.Typer(add_completion=False)


@dataclass(slots=True)
class _Seen:
    """What passed by, per source: documents, rejections by reason, the end of the try."""

    documents: Counter[str] = field(default_factory=Counter)
    rejected: dict[str, Counter[str]] = field(default_factory=dict)
    ok: dict[str, bool] = field(default_factory=dict)

    def __call__(self, item: Document | Rejected | Fetch) -> None:
        from duluan.model import Fetch, Rejected

        if isinstance(item, Fetch):
            self.ok[item.source] = item.ok
        elif isinstance(item, Rejected):
            self.rejected.setdefault(item.source, Counter())[item.reason] += 1
        else:
            self.documents[item.source] += 1


@app.command()
def crawl(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Mã nguồn; bỏ trống: mọi nguồn.")
    ] = None,
    province: ProvinceDir = None,
    store: StoreUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="In mỗi nguồn một dòng JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Thu thập từ các nguồn đã khai báo vào kho: đúng robots.txt, đúng nhịp, bỏ tên tác giả, che thông tin cá nhân."""
    from flows.crawl import crawl_into
    from flows.ingest import Pipeline
    from flows.parallel import ParallelEnricher

    profile = open_province(province)
    sources = chosen(profile, names) if names else switched_on(list(profile.sources))
    index = open_index(store)
    folder = state_folder()
    seen = _Seen()
    try:
        with counter("Thu thập", quiet=quiet) as progress, ParallelEnricher(profile, workers=1) as enrich:
            report = crawl_into(
                index,
                profile,
                sources,
                pipeline=Pipeline(index, enrich, agency_of=profile.agency_id),
                state_dir=folder,
                spool_dir=folder / "spool",
                clock=system_clock,
                allow_loopback=loopback_allowed(),
                force=bool(names),
                progress=progress,
                watch=seen,
            )
    except KeyboardInterrupt:
        print("duluan: đã dừng theo yêu cầu; lần sau crawl đọc tiếp từ chỗ này", file=sys.stderr)
        raise typer.Exit(130) from None
    finally:
        index.close()
    if as_json:
        _print_json(sources, seen)
    if not quiet:
        _tell(sources, seen)
        print(
            f"crawl: {len(seen.ok)} nguồn, ghi mới {report.written}, cập nhật {report.updated}, loại {report.rejections}",
            file=sys.stderr,
        )
    failed = [name for name, ok in seen.ok.items() if not ok]
    if failed and len(failed) == len(seen.ok):
        raise SourceError(f"không nguồn nào đọc được ({', '.join(failed)}); hãy chạy: duluan sources check")
    raise typer.Exit(3 if failed else 0)


def chosen(profile: Profile, names: list[str]) -> list[Source]:
    """The sources called `names`, or all. Raises ConfigError that lists what exists."""
    for name in names:
        if name not in profile.source_by_id:
            known = ", ".join(profile.source_by_id)
            raise ConfigError(f"{profile.folder / 'sources.toml'}: không có nguồn {name!r}; hiện có: {known}")
    return [profile.source_by_id[name] for name in names] if names else list(profile.sources)


def switched_on(sources: list[Source]) -> list[Source]:
    """Without readers' comments that nobody has switched on: they are off until someone names them or says `verified`."""
    return [source for source in sources if not source.switched_off]


def _print_json(sources: list[Source], seen: _Seen) -> None:
    for source in sources:
        record = {
            "source": source.id,
            "tried": source.id in seen.ok,
            "ok": seen.ok.get(source.id),
            "documents": seen.documents[source.id],
            "rejected": dict(sorted(seen.rejected.get(source.id, Counter()).items())),
        }
        print(json.dumps(record, ensure_ascii=False))


def _tell(sources: list[Source], seen: _Seen) -> None:
    for source in sources:
        rejected = ", ".join(f"{reason} {n}" for reason, n in sorted(seen.rejected.get(source.id, Counter()).items()))
        state = {True: "đọc được", False: "không đọc được", None: "chưa thử"}[seen.ok.get(source.id)]
        line = f"{source.id}: {state}, {seen.documents[source.id]} mục" + (f"; loại: {rejected}" if rejected else "")
        print(line, file=sys.stderr)
