"""The commands over a store: search, setup, retain, takedown, backup, restore; what they print and how they end."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from samples_index import BA_TO, document, numbered
from typer.testing import CliRunner

from duluan.cli.main import app
from duluan.clock import LOCAL, system_clock
from duluan.config import load_province
from duluan.errors import InputError, StoreError
from duluan.records import to_record
from duluan.voices import place_codes
from index import open_store
from index.base import Batch, Index

TET = datetime(2026, 2, 17, 8, 0, tzinfo=LOCAL)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/kho.sqlite"


@pytest.fixture
def store(url: str) -> Index:
    made = open_store(url)
    made.setup()
    made.write(
        Batch(
            documents=[
                numbered(1, published=TET),
                numbered(2, published=TET + timedelta(days=1), topic="thien_tai", places=(BA_TO,), sentiment="neu"),
                numbered(3, published=TET + timedelta(days=2), title="Lễ hội đầu xuân", text="Vui.", sentiment="pos"),
            ]
        )
    )
    return made


def run(url: str, *words: str) -> tuple[list[str], str]:
    """(lines of standard output, standard error) of a command that succeeds."""
    result = CliRunner().invoke(app, [*words, "--store", url], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines(), result.stderr


def test_search_as_json_gives_the_documents(url: str, store: Index) -> None:
    lines, said = run(url, "search", "sat lo", "--json")
    assert [json.loads(line) for line in lines] == [
        json.loads(json.dumps(to_record(item)))
        for item in (store.get(numbered(2).id), store.get(numbered(1).id))
        if item is not None
    ]
    assert "2 văn bản khớp, hiện 2, tìm trong" in said


def test_search_for_people_to_read(url: str, store: Index) -> None:
    lines, _ = run(url, "search", '"cay sung"', "--limit", "1")
    assert (
        lines[0] == "18/02/2026 08:00 · bao.example.vn · Thiên tai, thời tiết · trung tính"
        or "18/02/2026 08:00" in lines[0]
    )
    assert lines[1].strip() == document().title
    assert "⟦Cây Sung⟧" in lines[2]
    assert lines[3].strip() == numbered(2).url


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--since", "2026-02-18"], [3, 2]),
        (["--until", "2026-02-18"], [2, 1]),
        (["--since", "2026-02-18", "--until", "2026-02-18"], [2]),
        (["--until", "2026-02-18T08:00:00+07:00"], [1]),
        (["--topic", "thien_tai"], [2]),
        (["--sentiment", "pos", "--sentiment", "neu"], [3, 2]),
        (["--place", "xã Đăk Hà"], [3, 1]),
        (["--place", "dak ha", "--place", "ba to"], [3, 2, 1]),
        (["--place", "21484"], [2]),
        (["--limit", "2"], [3, 2]),
    ],
)
def test_search_options(url: str, store: Index, options: list[str], numbers: list[int]) -> None:
    lines, _ = run(url, "search", "--json", *options)
    assert [json.loads(line)["id"] for line in lines] == [numbered(n).id for n in numbers]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chude:y_te"], "không có trường"),
        (["topic:khong_co"], "không có; chọn một trong"),
        (["x", "--topic", "khong_co"], "không có; chọn một trong"),
        (["x", "--sentiment", "xau"], "neg, neu, pos"),
        (["x", "--since", "hôm qua"], "2026-03-01"),
        (["x", "--place", "Sao Hỏa"], "không có địa danh"),
        (['"mở'], "ngoặc kép"),
    ],
)
def test_what_search_refuses(url: str, store: Index, words: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(url, "search", *words)


def test_more_hits_than_a_page(url: str, store: Index) -> None:
    store.write(Batch(documents=[numbered(n, published=TET) for n in range(10, 1510)]))
    lines, said = run(url, "search", "sạt", "--json", "--limit", "1300")
    assert len({json.loads(line)["id"] for line in lines}) == 1300
    assert "1502 văn bản khớp" in said


def test_setup_twice(url: str) -> None:
    assert run(url, "setup")[0] == [f"Kho sẵn sàng: {url}"]
    assert run(url, "setup")[0] == [f"Kho sẵn sàng: {url}"]


def test_retain_says_what_it_did(url: str, store: Index, tmp_path: Path) -> None:
    store.write(Batch(documents=[numbered(50, fetched=system_clock() - timedelta(days=40), text="Dài. " * 200)]))
    lines, _ = run(url, "retain", "--state", str(tmp_path / "state"))
    assert lines[0].split()[0] in {"1", "4"}  # the fixed dates of the others pass the limit one day
    kept = store.get(numbered(50).id)
    assert kept is not None
    assert len(kept.text) <= 300


def test_takedown_and_after(url: str, store: Index) -> None:
    assert run(url, "takedown", "http://www.bao.example.vn/tin-1.html?fbclid=1")[0] == ["Đã gỡ."]
    assert store.get(numbered(1).id) is None
    assert "Không có trong kho" in run(url, "takedown", numbered(77).url)[0][0]
    result = store.write(Batch(documents=[numbered(77)]))
    assert [item.reason for item in result.rejected] == ["taken_down"]


def test_takedown_of_no_address(url: str, store: Index) -> None:
    with pytest.raises(InputError, match="không phải địa chỉ"):
        run(url, "takedown", "chữ gì đó")


def test_takedown_of_a_nukeviet_page_by_any_of_its_addresses(url: str, store: Index) -> None:
    from duluan.urls import canonical_url

    page = "https://so.example.gov.vn/vi/news/tin-tuc/sat-lo-4821.html"
    short = canonical_url(page, nukeviet=True)
    store.write(Batch(documents=[document(short)]))
    assert run(url, "takedown", page)[0] == ["Đã gỡ."]
    assert store.get(document(short).id) is None


def test_backup_and_restore(url: str, store: Index, tmp_path: Path) -> None:
    run(url, "backup", str(tmp_path / "b.sqlite"))
    store.takedown(numbered(1).url, TET)
    store.close()
    run(url, "restore", str(tmp_path / "b.sqlite"))
    fresh = open_store(url)
    assert fresh.get(numbered(1).id) is not None
    fresh.close()


def test_restore_of_nothing(url: str, store: Index, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="chưa có tệp"):
        run(url, "restore", str(tmp_path / "khong-co.sqlite"))


def test_a_node_that_is_down() -> None:
    with pytest.raises(StoreError, match="không kết nối được") as raised:
        run("http://127.0.0.1:1", "search", "x")
    assert "\n" not in str(raised.value)


def test_doctor_lets_the_store_check_itself(url: str, store: Index, tmp_path: Path) -> None:
    store.close()
    sound = CliRunner().invoke(app, ["doctor", "--store", url])
    assert "tự kiểm tra không thấy lỗi" in sound.stdout
    with sqlite3.connect(tmp_path / "kho.sqlite") as db:
        db.execute("UPDATE hourly SET documents = 7 WHERE place = ''")
    db.close()
    broken = CliRunner().invoke(app, ["doctor", "--store", url])
    assert broken.exit_code == 1
    assert "hourly: " in broken.stdout
    assert "duluan restore" in broken.stdout


def test_names_of_places(province_dir: Path) -> None:
    profile = load_province(province_dir)
    names = place_codes(profile.units)
    assert names["dak ha"] == names["xa dak ha"] == ("23500",)
    assert len(names["huyen dak ha"]) > 3
    assert "23500" in names["huyen dak ha"]
    for code, name in profile.commune_names.items():
        from duluan.text import search_tokens

        assert code in names[" ".join(search_tokens(name))]
