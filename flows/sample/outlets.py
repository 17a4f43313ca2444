"""The outlets of the sample province: who publishes, by which way they are read, and where they stand on this machine.

The ports are fixed, so that a page has the same address, and so the same id, in every run. They lie below the ephemeral
ranges of Linux and macOS; where one is taken, the server falls back to a free port (`flows.sample.server`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from duluan.model import Kind

Via = Literal["nukeviet", "rss", "facebook", "zalo"]
Host = Literal["portal", "song_tra", "dak_bla", "graph", "zalo"]

PORTS: Final[Mapping[Host, int]] = {"portal": 28471, "song_tra": 28472, "dak_bla": 28473, "graph": 28474, "zalo": 28475}
DEFAULT_BASES: Final[Mapping[Host, str]] = {host: f"http://127.0.0.1:{port}" for host, port in PORTS.items()}
OA_ID: Final = "4318066020260320"  # of the invented Official Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One source. `page` is a Facebook Page's name in the Graph API; `feed` what a source's address adds to the host."""

    id: str
    name: str
    via: Via
    kind: Kind
    host: Host
    feed: str
    trust: int
    expected: tuple[float, float]  # items a day
    page: str = ""
    rules: str | None = None


PORTAL = Outlet(
    id="mau_cong_thong_tin",
    name="Cổng thông tin tỉnh (mẫu)",
    via="nukeviet",
    kind="news",
    host="portal",
    feed="/vi/news/",
    trust=5,
    expected=(0, 6),
    rules="nukeviet",
)
SONG_TRA = Outlet(
    id="mau_bao_song_tra",
    name="Báo Sông Trà (mẫu)",
    via="rss",
    kind="news",
    host="song_tra",
    feed="/rss/tin-moi.rss",
    trust=4,
    expected=(0, 10),
    rules="vnexpress",  # the markup that it imitates
)
DAK_BLA = Outlet(
    id="mau_dak_bla_online",
    name="Đăk Bla Online (mẫu)",
    via="rss",
    kind="news",
    host="dak_bla",
    feed="/rss/home.rss",
    trust=4,
    expected=(0, 10),
)
QUE_NHA = Outlet(
    id="mau_fb_que_nha",
    name="Trang Quê nhà Quảng Ngãi (mẫu)",
    via="facebook",
    kind="post",
    host="graph",
    feed="/v26.0/quenha",
    trust=3,
    expected=(8, 80),
    page="quenha",
)
PHO_NUI = Outlet(
    id="mau_fb_pho_nui",
    name="Trang Phố núi Kon Tum (mẫu)",
    via="facebook",
    kind="post",
    host="graph",
    feed="/v26.0/phonui",
    trust=3,
    expected=(8, 80),
    page="phonui",
)
ZALO_OA = Outlet(
    id="mau_oa_tra_bla",
    name="Zalo OA Nhịp sống Trà – Bla (mẫu)",
    via="zalo",
    kind="news",
    host="zalo",
    feed="/v2.0",
    trust=4,
    expected=(0, 6),
)

OUTLETS: Final[tuple[Outlet, ...]] = (PORTAL, SONG_TRA, DAK_BLA, QUE_NHA, PHO_NUI, ZALO_OA)
BY_ID: Final[Mapping[str, Outlet]] = {outlet.id: outlet for outlet in OUTLETS}
PRESS: Final[tuple[Outlet, ...]] = (SONG_TRA, DAK_BLA, PORTAL, ZALO_OA)
PAGES: Final[tuple[Outlet, ...]] = (QUE_NHA, PHO_NUI)
