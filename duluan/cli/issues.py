"""`duluan issues list|show|merge|rename|split`: staff's word on what is one issue and what it is called, kept for good."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from duluan.cli.common import By, StoreUrl, account, open_index
from duluan.clock import format_time, local, system_clock

if TYPE_CHECKING:
    from duluan.model import Clustered, Issue
    from flows.issues import Officer, Outcome

app = typer.Typer(add_completion=False, no_args_is_help=True)
IssueId = Annotated[str, typer.Argument(metavar="MÃ", help="Mã vấn đề (xem: duluan issues list).")]
AsJson = Annotated[bool, typer.Option("--json", help="In JSON Lines.")]
_LATER = "đã ghi vào nhật ký; kho đang được ghi nên sẽ thực hiện ngay trước lô kế tiếp"


@app.command("list")
def list_(
    store: StoreUrl = None,
    as_json: AsJson = False,
    days: Annotated[int, typer.Option("--days", min=1, help="Có tin mới trong bao nhiêu ngày gần đây.")] = 30,
    limit: Annotated[int, typer.Option(min=1, help="Nhiều nhất bao nhiêu vấn đề.")] = 50,
) -> None:
    """Các vấn đề gần đây, mới nhất trước; vấn đề đã gộp vào vấn đề khác thì không hiện."""
    since = system_clock() - timedelta(days=days)
    issues = [issue for issue in open_index(store).issues() if issue.last >= since and issue.merged_into is None]
    for issue in sorted(issues, key=lambda issue: (issue.last, issue.id), reverse=True)[:limit]:
        typer.echo(_line(issue, as_json=as_json))


@app.command()
def show(
    id: IssueId,
    store: StoreUrl = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, help="Nhiều nhất bao nhiêu văn bản.")] = 50,
) -> None:
    """Một vấn đề và mã các văn bản của nó, mới nhất trước; mã cũ của vấn đề đã gộp cũng dùng được."""
    from duluan.query import Filter
    from flows.leading import standing

    index = open_index(store)
    issue = standing(index, id)
    page = index.search(Filter(issues=(issue.id,)), limit=limit)
    typer.echo(_line(issue, as_json=as_json))
    for hit in page.hits:
        typer.echo(_document(hit.document, as_json=as_json))
    print(f"{page.total} văn bản, hiện {len(page.hits)}", file=sys.stderr)


@app.command()
def merge(
    old: Annotated[str, typer.Argument(metavar="CŨ", help="Mã vấn đề sẽ hết.")],
    new: Annotated[str, typer.Argument(metavar="MỚI", help="Mã vấn đề nhận vào.")],
    store: StoreUrl = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Gộp vấn đề CŨ vào MỚI: văn bản cũ và mới của cả hai đều về MỚI, mã cũ vẫn tra được."""
    from flows import issues

    done = issues.merge(open_index(store), old, new, _officer(by))
    said = f"đã gộp vấn đề {old} vào {done.issue}" if done.changed else f"vấn đề {old} đã thuộc {done.issue} từ trước"
    _tell(done, said, as_json=as_json)


@app.command()
def rename(
    id: IssueId,
    title: Annotated[str, typer.Argument(metavar="TIÊU_ĐỀ", help="Tiêu đề mới, 3–160 ký tự.")],
    store: StoreUrl = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Đặt tiêu đề cho một vấn đề; máy không đổi lại nữa."""
    from flows import issues

    done = issues.rename(open_index(store), id, title, _officer(by))
    named = f"“{done.decision.title}”"
    said = f"vấn đề {done.issue} nay là {named}" if done.changed else f"vấn đề {done.issue} đã mang tiêu đề {named}"
    _tell(done, said, as_json=as_json)


@app.command()
def split(
    id: IssueId,
    documents: Annotated[list[str], typer.Argument(metavar="VĂN_BẢN...", help="Mã các văn bản cần tách ra.")],
    store: StoreUrl = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Tách các văn bản này, cùng bài đăng lại và bình luận của chúng, thành một vấn đề riêng; máy không gộp lại nữa."""
    from flows import issues

    done = issues.split(open_index(store), id, documents, _officer(by))
    count = len(done.decision.documents)
    if not done.applied:
        said = f"tách {count} văn bản khỏi vấn đề {id}"
    elif done.changed:
        said = f"đã tách {count} văn bản khỏi vấn đề {id} thành vấn đề {done.issue}"
    else:
        said = f"các văn bản này đã được tách khỏi vấn đề {id} từ trước, nay thuộc {done.issue}"
    _tell(done, said, as_json=as_json)


def _officer(by: str | None) -> Officer:
    from flows.issues import Officer

    return Officer(account(by), system_clock())


def _tell(done: Outcome, said: str, *, as_json: bool) -> None:
    if as_json:
        asked = done.decision.event()
        names = ("what", "target", "title", "documents")
        record: dict[str, object] = {name: asked[name] for name in names if name in asked}
        record |= {"asked": asked["issue"], "issue": done.issue, "changed": done.changed, "applied": done.applied}
        typer.echo(json.dumps(record, ensure_ascii=False))
    else:
        typer.echo(said if done.applied else f"{said}: {_LATER}")


def _line(issue: Issue, *, as_json: bool) -> str:
    if as_json:
        from index.ledger import dump, issue_record

        return dump(issue_record(issue))
    first, last = local(issue.first), local(issue.last)
    return f"{issue.id}  {first:%d/%m/%Y} – {last:%d/%m/%Y}  {issue.voices:5} lượt  {issue.title}"


def _document(document: Clustered, *, as_json: bool) -> str:
    when = document.published or document.fetched
    if as_json:
        names = ("id", "kind", "source", "url", "title", "origin", "issue")
        record = {name: getattr(document, name) for name in names} | {"time": format_time(when)}
        return json.dumps(record, ensure_ascii=False)
    title = document.title or "(đã quá hạn lưu nội dung)"
    return f"  {document.id}  {local(when):%d/%m/%Y %H:%M}  {document.kind:7} {title}"
