"""Where a crawler may connect: http(s) to public addresses only. The first check of the gate, repeated at every redirect.

A name is looked up once, by a resolver that drops refused addresses, and the connection goes to an address that passed:
there is no second look-up for DNS rebinding to win (see `scrapy_engine.GuardedResolver`). Names such as `0x7f.1` or
`2130706433`, which the system's resolver turns into addresses, meet the same check.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from crawlers.outcome import Refused

_PORTS_REFUSED = frozenset({22, 23, 25, 110, 143, 389, 445, 465, 587, 993, 995, 3306, 5432, 6379, 11211, 27017})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
MAX_URL = 2083


def host_key(url: str) -> str:
    """scheme://host:port, the unit of robots.txt and of pace. Raises Refused where there is none."""
    parts = split_url(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def split_url(url: str) -> SplitResult:
    """The parts of an http(s) address. Raises Refused for another scheme, credentials, a bad port or no host."""
    if len(url) > MAX_URL:
        raise Refused("forbidden_address", "địa chỉ quá dài")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("forbidden_address", "địa chỉ sai dạng") from None
    if parts.scheme not in {"http", "https"}:
        raise Refused("forbidden_address", f"giao thức {parts.scheme[:20]!r} không được phép; chỉ http, https")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise Refused("forbidden_address", "thiếu tên máy chủ hoặc có tên đăng nhập trong địa chỉ")
    if port in _PORTS_REFUSED:
        raise Refused("forbidden_address", f"cổng {port} không phải cổng web")
    return parts


def check_url(url: str, *, allow_loopback: bool) -> None:
    """Refuse an address by its spelling alone; names are checked again when they are looked up."""
    host = str(split_url(url).hostname)
    if (host == "localhost" or host.endswith(".localhost")) and not allow_loopback:
        raise Refused("forbidden_address", "địa chỉ máy nội bộ")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    if not address_allowed(str(address), allow_loopback=allow_loopback):
        raise Refused("forbidden_address", "địa chỉ mạng nội bộ")


def address_allowed(text: str, *, allow_loopback: bool) -> bool:
    """True for a public unicast address; 127.0.0.0/8 and ::1 only where `allow_loopback`."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.sixtofour or address in _NAT64):
        return False  # an IPv4 address in disguise: no honest site is linked that way
    if address.is_loopback:
        return allow_loopback
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_loopback(url: str) -> bool:
    """True where the address names this machine literally (127.0.0.0/8, ::1, localhost)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
