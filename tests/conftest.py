"""What the tests share: one Elasticsearch, one browser path and the folders of ../shared, each started at most once a run."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract_stores import emptied

from index import open_store
from index.base import Index
from index.elastic_index import ElasticIndex

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker gets all Elasticsearch tests, so that a run starts one server."""
    for item in items:
        # The contract tests ask for the server by the name of their store.
        params = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if "elasticsearch_url" in getattr(item, "fixturenames", ()) or "elasticsearch" in params:
            item.add_marker(pytest.mark.xdist_group("elasticsearch"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ../shared; skips where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not here")
    return SHARED


@pytest.fixture(scope="session")
def province_dir() -> Path:
    """The shipped province profile."""
    return ROOT / "province" / "quang_ngai"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Index]:
    """An empty SQLite store of the test's own."""
    index = open_store(f"sqlite:///{tmp_path / 'kho.sqlite'}")
    index.setup()
    yield index
    index.close()


@pytest.fixture(scope="session")
def elasticsearch_url(shared: Path) -> Iterator[str]:
    """A genuine single-node Elasticsearch on loopback for the whole run; DULUAN_TEST_ELASTICSEARCH names one that runs already."""
    if running := os.environ.get("DULUAN_TEST_ELASTICSEARCH"):
        yield running
        return
    spec = importlib.util.spec_from_file_location("serve", shared / "elasticsearch" / "serve.py")
    assert spec is not None
    assert spec.loader is not None
    serve = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(serve)
    with serve.node() as url:
        yield url


@pytest.fixture
def elastic_url(elasticsearch_url: str) -> str:
    """The run's Elasticsearch, emptied."""
    emptied(elasticsearch_url)
    return elasticsearch_url


@pytest.fixture
def elastic_store(elastic_url: str) -> Iterator[ElasticIndex]:
    """An empty Elasticsearch store."""
    made = ElasticIndex(elastic_url)
    made.setup()
    yield made
    made.close()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Debian's chromium; skips where it is not installed."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    return path
