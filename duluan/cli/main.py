"""`duluan`: registers the command modules lazily and turns every expected error into one line (exit 1)."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperGroup

from duluan.errors import DuluanError


@dataclass(frozen=True, slots=True)
class _Entry:
    module: str  # duluan.cli.<module>, with a Typer called `app`
    help: str


# Command → where it lives. A module that is not imported costs nothing at start.
COMMANDS: dict[str, _Entry] = {
    "extract": _Entry("extract", "Trang đã tải → văn bản (JSON Lines)."),
    "enrich": _Entry("enrich", "Gắn chủ đề, sắc thái, địa danh, từ khóa."),
    "cluster": _Entry("cluster", "Nhận ra bài đăng lại và gom tin bài thành vấn đề."),
    "replay": _Entry("replay", "Chạy lại một dòng dữ liệu qua bộ phát hiện, in ra cảnh báo."),
    "simulate": _Entry("simulate", "Sinh dòng tin giả lập có đáp án, để thử và chấm bộ phát hiện."),
    "redact": _Entry("redact", "Che số điện thoại, giấy tờ, địa chỉ, tên riêng của người dân."),
    "locate": _Entry("locate", "Tìm địa danh của tỉnh trong từng dòng văn bản."),
    "import": _Entry("importing", "Nhập CSV, XLSX, JSON Lines có sẵn vào kho."),
    "search": _Entry("search", "Tìm trong kho, mới nhất trước."),
    "watch": _Entry("watch", "Phát hiện vấn đề chuyển xấu, gửi cảnh báo."),
    "brief": _Entry("brief", "Soạn bản tin tuần."),
    "crawl": _Entry("crawl", "Thu thập từ các nguồn đã khai báo."),
    "sources": _Entry("sources", "Kiểm tra các nguồn."),
    "run": _Entry("run", "Thu thập → phân tích → lưu → cảnh báo, trên nguồn thật."),
    "demo": _Entry("demo", "Chạy trọn quy trình trên một tỉnh mẫu, không cần mạng."),
    "serve": _Entry("serve", "Chạy theo lịch (Prefect)."),
    "zalo": _Entry("zalo", "Đếm tin nhắn gửi tới Zalo OA (webhook), không lưu nội dung."),
    "doctor": _Entry("doctor", "Kiểm tra máy này: thứ gì chạy được, thứ gì còn thiếu."),
    "setup": _Entry("setup", "Tạo lược đồ kho."),
    "issues": _Entry("issues", "Xem, gộp, đổi tên, tách vấn đề."),
    "alerts": _Entry("alerts", "Xem, giải thích, ghi nhận cảnh báo."),
    "label": _Entry("label", "Xuất văn bản để cán bộ gắn nhãn, nhập nhãn trở lại."),
    "eval": _Entry("evaluate", "Đo độ chính xác của các mô hình."),
    "models": _Entry("models", "Huấn luyện mô hình."),
    "retain": _Entry("retain", "Xóa dữ liệu quá hạn lưu."),
    "takedown": _Entry("takedown", "Gỡ một địa chỉ khỏi kho."),
    "backup": _Entry("backup", "Sao lưu kho đang chạy."),
    "restore": _Entry("restore", "Khôi phục kho từ bản sao lưu."),
    "kibana": _Entry("kibana", "Dựng, kiểm tra, nạp bảng Kibana."),
}


class LazyGroup(TyperGroup):
    """Loads a command's module only when that command runs; the list of commands needs none of them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"duluan.cli.{entry.module}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        command.help = command.help or entry.help
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Lệnh"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_commands(ctx, formatter)


app = typer.Typer(cls=LazyGroup, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """duluan – dư luận của một tỉnh: vấn đề nào đang xấu đi, ở đâu, chắc chắn đến mức nào."""


def main() -> None:
    """Entry point; an expected error is one line on standard error."""
    try:
        app()
    except DuluanError as error:
        print(f"duluan: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
