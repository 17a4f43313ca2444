"""Stores behind one protocol (`base.Index`): SQLite on a laptop, Elasticsearch in the province."""
