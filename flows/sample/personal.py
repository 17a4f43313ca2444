"""Personal data planted in the sample: none of it may survive anywhere in a store or under an output folder.

All of it is invented. Numbers are written as people write them to get round filters; `SECRETS` holds each form to look for.
"""

from __future__ import annotations

from typing import Final

# (sentence that goes into a text, what of it must vanish)
PLANTED: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Ai cần gấp thì gọi em số 0905 184 273 nhé.", ("0905 184 273", "0905184273")),
    ("Liên hệ 0914.726.385 gặp chị Tư.", ("0914.726.385", "0914726385")),
    ("Zalo em o9o7 55 28 16 nha mọi người.", ("o9o7 55 28 16",)),
    ("Sđt: 0 3 8 6 2 7 1 9 4 5, gọi sau giờ làm.", ("0 3 8 6 2 7 1 9 4 5",)),
    ("Máy bàn nhà tôi 0255 3 748 216.", ("0255 3 748 216",)),
    ("Gọi +84 977 402 618 giúp tôi với.", ("+84 977 402 618", "977 402 618")),
    ("Gửi ảnh về hộp thư thanhtruc.venlo@example.com nhé.", ("thanhtruc.venlo@example.com", "thanhtruc.venlo")),
    ("Mail mình: baominh_trabla (a) example.net.", ("baominh_trabla",)),
    ("Xe biển số 76C1-482.91 cứ xả khói đen.", ("76C1-482.91",)),
    ("Ủng hộ qua STK 1903 5567 8210 14 ngân hàng quê mình.", ("1903 5567 8210 14", "19035567821014")),
    ("CCCD của tôi 051085003927 cũng bị chụp lại.", ("051085003927",)),
)
SECRETS: Final[tuple[str, ...]] = tuple(form for _, forms in PLANTED for form in forms)
EVERY = 33  # one of so many posts and comments carries a sentence of PLANTED
