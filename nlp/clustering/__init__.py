"""Online clustering of documents into issues: terms, live events, merging, staff corrections and snapshots."""
