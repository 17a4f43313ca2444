"""See docs/architecture.md for where this package stands in the flow."""
