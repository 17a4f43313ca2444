"""One connector per `via` of sources.toml. Importing this package registers them all."""

from crawlers.connectors import comments, facebook, feeds, listing, nukeviet, rendered, sitemap, zalo
from crawlers.connectors.base import CONNECTORS, Connector, Found, Lead, Session

__all__ = [
    "CONNECTORS",
    "Connector",
    "Found",
    "Lead",
    "Session",
    "comments",
    "facebook",
    "feeds",
    "listing",
    "nukeviet",
    "rendered",
    "sitemap",
    "zalo",
]
