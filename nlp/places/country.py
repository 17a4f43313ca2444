"""What the place finder knows of the rest of Vietnam: names of the other provinces (both eras) and of places often named with them.

Needed to see that 'Ngọc Hồi, Hà Nội' is not here. Names are folded; the profile's own names are taken out by the caller.
"""

from __future__ import annotations

from typing import Final

from duluan.text import fold

_PROVINCES = """
An Giang|Bà Rịa Vũng Tàu|Bạc Liêu|Bắc Giang|Bắc Kạn|Bắc Ninh|Bến Tre|Bình Dương|Bình Định|Bình Phước
Bình Thuận|Cà Mau|Cao Bằng|Cần Thơ|Đà Nẵng|Đắk Lắk|Đắk Nông|Điện Biên|Đồng Nai|Đồng Tháp|Gia Lai
Hà Giang|Hà Nam|Hà Nội|Hà Tĩnh|Hải Dương|Hải Phòng|Hậu Giang|Hòa Bình|Hồ Chí Minh|TP HCM|TPHCM
Hưng Yên|Khánh Hòa|Kiên Giang|Kon Tum|Lai Châu|Lạng Sơn|Lào Cai|Lâm Đồng|Long An|Nam Định|Nghệ An
Ninh Bình|Ninh Thuận|Phú Thọ|Phú Yên|Quảng Bình|Quảng Nam|Quảng Ngãi|Quảng Ninh|Quảng Trị|Sóc Trăng
Sơn La|Tây Ninh|Thái Bình|Thái Nguyên|Thanh Hóa|Thừa Thiên Huế|Huế|Tiền Giang|Trà Vinh|Tuyên Quang
Vĩnh Long|Vĩnh Phúc|Yên Bái|Sài Gòn|Vũng Tàu|Bà Rịa
"""
_PLACES = """
Nha Trang|Đà Lạt|Quy Nhơn|Hội An|Pleiku|Buôn Ma Thuột|Buôn Mê Thuột|Phan Thiết|Phan Rang|Tam Kỳ
Hoài Nhơn|An Khê|Thủ Đức|Biên Hòa|Long Thành|Hạ Long|Vinh|Đồng Hới|Đông Hà|Tuy Hòa|Cam Ranh
Côn Đảo|Phú Quốc|Sa Pa|Móng Cái|Việt Trì|Long Xuyên|Rạch Giá|Mỹ Tho|Cần Giờ|Củ Chi|Hóc Môn
Bình Chánh|Nhà Bè|Gò Vấp|Tân Bình|Tân Phú|Phú Nhuận|Thanh Trì|Đông Anh|Gia Lâm|Hoàn Kiếm|Cầu Giấy
Hoàng Mai|Long Biên|Hà Đông|Núi Thành|Trà My|Phước Sơn|Hải Châu|Liên Chiểu|Sơn Trà|Cẩm Lệ
Ngũ Hành Sơn|Hòa Vang|Sa Đéc|Cao Lãnh|Thủ Dầu Một|Dĩ An|Thuận An|Bến Cát|Đồng Xoài|Bảo Lộc
Gia Nghĩa|Chư Păh|Chư Prông|Đức Cơ|Ia Grai
"""


def _folded(block: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(fold(name).split()) for line in block.split("\n") for name in line.split("|") if name)


PROVINCES: Final = _folded(_PROVINCES)
ELSEWHERE: Final = PROVINCES | _folded(_PLACES)
