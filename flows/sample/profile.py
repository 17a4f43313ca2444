"""The sample province's profile: the shipped one with its sources replaced by the replicas on this machine."""

from __future__ import annotations

from duluan.config import Profile, Source
from flows.sample.outlets import OUTLETS, Outlet
from flows.sample.server import Site


def profile(site: Site, base: Profile) -> Profile:
    """`base` (units, topics, agencies, rules as they are) with the sample's sources: no pace, verified, purpose and basis named."""
    return base.model_copy(update={"sources": tuple(_source(outlet, site) for outlet in OUTLETS)})


def _source(outlet: Outlet, site: Site) -> Source:
    return Source(
        id=outlet.id,
        name=outlet.name,
        url=site.bases[outlet.host] + outlet.feed,
        via=outlet.via,
        kind=outlet.kind,
        rules=outlet.rules,
        trust=outlet.trust,
        expected_per_day=outlet.expected,
        delay=0,
        verified=True,
        purpose="Chạy thử toàn bộ hệ thống trên tỉnh mẫu.",
        lawful_basis="Nội dung do dự án tự viết, phục vụ trên chính máy này.",
    )
