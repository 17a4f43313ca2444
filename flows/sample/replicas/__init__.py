"""Stand-ins for what a crawler meets outside: each speaks its platform's real protocol, its bugs included (reference/crawling.md)."""
