"""Names for the codes that the store holds: what people read on the boards instead of `giao_thong` or `21025`."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from dashboards.kibana.model import Local
from dashboards.words import REASONS, STATES, TIERS, TONES
from duluan.config import Profile

KINDS = {"news": "Báo chí", "post": "Bài đăng", "comment": "Bình luận", "report": "Phản ánh", "survey": "Khảo sát"}
VERDICTS = {"right": "Đúng", "false": "Báo động nhầm"}
READ = {True: "Đọc được", False: "Không đọc được"}


def local(profile: Profile) -> Local:
    """The names of one province. Sources and communes that are not in the profile stay as codes."""
    topics, communes = _capital(profile.topic_names), _capital(profile.commune_names)
    names = {
        "topic": topics,
        "topic2": topics,
        "places": communes,
        "place": communes,
        "source": {source.id: source.name for source in profile.sources},
        "agency": {agency.id: agency.name for agency in profile.agencies},
        "sentiment": _capital(TONES),
        "kind": KINDS,
        "tier": _capital(TIERS),
        "state": _capital(STATES),
        "verdict": VERDICTS,
        "reason": _capital(REASONS),
        "ok": {key: name for value, name in READ.items() for key in (str(value).lower(), str(int(value)))},
    }
    return Local(names=names, centre=_centre(profile))


def _centre(profile: Profile) -> tuple[float, float]:
    known = [(u.lon, u.lat) for u in profile.units if u.era == "now" and u.lon is not None and u.lat is not None]
    if not known:
        return (0.0, 0.0)  # Kibana fits the map to the polygons when it opens
    return round(fmean(lon for lon, _ in known), 3), round(fmean(lat for _, lat in known), 3)


def _capital(names: Mapping[str, str]) -> dict[str, str]:
    return {code: name[:1].upper() + name[1:] for code, name in names.items()}
