"""One connector per `via` of sources.toml. Importing this package registers them all."""

from crawlers.connectors import facebook, feeds, listing, nukeviet, sitemap, zalo
from crawlers.connectors.base import CONNECTORS, Connector, Found, Lead, Session

__all__ = [
    "CONNECTORS",
    "Connector",
    "Found",
    "Lead",
    "Session",
    "facebook",
    "feeds",
    "listing",
    "nukeviet",
    "sitemap",
    "zalo",
]
