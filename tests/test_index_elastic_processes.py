"""Killed processes, a killed node, and the roles of a node that asks for a login."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from elastic_node import Node
from samples_index import NOON, alert, numbered

from duluan.errors import StoreError
from duluan.query import Filter
from index.base import Batch
from index.elastic_index import ElasticIndex


@pytest.fixture(scope="module")
def node(shared: Path) -> Iterator[Node]:
    """A node of our own that asks for a login, and that may be killed."""
    made = Node(shared, secure=True)
    made.start()
    yield made
    made.remove()


@pytest.fixture
def secured(node: Node) -> str:
    """Its address."""
    return node.url


WRITER = """
import sys
from samples_index import numbered
from index.base import Batch
from index.elastic_index import ElasticIndex
store = ElasticIndex(sys.argv[1], login=("admin", "duluan-test"))
for batch in range(10_000):
    store.write(Batch(documents=[numbered(batch * 20 + n) for n in range(20)], state={"last": str(batch).encode()}))
    print(batch, flush=True)
"""


COUNT = """
import sys
from duluan.query import Filter
from index.elastic_index import ElasticIndex
print(ElasticIndex(sys.argv[1]).count(Filter()), flush=True)
"""


WRITE_AND_DIE = """
from datetime import UTC, datetime
import os, sys
from samples_index import numbered
from index.base import Batch
from index.elastic_index import ElasticIndex
store = ElasticIndex(sys.argv[1])
# The first batch of a process is recounted for Kibana, which refreshes; the next within a minute is not.
store.write(Batch(documents=[numbered(0, fetched=datetime.now(UTC))]))
store.write(Batch(documents=[numbered(n) for n in range(5)]))
os._exit(9)
"""


def test_what_a_killed_process_wrote_is_seen_at_once_by_the_next(elastic_store: ElasticIndex, elastic_url: str) -> None:
    """Not a second later, when the server refreshes by itself: what was decided would be decided anew, on less."""
    elastic_store.write(Batch(documents=[numbered(0)]))
    assert elastic_store.count(Filter()) == 1
    httpx.put(f"{elastic_url}/duluan-*/_settings", json={"index.refresh_interval": "1h"}).raise_for_status()
    env = os.environ | {"PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    run = [sys.executable, "-c"]
    assert subprocess.run([*run, WRITE_AND_DIE, elastic_url], env=env, check=False).returncode == 9
    assert (
        subprocess.run([*run, COUNT, elastic_url], env=env, check=True, capture_output=True, text=True).stdout == "5\n"
    )
    subprocess.run([*run, WRITE_AND_DIE.replace("range(5)", "range(9)"), elastic_url], env=env, check=False)
    now = datetime.now(UTC)
    assert elastic_store.lease("watch", "ta", now=now, until=now + timedelta(minutes=1)) == "ta"
    assert elastic_store.count(Filter()) == 9
    subprocess.run([*run, WRITE_AND_DIE.replace("range(5)", "range(12)"), elastic_url], env=env, check=False)
    opened = ElasticIndex(elastic_url)
    assert opened.count(Filter()) == 12  # a elastic_store that is opened sees what was acknowledged before
    opened.close()


def test_kill_9_of_the_node_loses_nothing_acknowledged(node: Node) -> None:
    """The writer ends with one line; on the restarted node all that it acknowledged is there once, and the same code goes on."""
    store = ElasticIndex(node.url, login=("admin", "duluan-test"))
    store.setup()
    env = os.environ | {"PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-c", WRITER, node.url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    while (line := process.stdout.readline()) and int(line) < 3:
        pass
    node.kill()
    said, failed = process.communicate(timeout=120)
    acknowledged = int(said.split()[-1]) if said.split() else int(line)
    assert "không kết nối được" in failed.splitlines()[-1] or "lỗi đường truyền" in failed.splitlines()[-1]
    with pytest.raises(StoreError, match="không kết nối được"):
        store.count(Filter())
    node.start()
    ids = [document.id for _, document in store.ingested()]
    assert len(ids) == len(set(ids))
    assert {numbered(n).id for n in range((acknowledged + 1) * 20)} <= set(ids)
    whole = [numbered(n) for n in range((acknowledged + 2) * 20)]
    store.write(Batch(documents=whole))
    assert store.count(Filter()) == len(whole)
    assert store.check() == []
    store.drop()
    store.close()


def test_roles_on_a_secured_node(secured: str, tmp_path: Path) -> None:
    """One test: a second node takes its time to start."""
    host = secured.removeprefix("http://")
    with pytest.raises(StoreError, match="DULUAN_ES_API_KEY"):
        ElasticIndex(f"http://admin:sai@{host}").setup()
    with pytest.raises(StoreError, match="DULUAN_ES_API_KEY"):
        ElasticIndex(secured, api_key="c2FpOnNhaQ==").setup()
    admin = ElasticIndex(f"http://admin:duluan-test@{host}")
    admin.setup()
    assert [line for line in admin.secure(tmp_path) if "đã tạo" in line and "duluan_writer" in line]
    assert len([line for line in admin.secure(tmp_path) if "giữ nguyên" in line]) == 3
    assert "Mật khẩu của kibana_system: đã đặt" in admin.secure(None, "mat-khau-moi")
    assert httpx.get(f"{secured}/_security/_authenticate", auth=("kibana_system", "mat-khau-moi")).status_code == 200
    keys = {name: (tmp_path / f"duluan_{name}.key").read_text() for name in ("writer", "reader", "admin")}
    assert (tmp_path / "duluan_writer.key").stat().st_mode & 0o777 == 0o600
    writer = ElasticIndex(secured, api_key=keys["writer"])
    writer.setup()
    post = numbered(2, kind="post", text="lời riêng")
    writer.write(Batch(documents=[numbered(1), post, numbered(3, fetched=NOON - timedelta(days=90))]))
    writer.put_alerts([alert()])
    writer.audit({"at": NOON, "what": "x"})
    writer.retain(NOON + timedelta(days=1))
    writer.recount()
    assert writer.count(Filter()) == 3
    assert writer.takedown(numbered(3).url, NOON)
    with httpx.Client(base_url=secured, headers={"Authorization": f"ApiKey {keys['writer']}"}) as http:
        for name in ("duluan-audit", "duluan-news-2026.03-v1", "duluan-voices-2026.03-v1", "duluan-state"):
            assert http.delete(f"/{name}").status_code == 403, name
        removal = {"actions": [{"remove_index": {"index": "duluan-news-2026.03-v1"}}]}
        assert http.post("/_aliases", json=removal).status_code == 403
        closing = http.post("/duluan-news-2026.03-v1/_close").status_code
        assert (closing, http.get("/_security/role").status_code) == (403, 403)
        assert http.put("/duluan-audit/_doc/1", json={"n": 1}).status_code == 403, "append-only"
        assert http.put("/_index_template/x", json={"index_patterns": ["x"]}).status_code == 403
    with httpx.Client(base_url=secured, headers={"Authorization": f"ApiKey {keys['reader']}"}) as http:
        for name in ("duluan-news", "duluan-hourly", "duluan-alerts", "duluan-issues", "duluan-fetches"):
            assert http.get(f"/{name}/_search").status_code == 200, name
        for name in ("duluan-voices", "duluan-outbox", "duluan-audit", "duluan-history", "duluan-state"):
            assert http.get(f"/{name}/_search").status_code == 403, name
        assert "lời riêng" not in http.get("/duluan-*/_search?size=1000").text
        assert http.post("/duluan-news-2026.03-v1/_doc", json={}).status_code == 403
    keyed = ElasticIndex(secured, api_key=keys["admin"])
    keyed.setup()
    keyed.backup("sao-luu")
    assert keyed.check() == []
    for store in (admin, writer, keyed):
        store.close()
