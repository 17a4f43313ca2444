"""The stores behind one protocol (`index.base.Index`): SQLite for one machine, Elasticsearch for a province."""

from __future__ import annotations

from index.base import Index

__all__ = ["open_store"]


def open_store(url: str) -> Index:
    """The store at `url`: `sqlite:///tệp` (or `sqlite:////tuyệt/đối`) or `http(s)://máy:9200`. Nothing is opened yet.

    Raises StoreError for an address that names no store.
    """
    from duluan.errors import StoreError

    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        from index.sqlite import SqliteIndex

        return SqliteIndex.at(url)
    if url.startswith(("http://", "https://")):
        from index.elastic_index import ElasticIndex

        return ElasticIndex.at(url)
    raise StoreError(f"kho {url!r}: không rõ loại kho; dùng sqlite:///tệp.sqlite hoặc http(s)://máy:9200")
